/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start.h"

#include "model/counts.h"

Status start_fresh(Trainer *t, Listener *listener)
{
    const Model *m = &t->model;
    const TablesOptions options = {
        .counted = m->counted, .threads = t->dev.threads, .listener = listener};
    if (!m->shape.candidates) return OK;
    return counts_fill(&m->counts, &m->counts_memory, &t->file, &options);
}

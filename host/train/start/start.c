/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start/start.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "model/cold.h"
#include "model/counts.h"
#include "model/spectral/shares.h"
#include "model/spectral/spectral.h"
#include "train/start/answers.h"
#include "train/start/standardise.h"

static Status count(Trainer *t, Listener *listener)
{
    const Model *m = &t->model;
    const TablesOptions options = {
        .counted = m->counted, .threads = t->dev.threads, .listener = listener};
    return counts_fill(&m->counts, &m->counts_memory, &t->file, &options);
}

/* `popularity` is memory of the host. */
static Status start_bias(Trainer *t, const float *popularity)
{
    const Tensor bias = t->model.params.copy[PARAM_VALUE][t->model.at.head[HEAD_POLICY].bias];
    const int64_t items = t->model.shape.items;
    float *value = malloc((size_t)items * sizeof *value);
    if (!value) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", items);
    for (int64_t a = 0; a < items; a++) value[a] = (float)log(popularity[a] + 0.5);
    device_copy_in(&t->dev, bias.data, value, tensor_bytes(bias));
    free(value);
    return t->dev.status;
}

/* Writes the vectors, of which the categories of items get a share. */
static Status write_items(Trainer *t, float *vectors, const float *popularity)
{
    const Model *m = &t->model;
    const Tensor *value = m->params.copy[PARAM_VALUE];
    const ModelShape *s = &m->shape;
    if (cold_wanted(s)) {
        const size_t count = (size_t)(s->item_categories * s->dim);
        float *category = malloc((count + 1) * sizeof *category);
        if (!category)
            return FAIL(ERR_MEMORY, "no memory for the vectors of %" PRId64 " categories",
                        s->item_categories);
        const Status st =
            shares(vectors, category, popularity, s->items, s->dim, &t->file.item_features);
        if (st == OK && s->item_categories)
            device_copy_in(&t->dev, value[m->at.item_category].data, category,
                           count * sizeof *category);
        free(category);
        TRY(st);
    }
    device_copy_in(&t->dev, value[m->at.item_id].data, vectors, tensor_bytes(value[m->at.item_id]));
    return t->dev.status;
}

static Status start_items(Trainer *t, const CountTable *counts, Listener *listener)
{
    const Config *c = &t->config;
    const SpectralOptions options = {.dim = t->model.shape.dim,
                                     .length = (float)c->model_spectral,
                                     .spread = (float)c->model_init_std,
                                     .seed = (uint64_t)c->train_seed,
                                     .threads = t->dev.threads,
                                     .listener = listener};
    float *vectors;
    TRY(spectral_vectors(&vectors, counts, &t->file.item_features, &options));
    const Status st = write_items(t, vectors, f32(counts->popularity));
    free(vectors);
    return st;
}

static Status start_weights(Trainer *t, Listener *listener)
{
    const Model *m = &t->model;
    void *host = device_read(&t->dev, m->counts_memory.base, m->counts_memory.used);
    if (!host) return t->dev.status;
    const CountTable counts = counts_on_host(&m->counts, &m->counts_memory, host);
    Status st = start_bias(t, f32(counts.popularity));
    const bool begins = !*t->config.train_from; /* else the vectors of items are those of a model */
    if (st == OK && t->config.model_spectral > 0 && begins) st = start_items(t, &counts, listener);
    device_read_done(&t->dev, host);
    return st;
}

Status start_fresh(Trainer *t, Listener *listener)
{
    TRY(answers_start(t));
    if (!t->model.shape.candidates) return OK;
    TRY(count(t, listener));
    TRY(standardise(t));
    return start_weights(t, listener);
}

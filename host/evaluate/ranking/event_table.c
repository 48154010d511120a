/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/event_table.h"

#include <inttypes.h>

#include "base/files.h"

typedef struct {
    const Evaluation *evaluation;
    const Histories *histories;
} Table;

static Status write_table(const void *content, FILE *out)
{
    const Table *t = content;
    const Evaluation *e = t->evaluation;
    const ScoredEvents *s = &e->events;
    fputs("user\thistory\ttarget", out);
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].ranks)
            fprintf(out, "\t%s above\t%s ties", e->scorer[k].name, e->scorer[k].name);
    fputc('\n', out);
    for (int64_t u = 0; u < s->users; u++)
        for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
            fprintf(out, "%" PRId64 "\t%" PRId64 "\t%" PRId32, s->user[u],
                    s->event[i] - t->histories->offset[s->user[u]], s->target[i]);
            for (int k = 0; k < e->scorers; k++)
                if (e->scorer[k].ranks)
                    fprintf(out, "\t%" PRId32 "\t%" PRId32, e->ranking[k].above[i],
                            e->ranking[k].ties[i]);
            fputc('\n', out);
        }
    return OK;
}

Status event_table_write(const char *path, const Evaluation *e, const Histories *h)
{
    return files_atomic_write(path, write_table, &(Table){e, h});
}

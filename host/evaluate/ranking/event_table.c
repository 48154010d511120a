/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/event_table.h"

#include <inttypes.h>

#include "base/files.h"

static void write_head(const Evaluated *k, FILE *out)
{
    for (int s = 0; s < k->seeds && k->scorer.ranks; s++) {
        char name[64];
        snprintf(name, sizeof name, s ? "%s seed %d" : "%s", k->scorer.name, s + 1);
        fprintf(out, "\t%s above\t%s ties", name, name);
    }
}

static Status write_table(const void *content, FILE *out)
{
    const Evaluation *e = content;
    const ScoredEvents *s = &e->events;
    fputs("user\thistory\ttarget", out);
    for (int k = 0; k < e->scorers; k++) write_head(&e->scorer[k], out);
    fputc('\n', out);
    for (int64_t u = 0; u < s->users; u++)
        for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
            fprintf(out, "%" PRId64 "\t%" PRId64 "\t%" PRId32, s->user[u],
                    s->known[i] - e->histories->offset[s->user[u]], s->target[i]);
            for (int k = 0; k < e->scorers; k++)
                for (int j = 0; j < e->scorer[k].seeds && e->scorer[k].scorer.ranks; j++)
                    fprintf(out, "\t%" PRId32 "\t%" PRId32, e->scorer[k].ranking[j].above[i],
                            e->scorer[k].ranking[j].ties[i]);
            fputc('\n', out);
        }
    return OK;
}

Status event_table_write(const char *path, const Evaluation *e)
{
    return files_atomic_write(path, write_table, e);
}

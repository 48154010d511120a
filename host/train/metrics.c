/* SPDX-License-Identifier: Apache-2.0 */
#include "train/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"

/* Drops the lines of steps after `step`: a resumed run writes them again. */
static Status keep_until(const char *path, int64_t step)
{
    FILE *from = fopen(path, "r");
    if (!from) return errno == ENOENT ? OK : FAIL(ERR_IO, "%s: %s", path, strerror(errno));
    AtomicFile to = {0};
    char *line = NULL;
    size_t capacity = 0;
    Status st;
    TRY_OR_FAIL(st, files_atomic_open(&to, path));
    while (getline(&line, &capacity, from) > 0) {
        json_t *record = json_loads(line, 0, NULL);
        const json_t *at = json_object_get(record, "step");
        if (json_is_integer(at) && json_integer_value(at) <= step) fputs(line, to.stream);
        json_decref(record);
    }
    st = files_atomic_commit(&to);
fail:
    files_atomic_close(&to);
    free(line);
    fclose(from);
    return st;
}

Status metrics_open(Metrics *m, const char *folder, int64_t step)
{
    snprintf(m->path, sizeof m->path, "%s/metrics.jsonl", folder);
    TRY(keep_until(m->path, step));
    m->file = fopen(m->path, step > 0 ? "a" : "w");
    return m->file ? OK : FAIL(ERR_IO, "%s: cannot open: %s", m->path, strerror(errno));
}

void metrics_step(Metrics *m, const StepReport *r, int64_t epoch, double seconds)
{
    fprintf(m->file, "{\"step\": %" PRId64 ", \"epoch\": %" PRId64 ", \"loss\": %.9g, ", r->step,
            epoch, r->losses.total);
    for (int i = 0; i < LOSSES; i++)
        fprintf(m->file, "\"%s\": %.9g, ", objective_loss_name[i], r->losses.mean[i]);
    fprintf(m->file,
            "\"lr\": %.9g, \"gradient_norm\": %.9g, \"tokens\": %" PRId64 ", \"seconds\": %.6f}\n",
            r->lr, r->gradient_norm, r->tokens, seconds);
}

/* `"key": x, `, or nothing where x is not a number, which JSON does not have. */
static void write_known(FILE *file, const char *key, double x)
{
    if (isfinite(x)) fprintf(file, "\"%s\": %.9g, ", key, x);
}

void metrics_validation(Metrics *m, int64_t step, const ValidationResult *r, const Estimate *gain,
                        int64_t events)
{
    fprintf(m->file, "{\"step\": %" PRId64 ", \"valid_ndcg10\": %.9g, ", step, r->ndcg10);
    write_known(m->file, "valid_ndcg10_error", r->error);
    write_known(m->file, "valid_gain", gain->value);
    write_known(m->file, "valid_gain_error", gain->error);
    fprintf(m->file, "\"valid_hr10\": %.9g, \"valid_events\": %" PRId64 "}\n", r->hr10, events);
}

Status metrics_flush(Metrics *m)
{
    if (fflush(m->file) == 0) return OK;
    return FAIL(ERR_IO, "%s: cannot write: %s", m->path, strerror(errno));
}

void metrics_close(Metrics *m)
{
    if (m->file) fclose(m->file);
    m->file = NULL;
}

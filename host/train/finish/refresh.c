/* SPDX-License-Identifier: Apache-2.0 */
#include "train/finish/refresh.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/identity/hash.h"
#include "model/counts.h"
#include "model/heads.h"
#include "model/saved.h"

/* What is written in the place of tensors and metadata of the file. */
typedef struct {
    Device dev; /* of the host */
    Arena memory;
    CountTable counts;
    float *bias;                 /* [items]; NULL: the model has none */
    char fingerprint[HASH_TEXT]; /* of the log that is counted */
} Fresh;

static void fresh_close(Fresh *f)
{
    free(f->bias);
    arena_close(&f->memory);
    device_close(&f->dev);
}

static double events_of(const float *popularity, int64_t items)
{
    double sum = 0.0;
    for (int64_t a = 0; a < items; a++) sum += (double)popularity[a] + 0.5;
    return sum;
}

/* What the calibration gives new items, as a bias: an item that is counted from now on keeps it,
 * unless its count says more. 0 where the file has no such number. */
static Status read_cold(const Safetensors *file, double *cold)
{
    const int64_t one = 1;
    Tensor number, factor;
    *cold = 0.0;
    if (!safetensors_find(file, "calibration.cold")) return OK;
    TRY(safetensors_get(file, "calibration.cold", F32, 1, &one, &number));
    TRY(safetensors_get(file, "calibration.factor", F32, 1, &one, &factor));
    if (*f32(factor) > 0.0f) *cold = (double)*f32(number) / (double)*f32(factor);
    return OK;
}

static Status move_bias(Fresh *f, const Safetensors *file, int64_t items)
{
    const char *name = heads_table[HEAD_POLICY].bias;
    Tensor bias, before;
    double cold;
    TRY(read_cold(file, &cold));
    TRY(safetensors_get(file, name, F32, 1, &items, &bias));
    TRY(safetensors_get(file, "counts.popularity", F32, 1, &items, &before));
    f->bias = malloc((size_t)items * sizeof *f->bias);
    if (!f->bias) return FAIL(ERR_MEMORY, "%s: no memory for %s", file->path, name);
    const float *old = f32(before), *new = f32(f->counts.popularity);
    const double all = log(events_of(new, items) / events_of(old, items));
    for (int64_t a = 0; a < items; a++) {
        const bool first = old[a] == 0.0f && new[a] > 0.0f;
        const double ratio = log(((double)new[a] + 0.5) / ((double)old[a] + 0.5));
        const double more = first ? fmax(ratio, cold) : ratio;
        f->bias[a] = (float)((double)f32(bias)[a] + more - all);
    }
    return OK;
}

/* Counts in a table of the file's catalogue and, where that has grown, leaves out what is new. */
static Status count(Fresh *f, const Behaviour *b, const RefreshOptions *options, int64_t width,
                    const CatalogueMatch *match)
{
    const TablesOptions tables = {
        .counted = options->counted, .threads = options->threads, .listener = options->listener};
    Arena memory = {0};
    CountTable all;
    if (match->same) {
        TRY(counts_open(&f->counts, &f->memory, b->items, width, &f->dev));
        return counts_fill(&f->counts, &f->memory, b, &tables);
    }
    TRY(counts_open(&f->counts, &f->memory, match->rows[ROWS_ITEM].then, width, &f->dev));
    Status st;
    TRY_OR_FAIL(st, counts_open(&all, &memory, b->items, width, &f->dev));
    TRY_OR_FAIL(st, counts_fill(&all, &memory, b, &tables));
    counts_leave_new(&f->counts, &all, match);
    listener_warn(options->listener,
                  "%s: %" PRId64 " of %" PRId64 " items are new to the model, which goes on "
                  "without them: a training with train.from takes them in",
                  b->path, match->fresh, b->items);
fail:
    arena_close(&memory);
    return st;
}

static Status fresh_open(Fresh *f, const Safetensors *file, const Behaviour *b,
                         const RefreshOptions *options, const CatalogueMatch *match)
{
    const int64_t width = counts_width(file);
    if (!width)
        return FAIL(ERR_USAGE,
                    "%s has no count table to refresh, want a model with a policy and "
                    "model.candidates > 0",
                    file->path);
    TRY(saved_pairs(file));
    TRY(device_open(&f->dev, "cpu", options->threads));
    TRY(count(f, b, options, width, match));
    TRY(hash_events_said(b, f->fingerprint));
    return move_bias(f, file, f->counts.item.dim[0]);
}

static void replace(NamedTensor *tensors, int count, const char *name, const void *data)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(tensors[i].name, name)) tensors[i].tensor.data = (void *)(uintptr_t)data;
}

static void replace_text(Metadata *metadata, int count, const char *key, const char *value)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(metadata[i].key, key)) metadata[i].value = value;
}

static Status write_fresh(const Fresh *f, const Safetensors *file, int counted)
{
    NamedTensor table[COUNTS_TENSORS];
    NamedTensor *tensors = malloc((size_t)file->count * sizeof *tensors);
    Metadata *metadata = malloc((size_t)file->metadata_count * sizeof *metadata);
    char value[16];
    Status st = OK;
    if (!tensors || !metadata) st = FAIL(ERR_MEMORY, "%s: no memory for the header", file->path);
    for (int i = 0; st == OK && i < file->count; i++) tensors[i] = file->tensors[i];
    for (int i = 0; st == OK && i < file->metadata_count; i++) metadata[i] = file->metadata[i];
    if (st == OK) {
        counts_list(table, &f->counts, &f->memory, f->memory.base);
        for (int i = 0; i < COUNTS_TENSORS; i++)
            replace(tensors, file->count, table[i].name, table[i].tensor.data);
        replace(tensors, file->count, heads_table[HEAD_POLICY].bias, f->bias);
        snprintf(value, sizeof value, "%d", counted);
        replace_text(metadata, file->metadata_count, "counted", value);
        replace_text(metadata, file->metadata_count, "fingerprint", f->fingerprint);
        st = safetensors_write(file->path, tensors, file->count, metadata, file->metadata_count);
    }
    free(tensors);
    free(metadata);
    return st;
}

Status refresh(const char *path, const Behaviour *b, const RefreshOptions *options)
{
    Safetensors file;
    Fresh f = {0};
    TRY(safetensors_open(&file, path));
    CatalogueMatch match;
    Status st = saved_match(&match, &file, b);
    if (st == OK) st = fresh_open(&f, &file, b, options, &match);
    if (st == OK) st = write_fresh(&f, &file, options->counted);
    match_close(&match);
    fresh_close(&f);
    safetensors_close(&file);
    return st;
}

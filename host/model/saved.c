/* SPDX-License-Identifier: Apache-2.0 */
#include "model/saved.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/behaviour/catalogue/write.h"
#include "data/behaviour/identity/hash.h"
#include "data/behaviour/identity/inputs.h"
#include "model/counts.h"

Status saved_find(char *found, size_t size, const char *path, bool resumable)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors"};
    struct stat info;
    if (stat(path, &info) != 0) return FAIL(ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) return snprintf(found, size, "%s", path), OK;
    for (size_t i = resumable ? 1 : 0; i < sizeof names / sizeof *names; i++) {
        snprintf(found, size, "%s/%s", path, names[i]);
        if (stat(found, &info) == 0) return OK;
    }
    return FAIL(ERR_IO, "%s: no %slast.safetensors in this folder", path,
                resumable ? "" : "best.safetensors or ");
}

static const char catalogue_name[] = "catalogue.h5";

Status saved_write_catalogue(const Behaviour *b, const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, catalogue_name);
    return catalogue_write(b, path);
}

enum { PATH_BYTES = 4096 };
_Static_assert(PATH_BYTES + sizeof catalogue_name <= SAVED_PATH, "a path with the name behind it");

/* The model of a run, and where its catalogue would be. */
static Status find_both(char model[PATH_BYTES], char catalogue[SAVED_PATH], const char *path)
{
    TRY(saved_find(model, PATH_BYTES, path, false));
    const char *slash = strrchr(model, '/');
    snprintf(catalogue, SAVED_PATH, "%.*s%s", slash ? (int)(slash + 1 - model) : 0, model,
             catalogue_name);
    return OK;
}

Status saved_has_catalogue(const char *path, bool *has)
{
    char model[PATH_BYTES], catalogue[SAVED_PATH];
    TRY(find_both(model, catalogue, path));
    *has = access(catalogue, F_OK) == 0;
    return OK;
}

static Status catalogue_of_model(char catalogue[SAVED_PATH], const char *path)
{
    char model[PATH_BYTES];
    TRY(find_both(model, catalogue, path));
    if (access(catalogue, F_OK) == 0) return OK;
    return FAIL(ERR_USAGE,
                "%s has no %s beside it, as runs of earlier versions have none: want the data, the "
                "behaviour file that it was trained on",
                model, catalogue_name);
}

Status saved_open_catalogue(Behaviour *b, const char *path)
{
    char catalogue[SAVED_PATH];
    TRY(catalogue_of_model(catalogue, path));
    return behaviour_open_catalogue(b, catalogue);
}

Status saved_find_catalogue(char found[SAVED_PATH], const char *path)
{
    static const char weights[] = ".safetensors";
    const size_t length = strlen(path), tail = sizeof weights - 1;
    struct stat info;
    if (stat(path, &info) != 0) return FAIL(ERR_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode) || (length > tail && !strcmp(path + length - tail, weights)))
        return catalogue_of_model(found, path);
    snprintf(found, SAVED_PATH, "%s", path);
    return OK;
}

Status saved_config(Config *c, const Safetensors *file)
{
    *c = config_default();
    for (int i = 0; i < config_count(); i++) {
        const char *value = safetensors_metadata(file, config_file_key(i));
        if (value) TRY(config_set(c, config_key(i), value));
    }
    if (safetensors_metadata(file, "catalogue_hash")) return OK;
    return FAIL(ERR_FORMAT, "%s: no \"catalogue_hash\" in its metadata; not a souk checkpoint?",
                file->path);
}

Status saved_catalogue(const Safetensors *file, const Behaviour *b)
{
    const char *hash = safetensors_metadata(file, "catalogue_hash");
    const char *inputs = safetensors_metadata(file, "inputs");
    if (inputs) TRY(inputs_check(file->path, inputs, b, false));
    if (hash && !strcmp(hash, b->catalogue_hash)) return OK;
    return FAIL(ERR_USAGE, "%s was trained on catalogue %.12s, %s has catalogue %.12s", file->path,
                hash ? hash : "(none)", b->path, b->catalogue_hash);
}

Status saved_match(CatalogueMatch *match, const Safetensors *file, const Behaviour *b)
{
    char model[PATH_BYTES], catalogue[SAVED_PATH];
    Behaviour then;
    *match = (CatalogueMatch){.same = true};
    if (saved_catalogue(file, b) == OK) return OK;
    TRY(find_both(model, catalogue, file->path));
    if (access(catalogue, F_OK) != 0) return saved_catalogue(file, b);
    status_clear();
    TRY(behaviour_open_catalogue(&then, catalogue));
    Status st = saved_catalogue(file, &then);
    if (st == OK) st = match_catalogues(match, file->path, &then, b);
    behaviour_close(&then);
    return st;
}

static Status check_finite(const Safetensors *file, const char *name, Tensor t)
{
    for (int64_t e = 0; e < tensor_count(t); e++)
        if (!isfinite(f32(t)[e]))
            return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %g, want a finite number", file->path,
                        name, e, (double)f32(t)[e]);
    return OK;
}

/* Copies runs of rows that follow one another in both tables. */
static void copy_rows(Device *dev, Tensor to, Tensor from, const RowMatch *rows)
{
    const int64_t columns = to.rank > 1 ? to.dim[1] : 1;
    for (int64_t first = 0, end; first < rows->now; first = end) {
        const int32_t source = rows->from[first];
        for (end = first + 1; end < rows->now; end++)
            if (source < 0 || rows->from[end] != source + (end - first)) break;
        if (source >= 0)
            device_copy_in(dev, f32(to) + first * columns, f32(from) + source * columns,
                           (size_t)((end - first) * columns) * sizeof(float));
    }
}

Status saved_load(const Params *p, ParamCopy copy, const char *prefix, const Safetensors *file,
                  int optional, const CatalogueMatch *match)
{
    for (int i = 0; i < p->count; i++) {
        char name[96];
        const ParamInfo *info = &p->info[i];
        const RowMatch *rows =
            match->same || info->rows == ROWS_FIXED ? NULL : &match->rows[info->rows];
        Tensor from, like = p->copy[copy][i];
        const Tensor to = like;
        snprintf(name, sizeof name, "%s%s", prefix, info->name);
        if ((i >= optional || info->later) && !safetensors_find(file, name)) continue;
        if (rows) like.dim[0] = rows->then;
        if (rows && rows->then == 0) continue;
        if (rows && !rows->from)
            return FAIL(ERR_USAGE,
                        "%s reads texts, whose n-grams cannot be matched with those of another "
                        "file: want a file that souk ingest --catalogue made from the model's",
                        file->path);
        TRY(safetensors_get(file, name, F32, like.rank, like.dim, &from));
        TRY(check_finite(file, name, from));
        if (rows)
            copy_rows(p->arena[copy].dev, to, from, rows);
        else
            device_copy_in(p->arena[copy].dev, to.data, from.data, tensor_bytes(to));
    }
    return p->arena[copy].dev->status;
}

Status saved_known(const Safetensors *file, int *known)
{
    const char *counted = safetensors_metadata(file, "counted");
    *known = COUNTED_TRAIN;
    if (!counted && !counts_width(file)) return OK;
    if (!counted || strlen(counted) != 1 || *counted < '0' + COUNTED_TRAIN ||
        *counted > '0' + COUNTED_ALL)
        return FAIL(ERR_FORMAT, "%s: metadata \"counted\" is %s, want 1, 2 or 3", file->path,
                    counted ? counted : "missing");
    *known = *counted - '0';
    return OK;
}

Status saved_pairs(const Safetensors *file)
{
    char want[16];
    const char *pairs = safetensors_metadata(file, "pairs");
    snprintf(want, sizeof want, "%d", PAIR_VERSION);
    if (!counts_width(file) || (pairs && !strcmp(pairs, want))) return OK;
    return FAIL(ERR_FORMAT,
                "%s: its count table weighs pairs of events by version %s, want version %s, in "
                "which weights fall with the time between the events; train the model anew",
                file->path, pairs ? pairs : "1", want);
}

Status saved_counts(Model *m, const Safetensors *file, const CatalogueMatch *match)
{
    TRY(saved_known(file, &m->known));
    if (!m->shape.candidates) return OK;
    TRY(saved_pairs(file));
    TRY(counts_load(&m->counts, &m->counts_memory, file, match));
    m->counted = m->known;
    return OK;
}

bool saved_has_events(const Safetensors *file, const char *fingerprint)
{
    const char *then = safetensors_metadata(file, "fingerprint");
    return !then || !strcmp(then, fingerprint);
}

/* To subtract from the table what it does not count would be wrong. */
static Status count_this_log(Model *m, const Safetensors *file, const Behaviour *b)
{
    char fingerprint[HASH_TEXT];
    if (!m->counted || b->events == 0) return OK;
    TRY(hash_events_said(b, fingerprint));
    if (!saved_has_events(file, fingerprint)) m->counted = 0;
    return OK;
}

/* A file of an earlier version has no rule; its model acts as all models did then, by its first
 * head and with nothing left out. */
static Status saved_acting(Model *m, const Config *c, const char *path)
{
    if (!*c->acting_rule) return OK;
    m->acting.exclude_last = c->acting_exclude_last;
    return acting_read(&m->acting, c->acting_rule, &m->acting, m->shape.head_set, path);
}

static Status find_unknown(Model *m, const CatalogueMatch *match)
{
    if (match->same || match->fresh == 0) return OK;
    m->unknown = calloc((size_t)m->shape.items, sizeof *m->unknown);
    if (!m->unknown)
        return FAIL(ERR_MEMORY, "no memory for a list of %" PRId64 " items", m->shape.items);
    for (int32_t a = 0; a < m->shape.items; a++) m->unknown[a] = match_row(match, ROWS_ITEM, a) < 0;
    m->unknowns = match->fresh;
    return OK;
}

/* The items that the model does not have, and those that are no longer sold, are never chosen. */
static Status shut_items(Model *m, const CatalogueMatch *match, const char *path,
                         const Behaviour *b)
{
    TRY(find_unknown(m, match));
    TRY(retired_read(&m->retired, path, b));
    if (!m->unknown && !m->retired.count) return OK;
    bool *shut = calloc((size_t)m->shape.items, sizeof *shut);
    if (!shut) return FAIL(ERR_MEMORY, "no memory for a list of %" PRId64 " items", m->shape.items);
    for (int64_t a = 0; a < m->shape.items; a++)
        shut[a] = (m->unknown && m->unknown[a]) || (m->retired.item && m->retired.item[a]);
    const Status st = model_shut(m, shut);
    free(shut);
    return st;
}

static ModelShape shape_of(const Config *c, const Behaviour *b, const Safetensors *file)
{
    ModelShape shape = {.dim = c->model_dim,
                        .layers = c->model_layers,
                        .heads = c->model_heads,
                        .ff = c->model_ff,
                        .init_std = (float)c->model_init_std,
                        .log_values = c->learn_log_values,
                        .neighbours = counts_width(file)};
    for (HeadId h = 0; h < HEADS; h++)
        if (safetensors_find(file, heads_table[h].weight)) shape.head_set |= HEAD_BIT(h);
    shape.candidates = shape.neighbours ? c->model_candidates : 0;
    model_shape_of_file(&shape, b);
    if (!safetensors_find(file, "item.text")) shape.item_ngrams = 0;
    return shape;
}

static Status load_matched(Model *m, Config *c, const Behaviour *b, Device *dev,
                           const Safetensors *file, const CatalogueMatch *match)
{
    const ModelShape shape = shape_of(c, b, file);
    TRY(model_open(m, &shape, b, dev));
    TRY(params_open(&m->params, PARAM_VALUE, dev));
    TRY(saved_acting(m, c, file->path));
    TRY(saved_counts(m, file, match));
    TRY(count_this_log(m, file, b));
    TRY(saved_load(&m->params, PARAM_VALUE, "", file, m->params.count, match));
    TRY(shut_items(m, match, file->path, b));
    params_refresh(dev, &m->params, PARAM_VALUE);
    return dev->status;
}

static Status load(Model *m, Config *c, const Behaviour *b, Device *dev, const Safetensors *file)
{
    CatalogueMatch match;
    TRY(saved_config(c, file));
    TRY(saved_match(&match, file, b));
    const Status st = load_matched(m, c, b, dev, file, &match);
    match_close(&match);
    return st;
}

Status saved_open(Model *m, Config *c, const Behaviour *b, Device *dev, const char *path)
{
    char found[4096];
    Safetensors file;
    *m = (Model){0};
    TRY(saved_find(found, sizeof found, path, false));
    TRY(safetensors_open(&file, found));
    const Status st = load(m, c, b, dev, &file);
    safetensors_close(&file);
    if (st != OK) model_close(m);
    return st;
}

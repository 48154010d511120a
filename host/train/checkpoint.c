/* SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "data/behaviour/identity/inputs.h"
#include "model/counts.h"
#include "model/saved.h"
#include "train/start/grown.h"
#include "version.h"

static const char *const prefix[PARAM_COPIES] = {
    [PARAM_VALUE] = "",           [PARAM_GRAD] = NULL,        [PARAM_MOMENT1] = "adamw.m.",
    [PARAM_MOMENT2] = "adamw.v.", [PARAM_TARGET] = "target.",
};

/* ---- Writing --------------------------------------------------------------------------------- */

static const char before_key[] = "moments_steps";

/* The metadata: settings and counters as text, which `values` holds. Returns how many there are. */
enum { COUNTERS = 16, VALUE_MAX = sizeof(Config_text) };

/* What is not known of every best validation. */
enum { MAYBE = 2 };
static const char *const maybe_key[MAYBE] = {"best_error", "best_hr10"};

static int describe(const Trainer *t, const Progression *p, const char *inputs, Metadata *metadata,
                    char (*values)[VALUE_MAX])
{
    int n = 0;
    for (int i = 0; i < config_count(); i++) {
        if (!config_in(i, CONFIG_STORED)) continue;
        config_value(&t->config, i, values[n], VALUE_MAX);
        metadata[n] = (Metadata){config_file_key(i), values[n]};
        n++;
    }
    enum { ALWAYS = 8 };
    const double maybe[MAYBE] = {p->error, p->hr10};
    static const char *const keys[ALWAYS] = {
        "step", "epoch", "batch", "best", "worse", "anneal_from", "anneal_steps", "catalogue_hash"};
    char(*value)[VALUE_MAX] = values + n;
    snprintf(value[0], VALUE_MAX, "%" PRId64, t->step);
    snprintf(value[1], VALUE_MAX, "%" PRId64, p->cursor.epoch);
    snprintf(value[2], VALUE_MAX, "%" PRId64, p->cursor.batch);
    snprintf(value[3], VALUE_MAX, "%.17g", p->best);
    snprintf(value[4], VALUE_MAX, "%" PRId64, p->worse);
    snprintf(value[5], VALUE_MAX, "%" PRId64, t->optimizer.annealing.from);
    snprintf(value[6], VALUE_MAX, "%" PRId64, t->optimizer.annealing.steps);
    snprintf(value[7], VALUE_MAX, "%s", t->file.catalogue_hash);
    snprintf(value[8], VALUE_MAX, "%d", t->model.known);
    snprintf(value[12], VALUE_MAX, "%d", PAIR_VERSION);
    for (int i = 0; i < MAYBE; i++) snprintf(value[9 + i], VALUE_MAX, "%.17g", maybe[i]);
    for (int i = 0; i < ALWAYS; i++) metadata[n++] = (Metadata){keys[i], value[i]};
    for (int i = 0; i < MAYBE; i++)
        if (p->best >= 0.0 && isfinite(maybe[i]))
            metadata[n++] = (Metadata){maybe_key[i], value[9 + i]};
    metadata[n++] = (Metadata){"inputs", inputs};
    metadata[n++] = (Metadata){"souk", SOUK_VERSION};
    snprintf(value[11], VALUE_MAX, "%" PRId64, t->optimizer.before);
    if (t->optimizer.before) metadata[n++] = (Metadata){before_key, value[11]};
    if (*t->fingerprint) metadata[n++] = (Metadata){"fingerprint", t->fingerprint};
    if (t->model.shape.candidates || t->model.known > COUNTED_TRAIN)
        metadata[n++] = (Metadata){"counted", value[8]};
    if (t->model.shape.candidates) metadata[n++] = (Metadata){"pairs", value[12]};
    return n;
}

/* The copies that are written, as the host reads them; NULL: not written. */
typedef struct {
    float *copy[PARAM_COPIES];
    void *counts; /* the count table */
} Read;

static void read_done(const Model *m, Read *read)
{
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++)
        if (read->copy[c]) device_read_done(m->params.arena[c].dev, read->copy[c]);
    device_read_done(m->dev, read->counts);
    *read = (Read){0};
}

static const char ranks_name[] = "validation.ranks";

static Status read_all(const Model *m, bool all, Read *read)
{
    const Params *p = &m->params;
    *read = (Read){0};
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++) {
        if (!prefix[c] || !p->copy[c] || (c != PARAM_VALUE && !all)) continue;
        read->copy[c] = device_read(p->arena[c].dev, p->arena[c].base, p->arena[c].used);
        if (!read->copy[c]) break;
    }
    if (m->shape.candidates)
        read->counts = device_read(m->dev, m->counts_memory.base, m->counts_memory.used);
    if (m->dev->status == OK) return OK;
    read_done(m, read);
    return ERR_DEVICE;
}

static int list_tensors(const Model *m, const Read *read, NamedTensor *list, char (*names)[96])
{
    const Params *p = &m->params;
    int n = 0;
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++) {
        for (int i = 0; i < p->count && read->copy[c]; i++, n++) {
            snprintf(names[n], sizeof names[n], "%s%s", prefix[c], p->info[i].name);
            list[n] = (NamedTensor){names[n], p->copy[c][i]};
            list[n].tensor.data = read->copy[c] + params_first(p, i);
        }
    }
    if (!read->counts) return n;
    counts_list(list + n, &m->counts, &m->counts_memory, read->counts);
    return n + COUNTS_TENSORS;
}

Status checkpoint_write(const Trainer *t, const Progression *p, const char *path, bool all)
{
    const int texts = config_count() + COUNTERS;
    const int tensors = PARAM_COPIES * t->model.params.count + COUNTS_TENSORS + 1;
    char(*values)[VALUE_MAX] = calloc((size_t)texts, sizeof *values);
    Metadata *metadata = calloc((size_t)texts, sizeof *metadata);
    char(*names)[96] = calloc((size_t)tensors, sizeof *names);
    NamedTensor *list = calloc((size_t)tensors, sizeof *list);
    char *inputs = inputs_text(&t->file);
    Read read = {0};
    Status st = values && metadata && names && list && inputs
                    ? read_all(&t->model, all, &read)
                    : FAIL(ERR_MEMORY, "%s: no memory for the header", path);
    if (st == OK) {
        int count = list_tensors(&t->model, &read, list, names);
        if (all && p->ranks.data) list[count++] = (NamedTensor){ranks_name, p->ranks};
        const int described = describe(t, p, inputs, metadata, values);
        st = safetensors_write(path, list, count, metadata, described);
    }
    read_done(&t->model, &read);
    free(inputs);
    free(values);
    free(metadata);
    free(names);
    free(list);
    return st;
}

Status checkpoint_describe(const Trainer *t, const Progression *p)
{
    char path[sizeof(Config_text) + 32];
    snprintf(path, sizeof path, "%s/checkpoint.json", t->config.train_out);
    json_t *root =
        json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:s, s:o}", "schema", "souk-checkpoint-1", "step",
                  (json_int_t)t->step, "epoch", (json_int_t)p->cursor.epoch, "parameters",
                  (json_int_t)params_elements(&t->model.params), "best_validation_ndcg10", p->best,
                  "validations_since_best", (json_int_t)p->worse, "catalogue_hash",
                  t->file.catalogue_hash, "settings", report_settings(&t->config, CONFIG_ALL));
    return report_write(path, root, REPORT_WIDE);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static Status check_settings(const Safetensors *file, const Config *now, ConfigSet set)
{
    Config then;
    ConfigDifference d;
    TRY(saved_config(&then, file));
    if (!config_differ(&then, now, set, &d)) return OK;
    return FAIL(ERR_USAGE, "%s was trained with %s = %s, not %s", file->path, d.key, d.a, d.b);
}

/* Q's weights mean nothing to a Q that is read off in another way. */
static Status check_log_values(const Safetensors *file, const Trainer *t)
{
    Config then;
    TRY(saved_config(&then, file));
    if (!model_has(&t->model, HEAD_Q) || !safetensors_find(file, heads_table[HEAD_Q].weight) ||
        then.learn_log_values == t->config.learn_log_values)
        return OK;
    return FAIL(ERR_USAGE, "%s was trained with learn.log_values = %" PRId64 ", not %" PRId64,
                file->path, then.learn_log_values, t->config.learn_log_values);
}

Status checkpoint_number(const Safetensors *file, const char *key, double *value)
{
    const char *text_value = safetensors_metadata(file, key);
    char *end = NULL;
    if (text_value) *value = strtod(text_value, &end);
    if (!text_value || end == text_value || *end)
        return FAIL(ERR_FORMAT, "%s: metadata \"%s\" is %s, want a number", file->path, key,
                    text_value ? text_value : "missing");
    return OK;
}

Status checkpoint_best(const Safetensors *file, Progression *p)
{
    double *const maybe[MAYBE] = {&p->error, &p->hr10};
    for (int i = 0; i < MAYBE; i++) {
        *maybe[i] = NAN;
        if (safetensors_metadata(file, maybe_key[i]))
            TRY(checkpoint_number(file, maybe_key[i], maybe[i]));
    }
    return checkpoint_number(file, "best", &p->best);
}

/* Runs of versions that did not anneal have no such counters. */
static Status read_annealing(Annealing *a, const Safetensors *file)
{
    double from, steps;
    *a = (Annealing){0};
    if (!safetensors_metadata(file, "anneal_from")) return OK;
    TRY(checkpoint_number(file, "anneal_from", &from));
    TRY(checkpoint_number(file, "anneal_steps", &steps));
    *a = (Annealing){(int64_t)from, (int64_t)steps};
    return OK;
}

/* Only trainings that began with the moments of another have this counter. */
static Status read_before(Optimizer *o, const Safetensors *file)
{
    double before = 0.0;
    if (safetensors_metadata(file, before_key)) TRY(checkpoint_number(file, before_key, &before));
    o->before = (int64_t)before;
    return OK;
}

/* Where the users of validations are others than before, nothing can be compared with them. */
static void restore_ranks(Progression *p, const Safetensors *file)
{
    const Tensor *found = safetensors_find(file, ranks_name);
    if (found && p->ranks.data && found->dtype == I32 &&
        tensor_count(*found) == tensor_count(p->ranks))
        memcpy(p->ranks.data, found->data, tensor_bytes(p->ranks));
}

/* A training goes on with the catalogue that it began with. */
static Status check_catalogue(const Safetensors *file, const Behaviour *b)
{
    CatalogueMatch match;
    TRY(saved_match(&match, file, b));
    const bool same = match.same;
    match_close(&match);
    if (same) return OK;
    return FAIL(ERR_USAGE,
                "%s was trained on a catalogue that has grown in %s: want the same to resume, or "
                "train.from to begin a new training with this model",
                file->path, b->path);
}

static Status restore(Trainer *t, Progression *p, const Safetensors *file)
{
    const CatalogueMatch same = {.same = true};
    double step = 0, epoch = 0, batch = 0, worse = 0;
    TRY(check_settings(file, &t->config, CONFIG_RESUMED));
    TRY(check_catalogue(file, &t->file));
    TRY(checkpoint_number(file, "step", &step));
    TRY(checkpoint_number(file, "epoch", &epoch));
    TRY(checkpoint_number(file, "batch", &batch));
    TRY(checkpoint_best(file, p));
    TRY(checkpoint_number(file, "worse", &worse));
    TRY(read_annealing(&t->optimizer.annealing, file));
    TRY(read_before(&t->optimizer, file));
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++)
        if (prefix[c] && t->model.params.copy[c])
            TRY(saved_load(&t->model.params, c, prefix[c], file, t->model.params.count, &same));
    TRY(saved_counts(&t->model, file, &same));
    if (t->model.known != COUNTED_TRAIN)
        return FAIL(ERR_USAGE,
                    "%s knows the events of %d splits, want 1: a training that is resumed knows "
                    "the train split alone",
                    file->path, t->model.known);
    params_refresh(&t->dev, &t->model.params, PARAM_VALUE);
    params_refresh(&t->dev, &t->model.params, PARAM_TARGET);
    t->step = (int64_t)step;
    p->cursor = (StreamCursor){(int64_t)epoch, (int64_t)batch};
    p->worse = (int64_t)worse;
    restore_ranks(p, file);
    return OK;
}

Status checkpoint_same_events(const char *path, const char *fingerprint, bool *same)
{
    Safetensors file;
    TRY(safetensors_open(&file, path));
    *same = saved_has_events(&file, fingerprint);
    safetensors_close(&file);
    return OK;
}

static Status fill(Config *c, const char *path, ConfigSet set)
{
    Safetensors file;
    Config then;
    TRY(safetensors_open(&file, path));
    const Status st = saved_config(&then, &file);
    if (st == OK) config_fill(c, &then, set);
    safetensors_close(&file);
    return st;
}

Status checkpoint_settings(Config *c, const char *path) { return fill(c, path, CONFIG_STORED); }

Status checkpoint_sizes(Config *c)
{
    char found[4096];
    if (!*c->train_from) return OK;
    TRY(saved_find(found, sizeof found, c->train_from, false));
    return fill(c, found, CONFIG_WEIGHTS);
}

Status checkpoint_resume(Trainer *t, Progression *p, const char *path)
{
    Safetensors file;
    TRY(safetensors_open(&file, path));
    const Status st = restore(t, p, &file);
    safetensors_close(&file);
    return st;
}

/* The moments of last.safetensors; new rows, and heads that it does not have, have none. Their bias
 * is corrected for the steps that they have seen. */
static Status take_moments(Trainer *t, const CatalogueMatch *match)
{
    const Params *p = &t->model.params;
    char found[4096];
    Safetensors file;
    double step, before = 0.0;
    TRY(saved_find(found, sizeof found, t->config.train_from, true));
    TRY(safetensors_open(&file, found));
    Status st = OK;
    char name[96];
    snprintf(name, sizeof name, "%s%s", prefix[PARAM_MOMENT1], p->info[0].name);
    if (!safetensors_find(&file, name))
        TRY_OR_FAIL(st, FAIL(ERR_USAGE,
                             "%s has no moments of the optimizer: want a run's folder with "
                             "last.safetensors, or train.moments = 0",
                             found));
    for (ParamCopy c = PARAM_MOMENT1; c <= PARAM_MOMENT2; c++)
        TRY_OR_FAIL(st, saved_load(p, c, prefix[c], &file, 0, match));
    TRY_OR_FAIL(st, checkpoint_number(&file, "step", &step));
    if (safetensors_metadata(&file, before_key))
        TRY_OR_FAIL(st, checkpoint_number(&file, before_key, &before));
    t->optimizer.before = (int64_t)(step + before);
fail:
    safetensors_close(&file);
    return st;
}

static void remark_growth(const Trainer *t, const CatalogueMatch *match, Listener *listener)
{
    if (match->same) return;
    listener_remark(listener,
                    "%s knows %" PRId64 " of the %" PRId64 " items; %" PRId64 " are new to it",
                    t->config.train_from, t->model.shape.items - match->fresh, t->model.shape.items,
                    match->fresh);
}

Status checkpoint_begin(Trainer *t, Listener *listener)
{
    char found[4096];
    Safetensors file;
    CatalogueMatch match = {0};
    const int first_head = t->model.at.final_norm + 1;
    if (!*t->config.train_from) return OK;
    TRY(saved_find(found, sizeof found, t->config.train_from, false));
    TRY(safetensors_open(&file, found));
    Status st;
    TRY_OR_FAIL(st, check_settings(&file, &t->config, CONFIG_WEIGHTS));
    TRY_OR_FAIL(st, check_log_values(&file, t));
    TRY_OR_FAIL(st, saved_match(&match, &file, &t->file));
    TRY_OR_FAIL(st, saved_load(&t->model.params, PARAM_VALUE, "", &file, first_head, &match));
    TRY_OR_FAIL(st, grown_start(t, &match));
    if (t->config.train_moments) TRY_OR_FAIL(st, take_moments(t, &match));
    remark_growth(t, &match, listener);
    trainer_begin(t);
fail:
    match_close(&match);
    safetensors_close(&file);
    return st;
}

Status checkpoint_begin_counts(Trainer *t)
{
    char found[4096];
    Safetensors file;
    if (!*t->config.train_from) return OK;
    TRY(saved_find(found, sizeof found, t->config.train_from, false));
    TRY(safetensors_open(&file, found));
    CatalogueMatch match;
    Status st = saved_match(&match, &file, &t->file);
    if (st == OK) st = saved_counts(&t->model, &file, &match);
    match_close(&match);
    const char *fingerprint = safetensors_metadata(&file, "fingerprint");
    snprintf(t->fingerprint, sizeof t->fingerprint, "%s", fingerprint ? fingerprint : "");
    t->model.counted = 0;
    safetensors_close(&file);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/info/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/report.h"
#include "cli/info/catalogue.h"
#include "cli/info/print.h"
#include "model/counts.h"
#include "model/saved.h"
#include "train/calibration/fit.h"

typedef struct {
    Safetensors file;
    Config config;
    HeadSet heads;
    ActingRule acting;
    bool found;         /* the file has a rule; else the one of earlier versions */
    double noise, kept; /* of Q; NaN: not measured */
    const char *states; /* "744 validation" */
    double step, best;  /* best: of NDCG@10 on validation, negative: none */
    double error, hr10; /* of the same validation: its standard error, HR@10; NaN: not known */
    int64_t parameters;
    /* The count table; neighbours 0: there is none. */
    int64_t neighbours, items;
    int splits; /* whose events it counts */
    double events;
    Calibration calibration;
} Card;

static const char *const splits_text[] = {"no split", "the train split", "train and validation",
                                          "all splits"};

bool info_model_is(const char *path)
{
    static const char ending[] = ".safetensors";
    struct stat info;
    const size_t length = strlen(path), end = strlen(ending);
    return (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) ||
           (length > end && !strcmp(path + length - end, ending));
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* `count` numbers of the tensor called `name`. */
static Status numbers(const Safetensors *file, const char *name, int64_t count, double *to)
{
    Tensor from;
    TRY(safetensors_get(file, name, F32, 1, &count, &from));
    for (int64_t i = 0; i < count; i++) to[i] = (double)f32(from)[i];
    return OK;
}

/* A number of the metadata. */
static Status counter(const Safetensors *file, const char *key, double *value)
{
    const char *text = safetensors_metadata(file, key);
    char *end = NULL;
    if (text) *value = strtod(text, &end);
    if (text && end != text && !*end) return OK;
    return FAIL(ERR_FORMAT, "%s: metadata \"%s\" is %s, want a number", file->path, key,
                text ? text : "missing");
}

static Status counter_or_nan(const Safetensors *file, const char *key, double *value)
{
    *value = NAN;
    return safetensors_metadata(file, key) ? counter(file, key, value) : OK;
}

/* The numbers of all tensors but those of the count table and of a training that can be resumed. */
static int64_t parameters(const Safetensors *file)
{
    static const char *const other[] = {"counts.", "adamw.", "target.", "validation."};
    int64_t sum = 0;
    for (int i = 0; i < file->count; i++) {
        bool is = true;
        for (size_t k = 0; k < sizeof other / sizeof *other; k++)
            is &= strncmp(file->tensors[i].name, other[k], strlen(other[k])) != 0;
        sum += is ? tensor_count(file->tensors[i].tensor) : 0;
    }
    return sum;
}

/* The numbers of the fit, of those that train/calibration has written. */
static Status read_calibration(Card *c)
{
    double base, dense, linear[COUNT_FEATURES], mean[COUNT_FEATURES], scale[COUNT_FEATURES];
    Calibration *to = &c->calibration;
    TRY(numbers(&c->file, "calibration.factor", 1, &to->dense));
    TRY(numbers(&c->file, "calibration.state", COUNT_STATE_FEATURES, to->state));
    TRY(numbers(&c->file, "calibration.base", 1, &base));
    TRY(numbers(&c->file, "calibration.dense", 1, &dense));
    TRY(numbers(&c->file, "calibration.linear", COUNT_FEATURES, linear));
    TRY(numbers(&c->file, "candidates.mean", COUNT_FEATURES, mean));
    TRY(numbers(&c->file, "candidates.scale", COUNT_FEATURES, scale));
    to->score[1] = linear[CALIBRATION_SEEN] * scale[CALIBRATION_SEEN];
    to->score[0] = base - to->score[1] * mean[CALIBRATION_SEEN];
    to->score[2] = dense;
    if (!safetensors_find(&c->file, "calibration.cold")) return OK;
    return numbers(&c->file, "calibration.cold", 1, &to->cold);
}

static Status read_counts(Card *c)
{
    const Tensor *popularity = safetensors_find(&c->file, "counts.popularity");
    c->neighbours = counts_width(&c->file);
    if (!c->neighbours || !c->config.model_candidates) return c->neighbours = 0, OK;
    TRY(saved_known(&c->file, &c->splits));
    if (!popularity || popularity->dtype != F32)
        return FAIL(ERR_FORMAT, "%s: a count table with %s popularity, want f32 numbers",
                    c->file.path, popularity ? "another" : "no");
    c->items = tensor_count(*popularity);
    for (int64_t i = 0; i < c->items; i++) c->events += (double)f32(*popularity)[i];
    return read_calibration(c);
}

static Status read_acting(Card *c)
{
    c->acting = acting_by_head(heads_choosing(c->heads) ? heads_default(c->heads) : HEAD_POLICY);
    c->found = *c->config.acting_rule;
    c->noise = c->kept = NAN;
    if (!c->found) return OK;
    c->acting.exclude_last = c->config.acting_exclude_last;
    TRY(acting_read(&c->acting, c->config.acting_rule, &c->acting, c->heads, c->file.path));
    c->states = safetensors_metadata(&c->file, "acting_states");
    if (!c->states) return OK;
    TRY(counter(&c->file, "acting_noise", &c->noise));
    return counter(&c->file, "acting_kept", &c->kept);
}

static Status read_card(Card *c, const char *path)
{
    char found[4096];
    TRY(saved_find(found, sizeof found, path, false));
    TRY(safetensors_open(&c->file, found));
    TRY(saved_config(&c->config, &c->file));
    for (HeadId h = 0; h < HEADS; h++)
        if (safetensors_find(&c->file, heads_table[h].weight)) c->heads |= HEAD_BIT(h);
    TRY(counter(&c->file, "step", &c->step));
    TRY(counter(&c->file, "best", &c->best));
    TRY(counter_or_nan(&c->file, "best_error", &c->error));
    TRY(counter_or_nan(&c->file, "best_hr10", &c->hr10));
    c->parameters = parameters(&c->file);
    TRY(read_acting(c));
    return read_counts(c);
}

/* ---- Printing -------------------------------------------------------------------------------- */

static bool is_calibrated(const Card *c)
{
    const Calibration *at = &c->calibration;
    bool changed = at->dense != calibration_none.dense || at->cold != 0.0;
    for (int k = 0; k < COUNT_STATE_FEATURES; k++) changed |= at->state[k] != 0.0;
    for (int k = 0; k < CALIBRATION_SCORES; k++) changed |= at->score[k] != 0.0;
    return changed;
}

static void print_counts(const Card *c)
{
    const Calibration *at = &c->calibration;
    if (!c->neighbours) {
        printf("count table: none; items are scored by their vectors alone\n");
        return;
    }
    printf(
        "count table: up to %s neighbours of each of %s items; it counts %s events, those of %s\n",
        info_print_number(c->neighbours), info_print_number(c->items),
        info_print_number((int64_t)c->events), splits_text[c->splits]);
    printf("candidates: %s items a state are scored by counts too\n",
           info_print_number(c->config.model_candidates));
    if (!is_calibrated(c)) {
        printf("calibration: none, no validation has fitted it\n");
        return;
    }
    printf("calibration: the scores by vectors are multiplied by %.3g; those of candidates get "
           "%+.3g,\n  for items of the history %+.3g more, and %+.3g times their inner product "
           "with the state;\n  and by features of the state:",
           at->dense, at->score[0], at->score[1], at->score[2]);
    for (int k = 0; k < COUNT_STATE_FEATURES; k++) printf(" %+.3g", at->state[k]);
    if (at->cold != 0.0)
        printf("\n  items that no counted event has get %+.3g in their scores by vectors",
               at->cold);
    putchar('\n');
}

static void print_acting(const Card *c)
{
    char words[ACTING_WORDS_MAX];
    printf("acting: by %s", acting_words(words, &c->acting));
    if (c->acting.exclude_last)
        printf(", without the items of the last %" PRId64 " events", c->acting.exclude_last);
    if (!c->found) printf("; the file is of an earlier version, which kept no rule");
    if (c->states)
        printf("\n  two Qs differ by %.3g before %s events; of the advantage that Q claims for its "
               "best item,\n  the other Q sees %.0f %%",
               c->noise, c->states, 100.0 * c->kept);
    putchar('\n');
}

static Status print_text(const Card *c, const char *path)
{
    char heads[HEADS_LIST_MAX];
    heads_list(heads, c->heads, ", ");
    printf("%s: a model of %s bytes after %s steps", c->file.path,
           info_print_number((int64_t)c->file.bytes), info_print_number((int64_t)c->step));
    if (c->best >= 0.0) printf("; best NDCG@10 on validation %.4f", c->best);
    if (c->best >= 0.0 && !isnan(c->error)) printf(" +- %.4f", c->error);
    if (c->best >= 0.0 && !isnan(c->hr10)) printf(", HR@10 %.4f", c->hr10);
    printf("\n%s parameters\nencoder: %" PRId64 " numbers, %" PRId64
           " layers; a state sees the last %" PRId64 " events\n",
           info_print_number(c->parameters), c->config.model_dim, c->config.model_layers,
           c->config.model_length);
    printf("heads: %s; trained by %s\n", heads, c->config.learn_objective);
    print_acting(c);
    print_counts(c);
    TRY(info_catalogue_print(&c->file, path));
    if (fflush(stdout) == 0 && !ferror(stdout)) return OK;
    return FAIL(ERR_IO, "cannot write to standard output");
}

static json_t *json_counts(const Card *c)
{
    const Calibration *at = &c->calibration;
    if (!c->neighbours) return json_null();
    json_t *state = json_array();
    for (int k = 0; k < COUNT_STATE_FEATURES; k++)
        json_array_append_new(state, report_number(at->state[k]));
    return json_pack("{s:I, s:I, s:f, s:i, s:I, s:{s:f, s:f, s:f, s:f, s:f, s:o}}", "neighbours",
                     (json_int_t)c->neighbours, "items", (json_int_t)c->items, "events", c->events,
                     "splits", c->splits, "candidates", (json_int_t)c->config.model_candidates,
                     "calibration", "factor", at->dense, "base", at->score[0], "in_history",
                     at->score[1], "dense", at->score[2], "cold", at->cold, "state", state);
}

static json_t *json_acting(const Card *c)
{
    char text[ACTING_TEXT_MAX];
    return json_pack("{s:s, s:I, s:b, s:o, s:o}", "rule", acting_text(text, &c->acting),
                     "exclude_last", (json_int_t)c->acting.exclude_last, "found", (int)c->found,
                     "noise", report_number(c->noise), "kept", report_number(c->kept));
}

static Status print_json(const Card *c, const char *path)
{
    char heads[HEADS_LIST_MAX];
    heads_list(heads, c->heads, "+");
    const bool measured = c->best >= 0.0;
    json_t *root =
        json_pack("{s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "path",
                  report_string(c->file.path), "bytes", (json_int_t)c->file.bytes, "parameters",
                  (json_int_t)c->parameters, "step", (json_int_t)c->step, "best_validation_ndcg10",
                  report_number(measured ? c->best : NAN), "best_validation_error",
                  report_number(measured ? c->error : NAN), "best_validation_hr10",
                  report_number(measured ? c->hr10 : NAN), "heads", heads, "acting", json_acting(c),
                  "counts", json_counts(c), "settings", report_settings(&c->config, CONFIG_STORED));
    const Status st = info_catalogue_json(&c->file, path, root);
    if (st == OK) return report_print(stdout, root, REPORT_NARROW);
    json_decref(root);
    return st;
}

Status info_model_print(const char *path, bool json)
{
    Card c = {0};
    Status st = read_card(&c, path);
    if (st == OK) st = json ? print_json(&c, path) : print_text(&c, path);
    safetensors_close(&c.file);
    return st;
}

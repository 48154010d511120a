/* SPDX-License-Identifier: Apache-2.0 */
#include "train/acting/acting.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "evaluate/ranking/histories.h"
#include "infer/acting.h"
#include "model/saved.h"
#include "train/checkpoint.h"

/* ---- By the objective ------------------------------------------------------------------------ */

static ActingRule rule_of_objective(const Objective *o, const Model *m, bool *measures)
{
    bool improved = false, constrained = false;
    *measures = false;
    for (int i = 0; i < o->terms; i++) {
        improved |= (o->term[i]->trains & HEAD_BIT(HEAD_POLICY)) && !o->term[i]->imitates;
        constrained |= o->term[i]->constrained;
    }
    if (!model_has(m, HEAD_POLICY)) return acting_by_head(HEAD_Q);
    if (constrained)
        return (ActingRule){.kind = ACTING_ALLOWED, .number = (double)o->options.allowed};
    *measures = o->second_q && !improved;
    return acting_by_head(HEAD_POLICY);
}

static void set_rule(Config *c, const ActingRule *rule)
{
    char text[ACTING_TEXT_MAX];
    snprintf(c->acting_rule, sizeof c->acting_rule, "%s", acting_text(text, rule));
}

Status acting_begin(Trainer *t)
{
    Config *c = &t->config;
    Model *m = &t->model;
    m->acting = rule_of_objective(&t->objective, m, &t->measures_acting);
    m->acting.exclude_last = c->acting_exclude_last;
    TRY(acting_check(&m->acting, m->shape.items));
    if (*c->acting_rule) t->measures_acting = false;
    TRY(acting_read(&m->acting, c->acting_rule, &m->acting, m->shape.head_set, "acting.rule"));
    set_rule(c, &m->acting);
    return OK;
}

static Status rule_of_file(Trainer *t, const char *path)
{
    Model *m = &t->model;
    Safetensors file;
    Config then;
    TRY(safetensors_open(&file, path));
    Status st = saved_config(&then, &file);
    if (st == OK)
        st = acting_read(&m->acting, then.acting_rule, &m->acting, m->shape.head_set, path);
    safetensors_close(&file);
    if (st == OK) set_rule(&t->config, &m->acting);
    return st;
}

Status acting_begin_from(Trainer *t)
{
    char found[4096];
    if (!t->measures_acting || !*t->config.train_from) return OK;
    TRY(saved_find(found, sizeof found, t->config.train_from, false));
    return rule_of_file(t, found);
}

/* ---- By the noise of Q ----------------------------------------------------------------------- */

/* Of the events every n-th, so that at most ACTING_STATES are left. */
static Status measure_states(Session *s, const ScoredEvents *of, QNoise *noise)
{
    const int64_t step = (of->count + ACTING_STATES - 1) / ACTING_STATES;
    int64_t *event = calloc((size_t)(of->count + of->users) + 1, sizeof *event), count = 0;
    int64_t *first = event + of->count;
    if (!event) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " states", of->count);
    for (int64_t u = 0; u < of->users; u++) {
        first[u] = count;
        for (int64_t i = of->first[u]; i < of->first[u + 1]; i++)
            if (i % step == 0) event[count++] = of->event[i];
    }
    first[of->users] = count;
    const LogEvents events = {.users = of->users, .user = of->user, .first = first, .event = event};
    const Status st = noise_measure(s, &events, noise);
    free(event);
    return st;
}

static Status measure_split(Session *s, const Histories *h, uint64_t seed, QNoise *noise)
{
    ScoredEvents events = {0};
    const ScoredOptions options = {.sample = ACTING_USERS, .seed = seed};
    Status st = histories_scored_select(&events, h, &options);
    if (st == OK && events.count > 0) st = measure_states(s, &events, noise);
    histories_scored_close(&events);
    return st;
}

/* In four digits, which the text of the rule has too. */
static double rounded(double beta)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", beta);
    return strtod(text, NULL);
}

/* Where the second Q confirms nothing, Q does not count; where there is no noise, it alone does. */
static ActingRule rule_of_noise(const QNoise *n)
{
    const double kept = n->kept > 1.0 ? 1.0 : n->kept; /* NaN where Q claims nothing */
    const double beta = rounded(ACTING_BETA * n->noise / kept);
    if (n->states == 0 || !(kept > 0.0) || !isfinite(beta)) return acting_by_head(HEAD_POLICY);
    return beta > 0.0 ? (ActingRule){.kind = ACTING_MIXED, .number = beta} : acting_by_head(HEAD_Q);
}

Status acting_measure(Session *s, uint64_t seed, ActingRule *rule, ActingMeasured *measured)
{
    Histories h;
    *measured = (ActingMeasured){0};
    TRY(histories_read(&h, s->file, SPLIT_VALID));
    Status st = measure_split(s, &h, seed, &measured->noise);
    if (st == OK && measured->noise.states == 0) {
        const Histories train = histories_of_split(&h, SPLIT_TRAIN);
        measured->of_train = true;
        st = measure_split(s, &train, seed, &measured->noise);
    }
    histories_close(&h);
    TRY(st);
    const int64_t last = rule->exclude_last;
    *rule = rule_of_noise(&measured->noise);
    rule->exclude_last = last;
    return OK;
}

/* What follows from the share that the second Q confirms. */
static void consequence(char *to, size_t size, const ActingRule *rule)
{
    if (rule->kind == ACTING_MIXED)
        snprintf(to, size, "Q is divided by %g times the difference over that share, at most 1",
                 ACTING_BETA);
    else
        snprintf(to, size, "%s",
                 rule->kind == ACTING_Q ? "So Q alone counts" : "So Q does not count");
}

void acting_report(Listener *listener, const ActingRule *rule, const ActingMeasured *measured)
{
    char words[ACTING_WORDS_MAX], last[64] = "", then[128];
    const QNoise *n = &measured->noise;
    if (rule->exclude_last)
        snprintf(last, sizeof last, ", without the items of the last %" PRId64 " events",
                 rule->exclude_last);
    listener_remark(listener, "The model acts by %s%s.", acting_words(words, rule), last);
    if (n->states == 0) return;
    consequence(then, sizeof then, rule);
    listener_remark(
        listener,
        "  Q and a second Q, which learned from half of the users, differ by %.3g before "
        "%" PRId64 " %s events. The second Q confirms %.0f %% of the advantage that Q "
        "claims for its best item. %s.",
        n->noise, n->states, measured->of_train ? "train" : "validation", 100.0 * n->kept, then);
}

/* ---- After a training on a log --------------------------------------------------------------- */

Status acting_find(Config *c, ActingMeasured *measured, Listener *listener)
{
    Session *session;
    TRY(session_open(&session, &(SessionOptions){.checkpoint = c->train_out,
                                                 .data = c->data_path,
                                                 .device = c->train_device,
                                                 .threads = (int)c->train_threads}));
    ActingRule rule = session_acting(session);
    const Status st = acting_measure(session, (uint64_t)c->train_seed, &rule, measured);
    session_close(session);
    TRY(st);
    set_rule(c, &rule);
    acting_report(listener, &rule, measured);
    return OK;
}

enum { KEYS = 4, VALUE_MAX = sizeof(Config_text) };

/* The texts of the metadata that say how the model acts. */
static int describe(const Config *c, const ActingMeasured *measured, Metadata metadata[KEYS],
                    char value[KEYS][VALUE_MAX])
{
    const QNoise *n = &measured->noise;
    static const char *const keys[KEYS] = {"acting.rule", "acting_noise", "acting_kept",
                                           "acting_states"};
    snprintf(value[0], VALUE_MAX, "%s", c->acting_rule);
    snprintf(value[1], VALUE_MAX, "%.9g", n->noise);
    snprintf(value[2], VALUE_MAX, "%.9g", n->kept);
    snprintf(value[3], VALUE_MAX, "%" PRId64 " %s", n->states,
             measured->of_train ? "train" : "validation");
    for (int i = 0; i < KEYS; i++) metadata[i] = (Metadata){keys[i], value[i]};
    return KEYS;
}

static Status write_metadata(const Safetensors *file, const Metadata *more, int count)
{
    Metadata *all = malloc((size_t)(file->metadata_count + count) * sizeof *all);
    int n = 0;
    if (!all) return FAIL(ERR_MEMORY, "%s: no memory for the header", file->path);
    for (int i = 0; i < file->metadata_count; i++) {
        bool replaced = false;
        for (int k = 0; k < count; k++) replaced |= !strcmp(file->metadata[i].key, more[k].key);
        if (!replaced) all[n++] = file->metadata[i];
    }
    for (int k = 0; k < count; k++) all[n++] = more[k];
    const Status st = safetensors_write(file->path, file->tensors, file->count, all, n);
    free(all);
    return st;
}

/* checkpoint.json, for people and scripts. */
static Status write_json(const Config *c, const ActingMeasured *measured)
{
    char path[sizeof(Config_text) + 32];
    json_error_t error;
    const QNoise *n = &measured->noise;
    snprintf(path, sizeof path, "%s/checkpoint.json", c->train_out);
    json_t *root = json_load_file(path, 0, &error);
    if (!root) return FAIL(ERR_FORMAT, "%s, line %d: %s", path, error.line, error.text);
    json_object_set_new(json_object_get(root, "settings"), "acting.rule",
                        json_string(c->acting_rule));
    json_object_set_new(root, "acting",
                        json_pack("{s:s, s:o, s:o, s:I, s:s}", "rule", c->acting_rule, "noise",
                                  report_number(n->noise), "kept", report_number(n->kept), "states",
                                  (json_int_t)n->states, "split",
                                  measured->of_train ? "train" : "valid"));
    return report_write(path, root, REPORT_WIDE);
}

Status acting_store(const Config *c, const ActingMeasured *measured)
{
    char found[4096];
    Metadata metadata[KEYS];
    char(*value)[VALUE_MAX] = calloc(KEYS, sizeof *value);
    Safetensors file;
    if (!value) return FAIL(ERR_MEMORY, "no memory for a header");
    Status st = saved_find(found, sizeof found, c->train_out, false);
    if (st == OK) st = safetensors_open(&file, found);
    if (st == OK) {
        st = write_metadata(&file, metadata, describe(c, measured, metadata, value));
        safetensors_close(&file);
    }
    free(value);
    return st == OK ? write_json(c, measured) : st;
}

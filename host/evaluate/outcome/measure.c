/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/outcome/measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/outcome/rates.h"
#include "evaluate/statistics/ratio.h"
#include "infer/answers.h"

typedef struct {
    OutcomeMeasures *to;
    const Shown *shown;
    const Behaviour *file;
    const Rates *rates;
    const float *p;   /* [count, 2 kinds] */
    int width;        /* 2 kinds */
    int64_t rest;     /* the kind that takes nothing, where the log has no impressions; else -1 */
    double *foretold; /* [count] and of each answer what is averaged beside each other */
    double *seen;
    double *order;  /* [count] what the groups are in the order of */
    uint8_t *group; /* [count]; MEASURE_GROUPS: in none */
    float *score;   /* [count] of an AUC, */
    uint8_t *label; /* [count] */
    int64_t *first; /* [users+1] and its events */
} Work;

static bool takes(const Work *w, int64_t kind)
{
    return w->rest < 0 ? !w->file->action_impression[kind] : kind != w->rest;
}

static double taken_of(const Work *w, int64_t i)
{
    double sum = 0.0;
    for (int64_t k = 0; k < w->to->kinds; k++)
        if (takes(w, k)) sum += (double)w->p[i * w->width + k];
    return sum;
}

static double end_of(const Work *w, int64_t i)
{
    const float *p = w->p + i * w->width;
    double sum = 0.0;
    for (int64_t k = 0; k < w->to->kinds; k++) sum += (double)p[k] * (double)p[w->to->kinds + k];
    return sum;
}

/* ---- Means over users ------------------------------------------------------------------------ */

/* The mean of x over the answers of a group; group < 0: over all. */
static Estimate mean_of(const Work *w, const double *x, int group)
{
    RatioSums sums = {0};
    for (int64_t u = 0; u < w->shown->users; u++) {
        double sum = 0.0, count = 0.0;
        for (int64_t i = w->shown->first[u]; i < w->shown->first[u + 1]; i++) {
            if (group >= 0 && w->group[i] != group) continue;
            sum += x[i];
            count++;
        }
        if (count > 0.0) ratio_add(&sums, sum, count);
    }
    return ratio_estimate(&sums, -INFINITY, INFINITY);
}

static MeasurePair pair_of(const Work *w, int group)
{
    return (MeasurePair){mean_of(w, w->foretold, group), mean_of(w, w->seen, group)};
}

typedef struct {
    double by;
    int64_t answer;
} Placed;

static int by_place(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    if (x->by != y->by) return x->by < y->by ? -1 : 1;
    return (x->answer > y->answer) - (x->answer < y->answer);
}

/* foretold and seen in ten groups of equal size, in the order of foretold. */
static Status groups_of(Work *w, MeasurePair to[MEASURE_GROUPS])
{
    const int64_t count = w->shown->count;
    Placed *placed = malloc((size_t)count * sizeof *placed);
    if (!placed) return FAIL(ERR_MEMORY, "no memory to order %" PRId64 " answers", count);
    for (int64_t i = 0; i < count; i++) placed[i] = (Placed){w->foretold[i], i};
    qsort(placed, (size_t)count, sizeof *placed, by_place);
    for (int64_t i = 0; i < count; i++)
        w->group[placed[i].answer] = (uint8_t)(i * MEASURE_GROUPS / count);
    free(placed);
    for (int g = 0; g < MEASURE_GROUPS; g++) to[g] = pair_of(w, g);
    return OK;
}

/* ---- What is measured ------------------------------------------------------------------------ */

static void measure_likelihood(Work *w)
{
    OutcomeMeasures *m = w->to;
    const Shown *s = w->shown;
    double *model = w->foretold, *items = w->seen, *other = w->order;
    for (int64_t i = 0; i < s->count; i++) {
        /* In f32 a probability may be 0, which it is not. */
        model[i] = log(fmax((double)w->p[i * w->width + s->kind[i]], 1e-30));
        items[i] = log(rates_of_item(w->rates, s->item[i], s->kind[i]));
        other[i] = log(rates_of_all(w->rates, s->kind[i]));
    }
    m->likelihood = mean_of(w, model, -1);
    m->of_items = mean_of(w, items, -1);
    m->of_all = mean_of(w, other, -1);
    for (int64_t i = 0; i < s->count; i++) other[i] = model[i] - items[i];
    m->more = mean_of(w, other, -1);
    m->strength = w->rates->strength;
}

/* The AUC of the kind among its events and those that it is compared with. */
static Status measure_kind(Work *w, int64_t kind)
{
    OutcomeMeasures *m = w->to;
    const Shown *s = w->shown;
    int64_t n = 0;
    for (int64_t i = 0; i < s->count; i++) {
        w->foretold[i] = (double)w->p[i * w->width + kind];
        w->seen[i] = s->kind[i] == kind;
        m->kind_count[kind] += s->kind[i] == kind;
    }
    m->kind_rate[kind] = pair_of(w, -1);
    for (int64_t u = 0; u < s->users; u++) {
        w->first[u] = n;
        for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
            const bool other = w->rest >= 0 || w->file->action_impression[s->kind[i]];
            if (s->kind[i] != kind && !other) continue;
            w->score[n] = w->p[i * w->width + kind];
            w->label[n++] = s->kind[i] == kind;
        }
    }
    w->first[s->users] = n;
    if (w->rest < 0 && !takes(w, kind)) {
        m->auc[kind].auc = (Estimate){NAN, NAN, NAN, NAN, NAN};
        return OK;
    }
    return auc_measure(&m->auc[kind], w->score, w->label, w->first, s->users);
}

static Status measure_taken(Work *w)
{
    OutcomeMeasures *m = w->to;
    const Shown *s = w->shown;
    for (int64_t i = 0; i < s->count; i++) {
        w->foretold[i] = taken_of(w, i);
        w->seen[i] = takes(w, s->kind[i]);
        w->score[i] = (float)w->foretold[i];
        w->label[i] = takes(w, s->kind[i]);
    }
    TRY(auc_measure(&m->taken, w->score, w->label, s->first, s->users));
    return groups_of(w, m->taken_group);
}

static Status measure_reward(Work *w)
{
    const AnswersReward reward = answers_reward_of_file(w->file);
    const Shown *s = w->shown;
    for (int64_t i = 0; i < s->count; i++) {
        w->foretold[i] = answers_reward(&reward, w->p + i * w->width, s->item[i]);
        w->seen[i] = (double)w->file->action_reward[s->kind[i]];
    }
    w->to->reward = pair_of(w, -1);
    return groups_of(w, w->to->reward_group);
}

static Status measure_ends(Work *w)
{
    OutcomeMeasures *m = w->to;
    const Shown *s = w->shown;
    int64_t n = 0;
    for (int64_t u = 0; u < s->users; u++) {
        w->first[u] = n;
        for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
            w->group[i] = s->left[i] < 0;
            w->foretold[i] = end_of(w, i);
            w->seen[i] = s->left[i] == 1;
            if (s->left[i] < 0) continue;
            w->score[n] = (float)w->foretold[i];
            w->label[n++] = s->left[i] == 1;
        }
    }
    w->first[s->users] = m->ends_known = n;
    m->end_rate = pair_of(w, 0);
    return auc_measure(&m->ends, w->score, w->label, w->first, s->users);
}

static Status measure_all(Work *w)
{
    measure_likelihood(w);
    for (int64_t k = 0; k < w->to->kinds; k++) TRY(measure_kind(w, k));
    TRY(measure_taken(w));
    TRY(measure_reward(w));
    return measure_ends(w);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static int64_t most_frequent(const Rates *r)
{
    int64_t most = 0;
    for (int64_t k = 1; k < r->kinds; k++)
        if (r->of_all[k] > r->of_all[most]) most = k;
    return most;
}

static Status measure_shown(OutcomeMeasures *m, Session *s, const Shown *shown, const Rates *rates,
                            Listener *listener)
{
    const size_t count = (size_t)shown->count + 1;
    const LogEvents events = shown_events(shown);
    Status st;
    float *p = malloc(count * (size_t)answers_width(s) * sizeof *p);
    Work w = {.to = m,
              .shown = shown,
              .file = s->file,
              .rates = rates,
              .p = p,
              .width = (int)answers_width(s),
              .rest = s->file->has_impressions ? -1 : most_frequent(rates),
              .foretold = malloc(count * sizeof *w.foretold),
              .seen = malloc(count * sizeof *w.seen),
              .order = malloc(count * sizeof *w.order),
              .group = malloc(count),
              .score = malloc(count * sizeof *w.score),
              .label = malloc(count),
              .first = malloc(((size_t)shown->users + 1) * sizeof *w.first)};
    if (!p || !w.foretold || !w.seen || !w.order || !w.group || !w.score || !w.label || !w.first)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId64 " answers", shown->count));
    TRY_OR_FAIL(st, answers_before(s, &events, shown->item, ANSWERS_CALIBRATED, listener, p));
    TRY_OR_FAIL(st, measure_all(&w));
fail:
    free(p);
    free(w.foretold);
    free(w.seen);
    free(w.order);
    free(w.group);
    free(w.score);
    free(w.label);
    free(w.first);
    return st;
}

Status measure_outcome(OutcomeMeasures *m, Session *s, int split, int64_t users, uint64_t seed,
                       Listener *listener)
{
    Shown shown;
    Rates rates;
    TRY(shown_read(&shown, s->file, &(ShownOptions){.split = split, .users = users, .seed = seed}));
    *m = (OutcomeMeasures){.count = shown.count,
                           .users = shown.users,
                           .kinds = s->file->actions,
                           .impressions = s->file->has_impressions};
    Status st = rates_open(&rates, s->file);
    if (st == OK && shown.count) st = measure_shown(m, s, &shown, &rates, listener);
    rates_close(&rates);
    shown_close(&shown);
    return st;
}

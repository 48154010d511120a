/* SPDX-License-Identifier: Apache-2.0 */
/* The scores of candidates by their formula in double, with and without a calibration, and the
 * terms that they are the sum of. (Their gradients are held against PyTorch in
 * tests/host/learn/test_golden.c.) */
#include "model/counted/terms.h"

#include "catalogue/gather.h"
#include "infer/states.h"
#include "infer_case.h"
#include "model/scores.h"

enum { WIDTH = 20, LENGTH = 12, HISTORIES = 24, UNITS = COUNTED_UNITS, KEYS = COUNTED_POINTER };

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), LENGTH, 2, WIDTH);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

/* ---- By hand --------------------------------------------------------------------------------- */

/* Number k of a parameter. */
static double at(const char *name, int64_t k)
{
    const int i = params_find(&c.model.params, name);
    assert_true(i >= 0);
    return (double)f32(c.model.params.copy[PARAM_VALUE][i])[k];
}

static double dot(const char *name, int64_t row, const float *x, int64_t count)
{
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++) sum += at(name, row * count + k) * (double)x[k];
    return sum;
}

static double base_of(const StateRows *s, int64_t i, bool calibrated)
{
    const float *state = f32(s->candidates.state) + i * COUNT_STATE_FEATURES;
    double b = at("candidates.base", 0) + dot("candidates.state", 0, state, COUNT_STATE_FEATURES);
    if (calibrated)
        b += at("calibration.base", 0) + dot("calibration.state", 0, state, COUNT_STATE_FEATURES);
    return b;
}

/* The line and the network over the features of candidate j. */
static double features_score(const StateRows *s, int64_t i, int64_t j, bool calibrated)
{
    const int64_t token = ((int32_t *)s->token.data)[i], dim = s->h.dim[1];
    const float *state = f32(s->candidates.state) + i * COUNT_STATE_FEATURES;
    const float *f = f32(s->candidates.feature) + (i * WIDTH + j) * COUNT_FEATURES;
    const int32_t action = ((int32_t *)s->in->action.data)[token];
    const int32_t gap = ((int32_t *)s->in->gap.data)[token];
    double x[COUNT_FEATURES], score = 0.0;
    for (int k = 0; k < COUNT_FEATURES; k++) {
        x[k] = ((double)f[k] - at("candidates.mean", k)) * at("candidates.scale", k);
        score += (at("candidates.linear", k) + calibrated * at("calibration.linear", k)) * x[k];
    }
    for (int n = 0; n < UNITS; n++) {
        double unit = dot("candidates.hidden_state", n, state, COUNT_STATE_FEATURES) +
                      dot("candidates.hidden_h", n, f32(s->h) + i * dim, dim) +
                      at("candidates.action", action * UNITS + n) +
                      at("candidates.gap", gap * UNITS + n);
        for (int k = 0; k < COUNT_FEATURES; k++)
            unit += at("candidates.hidden", n * COUNT_FEATURES + k) * x[k];
        score += at("candidates.out", n) * fmax(unit, 0.0);
    }
    return score;
}

/* The pointer; `events` counts the events of the candidate. */
static double pointer(const StateRows *s, int64_t i, int32_t item, int *events)
{
    const int32_t *cu = s->in->cu_seqlens.data, *items = s->in->item.data;
    const int64_t token = ((int32_t *)s->token.data)[i], dim = s->h.dim[1];
    int64_t w = 0;
    double sum = 0.0;
    *events = 0;
    while (cu[w + 1] <= token) w++;
    for (int64_t t = token; t >= cu[w] && token - t < COUNT_REPEATS; t--) {
        double score = 0.0;
        if (items[t] != item) continue;
        for (int n = 0; n < KEYS; n++)
            score += dot("candidates.query", n, f32(s->h) + i * dim, dim) *
                     dot("candidates.key", n, f32(s->all) + t * dim, dim);
        sum += exp(score / sqrt(KEYS) + at("candidates.distance", token - t));
        ++*events;
    }
    return *events ? log(sum) : 0.0;
}

/* ---- Terms ----------------------------------------------------------------------------------- */

/* The part of the line that features first .. last make. */
static double line(const float *f, bool calibrated, int first, int last)
{
    double sum = 0.0;
    for (int k = first; k <= last; k++)
        sum += (at("candidates.linear", k) + calibrated * at("calibration.linear", k)) *
               ((double)f[k] - at("candidates.mean", k)) * at("candidates.scale", k);
    return sum;
}

/* The sum of the absolute values of all products that candidate j's score is made of. `hidden`
 * [UNITS] is what the state gives to the units. */
static double magnitude(const float *f, bool calibrated, const float *hidden)
{
    double sum = 0.0;
    for (int k = 0; k < COUNT_FEATURES; k++) sum += fabs(line(f, calibrated, k, k));
    for (int n = 0; n < UNITS; n++) {
        double unit = fabs((double)hidden[n]);
        for (int k = 0; k < COUNT_FEATURES; k++)
            unit += fabs(at("candidates.hidden", n * COUNT_FEATURES + k) *
                         ((double)f[k] - at("candidates.mean", k)) * at("candidates.scale", k));
        sum += fabs(at("candidates.out", n)) * unit;
    }
    return sum;
}

/* Each term by its formula, and their sum against the score, which is rounded in f32: a unit is a
 * sum of 14 numbers with weights and features of three roundings, the score one of 41. */
static void check_terms(const StateRows *s, const CountedScores *scores, int64_t i, int64_t j)
{
    const float *f = f32(s->candidates.feature) + (i * WIDTH + j) * COUNT_FEATURES;
    const bool calibrated = s->calibrated;
    double term[COUNTED_TERMS], sum = 0.0;
    int events;
    counted_terms(c.session->dev, &c.model, session_weights(c.session), s, scores, i, j, term);
    double size = fabs(term[TERM_STATE]) + fabs(term[TERM_TASTE]) + fabs(term[TERM_POINTER]) +
                  magnitude(f, calibrated, f32(scores->hidden) + i * UNITS);
    for (int t = 0; t < COUNTED_TERMS; t++) sum += term[t];
    assert_near(f32(scores->score)[i * WIDTH + j], sum, (14 + 41 + 3) * 0x1p-24 * size);
    const double together = line(f, calibrated, 0, 4) + line(f, calibrated, 6, 7);
    assert_near(term[TERM_TOGETHER], together, 1e-12 * size);
    assert_near(term[TERM_POPULARITY], line(f, calibrated, 5, 5), 1e-12 * size);
    assert_near(term[TERM_SEEN], line(f, calibrated, 8, 12), 1e-12 * size);
    assert_near(term[TERM_STATE], base_of(s, i, calibrated), 1e-5);
    const int32_t item = ((int32_t *)s->candidates.item.data)[i * WIDTH + j];
    assert_near(term[TERM_POINTER], pointer(s, i, item, &events), 1e-5);
    assert_near(term[TERM_NETWORK],
                features_score(s, i, j, calibrated) - line(f, calibrated, 0, 12), 2e-5);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

typedef struct {
    bool calibrated;
    int64_t candidates, pointed, repeated;
} Seen;

/* Whether train has no event of the item. */
static bool is_new(int64_t item)
{
    const bool new = f32(c.model.counts.popularity)[item] == 0.0f;
    assert_int_equal(new, item >= SHOP_ITEMS - 11);
    return new;
}

static Status check(void *context, const StateBatch *batch)
{
    Seen *seen = context;
    Device *dev = c.session->dev;
    Weights w = session_weights(c.session);
    StateRows s = batch->rows;
    s.calibrated = false;
    const HeadScores plain = scores_ranking(dev, &c.model, w, HEAD_POLICY, &s);
    s.calibrated = seen->calibrated;
    const HeadScores z = scores_ranking(dev, &c.model, w, HEAD_POLICY, &s);
    const Tensor dense = SCRATCH(dev, F32, batch->count, WIDTH);
    catalogue_gather(dev, dense, plain.u, &plain.items, (Tensor){0}, s.candidates.item);
    for (int64_t i = 0; i < batch->count * WIDTH; i++) {
        const int32_t item = ((int32_t *)s.candidates.item.data)[i];
        const float have = f32(z.counted.score)[i];
        int events;
        if (item < 0) {
            assert_true(have == -INFINITY);
            continue;
        }
        const double beta = at("candidates.dense", 0) + s.calibrated * at("calibration.dense", 0);
        const double want = base_of(&s, i / WIDTH, s.calibrated) + beta * (double)f32(dense)[i] +
                            features_score(&s, i / WIDTH, i % WIDTH, s.calibrated) +
                            pointer(&s, i / WIDTH, item, &events);
        /* f32 sums of up to a hundred terms, together of size 10 */
        assert_near(have, want, 5e-5);
        check_terms(&s, &z.counted, i / WIDTH, i % WIDTH);
        seen->candidates++, seen->pointed += events > 0, seen->repeated += events > 1;
    }
    const double factor = s.calibrated ? at("calibration.factor", 0) : 1.0;
    for (int64_t k = 0; k < tensor_count(z.u); k++)
        assert_near(f32(z.u)[k], factor * (double)f32(plain.u)[k], 1e-5);
    for (int64_t a = 0; a < SHOP_ITEMS; a++)
        assert_near(f32(z.bias)[a],
                    factor * at("policy.bias", a) +
                        s.calibrated * is_new(a) * at("calibration.cold", 0),
                    1e-6);
    return OK;
}

static void check_all(bool calibrated)
{
    static InferHistory space[HISTORIES];
    History h[HISTORIES];
    Seen seen = {.calibrated = calibrated};
    for (int i = 0; i < HISTORIES; i++) {
        h[i] = *infer_history(&space[i], (uint64_t)i, 1 + i);
        for (int k = 1; k < i; k += 3) space[i].item[k] = space[i].item[k - 1];
        if (i % 3 == 0) h[i] = history_of_user(&c.file, i);
    }
    assert_ok(states_after(c.session, h, HISTORIES, (StateSink){check, &seen}));
    assert_true(seen.candidates > HISTORIES * WIDTH / 2);
    assert_true(seen.pointed > 2 * HISTORIES && seen.repeated > HISTORIES);
}

static void scores_are_those_of_the_formula(void **state)
{
    (void)state;
    check_all(false);
}

static void in_use_the_calibration_is_added(void **state)
{
    (void)state;
    check_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_the_formula),
        cmocka_unit_test(in_use_the_calibration_is_added),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

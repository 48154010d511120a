/* SPDX-License-Identifier: Apache-2.0 */
/* The noise of Q and what is kept of its advantage, against their definitions in double; and the
 * rule that follows. */
#include "train/acting/noise.h"

#include "catalogue/gather.h"
#include "evaluate/ranking/histories.h"
#include "infer_case.h"
#include "train/acting/acting.h"

enum { WIDTH = 20, LENGTH = 12, MOST = 400 };

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q) | HEAD_BIT(HEAD_SECOND_Q),
                            LENGTH, 2, WIDTH);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

typedef struct {
    double square, claimed, seen;
    int64_t states;
} Sums;

static float *scores_of(HeadId head, const StateRows *rows, HeadScores *s)
{
    const int64_t count = rows->h.dim[0];
    static float all[HEADS][MOST * SHOP_ITEMS];
    static int32_t id[MOST * SHOP_ITEMS];
    for (int64_t i = 0; i < count * SHOP_ITEMS; i++) id[i] = (int32_t)(i % SHOP_ITEMS);
    *s = scores_full(&c.dev, &c.model, session_weights(c.session), head, rows);
    catalogue_gather(&c.dev, TENSOR(all[head], F32, count, SHOP_ITEMS), s->u, &s->items, s->bias,
                     TENSOR(id, I32, count, SHOP_ITEMS));
    return all[head];
}

static double value(const HeadScores *s, const float *all, int64_t i, int a)
{
    const double score = (double)all[i * SHOP_ITEMS + a] + (double)f32(s->state)[i];
    return c.model.shape.log_values ? exp(score) : score;
}

static Status define(void *context, const StateBatch *batch)
{
    Sums *sums = context;
    HeadScores z, first, second;
    assert_true(batch->count <= MOST);
    const float *all = scores_of(HEAD_POLICY, &batch->rows, &z);
    const float *q = scores_of(HEAD_Q, &batch->rows, &first);
    const float *q2 = scores_of(HEAD_SECOND_Q, &batch->rows, &second);
    for (int64_t i = 0; i < batch->count; i++, sums->states++) {
        double p[SHOP_ITEMS], sum = 0.0, mean = 0.0, mean2 = 0.0;
        int best = 0;
        for (int a = 0; a < SHOP_ITEMS; a++) p[a] = exp((double)all[i * SHOP_ITEMS + a]);
        for (int j = 0; j < WIDTH; j++) {
            const int32_t item = i32(z.counted.item)[i * WIDTH + j];
            if (item >= 0) p[item] += exp((double)f32(z.counted.score)[i * WIDTH + j]);
        }
        for (int a = 0; a < SHOP_ITEMS; a++) sum += p[a];
        for (int a = 0; a < SHOP_ITEMS; a++) {
            mean += p[a] / sum * value(&first, q, i, a);
            mean2 += p[a] / sum * value(&second, q2, i, a);
            if (value(&first, q, i, a) > value(&first, q, i, best)) best = a;
        }
        for (int a = 0; a < SHOP_ITEMS; a++) {
            const double d = value(&first, q, i, a) - mean - (value(&second, q2, i, a) - mean2);
            sums->square += p[a] / sum * d * d;
        }
        sums->claimed += value(&first, q, i, best) - mean;
        sums->seen += value(&second, q2, i, best) - mean2;
    }
    return OK;
}

static void noise_and_kept_are_their_definitions(void **state)
{
    (void)state;
    Histories h;
    ScoredEvents e;
    assert_ok(histories_read(&h, &c.file, SPLIT_VALID));
    assert_ok(histories_scored_select(&e, &h, &(ScoredOptions){0}));
    const LogEvents events = {e.users, e.user, e.first, e.event};
    for (int logarithms = 0; logarithms < 2; logarithms++) {
        Sums want = {0};
        QNoise have, again;
        c.model.shape.log_values = logarithms;
        assert_ok(states_before(c.session, &events, "states", NULL, (StateSink){define, &want}));
        assert_ok(noise_measure(c.session, &events, &have));
        c.dev.threads = 1;
        assert_ok(noise_measure(c.session, &events, &again));
        c.dev.threads = 2;
        assert_memory_equal(&have, &again, sizeof have);
        assert_int_equal(have.states, e.count);
        assert_int_equal(want.states, e.count);
        const double noise = sqrt(want.square / (double)want.states);
        /* The scores have the rounding errors of f32, and their exponentials relative ones. */
        assert_near(have.noise, noise, 1e-4 * noise);
        assert_near(have.kept, want.seen / want.claimed, 1e-3);
        assert_true(have.noise > 0.01);
    }
    c.model.shape.log_values = false;
    histories_scored_close(&e);
    histories_close(&h);
}

/* The second Q becomes `factor` times the first. */
static void copy_q(float factor)
{
    const ModelParams *at = &c.model.at;
    const HeadParams *q = &at->head[HEAD_Q], *second = &at->head[HEAD_SECOND_Q];
    const Tensor *value_of = c.model.params.copy[PARAM_VALUE];
    const int from[] = {q->weight, q->bias, q->state_weight, q->state_bias};
    const int to[] = {second->weight, second->bias, second->state_weight, second->state_bias};
    for (int k = 0; k < 4; k++)
        for (int64_t i = 0; i < tensor_count(value_of[to[k]]); i++)
            f32(value_of[to[k]])[i] = factor * f32(value_of[from[k]])[i];
}

/* In four digits, so that its text is the number. */
static void the_divisor_is_a_multiple_of_the_noise(void **state)
{
    (void)state;
    ActingRule rule = {.kind = ACTING_Q, .exclude_last = 5}, again = rule;
    ActingMeasured measured;
    char text[ACTING_TEXT_MAX];
    copy_q(0.5f);
    assert_ok(acting_measure(c.session, 3, &rule, &measured));
    assert_int_equal(rule.kind, ACTING_MIXED);
    assert_near(measured.noise.kept, 0.5, 1e-6);
    assert_int_equal(rule.exclude_last, 5);
    assert_in_range(measured.noise.states, 100, ACTING_STATES);
    assert_false(measured.of_train);
    assert_near(rule.number, ACTING_BETA * measured.noise.noise / fmin(measured.noise.kept, 1.0),
                5e-4 * rule.number);
    assert_ok(acting_read(&again, acting_text(text, &rule), &again, c.model.shape.head_set, "t"));
    assert_true(again.number == rule.number);
}

/* Q2 = -Q: nothing of the advantage is confirmed. */
static void a_q_that_is_not_confirmed_has_no_say(void **state)
{
    (void)state;
    ActingRule rule = {.kind = ACTING_Q};
    ActingMeasured measured;
    copy_q(-1.0f);
    assert_ok(acting_measure(c.session, 3, &rule, &measured));
    assert_near(measured.noise.kept, -1.0, 1e-6);
    assert_int_equal(rule.kind, ACTING_POLICY);
}

static void two_equal_qs_leave_q_nothing_to_weigh(void **state)
{
    (void)state;
    ActingRule rule = {0};
    ActingMeasured measured;
    copy_q(1.0f);
    assert_ok(acting_measure(c.session, 3, &rule, &measured));
    assert_near(measured.noise.noise, 0.0, 0);
    assert_near(measured.noise.kept, 1.0, 1e-12);
    assert_int_equal(rule.kind, ACTING_Q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_and_kept_are_their_definitions),
        cmocka_unit_test(the_divisor_is_a_multiple_of_the_noise),
        cmocka_unit_test(a_q_that_is_not_confirmed_has_no_say),
        cmocka_unit_test(two_equal_qs_leave_q_nothing_to_weigh),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to shown items: the formula of the outcome head in double, before events of a log and
 * after histories, and what they are worth. */
#include "infer_case.h"

#include "infer/answers.h"

enum { LENGTH = 12, WIDTH = 2 * SHOP_ACTIONS, COUNT = 25, DIM = 16 };

/* Weights of the head that are away from their start. */
static void open_case(InferCase *c)
{
    infer_case_open(c, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_OUTCOME), LENGTH, 2);
    const Params *p = &c->model.params;
    for (int i = 0; i < p->count; i++) {
        const Tensor t = p->copy[PARAM_VALUE][i];
        const bool factor = i == c->model.at.outcome.factor;
        if (!strstr(p->info[i].name, "outcome")) continue;
        fill_normal(f32(t), tensor_count(t), 700 + (uint64_t)i, 0.3f);
        for (int64_t k = 0; factor && k < tensor_count(t); k++) f32(t)[k] += 0.8f;
    }
}

static const float *numbers(const InferCase *c, int param)
{
    return f32(c->model.params.copy[PARAM_VALUE][param]);
}

static Status keep_state(void *context, const StateBatch *batch)
{
    float *h = context;
    for (int64_t i = 0; i < batch->count; i++)
        memcpy(h + batch->index[i] * DIM, f32(batch->rows.h) + i * DIM, DIM * sizeof *h);
    return OK;
}

/* The vector of an item, from the parameters. */
static void vector_of(const InferCase *c, int32_t item, double e[DIM])
{
    const FeatureSet *f = &c->file.item_features;
    for (int d = 0; d < DIM; d++) {
        e[d] = numbers(c, c->model.at.item_id)[item * DIM + d];
        for (int k = 0; k < f->kinds; k++)
            e[d] +=
                numbers(c, c->model.at.item_category)[f->category[item * f->kinds + k] * DIM + d];
        for (int k = 0; k < f->numbers; k++)
            e[d] += (double)f->number[item * f->numbers + k] *
                    numbers(c, c->model.at.item_number)[k * DIM + d];
    }
}

static void answer_of(const InferCase *c, const float *h, int32_t item, double p[WIDTH])
{
    const OutcomeParams *at = &c->model.at.outcome;
    double e[DIM], gates[2 * OUTCOME_UNITS], sum = 0.0;
    vector_of(c, item, e);
    for (int r = 0; r < 2 * OUTCOME_UNITS; r++) {
        gates[r] = numbers(c, at->hidden_bias)[r];
        for (int d = 0; d < DIM; d++)
            gates[r] += (double)numbers(c, at->hidden_state)[r * DIM + d] * h[d] +
                        numbers(c, at->hidden_item)[r * DIM + d] * e[d];
    }
    for (int k = 0; k < WIDTH; k++) {
        double z = numbers(c, at->bias)[k];
        for (int r = 0; r < OUTCOME_UNITS; r++)
            z += numbers(c, at->weight)[k * OUTCOME_UNITS + r] * gates[r] / (1.0 + exp(-gates[r])) *
                 gates[OUTCOME_UNITS + r];
        p[k] = exp(numbers(c, at->factor)[k / SHOP_ACTIONS] * z + numbers(c, at->shift)[k]);
        if (k < SHOP_ACTIONS) sum += p[k];
    }
    for (int k = 0; k < WIDTH; k++) p[k] /= k < SHOP_ACTIONS ? sum : 1.0 + p[k];
}

static void answers_after_histories_are_those_of_the_formula(void **state)
{
    (void)state;
    static InferHistory made[COUNT];
    History history[COUNT];
    int32_t item[COUNT];
    float p[COUNT * WIDTH], h[COUNT * DIM];
    InferCase c;
    open_case(&c);
    assert_true(answers_known(c.session));
    assert_int_equal(answers_width(c.session), WIDTH);
    for (int i = 0; i < COUNT; i++) {
        history[i] = *infer_history(&made[i], 30 + (uint64_t)i, 1 + i);
        item[i] = i * 31 % SHOP_ITEMS;
    }
    assert_ok(answers_after(c.session, history, COUNT, item, p));
    assert_ok(states_after(c.session, history, COUNT, (StateSink){keep_state, h}));
    for (int i = 0; i < COUNT; i++) {
        double want[WIDTH];
        answer_of(&c, h + i * DIM, item[i], want);
        for (int k = 0; k < WIDTH; k++) assert_near(p[i * WIDTH + k], want[k], 2e-6);
    }
    infer_case_close(&c);
}

/* The state before an event is that after the events of earlier times, and the calibration is what
 * lies between logits and probabilities. */
static void answers_before_events_are_those_after_what_came_before(void **state)
{
    (void)state;
    enum { USER = 3 };
    InferCase c;
    open_case(&c);
    const int64_t start = c.file.offset[USER], events = c.file.offset[USER + 1] - start;
    const int64_t user[] = {USER}, first[] = {0, events - 1};
    assert_true(events > 5 && events <= 60);
    int64_t event[60];
    int32_t item[60];
    float before[60 * WIDTH], logit[60 * WIDTH], after[WIDTH];
    for (int64_t i = 0; i + 1 < events; i++) {
        event[i] = start + 1 + i;
        item[i] = (int32_t)(i * 17 % SHOP_ITEMS);
    }
    const LogEvents log = {1, user, first, event};
    assert_ok(answers_before(c.session, &log, item, ANSWERS_CALIBRATED, NULL, before));
    assert_ok(answers_before(c.session, &log, item, ANSWERS_LOGITS, NULL, logit));
    const float *factor = numbers(&c, c.model.at.outcome.factor);
    const float *shift = numbers(&c, c.model.at.outcome.shift);
    for (int64_t i = 0; i + 1 < events; i++) {
        const History h = {.count = 1 + i, .user = USER, .first = start};
        assert_ok(answers_after(c.session, &h, 1, &item[i], after));
        for (int k = 0; k < WIDTH; k++) assert_near(before[i * WIDTH + k], after[k], 2e-6);
        for (int k = SHOP_ACTIONS; k < WIDTH; k++) {
            const double t = (double)factor[1] * logit[i * WIDTH + k] + shift[k];
            assert_near(before[i * WIDTH + k], 1.0 / (1.0 + exp(-t)), 2e-6);
        }
    }
    infer_case_close(&c);
}

static void a_reward_is_weighed_by_the_item_less_the_cost(void **state)
{
    (void)state;
    const float of_kind[] = {0.0f, 0.5f, 2.0f}, p[] = {0.5f, 0.25f, 0.25f, 0.1f, 0.2f, 0.3f};
    const float price[] = {10.0f, 4.0f};
    AnswersReward r = {.kinds = 3, .of_kind = of_kind};
    assert_near(answers_reward(&r, p, 1), 0.625, 1e-12);
    r.times = price;
    r.cost = 0.05;
    assert_near(answers_reward(&r, p, 0), 6.2, 1e-12);
    assert_near(answers_reward(&r, p, 1), 2.45, 1e-12);
}

static void the_rewards_of_a_file_are_those_of_its_actions(void **state)
{
    (void)state;
    InferCase c;
    infer_case_open(&c, HEAD_BIT(HEAD_POLICY), LENGTH, 1);
    assert_false(answers_known(c.session));
    const AnswersReward r = answers_reward_of_file(&c.file);
    assert_int_equal(r.kinds, SHOP_ACTIONS);
    for (int k = 0; k < SHOP_ACTIONS; k++) assert_true(r.of_kind[k] == c.file.action_reward[k]);
    assert_true(!r.times && r.cost == 0.0);
    float times[SHOP_ITEMS];
    assert_ok(answers_times_of_file(&c.file, "item_price", times));
    for (int a = 0; a < SHOP_ITEMS; a++)
        assert_near(times[a], (a * 0.125 - 3.0) * 2.25 + 1.5, 1e-5);
    assert_int_equal(answers_times_of_file(&c.file, "item_prise", times), ERR_USAGE);
    assert_non_null(strstr(status_message(), "there is no item number \"item_prise\""));
    infer_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_after_histories_are_those_of_the_formula),
        cmocka_unit_test(answers_before_events_are_those_after_what_came_before),
        cmocka_unit_test(a_reward_is_weighed_by_the_item_less_the_cost),
        cmocka_unit_test(the_rewards_of_a_file_are_those_of_its_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

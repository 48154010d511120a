/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas of the heads against sums in double, on a small model with item features. */
#include "test.h"

#include "model/scores.h"

enum { DIM = 4, ITEMS = 7, ACTIONS = 3, ROWS = 5, CATEGORIES = 3 };
static const double BOUND = 1e-5; /* f32 sums of up to DIM products, of numbers near 1 */

typedef struct {
    Device dev;
    Behaviour file;
    Model model;
    Weights w;
    float h[ROWS * DIM];
    int32_t category[ITEMS];
    float number[ITEMS];
} Case;

static Case *open_case(bool log_values)
{
    Case *c = calloc(1, sizeof *c);
    ModelShape shape = {.dim = DIM,
                        .layers = 1,
                        .heads = 2,
                        .init_std = 1.0f,
                        .head_set = HEAD_BIT(HEADS) - 1,
                        .log_values = log_values};
    for (int a = 0; a < ITEMS; a++) c->category[a] = a % CATEGORIES;
    fill_normal(c->number, ITEMS, 3, 1.0f);
    fill_normal(c->h, ROWS * DIM, 4, 1.0f);
    c->file.items = ITEMS;
    c->file.actions = ACTIONS;
    c->file.item_features = (FeatureSet){.kinds = 1,
                                         .categories = CATEGORIES,
                                         .numbers = 1,
                                         .category = c->category,
                                         .number = c->number};
    assert_ok(device_open(&c->dev, "cpu", 2));
    model_shape_of_file(&shape, &c->file);
    assert_ok(model_open(&c->model, &shape, &c->file, &c->dev));
    Params *p = &c->model.params;
    assert_ok(params_open(p, PARAM_VALUE, &c->dev));
    for (int i = 0; i < p->count; i++)
        fill_normal(f32(p->copy[PARAM_VALUE][i]), tensor_count(p->info[i].shape),
                    (uint64_t)(100 + i), 1.0f);
    c->w = p->copy[PARAM_VALUE];
    return c;
}

static void close_case(Case *c)
{
    model_close(&c->model);
    device_close(&c->dev);
    free(c);
}

/* ---- By hand --------------------------------------------------------------------------------- */

static double vector(const Case *c, int a, int k)
{
    const ModelParams *at = &c->model.at;
    return (double)f32(c->w[at->item_id])[a * DIM + k] +
           (double)f32(c->w[at->item_category])[c->category[a] * DIM + k] +
           (double)c->number[a] * (double)f32(c->w[at->item_number])[k];
}

static double dot_state(const Case *c, int i, int parameter, int row)
{
    double sum = 0.0;
    for (int k = 0; k < DIM; k++)
        sum += (double)f32(c->w[parameter])[row * DIM + k] * (double)c->h[i * DIM + k];
    return sum;
}

/* <W h, E[a]> + b[a] */
static double item_score(const Case *c, HeadId head, int i, int a)
{
    const HeadParams *at = &c->model.at.head[head];
    double sum = (double)f32(c->w[at->bias])[a];
    for (int k = 0; k < DIM; k++) sum += dot_state(c, i, at->weight, k) * vector(c, a, k);
    return sum;
}

static double state_term(const Case *c, int i)
{
    const HeadParams *at = &c->model.at.head[HEAD_Q];
    return dot_state(c, i, at->state_weight, 0) + (double)f32(c->w[at->state_bias])[0];
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static StateRows states_of(Case *c) { return (StateRows){.h = TENSOR(c->h, F32, ROWS, DIM)}; }

/* Row i is asked for item (3 i + 1) % count. */
static void scores_of(Case *c, const HeadScores *s, int64_t rows, int count, float *out)
{
    int32_t item[4 * ROWS];
    for (int64_t i = 0; i < rows; i++) item[i] = (int32_t)((3 * i + 1) % count);
    scores_at(&c->dev, s, TENSOR(out, F32, rows), TENSOR(item, I32, rows));
}

static void heads_of_items_score_each_item_of_the_catalogue(void **state)
{
    (void)state;
    static const HeadId heads[] = {HEAD_POLICY, HEAD_Q, HEAD_BEHAVIOUR};
    Case *c = open_case(false);
    const StateRows states = states_of(c);
    for (size_t n = 0; n < 3; n++) {
        float have[ROWS];
        const HeadScores s = scores_ranking(&c->dev, &c->model, c->w, heads[n], &states);
        assert_null(s.state.data);
        scores_of(c, &s, ROWS, ITEMS, have);
        for (int i = 0; i < ROWS; i++)
            assert_near(have[i], item_score(c, heads[n], i, (3 * i + 1) % ITEMS), BOUND);
    }
    close_case(c);
}

static void q_has_a_state_term_and_the_policy_has_none(void **state)
{
    (void)state;
    Case *c = open_case(false);
    const StateRows states = states_of(c);
    float have[ROWS];
    const HeadScores q = scores_full(&c->dev, &c->model, c->w, HEAD_Q, &states);
    scores_of(c, &q, ROWS, ITEMS, have);
    for (int i = 0; i < ROWS; i++) {
        assert_near(f32(q.state)[i], state_term(c, i), BOUND);
        assert_near(have[i], state_term(c, i) + item_score(c, HEAD_Q, i, (3 * i + 1) % ITEMS),
                    BOUND);
    }
    assert_null(scores_full(&c->dev, &c->model, c->w, HEAD_POLICY, &states).state.data);
    close_case(c);
}

static void the_critic_says_one_number_of_a_state(void **state)
{
    (void)state;
    Case *c = open_case(false);
    const HeadParams *at = &c->model.at.head[HEAD_CRITIC];
    const Tensor v = scores_of_state(&c->dev, &c->model, c->w, HEAD_CRITIC, states_of(c).h);
    assert_int_equal(v.rank, 1);
    for (int i = 0; i < ROWS; i++)
        assert_near(f32(v)[i], dot_state(c, i, at->weight, 0) + (double)f32(c->w[at->bias])[0],
                    BOUND);
    close_case(c);
}

static void the_next_action_is_scored_over_the_kinds_of_events(void **state)
{
    (void)state;
    Case *c = open_case(false);
    const HeadParams *at = &c->model.at.head[HEAD_NEXT_ACTION];
    const StateRows states = states_of(c);
    float have[ROWS];
    const HeadScores s = scores_ranking(&c->dev, &c->model, c->w, HEAD_NEXT_ACTION, &states);
    scores_of(c, &s, ROWS, ACTIONS, have);
    for (int i = 0; i < ROWS; i++) {
        const int k = (3 * i + 1) % ACTIONS;
        assert_near(have[i], dot_state(c, i, at->weight, k) + (double)f32(c->w[at->bias])[k],
                    BOUND);
    }
    close_case(c);
}

static void several_items_of_a_row_have_the_scores_of_single_ones(void **state)
{
    (void)state;
    enum { TIMES = 3 };
    Case *c = open_case(false);
    const StateRows states = states_of(c);
    float have[ROWS * TIMES];
    int32_t item[ROWS * TIMES];
    const HeadScores q = scores_full(&c->dev, &c->model, c->w, HEAD_Q, &states);
    for (int i = 0; i < ROWS * TIMES; i++) item[i] = (3 * i + 1) % ITEMS;
    scores_of_items(&c->dev, &q, TENSOR(have, F32, ROWS, TIMES), TENSOR(item, I32, ROWS, TIMES));
    for (int i = 0; i < ROWS * TIMES; i++)
        assert_near(have[i], state_term(c, i / TIMES) + item_score(c, HEAD_Q, i / TIMES, item[i]),
                    BOUND);
    close_case(c);
}

static void scores_are_values_or_with_log_values_their_logarithms(void **state)
{
    (void)state;
    float scores[] = {-1.0f, 0.0f, 2.0f};
    for (int log_values = 0; log_values < 2; log_values++) {
        Case *c = open_case(log_values);
        const Tensor values = scores_to_values(&c->dev, &c->model, TENSOR(scores, F32, 3));
        for (int i = 0; i < 3; i++)
            assert_near(f32(values)[i], log_values ? exp((double)scores[i]) : (double)scores[i],
                        1e-6);
        close_case(c);
    }
    assert_true(scores[0] == -1.0f && scores[2] == 2.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_of_items_score_each_item_of_the_catalogue),
        cmocka_unit_test(q_has_a_state_term_and_the_policy_has_none),
        cmocka_unit_test(the_critic_says_one_number_of_a_state),
        cmocka_unit_test(the_next_action_is_scored_over_the_kinds_of_events),
        cmocka_unit_test(several_items_of_a_row_have_the_scores_of_single_ones),
        cmocka_unit_test(scores_are_values_or_with_log_values_their_logarithms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

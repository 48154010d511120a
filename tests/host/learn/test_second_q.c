/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of the second Q against its definition in double. The golden cases were made without
 * a second Q, so they show that nothing else learns from it. */
#include "base/rng.h"
#include "base/scratch.h"
#include "data/stream/stream.h"
#include "model/state_rows.h"
#include "model/ties.h"
#include "shop.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { TOKENS = 256, DIM = 16 };
static const double SCALE = 3.0, WEIGHT = 0.7;

static char data[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 30, .features = true, .seed = 5};
    return shop_write(&shop, shop_path(data, "second-q")) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(data);
}

static Config config_of(const char *objective)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.learn_gamma = 0.0;
    c.learn_reward_scale = SCALE;
    c.learn_td_weight = WEIGHT;
    c.model_dim = DIM;
    c.model_length = 12;
    c.model_dropout = c.model_id_dropout = 0.0;
    c.train_tokens = TOKENS;
    c.train_threads = 1;
    return c;
}

static const float *numbers(const Trainer *t, ParamCopy copy, int i)
{
    return f32(t->model.params.copy[copy][i]);
}

typedef struct {
    double weight[DIM * DIM], *bias, state_weight[DIM], state_bias;
} Gradient;

/* With gamma 0 the target is the reward. Sums of at most TOKENS products in f32. */
static void add(Gradient *g, const float *h, const float *e, int32_t item, double dq)
{
    for (int r = 0; r < DIM; r++)
        for (int c = 0; c < DIM; c++) g->weight[r * DIM + c] += dq * e[r] * h[c];
    for (int c = 0; c < DIM; c++) g->state_weight[c] += dq * h[c];
    g->bias[item] += dq;
    g->state_bias += dq;
}

static double value(const Trainer *t, const float *h, const float *e, int32_t item)
{
    const HeadParams *at = &t->model.at.head[HEAD_SECOND_Q];
    const float *w = numbers(t, PARAM_VALUE, at->weight);
    double q = (double)numbers(t, PARAM_VALUE, at->bias)[item] +
               (double)*numbers(t, PARAM_VALUE, at->state_bias);
    for (int r = 0; r < DIM; r++) {
        double u = 0.0;
        for (int c = 0; c < DIM; c++) u += (double)w[r * DIM + c] * h[c];
        q += u * e[r] + (double)numbers(t, PARAM_VALUE, at->state_weight)[r] * h[r];
    }
    return q;
}

static void assert_gradient(const Trainer *t, int param, const double *want)
{
    const Tensor have = t->model.params.copy[PARAM_GRAD][param];
    assert_near(relative_l2(f32(have), want, tensor_count(have)), 0.0, 10 * TOKENS * 0x1p-24);
}

static void the_gradient_is_that_of_its_half_of_the_users(void **state)
{
    (void)state;
    Trainer t;
    Stream *stream;
    const Batch *b;
    Gradient want = {0};
    const Config c = config_of("cross_entropy+double_q");
    assert_ok(trainer_open(&t, &c));
    const StreamOptions options = trainer_stream(&t);
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    assert_ok(stream_next(stream, &b));
    step_gradients(&t, b);
    const Model *m = &t.model;
    Weights w = params_weights(&m->params, PARAM_VALUE);
    model_input_set(&t.input, m, b, &t.file);
    const Tensor h = ties_states(
        &t.dev, &t.input, encoder_forward(&t.dev, &t.online, m, w, &t.input, (DropoutKey){0}));
    const ItemTable items = model_items(m, w, (Tensor){0});
    const Tensor e = SCRATCH(&t.dev, F32, b->used, DIM);
    want.bias = calloc((size_t)m->shape.items, sizeof *want.bias);
    items_gather(&t.dev, e, &items, TENSOR(b->target, I32, b->used));
    int64_t valid = 0, taken = 0;
    for (int64_t i = 0; i < b->used; i++) valid += b->target[i] >= 0;
    for (int64_t v = 0; v < b->windows; v++) {
        if (!(philox((uint64_t)c.train_seed, 2, (uint64_t)b->user[v]).word[0] & 1)) continue;
        for (int64_t i = b->cu_seqlens[v]; i < b->cu_seqlens[v + 1]; i++) {
            const int32_t a = b->target[i];
            if (a < 0) continue;
            const float *hi = f32(h) + i * DIM, *ei = f32(e) + i * DIM;
            const double error = value(&t, hi, ei, a) - SCALE * (double)b->reward[i];
            add(&want, hi, ei, a, 2.0 * WEIGHT / (double)valid * error);
            taken++;
        }
    }
    assert_true(taken > valid / 5 && taken < valid * 4 / 5);
    const HeadParams *at = &m->at.head[HEAD_SECOND_Q];
    assert_gradient(&t, at->weight, want.weight);
    assert_gradient(&t, at->bias, want.bias);
    assert_gradient(&t, at->state_weight, want.state_weight);
    assert_gradient(&t, at->state_bias, &want.state_bias);
    free(want.bias);
    stream_close(stream);
    trainer_close(&t);
}

/* Where acting has nothing to weigh there is none. */
static void only_q_beside_a_policy_that_imitates_has_a_second(void **state)
{
    (void)state;
    static const struct {
        const char *objective;
        bool second;
    } cases[] = {{"cross_entropy+double_q", true}, {"bcq", true},       {"sqn", true},
                 {"cross_entropy", false},         {"double_q", false}, {"iql", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trainer t;
        const Config c = config_of(cases[i].objective);
        assert_ok(trainer_open(&t, &c));
        assert_true(model_has(&t.model, HEAD_SECOND_Q) == cases[i].second);
        trainer_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_its_half_of_the_users),
        cmocka_unit_test(only_q_beside_a_policy_that_imitates_has_a_second),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

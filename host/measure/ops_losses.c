/* SPDX-License-Identifier: Apache-2.0 */
/* A row's shape is a number of tokens in windows of `length`. A comment above `fill` names the
 * tensors in their order. */
#include "measure/ops_losses.h"

#include <inttypes.h>
#include <stdio.h>

#include "losses/answer.h"
#include "losses/control.h"
#include "losses/half.h"
#include "losses/loss.h"
#include "losses/policy_gradient.h"
#include "losses/returns.h"
#include "losses/td.h"

/* ---- Targets --------------------------------------------------------------------------------- */

/* y, valid, reward, end, next_value, cu_seqlens */
static void td_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 3; i++) t[i] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[3] = measure_zeros(c, U8, c->shape.rows, 0);
    t[4] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[5] = measure_windows(c, c->shape.rows, c->shape.length, 0);
}
static void td_call(Case *c, const Tensor *t)
{
    td_targets(c->dev, t[0], t[1], t[2], t[3], t[4], t[5], 0.99f, 1, true);
}
static void td_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (4.0 * size + 1.0) * (double)s->rows;
    *flops = 0.0;
}

/* target, valid, advantage, reward, end, value, next_value, log_ratio, cu_seqlens */
static void returns_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 8; i++)
        t[i] = i == 4 ? measure_zeros(c, U8, c->shape.rows, 0)
                      : measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[8] = measure_windows(c, c->shape.rows, c->shape.length, 0);
}
static void returns_call(Case *c, const Tensor *t)
{
    const ReturnsInput in = {.reward = t[3],
                             .end = t[4],
                             .value = t[5],
                             .next_value = t[6],
                             .log_ratio = t[7],
                             .cu_seqlens = t[8]};
    returns(c->dev, t[0], t[1], t[2], in,
            (ReturnsOptions){.gamma = 0.99f,
                             .lambda = 0.95f,
                             .rho_max = 1.0f,
                             .c_max = 1.0f,
                             .last_has_value = true});
}
static void returns_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (7.0 * size + 1.0) * (double)s->rows;
    *flops = 0.0;
}

/* y, valid, cu_seqlens, first_event */
static void control_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 2; i++) t[i] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[2] = measure_windows(c, c->shape.rows, c->shape.length, 0);
    t[3] = measure_zeros(c, I64, t[2].dim[0] - 1, 0);
}
static void control_call(Case *c, const Tensor *t)
{
    control_random(c->dev, t[0], t[1], t[2], t[3], 1);
}
static void control_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * (double)s->rows;
    *flops = 0.0;
}

/* weight, cu_seqlens, user */
static void half_fill(Case *c, Tensor *t)
{
    t[0] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[1] = measure_windows(c, c->shape.rows, c->shape.length, 0);
    t[2] = measure_zeros(c, I64, t[1].dim[0] - 1, 0);
}
static void half_call(Case *c, const Tensor *t) { half_of_users(c->dev, t[0], t[1], t[2], 1); }
static void half_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * (double)s->rows;
    *flops = 0.0;
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* loss, dq, q, y, weight */
static void loss_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 5; i++) t[i] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
}
static void loss_call(Case *c, const Tensor *t)
{
    loss_td(c->dev, t[0], t[1], t[2], t[3], t[4], 1.0f);
}
static void loss_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 5.0 * size * (double)s->rows;
    *flops = 0.0;
}

/* loss, logit, kind, left, weight; with the kinds of events of a shop */
static void answer_fill(Case *c, Tensor *t)
{
    enum { KINDS = 6 };
    t[0] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[1] = measure_tensor(c, F32, c->shape.rows, 2 * KINDS, 1.0f);
    for (int i = 2; i < 4; i++) t[i] = measure_zeros(c, I32, c->shape.rows, 0);
    t[4] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
}
static void answer_call(Case *c, const Tensor *t)
{
    answer_loss(c->dev, t[0], t[1], t[1], t[2], t[3], t[4]);
}
static void answer_cost(const Shape *s, double size, double *bytes, double *flops)
{
    enum { KINDS = 6 };
    *bytes = (4.0 + 4.0 * KINDS) * size * (double)s->rows;
    *flops = 0.0;
}

/* weight, advantage, log_ratio, log_policy, share */
static void policy_gradient_call(Case *c, const Tensor *t)
{
    policy_gradient_importance(
        c->dev, t[0], t[1], t[2], t[3], t[4],
        (ImportanceOptions){
            .low = -1.0f, .high = 1.0f, .ratio_max = 10.0f, .power = 1.0f, .slate = 10});
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char SMALL_WHY[] = "too little work to fill the processors: a launch's latency";
static const char SMALL_CPU[] = "too little work: the start of threads";
static const char NORMAL_CPU[] = "a number of Philox, a logarithm and a cosine for each token";
static const char POWER_CPU[] = "exponentials, powers or logarithms for each token";
static const Op targets = {"td targets", td_fill, td_call, td_cost, SMALL_WHY, SMALL_CPU};
static const Op of_returns = {"returns",    returns_fill, returns_call,
                              returns_cost, SMALL_WHY,    "a recursion in double over each window"};
static const Op half = {"half of users", half_fill, half_call, half_cost, SMALL_WHY, NORMAL_CPU};
static const Op control = {"control random", control_fill, control_call,
                           control_cost,     SMALL_WHY,    NORMAL_CPU};
static const Op td_loss = {"loss td", loss_fill, loss_call, loss_cost, SMALL_WHY, SMALL_CPU};
static const Op answer = {"answer loss", answer_fill, answer_call,
                          answer_cost,   SMALL_WHY,   POWER_CPU};
static const Op policy_gradient = {"policy gradient", loss_fill, policy_gradient_call,
                                   loss_cost,         SMALL_WHY, POWER_CPU};

Status measure_ops_losses(Bench *b)
{
    const Op *const ops[] = {&targets, &of_returns, &control,        &half,
                             &td_loss, &answer,     &policy_gradient};
    const int64_t tokens = b->options->tiny ? 100 : ON_CUDA(b->dev) ? 32768 : 2048;
    const Shape s = {.dtype = F32, .rows = tokens, .length = 128};
    char text[64];
    snprintf(text, sizeof text, "%" PRId64 " tokens", tokens);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) TRY(measure_case(b, ops[i], s, text));
    return OK;
}

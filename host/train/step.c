/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/scratch.h"
#include "elementwise.h"
#include "model/cold.h"
#include "model/ties.h"

/* ---- What a step computes -------------------------------------------------------------------- */

/* Where dL/d of the encoder's outputs is added: where the log has no ties these are the states. */
static Tensor gradient_of_all(Trainer *t, const ModelInput *in, Tensor ds)
{
    if (!in->ties) return ds;
    const Tensor dall = scratch_tensor(&t->dev, ds.dtype, 2, ds.dim);
    elementwise_fill(&t->dev, dall, 0.0f);
    return dall;
}

/* Forward, losses, backward. */
static void add_gradients(Trainer *t, const ModelInput *in, Tensor step)
{
    const Model *m = &t->model;
    Weights w = params_weights(&m->params, PARAM_VALUE), grad = m->params.copy[PARAM_GRAD];
    Weights target = params_weights(&m->params, PARAM_TARGET);
    const uint64_t seed = (uint64_t)t->config.train_seed;
    const size_t mark = scratch_mark(&t->dev);
    const DropoutKey key = {m->shape.dropout, seed, step, cold_kept(&t->dev, m, seed, step)};
    const Tensor h = encoder_forward(&t->dev, &t->online, m, w, in, key);
    StateRows rows = state_rows(&t->dev, m, in, h, in->state, ties_states(&t->dev, in, h));
    StateRows target_rows = rows;
    rows.kept = key.kept;
    if (t->objective.target) {
        target_rows.all = encoder_forward(&t->dev, &t->target, m, target, in, (DropoutKey){0});
        target_rows.h = ties_states(&t->dev, in, target_rows.all);
    }
    const Tensor ds = tensor_rows(t->dh, 0, in->tokens), dall = gradient_of_all(t, in, ds);
    objective_backward(&t->dev, &t->objective,
                       (AgentPass){.comm = &t->comm,
                                   .m = m,
                                   .w = w,
                                   .grad = grad,
                                   .rows = rows,
                                   .dh = ds,
                                   .dall = dall,
                                   .target = target,
                                   .target_rows = target_rows,
                                   .in = in,
                                   .sums = t->sums});
    const Tensor dh = ties_states_backward(&t->dev, in, ds);
    if (in->ties) elementwise_add(&t->dev, dh, dall);
    encoder_backward(&t->dev, &t->online, m, w, grad, in, key, dh);
    scratch_release(&t->dev, mark);

    const ItemTable items = model_items(m, w, (Tensor){0});
    const Tensor none = {0};
    if (m->at.item_text >= 0)
        bag_backward(&t->dev, grad[m->at.item_text], grad[m->at.item_id], &m->item_text);
    items_features_backward(&t->dev, m->at.item_category < 0 ? none : grad[m->at.item_category],
                            m->at.item_number < 0 ? none : grad[m->at.item_number],
                            grad[m->at.item_id], &items);
    cold_gradients(&t->dev, m, grad, seed, step);
}

/* Sum gradients and losses over the ranks, each of which has a part of the batch. The sums have the
 * same bits on every rank, so either all ranks take the step or all refuse it. */
static void reduce_gradients(Trainer *t)
{
    const Params *p = &t->model.params;
    for (int i = 0; i < p->count; i++) comm_all_reduce(&t->comm, &t->dev, p->copy[PARAM_GRAD][i]);
    comm_all_reduce(&t->comm, &t->dev, TENSOR((double *)t->sums.data + SUM_LOSS, F64, LOSSES));
}

static void compute(Trainer *t, const StepInput *in)
{
    add_gradients(t, &in->batch, in->step);
    reduce_gradients(t);
    optimizer_step(&t->dev, &t->optimizer, &t->model.params, in->schedule, t->sums);
}

bool step_measure(Trainer *t, int shape)
{
    const StepInput *in = feed_measure(&t->feed, shape);
    if (in) compute(t, in);
    return in;
}

Losses step_gradients(Trainer *t, const Batch *batch)
{
    double sum[SUMS] = {0};
    device_copy_in(&t->dev, t->number.data, &t->step, sizeof t->step);
    model_input_set(&t->input, &t->model, batch, &t->file);
    add_gradients(t, &t->input, t->number);
    reduce_gradients(t);
    device_copy_out(&t->dev, sum, t->sums.data, sizeof sum);
    return objective_losses(&t->objective, sum);
}

/* ---- Recording and replaying a step ---------------------------------------------------------- */

/* A step is recorded where the device has graphs and the launches of the objective never change;
 * and only after a step of this shape has run, because recording may not allocate, and the scratch
 * must keep its addresses. */
static bool may_record(const Trainer *t, const StepInput *in)
{
    return t->config.train_graph && !t->objective.changes_per_step && t->computed[in->shape] &&
           device_graph_possible(&t->dev);
}

static Status record(Trainer *t, const StepInput *in, DeviceGraph **graph)
{
    device_graph_begin(&t->dev);
    compute(t, in);
    *graph = device_graph_end(&t->dev);
    if (*graph) return OK;
    char cause[512];
    snprintf(cause, sizeof cause, "%s", status_message());
    return FAIL(ERR_DEVICE,
                "%s, while a step was recorded as a graph; train.graph=0 trains without graphs",
                cause);
}

static Status compute_or_replay(Trainer *t, const StepInput *in, int index)
{
    DeviceGraph **graph = &t->graph[index][in->shape];
    if (*graph && !device_graph_holds(&t->dev, *graph)) {
        device_graph_close(&t->dev, *graph);
        *graph = NULL;
    }
    if (!*graph && may_record(t, in)) TRY(record(t, in, graph));
    if (*graph) {
        device_graph_run(&t->dev, *graph);
        t->replayed++;
    } else {
        compute(t, in);
        t->computed[in->shape] = true;
    }
    return OK;
}

/* ---- Enqueueing and reporting ---------------------------------------------------------------- */

/* With learn.log_values a value is exp(score), which no negative reward can have. */
static Status check_rewards(const Trainer *t, const Batch *batch)
{
    if (!t->config.learn_log_values) return OK;
    for (int64_t w = 0; w < batch->windows; w++)
        for (int64_t i = batch->cu_seqlens[w]; i < batch->cu_seqlens[w + 1]; i++)
            if (batch->reward[i] < 0.0f)
                return FAIL(ERR_FORMAT,
                            "/events/reward, row %" PRId64 ": %g; learn.log_values = 1 wants "
                            "rewards of at least 0",
                            batch->first_event[w] + i + 1 - batch->cu_seqlens[w],
                            (double)batch->reward[i]);
    return OK;
}

Status step_enqueue(Trainer *t, const Batch *batch)
{
    REQUIRE(t->enqueued - t->reported < STEPS_AHEAD,
            "%d steps wait for their reports, want less than %d before the next one", STEPS_AHEAD,
            STEPS_AHEAD);
    TRY(check_rewards(t, batch));
    PendingStep *p = &t->pending[t->enqueued % STEPS_AHEAD];
    StepNumbers numbers = {.step = t->step};
    int index;
    optimizer_schedule(&t->optimizer, t->step + 1, numbers.schedule);
    device_range_begin(&t->dev, "step");
    const StepInput *in = feed_batch(&t->feed, batch, &numbers, &index);
    const Status st = compute_or_replay(t, in, index);
    device_fetch(&t->dev, p->found->sums, t->sums.data, sizeof p->found->sums);
    device_fetch(&t->dev, p->found->state, t->optimizer.state.data, sizeof p->found->state);
    device_event_mark(&t->dev, p->found_event);
    device_range_end(&t->dev);
    TRY(st);
    p->report = (StepReport){.step = ++t->step,
                             .lr = numbers.schedule[ADAMW_LR],
                             .tokens = batch->used,
                             .cursor = batch->cursor};
    t->enqueued++;
    return t->dev.status;
}

static Status check_report(const StepReport *r)
{
    if (!isfinite(r->losses.total))
        return FAIL(ERR_DEVICE, "step %" PRId64 ": the loss is %g; a lower optim.lr may help",
                    r->step, r->losses.total);
    if (!isfinite(r->gradient_norm))
        return FAIL(ERR_DEVICE,
                    "step %" PRId64 ": the gradient is not finite; a lower optim.lr may help",
                    r->step);
    return OK;
}

/* The steps behind a failed one changed nothing either. Treat them as if they had not been
 * enqueued. */
static void go_back(Trainer *t, int64_t step)
{
    device_sync(&t->dev);
    optimizer_go_on(&t->dev, &t->optimizer);
    t->reported = t->enqueued;
    t->step = step;
}

Status step_report(Trainer *t, StepReport *report)
{
    REQUIRE(trainer_unreported(t) > 0, "no step waits for its report, want one");
    PendingStep *p = &t->pending[t->reported++ % STEPS_AHEAD];
    device_event_wait(&t->dev, p->found_event);
    TRY(t->dev.status);
    *report = p->report;
    report->losses = objective_losses(&t->objective, p->found->sums);
    report->gradient_norm = sqrt(p->found->state[ADAMW_NORM_SQUARED]);
    const Status st = check_report(report);
    if (st != OK) go_back(t, report->step - 1);
    return st;
}

Status step_run(Trainer *t, const Batch *batch, StepReport *report)
{
    TRY(step_enqueue(t, batch));
    return step_report(t, report);
}

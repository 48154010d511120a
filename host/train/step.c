/* The step: what trainer.h calls one. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "train/trainer.h"

/* ---- What a step computes -------------------------------------------------------------------- */

/* Forward, losses, backward. */
static void add_gradients(Trainer *t, const ModelInput *in, Tensor step)
{
    const Model *m = &t->model;
    Weights w = params_weights(&m->params, PARAM_VALUE), grad = m->params.copy[PARAM_GRAD];
    Weights target = params_weights(&m->params, PARAM_TARGET);
    const DropoutKey key = {m->shape.dropout, (uint64_t)t->config.train_seed, step};

    Tensor h = encoder_forward(&t->dev, &t->online, m, w, in, key), target_h = {0};
    if (t->objective.target)
        target_h = encoder_forward(&t->dev, &t->target, m, target, in, (DropoutKey){0});
    Tensor dh = tensor_rows(t->dh, 0, in->tokens);
    objective_backward(&t->dev, &t->objective,
                       (AgentPass){.comm = &t->comm,
                                   .m = m,
                                   .w = w,
                                   .grad = grad,
                                   .h = h,
                                   .dh = dh,
                                   .target = target,
                                   .target_h = target_h,
                                   .in = in,
                                   .sums = t->sums});
    encoder_backward(&t->dev, &t->online, m, w, grad, in, key, dh);

    const ItemTable items = model_items(m, w);
    const Tensor none = {0};
    items_features_backward(&t->dev, m->at.item_category < 0 ? none : grad[m->at.item_category],
                            m->at.item_number < 0 ? none : grad[m->at.item_number],
                            grad[m->at.item_id], &items);
}

/* Gradients and losses become the sums over the parts of the batch that the ranks have, with the
 * same bits on every rank: so all take the same step, or the same refuse it. */
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

/* ---- Recording and replaying it -------------------------------------------------------------- */

/* Which steps are recorded is decided here: those of a device that has graphs, of an objective
 * whose launches never change, once a step of this shape has run (so that nothing is made for the
 * first time) and left the scratch where it will stay. */
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
    return FAIL(ERR_DEVICE, "%s, while a step was recorded; train.graph=0 trains without", cause);
}

static Status compute_or_replay(Trainer *t, const StepInput *in, int room)
{
    DeviceGraph **graph = &t->graph[room][in->shape];
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

/* A mean that is exp(score) is of rewards that are not negative. */
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
    REQUIRE(t->enqueued - t->reported < STEPS_AHEAD, "trainer: %d steps wait for their reports",
            STEPS_AHEAD);
    TRY(check_rewards(t, batch));
    PendingStep *p = &t->pending[t->enqueued % STEPS_AHEAD];
    StepNumbers numbers = {.step = t->step};
    int room;
    optimizer_schedule(&t->optimizer, t->step + 1, numbers.schedule);
    device_range_begin(&t->dev, "step");
    const StepInput *in = feed_batch(&t->feed, batch, &numbers, &room);
    const Status st = compute_or_replay(t, in, room);
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

/* The steps behind a failed one changed nothing either: as if they had not been enqueued. */
static void go_back(Trainer *t, int64_t step)
{
    device_sync(&t->dev);
    optimizer_go_on(&t->dev, &t->optimizer);
    t->reported = t->enqueued;
    t->step = step;
}

Status step_report(Trainer *t, StepReport *report)
{
    REQUIRE(trainer_unreported(t) > 0, "trainer: no step waits for its report");
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

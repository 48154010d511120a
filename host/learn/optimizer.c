/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/optimizer.h"

#include <math.h>

#include "elementwise.h"

static double scheduled(const Optimizer *o, int64_t t)
{
    if (t <= o->warmup) return o->lr * (double)t / (double)o->warmup;
    const double rest = (double)(o->steps - o->warmup);
    double done = rest > 0.0 ? (double)(t - o->warmup) / rest : 1.0;
    if (done > 1.0) done = 1.0;
    return o->lr * (o->lr_floor + (1.0 - o->lr_floor) * 0.5 * (1.0 + cos(M_PI * done)));
}

double optimizer_lr(const Optimizer *o, int64_t t)
{
    const Annealing a = o->annealing;
    if (a.steps == 0 || t <= a.from) return scheduled(o, t);
    const double done = t < a.from + a.steps ? (double)(t - a.from) / (double)a.steps : 1.0;
    return (1.0 - done) * scheduled(o, a.from) + done * o->lr * o->lr_floor;
}

Status optimizer_open(Optimizer *o, const Params *p, Device *dev)
{
    const double decay[] = {[DECAY_NONE] = 0.0,
                            [DECAY_MATRIX] = o->weight_decay,
                            [DECAY_EMBEDDING] = o->embedding_decay};
    for (int pass = 0; pass < 2; pass++) {
        o->segments.first = ARENA(&o->arena, I64, p->count);
        o->segments.count = ARENA(&o->arena, I64, p->count);
        o->segments.decay = ARENA(&o->arena, F64, p->count);
        o->segments.rate = ARENA(&o->arena, F64, p->count);
        o->state = ARENA(&o->arena, F64, ADAMW_STATE);
        if (pass == 0) TRY(arena_open(&o->arena, dev, "optimizer state"));
    }
    for (int i = 0; i < p->count; i++) {
        const int64_t first = params_first(p, i), count = tensor_count(p->info[i].shape);
        device_copy_in(dev, (int64_t *)o->segments.first.data + i, &first, sizeof first);
        device_copy_in(dev, (int64_t *)o->segments.count.data + i, &count, sizeof count);
        const double rate = (double)p->info[i].rate;
        device_copy_in(dev, (double *)o->segments.decay.data + i, &decay[p->info[i].decay],
                       sizeof *decay);
        device_copy_in(dev, (double *)o->segments.rate.data + i, &rate, sizeof rate);
    }
    return device_sync(dev);
}

void optimizer_close(Optimizer *o) { arena_close(&o->arena); }

static AdamwOptions options_of(const Optimizer *o)
{
    return (AdamwOptions){.beta1 = o->beta1, .beta2 = o->beta2, .eps = o->eps, .clip = o->clip};
}

void optimizer_schedule(const Optimizer *o, int64_t t, double schedule[ADAMW_SCHEDULE])
{
    const double copied = o->copy_every > 0 && t % o->copy_every == 0 ? 1.0 : 0.0;
    adamw_schedule(schedule, optimizer_lr(o, t), t + o->before,
                   o->copy_every > 0 ? copied : o->polyak, options_of(o));
}

/* Of the parameters that do not stand aside: they come first. */
static void measure_gradient(Device *dev, const Optimizer *o, const Params *p)
{
    const int64_t count = p->aside > 0 && p->aside < p->count ? p->aside : p->count;
    Tensor grad = params_flat(p, PARAM_GRAD);
    AdamwSegments of = o->segments;
    if (count < p->count) grad = TENSOR(grad.data, F32, params_first(p, (int)count));
    of.first.dim[0] = of.count.dim[0] = of.decay.dim[0] = of.rate.dim[0] = count;
    adamw_gradient_norm_squared(dev, adamw_norm_squared(o->state), grad, of);
}

void optimizer_step(Device *dev, const Optimizer *o, Params *p, Tensor schedule, Tensor losses)
{
    const Tensor grad = params_flat(p, PARAM_GRAD), value = params_flat(p, PARAM_VALUE);
    measure_gradient(dev, o, p);
    adamw_check(dev, o->state, losses);
    adamw_step(dev, value, params_flat(p, PARAM_MOMENT1), params_flat(p, PARAM_MOMENT2), grad,
               o->segments, schedule, o->state, options_of(o));
    elementwise_fill(dev, grad, 0.0f);
    params_refresh(dev, p, PARAM_VALUE);
    if (!p->copy[PARAM_TARGET]) return;
    adamw_polyak(dev, params_flat(p, PARAM_TARGET), value, schedule, o->state);
    params_refresh(dev, p, PARAM_TARGET);
}

void optimizer_go_on(Device *dev, const Optimizer *o)
{
    device_copy_in(dev, o->state.data, (const double[ADAMW_STATE]){0}, tensor_bytes(o->state));
}

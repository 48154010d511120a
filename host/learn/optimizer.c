#include "learn/optimizer.h"

#include <math.h>

#include "elementwise.h"

double optimizer_lr(const Optimizer *o, int64_t t)
{
    if (t <= o->warmup) return o->lr * (double)t / (double)o->warmup;
    const double rest = (double)(o->steps - o->warmup);
    double done = rest > 0.0 ? (double)(t - o->warmup) / rest : 1.0;
    if (done > 1.0) done = 1.0;
    return o->lr * (o->lr_floor + (1.0 - o->lr_floor) * 0.5 * (1.0 + cos(M_PI * done)));
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
        o->control = ARENA(&o->arena, F64, ADAMW_CONTROL);
        if (pass == 0) TRY(arena_open(&o->arena, dev));
    }
    for (int i = 0; i < p->count; i++) {
        const int64_t first = params_first(p, i), count = tensor_count(p->info[i].shape);
        device_copy_in(dev, (int64_t *)o->segments.first.data + i, &first, sizeof first);
        device_copy_in(dev, (int64_t *)o->segments.count.data + i, &count, sizeof count);
        device_copy_in(dev, (double *)o->segments.decay.data + i, &decay[p->info[i].decay],
                       sizeof *decay);
    }
    return device_sync(dev);
}

void optimizer_close(Optimizer *o) { arena_close(&o->arena); }

void optimizer_step(Device *dev, const Optimizer *o, Params *p, int64_t t)
{
    const AdamwOptions options = {
        .beta1 = o->beta1, .beta2 = o->beta2, .eps = o->eps, .clip = o->clip};
    const Tensor grad = params_flat(p, PARAM_GRAD);
    adamw_schedule(dev, o->control, optimizer_lr(o, t), t, options);
    gradient_norm_squared(dev, adamw_norm_squared(o->control), grad, o->segments);
    adamw_step(dev, params_flat(p, PARAM_VALUE), params_flat(p, PARAM_MOMENT1),
               params_flat(p, PARAM_MOMENT2), grad, o->segments, o->control, options);
    elementwise_fill(dev, grad, 0.0f);
}

double optimizer_norm(Device *dev, const Optimizer *o)
{
    double squared = 0.0;
    device_copy_out(dev, &squared, adamw_norm_squared(o->control).data, sizeof squared);
    return sqrt(squared);
}

void optimizer_move_target(Device *dev, const Optimizer *o, Params *p, int64_t t)
{
    if (o->copy_every > 0 && t % o->copy_every != 0) return;
    Tensor target = params_flat(p, PARAM_TARGET), value = params_flat(p, PARAM_VALUE);
    if (o->copy_every > 0)
        elementwise_copy(dev, target, value);
    else
        polyak_update(dev, target, value, (float)o->polyak);
}

#include "learn/optimizer.h"

#include <math.h>

#include "adamw.h"
#include "elementwise.h"

double optimizer_lr(const Optimizer *o, int64_t t)
{
    if (t <= o->warmup) return o->lr * (double)t / (double)o->warmup;
    const double rest = (double)(o->steps - o->warmup);
    double done = rest > 0.0 ? (double)(t - o->warmup) / rest : 1.0;
    if (done > 1.0) done = 1.0;
    return o->lr * (o->lr_floor + (1.0 - o->lr_floor) * 0.5 * (1.0 + cos(M_PI * done)));
}

static Tensor flat(Tensor t) { return TENSOR(t.data, F32, tensor_count(t)); }

static double gradient_norm(Device *dev, const Params *p)
{
    double sum = 0.0;
    for (int i = 0; i < p->count; i++)
        sum += gradient_norm_squared(dev, flat(p->copy[PARAM_GRAD][i]));
    return sqrt(sum);
}

double optimizer_step(Device *dev, const Optimizer *o, Params *p, int64_t t)
{
    const double norm = gradient_norm(dev, p);
    if (!isfinite(norm)) return norm;
    const double decay[] = {[DECAY_NONE] = 0.0,
                            [DECAY_MATRIX] = o->weight_decay,
                            [DECAY_EMBEDDING] = o->embedding_decay};
    AdamwOptions options = {
        .lr = optimizer_lr(o, t),
        .beta1 = o->beta1,
        .beta2 = o->beta2,
        .eps = o->eps,
        .step = t,
        .scale = o->clip > 0.0 ? fmin(1.0, o->clip / (norm + 1e-6)) : 1.0,
    };
    for (int i = 0; i < p->count; i++) {
        options.decay = decay[p->info[i].decay];
        adamw_step(dev, flat(p->copy[PARAM_VALUE][i]), flat(p->copy[PARAM_MOMENT1][i]),
                   flat(p->copy[PARAM_MOMENT2][i]), flat(p->copy[PARAM_GRAD][i]), options);
        elementwise_fill(dev, p->copy[PARAM_GRAD][i], 0.0f);
    }
    return norm;
}

void optimizer_move_target(Device *dev, const Optimizer *o, Params *p, int64_t t)
{
    if (o->copy_every > 0 && t % o->copy_every != 0) return;
    for (int i = 0; i < p->count; i++) {
        Tensor target = flat(p->copy[PARAM_TARGET][i]), value = flat(p->copy[PARAM_VALUE][i]);
        if (o->copy_every > 0)
            elementwise_copy(dev, target, value);
        else
            polyak_update(dev, target, value, (float)o->polyak);
    }
}

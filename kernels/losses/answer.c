/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/answer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "losses/end.h"

/* The number of kinds in rows of 2 K logits. */
static int64_t kinds_of(Tensor logit)
{
    REQUIRE(logit.rank == 2 && logit.dim[1] % 2 == 0,
            "logits of answers have two columns for each kind");
    return logit.dim[1] / 2;
}

static float highest(const float *x, int64_t count)
{
    float high = x[0];
    for (int64_t k = 1; k < count; k++) high = fmaxf(high, x[k]);
    return high;
}

/* ---- Probabilities --------------------------------------------------------------------------- */

static void probabilities_of_row(float *p, const float *z, const float *factor, const float *shift,
                                 int64_t kinds)
{
    float sum = 0.0f;
    for (int64_t k = 0; k < 2 * kinds; k++) p[k] = factor[k / kinds] * z[k] + shift[k];
    const float high = highest(p, kinds);
    for (int64_t k = 0; k < kinds; k++) sum += p[k] = expf(p[k] - high);
    for (int64_t k = 0; k < kinds; k++) p[k] /= sum;
    for (int64_t k = kinds; k < 2 * kinds; k++) p[k] = 1.0f / (1.0f + expf(-p[k]));
}

void answer_probabilities(Device *dev, Tensor p, Tensor logit, Tensor factor, Tensor shift)
{
    const int64_t rows = logit.dim[0], kinds = kinds_of(logit);
    EXPECT(p, F32, rows, 2 * kinds);
    EXPECT(logit, F32, rows, 2 * kinds);
    EXPECT(factor, F32, 2);
    EXPECT(shift, F32, 2 * kinds);
    if (ON_CUDA(dev)) {
        answer_probabilities_cuda(dev, p, logit, factor, shift);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++)
        probabilities_of_row(f32(p) + i * 2 * kinds, f32(logit) + i * 2 * kinds, f32(factor),
                             f32(shift), kinds);
}

/* ---- Loss ------------------------------------------------------------------------------------ */

/* The loss of a row with the weight 1; d gets its gradient. d may be z. */
static float loss_of_row(float *d, const float *z, int64_t kinds, int64_t kind, int left)
{
    const float high = highest(z, kinds), chosen = z[kind], ends = z[kinds + kind];
    float sum = 0.0f;
    for (int64_t k = 0; k < kinds; k++) sum += d[k] = expf(z[k] - high);
    for (int64_t k = 0; k < kinds; k++) d[k] = d[k] / sum - (k == kind ? 1.0f : 0.0f);
    memset(d + kinds, 0, (size_t)kinds * sizeof *d);
    const float loss = high + logf(sum) - chosen;
    if (left < 0) return loss;
    d[kinds + kind] = 1.0f / (1.0f + expf(-ends)) - (float)left;
    /* log(1 + exp(l)) without an overflow */
    return loss + fmaxf(ends, 0.0f) + log1pf(expf(-fabsf(ends))) - (float)left * ends;
}

void answer_loss(Device *dev, Tensor loss, Tensor dlogit, Tensor logit, Tensor kind, Tensor left,
                 Tensor weight)
{
    const int64_t rows = logit.dim[0], kinds = kinds_of(logit);
    EXPECT(loss, F32, rows);
    EXPECT(dlogit, F32, rows, 2 * kinds);
    EXPECT(logit, F32, rows, 2 * kinds);
    EXPECT(kind, I32, rows);
    EXPECT(left, I32, rows);
    EXPECT(weight, F32, rows);
    if (ON_CUDA(dev)) {
        answer_loss_cuda(dev, loss, dlogit, logit, kind, left, weight);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        const int64_t y = i32(kind)[i];
        const float w = f32(weight)[i];
        float *d = f32(dlogit) + i * 2 * kinds;
        f32(loss)[i] = 0.0f;
        REQUIRE(y < kinds, "answer %" PRId64 " is of kind %" PRId64 ", want below %" PRId64, i, y,
                kinds);
        if (y < 0) {
            memset(d, 0, (size_t)(2 * kinds) * sizeof *d);
            continue;
        }
        f32(loss)[i] = w * loss_of_row(d, f32(logit) + i * 2 * kinds, kinds, y, i32(left)[i]);
        for (int64_t k = 0; k < 2 * kinds; k++) d[k] *= w;
    }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static int32_t left_of(uint8_t end) { return end == END_TRUNCATED ? -1 : end == END_TERMINAL; }

void answer_ends(Device *dev, Tensor left, Tensor end, Tensor state, Tensor target)
{
    const int64_t tokens = target.dim[0];
    EXPECT(left, I32, tokens);
    EXPECT(end, U8, tokens);
    EXPECT(state, I32, tokens);
    EXPECT(target, I32, tokens);
    if (ON_CUDA(dev)) {
        answer_ends_cuda(dev, left, end, state, target);
        return;
    }
    if (!device_runs(dev)) return;
    const int32_t *s = i32(state), *t = i32(target);
    for (int64_t i = tokens; i-- > 0;) {
        const bool of_set = i + 1 < tokens && t[i + 1] >= 0 && s[i + 1] == s[i];
        i32(left)[i] = t[i] < 0 ? -1
                       : of_set ? i32(left)[i + 1]
                                : left_of(((uint8_t *)end.data)[i]);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW on CUDA: one launch for all parameters. A block takes 4096 consecutive elements, and a
 * thread reads 16 bytes of them at a time. One thread finds the block's first segment by bisection;
 * from there every thread walks along the segments. Bound by memory: 28 bytes an element.
 */
#include "adamw.h"

#include "base/cuda/sum.cuh"

enum { THREADS = 256, PACK = 4, STEPS = 4, CHUNK = THREADS * PACK * STEPS, PER_PROCESSOR = 8 };

/* One thread is enough for a handful of losses. */
static __global__ void check_kernel(double *state, const double *losses, int64_t count)
{
    bool finite = isfinite(state[ADAMW_NORM_SQUARED]);
    for (int64_t i = 0; i < count; i++) finite &= (bool)isfinite(losses[i]);
    if (!finite) state[ADAMW_STOP] = 1.0;
}

typedef struct {
    const int64_t *first, *count;
    const double *decay, *rate;
    int64_t segments;
} Segments;

/* Numbers that all elements share. One thread of a block computes them, in double as on the CPU. */
typedef struct {
    float scale, rate, root, beta1, rest1, beta2, rest2, eps;
} Update;

/* The last segment that begins at or before element i; -1 where none does. */
static __device__ int64_t segment_at(const Segments &s, int64_t i)
{
    int64_t low = -1, high = s.segments;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (s.first[middle] <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static __device__ __forceinline__ void update_one(float &p, float &m, float &v, float g, float keep,
                                                  const Update &u)
{
    const float slope = u.scale * g;
    m = u.beta1 * m + u.rest1 * slope;
    v = u.beta2 * v + u.rest2 * (slope * slope);
    p = keep * p - u.rate * m / (sqrtf(v) * u.root + u.eps);
}

static __global__ void __launch_bounds__(THREADS)
    step_kernel(float *p, float *m, float *v, const float *g, Segments segments,
                const double *schedule, const double *state, AdamwOptions o)
{
    __shared__ int64_t first_segment;
    __shared__ Update shared;
    const double norm = sqrt(state[ADAMW_NORM_SQUARED]), lr = schedule[ADAMW_LR];
    if (threadIdx.x == 0) {
        first_segment = segment_at(segments, (int64_t)blockIdx.x * CHUNK);
        shared.scale = o.clip > 0.0 ? (float)fmin(1.0, o.clip / (norm + 1e-6)) : 1.0f;
        shared.rate = (float)(lr / schedule[ADAMW_CORRECT1]);
        shared.root = (float)(1.0 / sqrt(schedule[ADAMW_CORRECT2]));
        shared.beta1 = (float)o.beta1;
        shared.rest1 = (float)(1.0 - o.beta1);
        shared.beta2 = (float)o.beta2;
        shared.rest2 = (float)(1.0 - o.beta2);
        shared.eps = (float)o.eps;
    }
    __syncthreads();
    if (state[ADAMW_STOP] != 0.0) return;
    const Update u = shared;
    int64_t s = first_segment;
    for (int k = 0; k < STEPS; k++) {
        const int64_t i = ((int64_t)blockIdx.x * STEPS + k) * THREADS * PACK + threadIdx.x * PACK;
        while (s + 1 < segments.segments && segments.first[s + 1] <= i) s++;
        if (s < 0) continue;
        const int64_t end = segments.first[s] + segments.count[s];
        const float keep = (float)(1.0 - lr * segments.rate[s] * segments.decay[s]);
        Update here = u;
        here.rate = u.rate * (float)segments.rate[s];
        if (i + PACK <= end) {
            float ps[PACK], ms[PACK], vs[PACK], gs[PACK];
            load(ps, p + i);
            load(ms, m + i);
            load(vs, v + i);
            load(gs, g + i);
#pragma unroll
            for (int e = 0; e < PACK; e++) update_one(ps[e], ms[e], vs[e], gs[e], keep, here);
            store(p + i, ps);
            store(m + i, ms);
            store(v + i, vs);
        } else {
            for (int64_t e = i; e < end; e++) update_one(p[e], m[e], v[e], g[e], keep, here);
        }
    }
}

static __global__ void polyak_kernel(float *target, const float *p, const double *schedule,
                                     const double *state, int64_t packs, int64_t count)
{
    const float tau = (float)schedule[ADAMW_TAU], keep = (float)(1.0 - (double)tau);
    if (state[ADAMW_STOP] != 0.0 || tau == 0.0f) return;
    const int64_t step = (int64_t)gridDim.x * THREADS;
    const int64_t first = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    for (int64_t i = first; i < packs; i += step) {
        float ts[PACK], ps[PACK];
        load(ts, target + i * PACK);
        load(ps, p + i * PACK);
#pragma unroll
        for (int e = 0; e < PACK; e++) ts[e] = tau == 1.0f ? ps[e] : keep * ts[e] + tau * ps[e];
        store(target + i * PACK, ts);
    }
    for (int64_t i = packs * PACK + first; i < count; i += step)
        target[i] = tau == 1.0f ? p[i] : keep * target[i] + tau * p[i];
}

void adamw_check_cuda(Device *dev, Tensor state, Tensor losses)
{
    LAUNCH(dev, check_kernel, 1, 1, 0, (double *)state.data, (const double *)losses.data,
           tensor_count(losses));
}

void adamw_gradient_norm_squared_cuda(Device *dev, Tensor sum, Tensor g)
{
    cuda_sum<true>(dev, (double *)sum.data, NULL, f32(g), g.dim[0]);
}

void adamw_step_cuda(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, AdamwSegments segments,
                     Tensor schedule, Tensor state, AdamwOptions options)
{
    REQUIRE(aligned16(p.data) && aligned16(m.data) && aligned16(v.data) && aligned16(g.data),
            "adamw: a buffer is not aligned to 16 bytes");
    const Segments s = {(const int64_t *)segments.first.data, (const int64_t *)segments.count.data,
                        (const double *)segments.decay.data, (const double *)segments.rate.data,
                        segments.first.dim[0]};
    LAUNCH(dev, step_kernel, blocks_for(p.dim[0], CHUNK), THREADS, 0, f32(p), f32(m), f32(v),
           f32(g), s, (const double *)schedule.data, (const double *)state.data, options);
}

void adamw_polyak_cuda(Device *dev, Tensor target, Tensor p, Tensor schedule, Tensor state)
{
    const int64_t count = p.dim[0];
    const int64_t packs = aligned16(target.data) && aligned16(p.data) ? count / PACK : 0;
    LAUNCH(dev, polyak_kernel, blocks_looping(dev, count, THREADS * PACK, PER_PROCESSOR), THREADS,
           0, f32(target), f32(p), (const double *)schedule.data, (const double *)state.data, packs,
           count);
}

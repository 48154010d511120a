/* SPDX-License-Identifier: Apache-2.0 */
/* The score of candidates on CUDA. Forward: a thread a candidate, with its features in registers
 * and the weights in shared memory; a candidate takes about 700 operations and 70 bytes.
 *
 * Backward: a block takes a chunk of rows, up to TILE candidates of a row at a time. Their
 * features, the values of the units and their gradients go to shared memory, a column a candidate.
 * Then a thread owns some of the sums, each of which is a product of two rows of that memory, and
 * adds the tile to them in registers. The sums of the chunks are added by a second kernel. A
 * candidate takes about 1,400 operations, each with a read or two of shared memory, which bound the
 * kernel.
 */
#include "counts/score.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 256, TILE = 64, STRIDE = TILE + 1, FEATURES = SCORE_FEATURES_MAX };
enum { SUMS = 1 + FEATURES + SCORE_UNITS_MAX * (1 + FEATURES) };
enum { OWN = (SUMS + THREADS - 1) / THREADS };

typedef struct {
    const int32_t *item;
    const float *feature, *mean, *scale, *base, *dense, *hidden, *pointer; /* pointer: or NULL */
    const float *beta, *linear, *inner, *outer;
    int64_t rows, width;
    int features, units;
} ScoreArrays;

static ScoreArrays arrays_of(Tensor r, const ScoreInput *in, const ScoreWeights *w)
{
    ScoreArrays a = {};
    a.item = i32(in->item);
    a.feature = f32(in->feature);
    a.mean = f32(in->mean);
    a.scale = f32(in->scale);
    a.base = f32(in->base);
    a.dense = f32(in->dense);
    a.hidden = f32(in->hidden);
    a.pointer = f32(in->pointer);
    a.beta = f32(w->beta);
    a.linear = f32(w->linear);
    a.inner = f32(w->inner);
    a.outer = f32(w->outer);
    a.rows = r.dim[0];
    a.width = r.dim[1];
    a.features = (int)w->inner.dim[1];
    a.units = (int)w->inner.dim[0];
    return a;
}

/* The weights of a unit, with zeros after the last feature. */
static __device__ __forceinline__ void load_inner(float (*inner)[FEATURES], const ScoreArrays &a)
{
    for (int n = (int)threadIdx.x; n < a.units * FEATURES; n += (int)blockDim.x) {
        const int h = n / FEATURES, k = n % FEATURES;
        inner[h][k] = k < a.features ? a.inner[h * a.features + k] : 0.0f;
    }
}

/* x of the candidate at `at`, with zeros after the last feature. */
static __device__ __forceinline__ void load_features(float (&x)[FEATURES], const ScoreArrays &a,
                                                     int64_t at)
{
#pragma unroll
    for (int k = 0; k < FEATURES; k++)
        x[k] = k < a.features ? (a.feature[at * a.features + k] - a.mean[k]) * a.scale[k] : 0.0f;
}

static __device__ __forceinline__ float unit_of(const float (&x)[FEATURES], const float *inner,
                                                float n)
{
#pragma unroll
    for (int k = 0; k < FEATURES; k++) n += inner[k] * x[k];
    return n;
}

/* ---- Forward --------------------------------------------------------------------------------- */

static __global__ void __launch_bounds__(THREADS) score_kernel(float *r, ScoreArrays a)
{
    __shared__ float inner[SCORE_UNITS_MAX][FEATURES];
    load_inner(inner, a);
    __syncthreads();
    const int64_t at = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (at >= a.rows * a.width) return;
    if (a.item[at] < 0) {
        r[at] = -INFINITY;
        return;
    }
    const int64_t i = at / a.width;
    float x[FEATURES], sum = a.base[i] + a.beta[0] * a.dense[at];
    load_features(x, a, at);
#pragma unroll
    for (int k = 0; k < FEATURES; k++)
        if (k < a.features) sum += a.linear[k] * x[k];
    for (int h = 0; h < a.units; h++)
        sum += a.outer[h] * fmaxf(unit_of(x, inner[h], a.hidden[i * a.units + h]), 0.0f);
    r[at] = a.pointer ? sum + a.pointer[at] : sum;
}

void counts_score_cuda(Device *dev, Tensor r, const ScoreInput *in, const ScoreWeights *weights)
{
    LAUNCH(dev, score_kernel, blocks_for(tensor_count(r), THREADS), THREADS, 0, f32(r),
           arrays_of(r, in, weights));
}

/* ---- Backward -------------------------------------------------------------------------------- */

typedef struct {
    float *base, *dense, *hidden;
    const float *dr;
    float *part; /* [chunks, sums] */
} ScoreSlopes;

/* A tile in shared memory: rows of STRIDE numbers, a column a candidate, 0 where there is none. */
typedef struct {
    float *d, *dense, *x, *active, *slope; /* dr; dense; [features]; max(n, 0), e [units] */
} ScoreTile;

static __device__ __forceinline__ ScoreTile tile_in(float *memory, const ScoreArrays &a)
{
    ScoreTile t;
    t.d = memory;
    t.dense = t.d + STRIDE;
    t.x = t.dense + STRIDE;
    t.active = t.x + a.features * STRIDE;
    t.slope = t.active + a.units * STRIDE;
    return t;
}

static size_t tile_bytes(const ScoreArrays &a)
{
    return sizeof(float) * STRIDE * (size_t)(2 + a.features + 2 * a.units);
}

/* The candidates of row i from `first` on; also writes ddense. */
static __device__ __forceinline__ void fill_tile(const ScoreTile &t, const ScoreSlopes &to,
                                                 const float (*inner)[FEATURES],
                                                 const ScoreArrays &a, int64_t i, int64_t first)
{
    const int column = (int)threadIdx.x % TILE, share = (int)threadIdx.x / TILE;
    const int64_t at = i * a.width + first + column;
    const bool inside = first + column < a.width, present = inside && a.item[at] >= 0;
    const float d = present ? to.dr[at] : 0.0f;
    float x[FEATURES] = {};
    if (present) load_features(x, a, at);
    for (int h = share; h < a.units; h += THREADS / TILE) {
        const float n = present ? unit_of(x, inner[h], a.hidden[i * a.units + h]) : 0.0f;
        t.active[h * STRIDE + column] = fmaxf(n, 0.0f);
        t.slope[h * STRIDE + column] = n > 0.0f ? d * a.outer[h] : 0.0f;
    }
    if (share > 0) return;
    t.d[column] = d;
    t.dense[column] = present ? a.dense[at] : 0.0f;
#pragma unroll
    for (int k = 0; k < FEATURES; k++)
        if (k < a.features) t.x[k * STRIDE + column] = x[k];
    if (inside) to.dense[at] = a.beta[0] * d;
}

/* The two rows of the tile whose product is sum `at` of a chunk, in the order beta, linear, outer,
 * inner. */
static __device__ __forceinline__ void factors_of(const float *&left, const float *&right,
                                                  const ScoreTile &t, const ScoreArrays &a, int at)
{
    const int outer = 1 + a.features, inner = outer + a.units;
    left = t.d;
    if (at == 0) {
        right = t.dense;
    } else if (at < outer) {
        right = t.x + (at - 1) * STRIDE;
    } else if (at < inner) {
        right = t.active + (at - outer) * STRIDE;
    } else {
        left = t.slope + (at - inner) / a.features * STRIDE;
        right = t.x + (at - inner) % a.features * STRIDE;
    }
}

static __device__ __forceinline__ void add_tile(float (&own)[OWN], const ScoreTile &t,
                                                const ScoreArrays &a, int sums)
{
#pragma unroll
    for (int n = 0; n < OWN; n++) {
        const int at = (int)threadIdx.x + n * THREADS;
        const float *left, *right;
        if (at >= sums) break;
        factors_of(left, right, t, a, at);
        for (int c = 0; c < TILE; c++) own[n] += left[c] * right[c];
    }
}

/* What thread h adds up of a row: dhidden[i, h], or dbase[i] after the last unit. */
static __device__ __forceinline__ float row_sum(const ScoreTile &t, const ScoreArrays &a)
{
    const int h = (int)threadIdx.x;
    const float *from = h < a.units ? t.slope + h * STRIDE : t.d;
    float sum = 0.0f;
    if (h > a.units) return sum;
    for (int c = 0; c < TILE; c++) sum += from[c];
    return sum;
}

static __global__ void __launch_bounds__(THREADS)
    score_backward_kernel(ScoreSlopes to, ScoreArrays a, int sums)
{
    DYNAMIC_SHARED(memory);
    __shared__ float inner[SCORE_UNITS_MAX][FEATURES];
    const ScoreTile t = tile_in((float *)memory, a);
    const int64_t begin = (int64_t)blockIdx.x * SCORE_CHUNK;
    const int64_t end = begin + SCORE_CHUNK < a.rows ? begin + SCORE_CHUNK : a.rows;
    float own[OWN] = {};
    load_inner(inner, a);
    for (int64_t i = begin; i < end; i++) {
        float row = 0.0f;
        for (int64_t first = 0; first < a.width; first += TILE) {
            __syncthreads();
            fill_tile(t, to, inner, a, i, first);
            __syncthreads();
            add_tile(own, t, a, sums);
            row += row_sum(t, a);
        }
        if ((int)threadIdx.x < a.units) to.hidden[i * a.units + threadIdx.x] = row;
        if ((int)threadIdx.x == a.units) to.base[i] = row;
    }
#pragma unroll
    for (int n = 0; n < OWN; n++) {
        const int at = (int)threadIdx.x + n * THREADS;
        if (at < sums) to.part[(int64_t)blockIdx.x * sums + at] = own[n];
    }
}

/* A block adds up one sum: to[block] += sum_c part[c, first + block]. */
static __global__ void __launch_bounds__(THREADS)
    add_chunks_kernel(float *to, const float *part, int64_t chunks, int64_t sums, int64_t first)
{
    double sum = 0.0;
    for (int64_t c = threadIdx.x; c < chunks; c += THREADS)
        sum += (double)part[c * sums + first + blockIdx.x];
    sum = block_sum<THREADS>(sum);
    if (threadIdx.x == 0) to[blockIdx.x] += (float)sum;
}

static void add_chunks(Device *dev, Tensor to, Tensor part, int64_t first)
{
    LAUNCH(dev, add_chunks_kernel, (unsigned)tensor_count(to), THREADS, 0, f32(to), f32(part),
           part.dim[0], part.dim[1], first);
}

void counts_score_backward_cuda(Device *dev, const ScoreGradient *to, Tensor dr,
                                const ScoreInput *in, const ScoreWeights *weights)
{
    const ScoreArrays a = arrays_of(dr, in, weights);
    const int64_t sums = 1 + a.features + a.units + a.units * a.features;
    const int64_t shape[] = {ceil_div(a.rows, SCORE_CHUNK), sums};
    const size_t mark = scratch_mark(dev);
    const Tensor part = scratch_tensor(dev, F32, 2, shape);
    ScoreSlopes slopes = {};
    slopes.base = f32(to->base);
    slopes.dense = f32(to->dense);
    slopes.hidden = f32(to->hidden);
    slopes.dr = f32(dr);
    slopes.part = f32(part);
    LAUNCH(dev, score_backward_kernel, (unsigned)shape[0], THREADS, tile_bytes(a), slopes, a,
           (int)sums);
    add_chunks(dev, to->beta, part, 0);
    add_chunks(dev, to->linear, part, 1);
    add_chunks(dev, to->outer, part, 1 + a.features);
    add_chunks(dev, to->inner, part, 1 + a.features + a.units);
    scratch_release(dev, mark);
}

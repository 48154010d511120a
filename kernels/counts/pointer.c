/* SPDX-License-Identifier: Apache-2.0 */
#include "counts/pointer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bf16.h"

/* Arrays in f32. */
typedef struct {
    const float *q, *k, *bias;
    const int32_t *item, *cu_seqlens, *token, *candidate;
    int64_t rows, windows, width, distances, dim;
    float scale;
} Arrays;

static void check(Tensor p, const PointerInput *in)
{
    const int64_t rows = p.dim[0], width = p.dim[1], dim = in->q.dim[1];
    const int64_t tokens = in->item.dim[0], distances = in->bias.dim[0];
    EXPECT(p, F32, rows, width);
    EXPECT(in->q, activation_dtype(in->q), rows, dim);
    EXPECT(in->k, in->q.dtype, tokens, dim);
    EXPECT(in->bias, F32, distances);
    EXPECT(in->item, I32, tokens);
    EXPECT(in->cu_seqlens, I32, in->cu_seqlens.dim[0]);
    EXPECT(in->token, I32, rows);
    EXPECT(in->candidate, I32, rows, width);
    REQUIRE(width <= POINTER_WIDTH_MAX && distances <= POINTER_DISTANCES_MAX &&
                dim <= POINTER_DIM_MAX,
            "a pointer to %" PRId64 " candidates over %" PRId64 " distances, dim %" PRId64
            ", want at most %d, %d, %d",
            width, distances, dim, POINTER_WIDTH_MAX, POINTER_DISTANCES_MAX, POINTER_DIM_MAX);
}

/* Takes scratch where the tensors are bf16. */
static Arrays arrays_of(Device *dev, Tensor p, const PointerInput *in)
{
    return (Arrays){
        .q = f32(bf16_widen(dev, in->q)),
        .k = f32(bf16_widen(dev, in->k)),
        .bias = f32(in->bias),
        .item = i32(in->item),
        .cu_seqlens = i32(in->cu_seqlens),
        .token = i32(in->token),
        .candidate = i32(in->candidate),
        .rows = p.dim[0],
        .windows = in->cu_seqlens.dim[0] - 1,
        .width = p.dim[1],
        .distances = in->bias.dim[0],
        .dim = in->q.dim[1],
        .scale = 1.0f / sqrtf((float)in->q.dim[1]),
    };
}

/* The number of events of row i's history that count. */
static int64_t events_of(const Arrays *a, int64_t i)
{
    const int32_t token = a->token[i];
    REQUIRE(token < a->cu_seqlens[a->windows],
            "pointer: token[%" PRId64 "] = %d, want one of the %d in windows", i, token,
            a->cu_seqlens[a->windows]);
    if (token < 0) return 0;
    int64_t low = 0, high = a->windows; /* the window is low .. high - 1 */
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (a->cu_seqlens[middle] <= token)
            low = middle;
        else
            high = middle;
    }
    const int64_t events = token - a->cu_seqlens[low] + 1;
    return events < a->distances ? events : a->distances;
}

/* The place of `item` in a row's candidates; -1: nowhere. */
static int64_t place_of(const int32_t *candidate, int64_t width, int32_t item)
{
    int32_t place = -1;
#pragma omp simd reduction(max : place)
    for (int32_t j = 0; j < (int32_t)width; j++)
        place = candidate[j] == item && j > place ? j : place;
    return item < 0 ? -1 : place;
}

/* s[d] and the candidate of each event of row i; the number of events is returned. */
static int64_t row_scores(float *s, int64_t *place, const Arrays *a, int64_t i)
{
    const int64_t events = events_of(a, i);
    const float *q = a->q + i * a->dim;
    for (int64_t d = 0; d < events; d++) {
        const int64_t token = a->token[i] - d;
        const float *k = a->k + token * a->dim;
        place[d] = place_of(a->candidate + i * a->width, a->width, a->item[token]);
        if (place[d] < 0) continue;
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int64_t c = 0; c < a->dim; c++) sum += q[c] * k[c];
        s[d] = sum * a->scale + a->bias[d];
    }
    return events;
}

void counts_pointer(Device *dev, Tensor p, const PointerInput *in)
{
    check(p, in);
    if (ON_CUDA(dev)) {
        counts_pointer_cuda(dev, p, in);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Arrays a = arrays_of(dev, p, in);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a.rows; i++) {
        float s[POINTER_DISTANCES_MAX], max[POINTER_WIDTH_MAX], sum[POINTER_WIDTH_MAX] = {0};
        int64_t place[POINTER_DISTANCES_MAX];
        float *to = f32(p) + i * a.width;
        const int64_t events = row_scores(s, place, &a, i);
        for (int64_t j = 0; j < a.width; j++) max[j] = -INFINITY;
        for (int64_t d = 0; d < events; d++)
            if (place[d] >= 0 && s[d] > max[place[d]]) max[place[d]] = s[d];
        for (int64_t d = 0; d < events; d++)
            if (place[d] >= 0) sum[place[d]] += expf(s[d] - max[place[d]]);
        for (int64_t j = 0; j < a.width; j++) to[j] = sum[j] > 0.0f ? max[j] + logf(sum[j]) : 0.0f;
    }
    scratch_release(dev, mark);
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* share[d] = a[i, d], and dq of the row. */
static void row_backward(float *restrict dq, float *restrict share, const Arrays *a, int64_t i,
                         const float *dp, const float *p)
{
    float s[POINTER_DISTANCES_MAX];
    int64_t place[POINTER_DISTANCES_MAX];
    const int64_t events = row_scores(s, place, a, i);
    memset(share, 0, (size_t)a->distances * sizeof *share);
    memset(dq, 0, (size_t)a->dim * sizeof *dq);
    for (int64_t d = 0; d < events; d++) {
        if (place[d] < 0) continue;
        const float *restrict k = a->k + (a->token[i] - d) * a->dim;
        share[d] = dp[place[d]] * expf(s[d] - p[place[d]]);
        for (int64_t c = 0; c < a->dim; c++) dq[c] += share[d] * a->scale * k[c];
    }
}

/* The first row after those of tokens below `token`; rows without a token belong to the next. */
static int64_t rows_before(const Arrays *a, int64_t token)
{
    int64_t low = 0, high = a->rows;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        const int64_t from = middle;
        while (middle < high && a->token[middle] < 0) middle++;
        if (middle == high || a->token[middle] >= token)
            high = from;
        else
            low = middle + 1;
    }
    return low;
}

/* dk of a window's tokens, from the rows in order. */
static void window_backward(float *dk, const Arrays *a, const float *share, int64_t window)
{
    const int64_t first = a->cu_seqlens[window], end = a->cu_seqlens[window + 1];
    for (int64_t i = rows_before(a, first); i < a->rows; i++) {
        const int64_t token = a->token[i];
        if (token < 0) continue;
        if (token >= end) break;
        const float *restrict q = a->q + i * a->dim;
        for (int64_t d = 0; d < a->distances && token - d >= first; d++) {
            const float factor = share[i * a->distances + d] * a->scale;
            float *restrict to = dk + (token - d) * a->dim;
            if (factor == 0.0f) continue;
            for (int64_t c = 0; c < a->dim; c++) to[c] += factor * q[c];
        }
    }
}

/* dbias += the sums of share's columns, chunk after chunk. */
static void add_bias(float *dbias, const float *share, const Arrays *a)
{
    for (int64_t first = 0; first < a->rows; first += POINTER_CHUNK) {
        const int64_t end = first + POINTER_CHUNK < a->rows ? first + POINTER_CHUNK : a->rows;
        float sum[POINTER_DISTANCES_MAX] = {0};
        for (int64_t i = first; i < end; i++)
            for (int64_t d = 0; d < a->distances; d++) sum[d] += share[i * a->distances + d];
        for (int64_t d = 0; d < a->distances; d++) dbias[d] += sum[d];
    }
}

void counts_pointer_backward(Device *dev, const PointerGradient *to, Tensor dp, Tensor p,
                             const PointerInput *in)
{
    check(p, in);
    EXPECT(dp, F32, p.dim[0], p.dim[1]);
    EXPECT(to->q, in->q.dtype, in->q.dim[0], in->q.dim[1]);
    EXPECT(to->k, in->k.dtype, in->k.dim[0], in->k.dim[1]);
    EXPECT(to->bias, F32, in->bias.dim[0]);
    if (ON_CUDA(dev)) {
        counts_pointer_backward_cuda(dev, to, dp, p, in);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Arrays a = arrays_of(dev, p, in);
    const Tensor dq = bf16_wide_like(dev, to->q), dk = bf16_wide_like(dev, to->k);
    float *share = f32(SCRATCH(dev, F32, a.rows, a.distances));
    if (!scratch_ready(dev, mark)) return;
    memset(dk.data, 0, tensor_bytes(dk));
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a.rows; i++)
        row_backward(f32(dq) + i * a.dim, share + i * a.distances, &a, i, f32(dp) + i * a.width,
                     f32(p) + i * a.width);
#pragma omp parallel for schedule(dynamic, 1) num_threads(dev->threads)
    for (int64_t w = 0; w < a.windows; w++) window_backward(f32(dk), &a, share, w);
    add_bias(f32(to->bias), share, &a);
    bf16_round_into(dev, to->q, dq);
    bf16_round_into(dev, to->k, dk);
    scratch_release(dev, mark);
}

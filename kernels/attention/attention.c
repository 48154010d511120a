/* SPDX-License-Identifier: Apache-2.0 */
/* A thread copies one head of a sequence into its scratch, padded with zeros to whole blocks of 32
 * tokens and 32 columns. So every product is made of calls of one small product, ROWS rows by two
 * vectors, which needs no bound checks and whose sums stay in registers. A transposed left operand
 * is read with other strides. A transposed right operand (k in scores = q k^T) is copied as panels
 * [head_dim][32 tokens], because a vector needs consecutive memory. */
#include "attention/attention.h"

#include "base/bf16.h"
#include "base/vecmath.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

/* WIDE is the number of floats in a register: 16 with AVX-512, 8 with AVX, 4 with SSE or NEON. gcc
 * keeps vectors wider than a register in memory, so Vector is one register. The ROWS x 2 sums must
 * fit the registers: AVX-512 has 32 registers, the others have 16 or more. */
enum {
    WIDE = __BIGGEST_ALIGNMENT__ / 4,
    ROWS = WIDE == 16 ? 8 : 4,
    LANES = 16,
    BLOCK = 32,
    HEAD_DIM_CUDA = 128
};

typedef float Vector __attribute__((vector_size(4 * WIDE), aligned(4), may_alias));
typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));

typedef struct {
    int32_t first, length;
} Sequence;

/* The shape of one head in the packed rows. */
typedef struct {
    int64_t heads, head_dim;
    int64_t width; /* head_dim rounded up to BLOCK */
    float scale;
    bool rounds; /* bf16: p and ds are rounded before they enter a product */
} Shape;

static int64_t round_up(int64_t count) { return (count + BLOCK - 1) / BLOCK * BLOCK; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* c[i, j] += sum_{k < depth} a[i a_row + k a_step] b[k, j] for i < ROWS, j < 2 WIDE. */
static inline void small_product(float *c, int64_t c_row, const float *a, int64_t a_row,
                                 int64_t a_step, const float *b, int64_t b_row, int64_t depth)
{
    Vector sum[ROWS][2];
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
        sum[i][0] = *(const Vector *)(c + i * c_row);
        sum[i][1] = *(const Vector *)(c + i * c_row + WIDE);
    }
    for (int64_t k = 0; k < depth; k++) {
        const Vector b0 = *(const Vector *)(b + k * b_row);
        const Vector b1 = *(const Vector *)(b + k * b_row + WIDE);
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            const float left = a[i * a_row + k * a_step];
            sum[i][0] += left * b0;
            sum[i][1] += left * b1;
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
        *(Vector *)(c + i * c_row) = sum[i][0];
        *(Vector *)(c + i * c_row + WIDE) = sum[i][1];
    }
}

/* c[i, 0..width-1] += sum_{k < depth} a[i a_row + k a_step] b[k, 0..width-1], for i below `rows`
 * rounded up to ROWS. */
static inline void product(float *c, int64_t c_row, const float *a, int64_t a_row, int64_t a_step,
                           const float *b, int64_t width, int64_t rows, int64_t depth)
{
    for (int64_t i = 0; i < rows; i += ROWS)
        for (int64_t j = 0; j < width; j += 2 * WIDE)
            small_product(c + i * c_row + j, c_row, a + i * a_row, a_row, a_step, b + j, width,
                          depth);
}

static void zero(float *x, int64_t count) { memset(x, 0, (size_t)count * sizeof *x); }

/* to [rows rounded up, width] = scale * rows of `from`, zeros beyond them. */
static void copy_rows(float *restrict to, const float *restrict from, int64_t from_row,
                      int64_t rows, float scale, const Shape *s)
{
    for (int64_t t = 0; t < rows; t++) {
#pragma omp simd
        for (int64_t c = 0; c < s->head_dim; c++)
            to[t * s->width + c] = scale * from[t * from_row + c];
        for (int64_t c = s->head_dim; c < s->width; c++) to[t * s->width + c] = 0.0f;
    }
    zero(to + rows * s->width, (round_up(rows) - rows) * s->width);
}

/* The reverse: rows of `to` = scale * from [rows, width], without the padding. */
static void store_rows(float *restrict to, int64_t to_row, const float *restrict from, int64_t rows,
                       float scale, const Shape *s)
{
    for (int64_t t = 0; t < rows; t++)
#pragma omp simd
        for (int64_t c = 0; c < s->head_dim; c++)
            to[t * to_row + c] = scale * from[t * s->width + c];
}

/* to [4, 4] = the transpose of from [4, 4]. */
static inline void transpose(float *to, int64_t to_row, const float *from, int64_t from_row)
{
    const Quad a = *(const Quad *)from, b = *(const Quad *)(from + from_row);
    const Quad c = *(const Quad *)(from + 2 * from_row), d = *(const Quad *)(from + 3 * from_row);
    const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(Quad *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(Quad *)(to + to_row) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(Quad *)(to + 2 * to_row) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(Quad *)(to + 3 * to_row) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* to [blocks][width][BLOCK]: panel b is the transpose of rows 32 b .. 32 b + 31. `space` has
 * [BLOCK, width]. */
static void copy_panels(float *to, float *space, const float *from, int64_t from_row, int64_t rows,
                        const Shape *s)
{
    for (int64_t first = 0; first < rows; first += BLOCK, to += s->width * BLOCK) {
        copy_rows(space, from + first * from_row, from_row, least(BLOCK, rows - first), 1.0f, s);
        for (int64_t c = 0; c < s->width; c += 4)
            for (int64_t t = 0; t < BLOCK; t += 4)
                transpose(to + c * BLOCK + t, BLOCK, space + t * s->width + c, s->width);
    }
}

/* Replaces a row of scores by exp(score - largest) and returns the sum of these; *lse = ln of the
 * sum of exp(score). `count` is a multiple of BLOCK; absent scores are -inf. Largest and sum run
 * over LANES lanes, whatever the register, so that every processor adds in the same order. */
static float softmax_row(float *score, int64_t count, float *lse)
{
    float most[LANES], sums[LANES] = {0};
    for (int l = 0; l < LANES; l++) most[l] = -INFINITY;
    for (int64_t u = 0; u < count; u += LANES)
        for (int l = 0; l < LANES; l++) most[l] = score[u + l] > most[l] ? score[u + l] : most[l];
    float largest = most[0];
    for (int l = 1; l < LANES; l++) largest = most[l] > largest ? most[l] : largest;

    for (int64_t u = 0; u < count; u += LANES)
        for (int l = 0; l < LANES; l++) {
            score[u + l] = vec_expf(score[u + l] - largest);
            sums[l] += score[u + l];
        }
    float sum = 0.0f;
    for (int l = 0; l < LANES; l++) sum += sums[l];
    *lse = largest + logf(sum);
    return sum;
}

static void round_all(float *x, int64_t count)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) x[i] = bf16_rounded(x[i]);
}

/* Scores, probabilities and output of the queries first .. first+31 of one head. */
static void forward_block(float *o, float *lse, const float *q, const float *panels, const float *v,
                          float *score, float *sum_v, int64_t first, int64_t rows, const Shape *s)
{
    const int64_t keys = first + BLOCK, dim = s->heads * s->head_dim;
    zero(score, (rows + ROWS - 1) / ROWS * ROWS * keys);
    for (int64_t u = 0; u < keys; u += BLOCK)
        product(score + u, keys, q, s->width, 1, panels + u * s->width, BLOCK, rows, s->width);

    float sum[BLOCK];
    for (int64_t t = 0; t < rows; t++) {
        float *row = score + t * keys;
        for (int64_t u = first + t + 1; u < keys; u++) row[u] = -INFINITY;
        sum[t] = softmax_row(row, keys, lse + t * s->heads);
        if (s->rounds) round_all(row, keys);
    }
    zero(sum_v, BLOCK * s->width);
    for (int64_t u = 0; u < keys; u += BLOCK)
        product(sum_v, s->width, score + u, keys, 1, v + u * s->width, s->width, rows,
                least(BLOCK, first + rows - u));
    for (int64_t t = 0; t < rows; t++) {
        const float scale = 1.0f / sum[t];
        for (int64_t c = 0; c < s->head_dim; c++) o[t * dim + c] = scale * sum_v[t * s->width + c];
    }
}

static void forward_head(float *o, float *lse, const float *qkv, int64_t length, float *space,
                         const Shape *s)
{
    const int64_t dim = s->heads * s->head_dim, padded = round_up(length);
    float *panels = space, *v = panels + padded * s->width, *q = v + padded * s->width;
    float *sum_v = q + BLOCK * s->width, *score = sum_v + BLOCK * s->width;
    copy_panels(panels, q, qkv + dim, 3 * dim, length, s);
    copy_rows(v, qkv + 2 * dim, 3 * dim, length, 1.0f, s);
    for (int64_t first = 0; first < length; first += BLOCK) {
        const int64_t rows = least(BLOCK, length - first);
        copy_rows(q, qkv + first * 3 * dim, 3 * dim, rows, s->scale, s);
        forward_block(o + first * dim, lse + first * s->heads, q, panels, v, score, sum_v, first,
                      rows, s);
    }
}

/* One head in backward. Each matrix, and each set of panels, is [length rounded up, width]. */
typedef struct {
    float *q, *k, *dout, *k_panels, *v_panels, *dq, *dk, *dv;
    float *lse, *delta; /* [length rounded up]; past the end lse is +inf, which makes p 0 */
} Head;

/* Turn scores into p and do . v into ds. `diagonal`: the tile's keys and queries are the same
 * tokens. */
static void tile_gradient(float *p, float *ds, const float *lse, const float *delta, int64_t rows,
                          int diagonal)
{
    for (int64_t t = 0; t < rows; t++) {
        float *pr = p + t * BLOCK, *dr = ds + t * BLOCK;
        const float log_sum = lse[t], mean = delta[t];
        for (int u = 0; u < BLOCK; u++) {
            const float value = vec_expf(pr[u] - log_sum);
            pr[u] = diagonal && u > t ? 0.0f : value;
            dr[u] = pr[u] * (dr[u] - mean);
        }
    }
}

/* Add what queries first_q .. +31 and keys first_k .. +31 contribute to dq, dk and dv. `queries`
 * and `keys` count those that the sequence has, rounded up to ROWS. */
static void backward_tile(const Head *h, int64_t first_q, int64_t first_k, int64_t queries,
                          int64_t keys, const Shape *s)
{
    float p[BLOCK * BLOCK] = {0}, ds[BLOCK * BLOCK] = {0};
    const int64_t width = s->width, at_q = first_q * width, at_k = first_k * width;
    product(p, BLOCK, h->q + at_q, width, 1, h->k_panels + at_k, BLOCK, queries, width);
    product(ds, BLOCK, h->dout + at_q, width, 1, h->v_panels + at_k, BLOCK, queries, width);
    tile_gradient(p, ds, h->lse + first_q, h->delta + first_q, queries, first_q == first_k);
    if (s->rounds) {
        round_all(p, BLOCK * BLOCK);
        round_all(ds, BLOCK * BLOCK);
    }
    product(h->dv + at_k, width, p, 1, BLOCK, h->dout + at_q, width, keys, queries);
    product(h->dk + at_k, width, ds, 1, BLOCK, h->q + at_q, width, keys, queries);
    product(h->dq + at_q, width, ds, BLOCK, 1, h->k + at_k, width, queries, keys);
}

static int64_t rows_at(int64_t first, int64_t length)
{
    return (least(BLOCK, length - first) + ROWS - 1) / ROWS * ROWS;
}

static Head open_head(float *space, int64_t length, const Shape *s)
{
    const int64_t padded = round_up(length), size = padded * s->width;
    float *at[8];
    for (int i = 0; i < 8; i++) at[i] = space + i * size;
    float *lse = space + 8 * size;
    return (Head){at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], lse, lse + padded};
}

static void backward_head(float *dqkv, const float *dout, const float *o, const float *lse,
                          const float *qkv, int64_t length, float *space, const Shape *s)
{
    const int64_t dim = s->heads * s->head_dim;
    const Head h = open_head(space, length, s);
    copy_rows(h.q, qkv, 3 * dim, length, s->scale, s);
    copy_rows(h.k, qkv + dim, 3 * dim, length, 1.0f, s);
    copy_rows(h.dout, dout, dim, length, 1.0f, s);
    copy_panels(h.k_panels, h.dq, qkv + dim, 3 * dim, length, s);
    copy_panels(h.v_panels, h.dq, qkv + 2 * dim, 3 * dim, length, s);
    zero(h.dq, 3 * round_up(length) * s->width);
    for (int64_t t = 0; t < round_up(length); t++) {
        float sum = 0.0f;
        const int there = t < length;
        h.lse[t] = there ? lse[t * s->heads] : INFINITY;
#pragma omp simd reduction(+ : sum)
        for (int64_t c = 0; c < there * s->head_dim; c++) sum += dout[t * dim + c] * o[t * dim + c];
        h.delta[t] = sum;
    }
    for (int64_t k = 0; k < length; k += BLOCK)
        for (int64_t q = k; q < length; q += BLOCK)
            backward_tile(&h, q, k, rows_at(q, length), rows_at(k, length), s);
    store_rows(dqkv, 3 * dim, h.dq, length, s->scale, s);
    store_rows(dqkv + dim, 3 * dim, h.dk, length, 1.0f, s);
    store_rows(dqkv + 2 * dim, 3 * dim, h.dv, length, 1.0f, s);
}

static int longer_first(const void *a, const void *b)
{
    const Sequence *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? 1 : -1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Fill `sequence` [sequences + 1], the longest first, so that no thread begins a long one when the
 * others are done. The last entry is empty. *used gets the number of rows that the sequences have
 * together. */
static void sort_sequences(Sequence *sequence, Tensor cu_seqlens, int64_t tokens, int64_t longest,
                           int64_t *used)
{
    const int64_t sequences = cu_seqlens.dim[0] - 1;
    const int32_t *at = i32(cu_seqlens);
    REQUIRE(at[0] == 0, "attention: cu_seqlens[0] = %d, want 0", at[0]);
    for (int64_t n = 0; n < sequences; n++) {
        REQUIRE(at[n] <= at[n + 1], "attention: cu_seqlens[%" PRId64 "] = %d after %d", n + 1,
                at[n + 1], at[n]);
        sequence[n] = (Sequence){at[n], at[n + 1] - at[n]};
    }
    *used = at[sequences];
    REQUIRE(*used <= tokens,
            "attention: cu_seqlens ends at %" PRId64 ", want at most the %" PRId64 " tokens", *used,
            tokens);
    sequence[sequences] = (Sequence){0};
    qsort(sequence, (size_t)sequences, sizeof *sequence, longer_first);
    REQUIRE(sequence[0].length <= longest,
            "attention: a sequence has %d tokens, want at most %" PRId64, sequence[0].length,
            longest);
}

static Shape shape_of(const Device *dev, Tensor qkv, Tensor cu_seqlens, int64_t heads)
{
    const int64_t head_dim = qkv.dim[1] / 3 / heads;
    EXPECT(qkv, activation_dtype(qkv), qkv.dim[0], 3 * heads * head_dim);
    EXPECT(cu_seqlens, I32, cu_seqlens.dim[0]);
    if (ON_CUDA(dev))
        REQUIRE(head_dim <= HEAD_DIM_CUDA,
                "attention: head_dim %" PRId64 ", want at most %d on CUDA", head_dim,
                HEAD_DIM_CUDA);
    return (Shape){heads, head_dim, round_up(head_dim), (float)(1.0 / sqrt((double)head_dim)),
                   qkv.dtype == BF16};
}

/* The rows from `first` on become 0. */
static void zero_rows(Tensor x, int64_t first)
{
    const Tensor rest = tensor_rows(x, first, x.dim[0] - first);
    memset(rest.data, 0, tensor_bytes(rest));
}

void attention_forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                       int64_t heads, int64_t longest)
{
    const Shape s = shape_of(dev, qkv, cu_seqlens, heads);
    const int64_t tokens = qkv.dim[0], dim = heads * s.head_dim;
    EXPECT(o, qkv.dtype, tokens, dim);
    EXPECT(lse, F32, tokens, heads);
    if (ON_CUDA(dev)) {
        attention_forward_cuda(dev, o, lse, qkv, cu_seqlens, heads, longest);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const int64_t sequences = cu_seqlens.dim[0] - 1, padded = round_up(longest);
    Sequence *sequence = SCRATCH(dev, U8, sequences + 1, sizeof(Sequence)).data;
    const Tensor from = bf16_widen(dev, qkv), to = bf16_wide_like(dev, o);
    const Tensor space =
        SCRATCH(dev, F32, dev->threads, 2 * (padded + BLOCK) * s.width + BLOCK * padded);
    if (!scratch_ready(dev, mark)) return;
    int64_t used;
    sort_sequences(sequence, cu_seqlens, tokens, longest, &used);
#pragma omp parallel for schedule(dynamic) num_threads(dev->threads)
    for (int64_t n = 0; n < sequences * heads; n++) {
        const Sequence it = sequence[n / heads];
        const int64_t head = n % heads, column = head * s.head_dim;
        forward_head(f32(to) + it.first * dim + column, f32(lse) + it.first * heads + head,
                     f32(from) + it.first * 3 * dim + column, it.length,
                     f32(space) + omp_get_thread_num() * space.dim[1], &s);
    }
    zero_rows(to, used);
    zero_rows(lse, used);
    bf16_round_into(dev, o, to);
    scratch_release(dev, mark);
}

void attention_backward(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse, Tensor qkv,
                        Tensor cu_seqlens, int64_t heads, int64_t longest)
{
    const Shape s = shape_of(dev, qkv, cu_seqlens, heads);
    const int64_t tokens = qkv.dim[0], dim = heads * s.head_dim;
    EXPECT(dqkv, qkv.dtype, tokens, 3 * dim);
    EXPECT(do_, qkv.dtype, tokens, dim);
    EXPECT(o, qkv.dtype, tokens, dim);
    EXPECT(lse, F32, tokens, heads);
    if (ON_CUDA(dev)) {
        attention_backward_cuda(dev, dqkv, do_, o, lse, qkv, cu_seqlens, heads, longest);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const int64_t sequences = cu_seqlens.dim[0] - 1, padded = round_up(longest);
    Sequence *sequence = SCRATCH(dev, U8, sequences + 1, sizeof(Sequence)).data;
    const Tensor from = bf16_widen(dev, qkv), to = bf16_wide_like(dev, dqkv);
    const Tensor slope = bf16_widen(dev, do_), out = bf16_widen(dev, o);
    const Tensor space = SCRATCH(dev, F32, dev->threads, 8 * padded * s.width + 2 * padded);
    if (!scratch_ready(dev, mark)) return;
    int64_t used;
    sort_sequences(sequence, cu_seqlens, tokens, longest, &used);
#pragma omp parallel for schedule(dynamic) num_threads(dev->threads)
    for (int64_t n = 0; n < sequences * heads; n++) {
        const Sequence it = sequence[n / heads];
        const int64_t head = n % heads, column = head * s.head_dim;
        const int64_t at = it.first * dim + column;
        backward_head(f32(to) + it.first * 3 * dim + column, f32(slope) + at, f32(out) + at,
                      f32(lse) + it.first * heads + head, f32(from) + it.first * 3 * dim + column,
                      it.length, f32(space) + omp_get_thread_num() * space.dim[1], &s);
    }
    zero_rows(to, used);
    bf16_round_into(dev, dqkv, to);
    scratch_release(dev, mark);
}

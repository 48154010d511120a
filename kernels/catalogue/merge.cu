/* SPDX-License-Identifier: Apache-2.0 */
/* Merging the partial results that shards give for a row, on CUDA: a thread has a row, or one of a
 * row's k best. Bound by the launch. */
#include "catalogue/merge.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 256 };

static __device__ __forceinline__ int64_t thread_index()
{
    return (int64_t)blockIdx.x * THREADS + threadIdx.x;
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static __device__ RowStats join(const RowStats &a, const RowStats &b, float scale)
{
    RowStats s = b.max > a.max || (b.max == a.max && b.argmax < a.argmax) ? b : a;
    const double from_a = exp(((double)a.max - s.max) * scale);
    const double from_b = exp(((double)b.max - s.max) * scale);
    s.sum = from_a * a.sum + from_b * b.sum;
    s.weighted = from_a * a.weighted + from_b * b.weighted;
    return s;
}

static __device__ RowDraw join(const RowDraw &a, const RowDraw &b, float scale)
{
    RowDraw d = b.key > a.key ? b : a;
    d.max = fmaxf(a.max, b.max);
    d.sum =
        exp(((double)a.max - d.max) * scale) * a.sum + exp(((double)b.max - d.max) * scale) * b.sum;
    return d;
}

/* The shards' parts of a row, in order. */
template <class Row>
static __device__ Row join_shards(const Row *part, int64_t shards, int64_t rows, float scale)
{
    Row all = *part;
    for (int64_t s = 1; s < shards; s++) all = join(all, part[s * rows], scale);
    return all;
}

/* What the caller asked for; each may be NULL. */
typedef struct {
    float *max, *logsumexp, *expectation;
    int32_t *argmax;
} StatsOut;

static __global__ void merge_stats_kernel(StatsOut to, const RowStats *part, int64_t shards,
                                          int64_t rows, const int32_t *target, int64_t total,
                                          float scale)
{
    const int64_t i = thread_index();
    if (i >= rows) return;
    if (target) {
        device_require(target[i] < total);
        if (target[i] < 0) return;
    }
    const RowStats s = join_shards(part + i, shards, rows, scale);
    if (to.max) to.max[i] = s.max;
    if (to.argmax) to.argmax[i] = s.argmax;
    if (to.logsumexp) to.logsumexp[i] = (float)((double)s.max * scale + log(s.sum));
    if (to.expectation) to.expectation[i] = (float)(s.weighted / s.sum);
}

void catalogue_merge_stats_cuda(Device *dev, CatalogueStats out, Tensor part, float temperature,
                                Tensor target, int64_t total)
{
    StatsOut to = {};
    to.max = f32(out.max);
    to.logsumexp = f32(out.logsumexp);
    to.expectation = f32(out.expectation);
    to.argmax = i32(out.argmax);
    LAUNCH(dev, merge_stats_kernel, blocks_for(part.dim[1], THREADS), THREADS, 0, to,
           (const RowStats *)part.data, part.dim[0], part.dim[1], i32(target), total,
           1.0f / temperature);
}

static __global__ void merge_draws_kernel(int32_t *item, float *log_probability,
                                          const RowDraw *part, int64_t shards, int64_t rows,
                                          float scale)
{
    const int64_t i = thread_index();
    if (i >= rows) return;
    const RowDraw d = join_shards(part + i, shards, rows, scale);
    item[i] = d.item;
    if (log_probability)
        log_probability[i] = (float)(((double)d.score - d.max) * scale - log(d.sum));
}

void catalogue_merge_draws_cuda(Device *dev, Tensor item, Tensor log_probability, Tensor part,
                                float temperature)
{
    LAUNCH(dev, merge_draws_kernel, blocks_for(part.dim[1], THREADS), THREADS, 0, i32(item),
           f32(log_probability), (const RowDraw *)part.data, part.dim[0], part.dim[1],
           1.0f / temperature);
}

/* ---- Choices --------------------------------------------------------------------------------- */

static __global__ void merge_best_kernel(int32_t *item, const RowBest *part, int64_t shards,
                                         int64_t rows)
{
    const int64_t i = thread_index();
    if (i >= rows) return;
    RowBest best = part[i];
    for (int64_t s = 1; s < shards; s++) {
        const RowBest other = part[s * rows + i];
        if (other.score > best.score || (other.score == best.score && other.item < best.item))
            best = other;
    }
    item[i] = best.item;
}

void catalogue_merge_best_cuda(Device *dev, Tensor item, Tensor part)
{
    LAUNCH(dev, merge_best_kernel, blocks_for(part.dim[1], THREADS), THREADS, 0, i32(item),
           (const RowBest *)part.data, part.dim[0], part.dim[1]);
}

static __global__ void merge_max_kernel(float *max, const float *part, int64_t shards, int64_t rows)
{
    const int64_t i = thread_index();
    if (i >= rows) return;
    float top = -INFINITY;
    for (int64_t s = 0; s < shards; s++) top = fmaxf(top, part[s * rows + i]);
    max[i] = top;
}

void catalogue_merge_max_cuda(Device *dev, Tensor max, Tensor part)
{
    LAUNCH(dev, merge_max_kernel, blocks_for(max.dim[0], THREADS), THREADS, 0, f32(max), f32(part),
           part.dim[0], max.dim[0]);
}

typedef struct {
    int32_t *item;
    float *score;
    const int32_t *items;
    const float *scores;
    int64_t shards, rows, best;
} TopMerge;

/* How many entries of a sorted list come before `score`. Where `ties` is true, equal scores come
 * before it too. */
static __device__ int64_t count_before(const float *list, int64_t count, float score, bool ties)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (list[middle] > score || (ties && list[middle] == score))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One thread for each of the shards' best: its place among all is how many come before it in its
 * own list and in the others, where equal scores are in the order of shards. */
static __global__ void merge_top_kernel(TopMerge m)
{
    const int64_t index = thread_index(), each = m.rows * m.best;
    if (index >= m.shards * each) return;
    const int64_t shard = index / each, row = index % each / m.best;
    const float score = m.scores[index];
    int64_t place = index % m.best;
    for (int64_t s = 0; s < m.shards; s++)
        if (s != shard)
            place += count_before(m.scores + s * each + row * m.best, m.best, score, s < shard);
    if (place >= m.best) return;
    m.score[row * m.best + place] = score;
    m.item[row * m.best + place] = m.items[index];
}

void catalogue_merge_top_cuda(Device *dev, Tensor item, Tensor score, Tensor items, Tensor scores)
{
    TopMerge m = {};
    m.item = i32(item);
    m.score = f32(score);
    m.items = i32(items);
    m.scores = f32(scores);
    m.shards = items.dim[0];
    m.rows = item.dim[0];
    m.best = item.dim[1];
    LAUNCH(dev, merge_top_kernel, blocks_for(tensor_count(items), THREADS), THREADS, 0, m);
}

/* A target whose score is NaN is below all items. */
static __global__ void merge_ranks_kernel(int32_t *above, int32_t *ties, const int32_t *aboves,
                                          const int32_t *equals, int64_t shards, int64_t rows,
                                          int64_t total)
{
    const int64_t i = thread_index();
    if (i >= rows) return;
    int32_t greater = 0, equal = 0;
    for (int64_t s = 0; s < shards; s++) {
        greater += aboves[s * rows + i];
        equal += equals[s * rows + i];
    }
    above[i] = equal > 0 ? greater : (int32_t)(total - 1);
    ties[i] = equal > 0 ? equal - 1 : 0; /* the target equals itself */
}

void catalogue_merge_ranks_cuda(Device *dev, Tensor above, Tensor ties, Tensor aboves,
                                Tensor equals, int64_t total)
{
    LAUNCH(dev, merge_ranks_kernel, blocks_for(above.dim[0], THREADS), THREADS, 0, i32(above),
           i32(ties), i32(aboves), i32(equals), aboves.dim[0], above.dim[0], total);
}

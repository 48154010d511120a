/* SPDX-License-Identifier: Apache-2.0 */
/* Merging the partial results that shards give for a row, on the CPU. */
#include "catalogue/merge.h"

#include <inttypes.h>
#include <math.h>

#include "base/scratch.h"

/* Returns the number of shards in `part`, which must be U8 [shards, rows, size]. */
static int64_t shards_of(Tensor part, int64_t rows, size_t size)
{
    const int64_t shards = part.rank ? part.dim[0] : 0;
    EXPECT(part, U8, shards, rows, (int64_t)size);
    REQUIRE(shards >= 1, "a merge of %" PRId64 " shards, want at least one", shards);
    return shards;
}

/* ---- Statistics ------------------------------------------------------------------------------ */

static RowStats join_stats(RowStats a, RowStats b, double scale)
{
    RowStats both = b.max > a.max || (b.max == a.max && b.argmax < a.argmax) ? b : a;
    const double by_a = exp(((double)a.max - both.max) * scale);
    const double by_b = exp(((double)b.max - both.max) * scale);
    both.sum = a.sum * by_a + b.sum * by_b;
    both.weighted = a.weighted * by_a + b.weighted * by_b;
    return both;
}

void catalogue_merge_stats(Device *dev, CatalogueStats out, Tensor part, float temperature)
{
    const int64_t rows = part.dim[1], shards = shards_of(part, rows, sizeof(RowStats));
    const RowStats *parts = part.data;
    const float scale = 1.0f / temperature;
    if (out.max.data) EXPECT(out.max, F32, rows);
    if (out.argmax.data) EXPECT(out.argmax, I32, rows);
    if (out.logsumexp.data) EXPECT(out.logsumexp, F32, rows);
    if (out.expectation.data) EXPECT(out.expectation, F32, rows);
    REQUIRE(temperature > 0.0f, "temperature is %g, want > 0", (double)temperature);
    if (ON_CUDA(dev)) {
        catalogue_merge_stats_cuda(dev, out, part, temperature, (Tensor){0}, 0);
        return;
    }
    if (!device_runs(dev)) return;
    for (int64_t i = 0; i < rows; i++) {
        RowStats s = parts[i];
        for (int64_t k = 1; k < shards; k++) s = join_stats(s, parts[k * rows + i], scale);
        if (out.max.data) f32(out.max)[i] = s.max;
        if (out.argmax.data) i32(out.argmax)[i] = s.argmax;
        if (out.logsumexp.data) f32(out.logsumexp)[i] = catalogue_merge_logsumexp(s, scale);
        if (out.expectation.data) f32(out.expectation)[i] = (float)(s.weighted / s.sum);
    }
}

/* ---- Draws ----------------------------------------------------------------------------------- */

static RowDraw join_draws(RowDraw a, RowDraw b, double scale)
{
    RowDraw both = b.key > a.key ? b : a;
    both.max = b.max > a.max ? b.max : a.max;
    both.sum = a.sum * exp(((double)a.max - both.max) * scale) +
               b.sum * exp(((double)b.max - both.max) * scale);
    return both;
}

void catalogue_merge_draws(Device *dev, Tensor item, Tensor log_probability, Tensor part,
                           float temperature)
{
    const int64_t rows = part.dim[1], shards = shards_of(part, rows, sizeof(RowDraw));
    const RowDraw *parts = part.data;
    const float scale = 1.0f / temperature;
    EXPECT(item, I32, rows);
    if (log_probability.data) EXPECT(log_probability, F32, rows);
    if (ON_CUDA(dev)) {
        catalogue_merge_draws_cuda(dev, item, log_probability, part, temperature);
        return;
    }
    if (!device_runs(dev)) return;
    for (int64_t i = 0; i < rows; i++) {
        RowDraw d = parts[i];
        for (int64_t k = 1; k < shards; k++) d = join_draws(d, parts[k * rows + i], scale);
        i32(item)[i] = d.item;
        if (log_probability.data)
            f32(log_probability)[i] = (float)(((double)d.score - d.max) * scale - log(d.sum));
    }
}

/* ---- Choices --------------------------------------------------------------------------------- */

static RowBest better(RowBest a, RowBest b)
{
    return b.score > a.score || (b.score == a.score && b.item < a.item) ? b : a;
}

void catalogue_merge_best(Device *dev, Tensor item, Tensor part)
{
    const int64_t rows = part.dim[1], shards = shards_of(part, rows, sizeof(RowBest));
    const RowBest *parts = part.data;
    EXPECT(item, I32, rows);
    if (ON_CUDA(dev)) {
        catalogue_merge_best_cuda(dev, item, part);
        return;
    }
    if (!device_runs(dev)) return;
    for (int64_t i = 0; i < rows; i++) {
        RowBest best = parts[i];
        for (int64_t s = 1; s < shards; s++) best = better(best, parts[s * rows + i]);
        i32(item)[i] = best.item;
    }
}

void catalogue_merge_max(Device *dev, Tensor max, Tensor part)
{
    const int64_t rows = max.dim[0], shards = part.rank ? part.dim[0] : 0;
    EXPECT(max, F32, rows);
    EXPECT(part, F32, shards, rows);
    if (ON_CUDA(dev)) {
        catalogue_merge_max_cuda(dev, max, part);
        return;
    }
    if (!device_runs(dev)) return;
    for (int64_t i = 0; i < rows; i++) {
        float top = -INFINITY;
        for (int64_t s = 0; s < shards; s++) top = fmaxf(top, f32(part)[s * rows + i]);
        f32(max)[i] = top;
    }
}

void catalogue_merge_top(Device *dev, Tensor item, Tensor score, Tensor items, Tensor scores)
{
    const int64_t rows = item.dim[0], best = item.dim[1], shards = items.rank ? items.dim[0] : 0;
    EXPECT(item, I32, rows, best);
    EXPECT(score, F32, rows, best);
    EXPECT(items, I32, shards, rows, best);
    EXPECT(scores, F32, shards, rows, best);
    if (ON_CUDA(dev)) {
        catalogue_merge_top_cuda(dev, item, score, items, scores);
        return;
    }
    const size_t mark = scratch_mark(dev);
    int64_t *next = (int64_t *)SCRATCH(dev, I64, shards).data; /* of each shard's list */
    for (int64_t i = 0; device_runs(dev) && i < rows; i++) {
        for (int64_t s = 0; s < shards; s++) next[s] = (s * rows + i) * best;
        for (int64_t k = 0; k < best; k++) {
            int64_t from = 0;
            for (int64_t s = 1; s < shards; s++)
                if (f32(scores)[next[s]] > f32(scores)[next[from]]) from = s;
            f32(score)[i * best + k] = f32(scores)[next[from]];
            i32(item)[i * best + k] = i32(items)[next[from]++];
        }
    }
    scratch_release(dev, mark);
}

void catalogue_merge_ranks(Device *dev, Tensor above, Tensor ties, Tensor aboves, Tensor equals,
                           int64_t total)
{
    const int64_t rows = above.dim[0], shards = aboves.rank ? aboves.dim[0] : 0;
    EXPECT(above, I32, rows);
    EXPECT(ties, I32, rows);
    EXPECT(aboves, I32, shards, rows);
    EXPECT(equals, I32, shards, rows);
    if (ON_CUDA(dev)) {
        catalogue_merge_ranks_cuda(dev, above, ties, aboves, equals, total);
        return;
    }
    if (!device_runs(dev)) return;
    for (int64_t i = 0; i < rows; i++) {
        int32_t greater = 0, equal = -1; /* the target equals itself */
        for (int64_t s = 0; s < shards; s++) {
            greater += i32(aboves)[s * rows + i];
            equal += i32(equals)[s * rows + i];
        }
        if (equal < 0) { /* its score is NaN */
            greater = (int32_t)(total - 1);
            equal = 0;
        }
        i32(above)[i] = greater;
        i32(ties)[i] = equal;
    }
}

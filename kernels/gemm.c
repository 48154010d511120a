/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products on the CPU are fixed tiles, each one call of oneDNN's sgemm in a single thread.
 * So the bits do not depend on the number of threads. The tiles are also faster than one call on
 * all threads, because the panels that oneDNN packs stay in the L2 cache of their core. */
#include "gemm.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include "base/bf16.h"
#include "base/cuda/blas.h"

enum { TILE = 256, TILE_SMALL = 128, MIN_TILES = 16 };

static int64_t tiles(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Inside an OpenMP team oneDNN uses one thread. Outside it uses as many threads as OpenMP would
 * give to a new team of the calling thread; that number does not follow from the device. A device
 * with one thread starts no team, so we set the number to 1 during the call. OpenMP keeps the
 * number for each calling thread: other threads, and their devices, do not see the change. */
static int begin_one_thread(void)
{
    const int before = omp_get_max_threads();
    if (!omp_in_parallel()) omp_set_num_threads(1);
    return before;
}

static void end_one_thread(int before)
{
    if (!omp_in_parallel()) omp_set_num_threads(before);
}

void gemm_tile(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb,
               int64_t m, int64_t n, int64_t k, GemmOptions options)
{
    const int before = begin_one_thread();
    const dnnl_status_t st = dnnl_sgemm(options.trans_a ? 'T' : 'N', options.trans_b ? 'T' : 'N', m,
                                        n, k, options.alpha == 0.0f ? 1.0f : options.alpha, a, lda,
                                        b, ldb, options.accumulate ? 1.0f : 0.0f, c, ldc);
    end_one_thread(before);
    REQUIRE(st == dnnl_success, "oneDNN sgemm %ldx%ldx%ld failed with status %d", (long)m, (long)n,
            (long)k, (int)st);
}

static void product(Device *dev, float *c, const float *a, const float *b, int64_t m, int64_t n,
                    int64_t k, GemmOptions options)
{
    const int64_t lda = options.trans_a ? m : k, ldb = options.trans_b ? k : n;
    const int64_t tile = tiles(m, TILE) * tiles(n, TILE) < MIN_TILES ? TILE_SMALL : TILE;
    const int64_t down = tiles(m, tile), across = tiles(n, tile);
#pragma omp parallel for schedule(dynamic, 1) num_threads(dev->threads)
    for (int64_t t = 0; t < down * across; t++) {
        const int64_t row = t % down * tile, column = t / down * tile;
        gemm_tile(c + row * n + column, n, a + (options.trans_a ? row : row * lda), lda,
                  b + (options.trans_b ? column * ldb : column), ldb, smaller(tile, m - row),
                  smaller(tile, n - column), k, options);
    }
}

void gemm(Device *dev, Tensor c, Tensor a, Tensor b, GemmOptions options)
{
    REQUIRE(c.rank == 2 && a.rank == 2, "gemm: ranks %d and %d, want two matrices", c.rank, a.rank);
    const int64_t m = c.dim[0], n = c.dim[1], k = a.dim[options.trans_a ? 0 : 1];
    const Dtype in = activation_dtype(a), out = in == BF16 ? activation_dtype(c) : F32;
    EXPECT(c, out, m, n);
    EXPECT(a, in, options.trans_a ? k : m, options.trans_a ? m : k);
    EXPECT(b, in, options.trans_b ? n : k, options.trans_b ? k : n);
    if (ON_CUDA(dev)) {
        const BlasProduct p = {.trans_a = options.trans_a,
                               .trans_b = options.trans_b,
                               .accumulate = options.accumulate,
                               .in = in,
                               .out = out,
                               .alpha = options.alpha == 0.0f ? 1.0f : options.alpha,
                               .m = m,
                               .n = n,
                               .k = k,
                               .lda = a.dim[1],
                               .ldb = b.dim[1],
                               .ldc = n};
        blas_product(dev, &p, c.data, a.data, b.data);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor left = bf16_widen(dev, a), right = bf16_widen(dev, b);
    const Tensor to = options.accumulate ? bf16_widen(dev, c) : bf16_wide_like(dev, c);
    if (!scratch_ready(dev, mark)) return;
    product(dev, f32(to), f32(left), f32(right), m, n, k, options);
    bf16_round_into(dev, c, to);
    scratch_release(dev, mark);
}

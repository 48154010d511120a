/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "rmsnorm.h"

static const int64_t shapes[][2] = {{0, 8},   {1, 1},    {3, 5},    {9, 32},    {33, 8},  {70, 48},
                                    {41, 31}, {65, 264}, {21, 512}, {37, 1000}, {9, 1304}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void rmsnorm_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        const int64_t rows = shapes[s][0], dim = shapes[s][1];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor x = rounded(NORMAL(1, 1.0f, rows, dim)), w = NORMAL(2, 1.0f, dim);
            const Tensor dy = rounded(NORMAL(3, 1.0f, rows, dim)), y = NEW(F32, rows, dim);
            const Tensor dx = rounded(NORMAL(4, 1.0f, rows, dim)), dw = NORMAL(5, 1.0f, dim);
            const Tensor rstd = NEW(F32, rows);
            const Tensor xg = as_gpu(dtype, x), wg = on_gpu(w), dxg = as_gpu(dtype, dx);
            const Tensor dyg = as_gpu(dtype, dy), dwg = on_gpu(dw);
            const Tensor yg = gpu_space(xg), rstdg = gpu_space(rstd);
            rmsnorm_forward(&cpu, y, rstd, x, w, 1e-6f);
            rmsnorm_forward(&gpu, yg, rstdg, xg, wg, 1e-6f);
            /* the sum over dim in f32, a division, a root, two products */
            assert_as_cpu(rstdg, rstd, 4);
            assert_as_cpu(yg, y, 6);
            rmsnorm_backward(&cpu, dx, dw, dy, x, w, rstd);
            rmsnorm_backward(&gpu, dxg, dwg, dyg, xg, wg, rstdg);
            assert_as_cpu(dxg, dx, 12);
            assert_as_cpu(dwg, dw, 12 + (double)rows / 64);
            pair_free();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rmsnorm_is_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "dropout.h"
#include "residual_norm.h"
#include "rmsnorm.h"

static void compare(int64_t rows, int64_t dim, Dtype dtype, bool with_residual, float rate)
{
    const Tensor y = rounded(NORMAL(1, 1.0f, rows, dim)), n = NEW(F32, rows, dim);
    const Tensor residual = with_residual ? rounded(NORMAL(2, 1.0f, rows, dim)) : (Tensor){0};
    const Tensor x = NEW(F32, rows, dim), rstd = NEW(F32, rows), w = NORMAL(3, 1.0f, dim);
    const Tensor step = NEW(I64, 1), yg = as_gpu(dtype, y), xg = gpu_space(yg);
    const Tensor rg = residual.data ? as_gpu(dtype, residual) : (Tensor){0};
    const Tensor rstdg = gpu_space(rstd), wg = on_gpu(w);
    *(int64_t *)step.data = 77777;
    const Dropout d = {.rate = rate, .seed = 42, .site = 7, .step = step};
    Dropout dg = d;
    dg.step = on_gpu(step);
    dropout_add(&cpu, x, y, residual, d);
    residual_norm(&gpu, yg, rstdg, xg, yg, rg, wg, 1e-6f, dg);
    assert_as_cpu(xg, x, 1);
    rmsnorm_forward(&cpu, n, rstd, to_f32(from_gpu(xg)), w, 1e-6f); /* of x as it was stored */
    assert_as_cpu(rstdg, rstd, 4);
    assert_as_cpu(yg, n, 6);
    pair_free();
}

static void residual_and_norm_are_as_on_the_cpu(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{0, 8},   {1, 1},   {3, 5},   {9, 32},
                                        {33, 12}, {41, 31}, {65, 264}};
    static const Dtype dtypes[] = {F32, BF16};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int d = 0; d < 2; d++) {
            compare(shapes[s][0], shapes[s][1], dtypes[d], false, 0.0f);
            compare(shapes[s][0], shapes[s][1], dtypes[d], false, 0.3f);
            compare(shapes[s][0], shapes[s][1], dtypes[d], true, 0.0f);
            compare(shapes[s][0], shapes[s][1], dtypes[d], true, 0.3f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_and_norm_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

#include "pair.h"

#include "dropout.h"
#include "residual_norm.h"
#include "rmsnorm.h"

static void residual_and_norm_are_as_on_the_cpu(void **state)
{
    (void)state;
    const int64_t shapes[][2] = {{0, 8}, {1, 1}, {3, 5}, {9, 32}, {33, 12}, {41, 31}, {65, 264}};
    for (int s = 0; s < 7 * 4; s++) {
        const int64_t rows = shapes[s / 4][0], dim = shapes[s / 4][1];
        const Dtype dtype = s % 2 ? BF16 : F32;
        const Tensor y = rounded(NORMAL(1, 1.0f, rows, dim)), n = NEW(F32, rows, dim);
        const Tensor residual = s / 2 % 2 ? rounded(NORMAL(2, 1.0f, rows, dim)) : (Tensor){0};
        const Tensor x = NEW(F32, rows, dim), rstd = NEW(F32, rows), w = NORMAL(3, 1.0f, dim);
        const Tensor step = NEW(I64, 1), yg = as_gpu(dtype, y), xg = gpu_space(yg);
        const Tensor rg = residual.data ? as_gpu(dtype, residual) : (Tensor){0};
        const Tensor rstdg = gpu_space(rstd), wg = on_gpu(w);
        *(int64_t *)step.data = 77777;
        const Dropout d = {s % 3 ? 0.3f : 0.0f, 42, 7, step};
        Dropout dg = d;
        dg.step = on_gpu(step);
        dropout_add(&cpu, x, y, residual, d);
        residual_norm(&gpu, yg, rstdg, xg, yg, rg, wg, 1e-6f, dg);
        assert_as_cpu(xg, x, 1);
        rmsnorm_forward(&cpu, n, rstd, to_f32(from_gpu(xg)), w, 1e-6f); /* of x as stored */
        assert_as_cpu(rstdg, rstd, 4);
        assert_as_cpu(yg, n, 6);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_and_norm_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

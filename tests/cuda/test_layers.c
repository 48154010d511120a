#include "pair.h"

#include "dropout.h"
#include "residual_norm.h"
#include "rmsnorm.h"
#include "rope.h"
#include "swiglu.h"

static void swiglu_is_as_on_the_cpu(void **state)
{
    (void)state;
    const int64_t shapes[][2] = {{0, 8}, {1, 1}, {5, 3}, {7, 40}, {33, 24}, {3, 1000}};
    for (int s = 0; s < 6; s++) {
        const int64_t rows = shapes[s][0], ff = shapes[s][1];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor gate_up = rounded(NORMAL(1, 3.0f, rows, 2 * ff)), y = NEW(F32, rows, ff);
            const Tensor dy = rounded(NORMAL(2, 1.0f, rows, ff)), d = NEW(F32, rows, 2 * ff);
            const Tensor gate_up_g = as_gpu(dtype, gate_up), dy_g = as_gpu(dtype, dy);
            const Tensor y_g = gpu_room(dy_g);
            swiglu_forward(&cpu, y, gate_up);
            swiglu_forward(&gpu, y_g, gate_up_g);
            /* two exponentials within 2 spacings, each with a sum, a division and products */
            assert_as_cpu(y_g, y, 8);
            swiglu_backward(&cpu, d, dy, gate_up);
            swiglu_backward(&gpu, gate_up_g, dy_g, gate_up_g);
            assert_as_cpu(gate_up_g, d, 12);
            pair_free();
        }
    }
}

static void rope_is_as_on_the_cpu(void **state)
{
    (void)state;
    const int64_t shapes[][3] = {{0, 1, 2}, {1, 1, 2}, {5, 3, 6}, {70, 2, 64}, {9, 1, 128}};
    for (int s = 0; s < 5; s++) {
        const int64_t tokens = shapes[s][0], heads = shapes[s][1], width = 3 * heads * shapes[s][2];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor qkv = rounded(NORMAL(1, 1.0f, tokens, width)), position = NEW(I32, tokens);
            for (int64_t t = 0; t < tokens; t++) i32(position)[t] = (int32_t)(t * t * 37 % 5000);
            const Tensor position_g = on_gpu(position), qkv_g = as_gpu(dtype, qkv);
            for (int direction = 1; direction >= -1; direction -= 2) {
                rope(&cpu, qkv, position, heads, 10000.0, direction);
                rope(&gpu, qkv_g, position_g, heads, 10000.0, direction);
                /* f32: the reduced angle is rounded by up to 1 spacing of 1, twice in all */
                assert_as_cpu(qkv_g, qkv, 4.0 * (direction == 1 ? 1 : 2));
                if (half) break; /* the second turn starts from what the first has rounded */
            }
            pair_free();
        }
    }
}

static void dropout_has_the_masks_of_the_cpu(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 3, 64, 1021, 4096};
    const float rates[] = {0.0f, 0.1f, 0.75f};
    for (int k = 0; k < 6 * 3 * 2; k++) {
        const int64_t count = sizes[k % 6];
        const float rate = rates[k / 6 % 3];
        const Dtype dtype = k / 18 ? BF16 : F32;
        const Tensor x = rounded(NORMAL(1, 1.0f, count)), r = rounded(NORMAL(2, 1.0f, count));
        const Tensor y = NEW(F32, count), xg = as_gpu(dtype, x), rg = as_gpu(dtype, r);
        const Tensor yg = gpu_room(xg);
        if (count > 2) f32(x)[1] = f32(x)[2] = 1.0f;
        device_copy_in(&gpu, xg.data, (dtype == BF16 ? to_bf16(x) : x).data, tensor_bytes(xg));
        const Tensor step = NEW(I64, 1);
        *(int64_t *)step.data = 123456789;
        const Tensor step_g = on_gpu(step);
        dropout_add(&cpu, y, x, r, (Dropout){rate, 42, 7, step});
        dropout_add(&gpu, yg, xg, rg, (Dropout){rate, 42, 7, step_g});
        assert_as_cpu(yg, y, 1);
        dropout_backward(&cpu, y, x, (Dropout){rate, 42, 7, step});
        dropout_backward(&gpu, xg, xg, (Dropout){rate, 42, 7, step_g});
        const Tensor have = to_f32(from_gpu(xg));
        for (int64_t i = 0; i < count; i++)
            assert_true((f32(have)[i] == 0.0f) == (f32(y)[i] == 0.0f));
        if (dtype == F32) assert_same_bits(have, y);
        pair_free();
    }
}

static void what_is_dropped_may_be_infinite(void **state)
{
    (void)state;
    const Tensor x = NEW(F32, 64), y = NEW(F32, 64), xg = gpu_room(x);
    for (int i = 0; i < 64; i++) f32(x)[i] = i % 2 ? INFINITY : NAN;
    device_copy_in(&gpu, xg.data, x.data, tensor_bytes(x));
    const Tensor step = NEW(I64, 1);
    dropout_backward(&cpu, y, x, (Dropout){0.5f, 1, 2, step});
    dropout_backward(&gpu, xg, xg, (Dropout){0.5f, 1, 2, on_gpu(step)});
    const Tensor have = from_gpu(xg);
    for (int i = 0; i < 64; i++) assert_true((f32(have)[i] == 0.0f) == (f32(y)[i] == 0.0f));
    pair_free();
}

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
        const Tensor step = NEW(I64, 1), yg = as_gpu(dtype, y), xg = gpu_room(yg);
        const Tensor rg = residual.data ? as_gpu(dtype, residual) : (Tensor){0};
        const Tensor rstdg = gpu_room(rstd), wg = on_gpu(w);
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
        cmocka_unit_test(swiglu_is_as_on_the_cpu),
        cmocka_unit_test(rope_is_as_on_the_cpu),
        cmocka_unit_test(dropout_has_the_masks_of_the_cpu),
        cmocka_unit_test(residual_and_norm_are_as_on_the_cpu),
        cmocka_unit_test(what_is_dropped_may_be_infinite),
    };
    return RUN_PAIR_TESTS(tests);
}

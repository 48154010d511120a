/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "rope.h"

static void a_quarter_turn_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* head_dim 4, theta 100: frequencies 1 and 1/10; position 10 turns the second pair by 1. */
    float qkv[] = {1, 1, 0, 0, /*k*/ 0, 0, 0, 2, /*v*/ 5, 6, 7, 8};
    int32_t position[] = {10};
    rope(&dev, TENSOR(qkv, F32, 1, 12), TENSOR(position, I32, 1), 1, 11, 100.0, 1);
    const double want[] = {cos(10.0), cos(1.0),     sin(10.0), sin(1.0), 0, -2 * sin(1.0),
                           0,         2 * cos(1.0), 5,         6,        7, 8};
    for (int i = 0; i < 12; i++) assert_near(qkv[i], want[i], ULP);
    device_close(&dev);
}

static void rotation_matches_double_and_its_transpose_undoes_it(void **state)
{
    (void)state;
    const int64_t shape[][3] = {{0, 2, 4}, {1, 1, 2}, {7, 3, 6}, {33, 2, 64}, {200, 4, 10}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        const int64_t tokens = shape[s][0], heads = shape[s][1], head_dim = shape[s][2];
        const int64_t width = 3 * heads * head_dim, half = head_dim / 2;
        const Tensor x = NORMAL(s, 1.0f, tokens, width), position = NEW(I32, tokens);
        for (int64_t t = 0; t < tokens; t++)
            i32(position)[t] = (int32_t)(philox(s, 1, (uint64_t)t).word[0] % 4096);
        Tensor y[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            y[threads] = new_copy(x);
            rope(&dev, y[threads], position, heads, 4096, 10000.0, 1);
            device_close(&dev);
            assert_same_bits(y[threads], y[1]);
        }
        for (int64_t t = 0; t < tokens; t++) {
            const float *in = f32(x) + t * width, *out = f32(y[1]) + t * width;
            for (int64_t h = 0; h < 2 * heads; h++) {
                for (int64_t i = 0; i < half; i++) {
                    const double angle =
                        i32(position)[t] * pow(10000.0, -2.0 * (double)i / (double)head_dim);
                    const double a = in[h * head_dim + i], b = in[h * head_dim + half + i];
                    /* rounded cos and sin, two products, one sum: four half spacings */
                    const double bound = 2 * ULP * (fabs(a) + fabs(b));
                    assert_near(out[h * head_dim + i], a * cos(angle) - b * sin(angle), bound);
                    assert_near(out[h * head_dim + half + i], b * cos(angle) + a * sin(angle),
                                bound);
                }
            }
            assert_memory_equal(out + 2 * heads * head_dim, in + 2 * heads * head_dim,
                                (size_t)(heads * head_dim) * sizeof(float));
        }
        Device dev;
        assert_ok(device_open(&dev, "cpu", 2));
        rope(&dev, y[1], position, heads, 4096, 10000.0, -1);
        for (int64_t i = 0; i < tokens * width; i++) assert_near(f32(y[1])[i], f32(x)[i], 64 * ULP);
        device_close(&dev);
        tensors_free();
    }
}

/* The rotation is linear: the gradient of sum(dy rope(x)) is the transpose applied to dy, so
 * <dy, rope(x)> = <rope'(dy), x>. */
static void direction_minus_one_is_the_transpose(void **state)
{
    (void)state;
    enum { TOKENS = 9, HEADS = 2, WIDTH = 3 * HEADS * 6 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor x = NORMAL(1, 1.0f, TOKENS, WIDTH), dy = NORMAL(2, 1.0f, TOKENS, WIDTH);
    const Tensor position = NEW(I32, TOKENS), y = new_copy(x), dx = new_copy(dy);
    for (int t = 0; t < TOKENS; t++) i32(position)[t] = 3 * t + 1;
    rope(&dev, y, position, HEADS, 3 * TOKENS, 10000.0, 1);
    rope(&dev, dx, position, HEADS, 3 * TOKENS, 10000.0, -1);
    double forward = 0.0, backward = 0.0, size = 0.0;
    for (int i = 0; i < TOKENS * WIDTH; i++) {
        forward += (double)f32(dy)[i] * f32(y)[i];
        backward += (double)f32(dx)[i] * f32(x)[i];
        size += fabs((double)f32(dy)[i] * f32(y)[i]);
    }
    assert_near(forward, backward, 4 * ULP * size);
    device_close(&dev);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quarter_turn_worked_by_hand),
        cmocka_unit_test(rotation_matches_double_and_its_transpose_undoes_it),
        cmocka_unit_test(direction_minus_one_is_the_transpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "pointer_case.h"

static void check(PointerCase c, Dtype dtype)
{
    PointerInput in = c.in;
    in.q = dtype == BF16 ? to_bf16(rounded(c.in.q)) : c.in.q;
    in.k = dtype == BF16 ? to_bf16(rounded(c.in.k)) : c.in.k;
    const PointerInput ing = {on_gpu(in.q),        on_gpu(in.k),          on_gpu(in.bias),
                              on_gpu(in.item),     on_gpu(in.cu_seqlens), on_gpu(in.token),
                              on_gpu(in.candidate)};
    const Tensor p = NEW(F32, c.rows, c.shape.width), pg = gpu_space(p);
    const PointerGradient to = new_pointer_gradient(&c, dtype, 2.0f);
    const PointerGradient g = {gpu_space(to.q), gpu_space(to.k), on_gpu(to.bias)};
    counts_pointer(&cpu, p, &in);
    counts_pointer(&gpu, pg, &ing);
    counts_pointer_backward(&cpu, &to, c.dp, p, &in);
    counts_pointer_backward(&gpu, &g, on_gpu(c.dp), pg, &ing);
    /* bf16: both round; where the f32 before it differs in a last place, by up to 2^-8 of it */
    const double bound = dtype == BF16 ? 0x1p-9 / ULP : 32;
    const Tensor dq = on_gpu(to_f32(from_gpu(g.q))), dk = on_gpu(to_f32(from_gpu(g.k)));
    assert_as_cpu(pg, p, 32);
    assert_as_cpu(dq, to_f32(to.q), bound);
    assert_as_cpu(dk, to_f32(to.k), bound);
    assert_as_cpu(g.bias, to.bias, 32);
    pair_free();
}

static void pointers_and_gradients_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < POINTER_SHAPES; n++) {
        check(make_pointer(pointer_shapes[n], 10 * (uint64_t)n + 1), F32);
        check(make_pointer(pointer_shapes[n], 10 * (uint64_t)n + 1), BF16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointers_and_gradients_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

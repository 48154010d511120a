/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "counts/mass.h"

/* Some places without a candidate, some rows without any, without a target, with one outside of the
 * candidates. */
static void check(int64_t rows, int64_t width)
{
    const Tensor r = NORMAL(1, 2, rows, width), item = NEW(I32, rows, width);
    const Tensor target = NEW(I32, rows), weight = NORMAL(2, 1, rows);
    const Tensor logsumexp = NORMAL(3, 1, rows), share = NEW(F32, rows);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < width; j++) {
            const bool present = i % 5 != 3 && (i % 2 == 0 || j < width / 2);
            i32(item)[i * width + j] = present ? (int32_t)(3 * j + i % 3) : -1;
            if (!present) f32(r)[i * width + j] = -INFINITY;
        }
        i32(target)[i] = i % 7 == 6 ? -1 : (int32_t)(i % 3 + 3 * (i % (width + 1)));
        f32(share)[i] = (float)(i % 11) / 10.0f;
        f32(logsumexp)[i] += 6.0f;
    }
    const Tensor mass = NEW(F32, rows), hit = NEW(F32, rows), dr = NEW(F32, rows, width);
    const Tensor massg = gpu_space(mass), hitg = gpu_space(hit), drg = gpu_space(dr);
    const MassLoss loss = {r, item, target, weight, logsumexp, share};
    const MassLoss lossg = {on_gpu(r),      on_gpu(item),      on_gpu(target),
                            on_gpu(weight), on_gpu(logsumexp), on_gpu(share)};
    counts_mass(&cpu, mass, hit, r, item, target);
    counts_mass(&gpu, massg, hitg, lossg.r, lossg.item, lossg.target);
    counts_mass_backward(&cpu, dr, &loss);
    counts_mass_backward(&gpu, drg, &lossg);
    const Tensor have = from_gpu(massg);
    for (int64_t i = 0; i < rows; i++)
        if (isinf(f32(mass)[i]))
            assert_true(f32(have)[i] == f32(mass)[i]);
        else
            assert_near(f32(have)[i], f32(mass)[i], 1e-5);
    assert_same_bits(from_gpu(hitg), hit);
    assert_as_cpu(drg, dr, 16);
    pair_free();
}

static void masses_and_gradients_are_as_on_the_cpu(void **state)
{
    (void)state;
    check(1, 1);
    check(20, 5);
    check(75, 64);
    check(30, 33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masses_and_gradients_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

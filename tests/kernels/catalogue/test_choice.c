/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "catalogue/choice.h"

enum { SM_80 = 80, SM_89 = 89, SM_90 = 90, SM_100 = 100 };

static int64_t shared_of(int capability)
{
    if (capability == SM_80) return 163 << 10;
    return capability == SM_89 ? 99 << 10 : 227 << 10;
}

static CatalogueKernel choice(Dtype dtype, bool aligned, int capability, int64_t dim)
{
    const CatalogueCall call = {.dtype = dtype,
                                .aligned = aligned,
                                .warpgroups = capability == SM_90,
                                .shared = shared_of(capability),
                                .dim = dim};
    return catalogue_choice(&call);
}

static void warpgroups_serve_bf16_on_sm_90(void **state)
{
    (void)state;
    assert_int_equal(choice(BF16, true, SM_90, 8), CATALOGUE_WGMMA);
    assert_int_equal(choice(BF16, true, SM_90, 512), CATALOGUE_WGMMA);
    assert_int_equal(choice(BF16, true, SM_90, 640), CATALOGUE_WGMMA);
    assert_int_equal(choice(BF16, true, SM_90, 648), CATALOGUE_WGMMA);
    assert_int_equal(choice(BF16, true, SM_90, 8192), CATALOGUE_WGMMA);
    for (int64_t dim = 8; dim <= 8192; dim += 8) {
        const WgmmaShape shape = catalogue_choice_wgmma_shape(dim, shared_of(SM_90));
        assert_in_range(shape.stages, dim <= 640 ? 3 : 6, WGMMA_STAGES);
        assert_true(dim <= 640 ? shape.resident == (dim + 63) / 64 : shape.resident > 0);
        assert_true(catalogue_choice_wgmma_bytes(shape) <= shared_of(SM_90));
    }
    assert_int_equal(catalogue_choice_wgmma_shape(512, 48 << 10).stages, 0);
}

static void fused_serves_bf16_that_fits(void **state)
{
    (void)state;
    assert_int_equal(choice(BF16, true, SM_100, 512), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_100, 8), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_100, 640), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_100, 648), CATALOGUE_TILES);
    assert_int_equal(choice(BF16, true, SM_80, 384), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_80, 392), CATALOGUE_TILES);
    assert_int_equal(choice(BF16, true, SM_89, 128), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_89, 136), CATALOGUE_TILES);
}

static void tiles_serve_the_rest(void **state)
{
    (void)state;
    assert_int_equal(choice(F32, true, SM_90, 64), CATALOGUE_TILES);
    assert_int_equal(choice(BF16, false, SM_90, 64), CATALOGUE_TILES);
    assert_int_equal(choice(BF16, true, SM_90, 60), CATALOGUE_TILES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warpgroups_serve_bf16_on_sm_90),
        cmocka_unit_test(fused_serves_bf16_that_fits),
        cmocka_unit_test(tiles_serve_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

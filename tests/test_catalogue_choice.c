#include "op.h"

#include "catalogue_choice.h"

enum { SM_80 = 163 << 10, SM_89 = 99 << 10, SM_90 = 227 << 10 };

static CatalogueKernel choice(Dtype dtype, bool aligned, int64_t shared, int64_t dim)
{
    const CatalogueCall call = {.dtype = dtype, .aligned = aligned, .shared = shared, .dim = dim};
    return catalogue_choice(&call);
}

static void fused_serves_bf16_that_fits(void **state)
{
    (void)state;
    assert_int_equal(choice(BF16, true, SM_90, 512), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_90, 8), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_90, 640), CATALOGUE_FUSED);
    assert_int_equal(choice(BF16, true, SM_90, 648), CATALOGUE_TILES);
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
        cmocka_unit_test(fused_serves_bf16_that_fits),
        cmocka_unit_test(tiles_serve_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

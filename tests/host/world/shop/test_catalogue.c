/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of a shop as features. */
#include "world_case.h"

/* The shelves get the items in turn, the most appealing ones first. */
static void items_have_their_shelf_and_rank_as_features(void **state)
{
    enum { ITEMS = 60, SHELVES = 7 };
    World w;
    (void)state;
    open_world(&w, "shop:items=60,shelves=7");
    const FeatureSet *f = &w.spec.item_features;
    assert_int_equal(f->kinds, 1);
    assert_int_equal(f->numbers, 1);
    assert_string_equal(f->kind_name[0], "shelf");
    assert_string_equal(f->number_name[0], "log_rank");
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < ITEMS; i++) {
        const double x = (double)f->number[i];
        const int place = i / SHELVES;
        assert_int_equal(f->category[i], 1 + i % SHELVES);
        assert_near(x * (double)f->std[0] + (double)f->mean[0], log(1.0 + place), 1e-6);
        sum += x;
        squares += x * x;
    }
    assert_near(sum / ITEMS, 0.0, 1e-6);
    assert_near(squares / ITEMS, 1.0, 1e-6);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_have_their_shelf_and_rank_as_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

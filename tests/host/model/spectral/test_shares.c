/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spectral/shares.h"

#include "test.h"

/* Two kinds: rows 0 (unknown), 1, 2 and rows 3 (unknown), 4. Item 3 is new. Of row 2 no other item
 * is known. */
enum { ITEMS = 5, DIM = 2, CATEGORIES = 5 };
static int32_t category[ITEMS * 2] = {1, 4, 1, 3, 0, 4, 1, 4, 2, 4};
static const FeatureSet features = {
    .kinds = 2, .kind_rows = {3, 2}, .categories = CATEGORIES, .category = category};
static const float vectors[ITEMS * DIM] = {8, 16, 24, 0, 0, 8, 100, 100, 100, 0};
static const float popularity[ITEMS] = {3, 1, 2, 0, 0};

static void a_case_worked_by_hand(void **state)
{
    (void)state;
    float ids[ITEMS * DIM], share[CATEGORIES * DIM];
    memcpy(ids, vectors, sizeof ids);
    assert_ok(shares(ids, share, popularity, ITEMS, DIM, &features));
    /* row 1: half the mean of (8, 16) and (24, 0); row 4: half that of (8, 16) and (0, 8) */
    const float want[] = {0, 0, 8, 4, 0, 0, 0, 0, 2, 6};
    assert_memory_equal(share, want, sizeof share);
    const float rest[] = {-2, 6, 16, -4, -2, 2, 0, 0, 0, 0};
    assert_memory_equal(ids, rest, sizeof ids);
}

static void without_categories_new_items_lose_their_vectors(void **state)
{
    (void)state;
    float ids[ITEMS * DIM], none[1];
    memcpy(ids, vectors, sizeof ids);
    assert_ok(shares(ids, none, popularity, ITEMS, DIM, &(FeatureSet){.numbers = 1}));
    const float want[] = {8, 16, 24, 0, 0, 8, 0, 0, 0, 0};
    assert_memory_equal(ids, want, sizeof ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(without_categories_new_items_lose_their_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

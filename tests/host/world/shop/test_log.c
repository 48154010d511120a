/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted in the log of a shop, by hand. Its sessions are
 *
 *   a, b (to the cart, bought), a skip of e, c (liked, to the cart)
 *   c
 *   a, a skip of d, a again
 *   a, e, leaving
 *
 * of items a .. e on the rows 3, 3, 1, 1, 0 of their category. One more event is not of the train
 * split.
 */
#include <math.h>

#include "shop_log_case.h"
#include "world/shop/log.h"

static char path[256];
static ShopLog counted;

static int read_hand_log(void **state)
{
    HandLog l;
    (void)state;
    begin_log(&l, path_of(path, "hand"));
    ADD_USER(&l, 7, {0, VIEW, 0, false}, {1, VIEW, 10, false}, {1, CART, 1, false},
             {1, PURCHASE, 1, false}, {4, SKIP, 5, false}, {2, LIKE, 88, false},
             {2, CART, 9, true});
    ADD_USER(&l, 4, {2, VIEW, 0, true}, {0, VIEW, 60, false}, {3, SKIP, 1, false},
             {0, VIEW, 9, false}, {4, PURCHASE, 1, false});
    ADD_USER(&l, 3, {0, VIEW, 0, false}, {4, VIEW, 100, false}, {4, LEAVE, 1, true});
    finish_log(&l, 5, hand_rows);
    assert_ok(shop_log_read(&counted, path, "shelf"));
    return 0;
}

static int remove_hand_log(void **state)
{
    (void)state;
    shop_log_close(&counted);
    return unlink(path);
}

/* Rows 3, 1, 0 have items, and 3, 1, 0 sessions that begin there. */
static void shelves_are_rows_with_items_by_sessions_begun(void **state)
{
    (void)state;
    static const int32_t shelf[] = {0, 0, 1, 1, 2};
    static const int64_t starts[] = {3, 1, 0};
    assert_int_equal(counted.items, 5);
    assert_int_equal(counted.shelves, 3);
    assert_memory_equal(counted.shelf, shelf, sizeof shelf);
    assert_memory_equal(counted.starts, starts, sizeof starts);
    assert_int_equal(counted.sessions, 4);
}

/* Events of one item in a row are one look, unless a skip comes between. */
static void looks_are_runs_of_events_of_an_item(void **state)
{
    (void)state;
    static const int64_t looks[] = {4, 1, 2, 0, 1};
    assert_memory_equal(counted.looks, looks, sizeof looks);
}

/* From b to c after a purchase, and from a to e. */
static void pairs_are_looks_at_two_shelves_in_a_row(void **state)
{
    (void)state;
    const ShelfPair *pair = counted.pair;
    assert_int_equal(counted.pairs, 2);
    assert_int_equal(pair[0].from, 0);
    assert_int_equal(pair[0].to, 1);
    assert_int_equal(pair[0].count, 1);
    assert_int_equal(pair[0].bought, 1);
    assert_int_equal(pair[1].from, 0);
    assert_int_equal(pair[1].to, 2);
    assert_int_equal(pair[1].bought, 0);
}

/* After the first look of their session: b, c, a, e. Two reach the cart, one is bought, none
 * reviewed; two skips. */
static void moments_are_of_the_looks_after_the_first(void **state)
{
    (void)state;
    assert_near(counted.moments.looks, 4.0 / 4.0, 1e-12);
    assert_near(counted.moments.skips, (2.0 + 1.0) / (4.0 + 1.0), 1e-12);
    assert_near(counted.moments.cart, (2.0 + 1.0) / (4.0 + 2.0), 1e-12);
    assert_near(counted.moments.purchase, (1.0 + 1.0) / (2.0 + 2.0), 1e-12);
    assert_near(counted.moments.review, (0.0 + 1.0) / (1.0 + 2.0), 1e-12);
}

/* Seconds since an item was shown last, looked at or skipped. */
static void gaps_are_between_the_items_shown(void **state)
{
    (void)state;
    static const double gap[] = {10, 7, 88, 1, 9, 100};
    double mean = 0.0, square = 0.0;
    for (int i = 0; i < 6; i++) mean += log(1000.0 * gap[i]) / 6.0;
    for (int i = 0; i < 6; i++) square += pow(log(1000.0 * gap[i]) - mean, 2.0) / 6.0;
    assert_near(counted.gap_mean, mean, 1e-9);
    assert_near(counted.gap_std, sqrt(square), 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shelves_are_rows_with_items_by_sessions_begun),
        cmocka_unit_test(looks_are_runs_of_events_of_an_item),
        cmocka_unit_test(pairs_are_looks_at_two_shelves_in_a_row),
        cmocka_unit_test(moments_are_of_the_looks_after_the_first),
        cmocka_unit_test(gaps_are_between_the_items_shown),
    };
    return cmocka_run_group_tests(tests, read_hand_log, remove_hand_log);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by category: what is left is in the order of the whole catalogue. Item i of the shop is in
 * row i % 5 of item_zone and in row i % 3 of item_colour. */
#include "infer/capped.h"
#include "infer/filter.h"
#include "infer_case.h"

enum { LENGTH = 12, HISTORIES = 9 };

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open(&c, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q), LENGTH, 2);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

static const int32_t rows_of[] = {5, 3}; /* of the two categories */

/* Of the whole list the items that have a place, k at most. */
static int64_t greedy(const Recommendation *all, int64_t count, Cap cap, int64_t k, int32_t *item)
{
    int64_t taken = 0, places[5] = {0};
    for (int64_t i = 0; i < count && taken < k; i++)
        if (places[all[i].item % rows_of[cap.kind]]++ < cap.most) item[taken++] = all[i].item;
    return taken;
}

static void expect(const RecommendOptions *o, Cap cap)
{
    static Recommendation all[SHOP_ITEMS], have[HISTORIES][SHOP_ITEMS];
    InferHistory *space = calloc(HISTORIES, sizeof *space);
    History h[HISTORIES];
    int64_t found[HISTORIES];
    assert_non_null(space);
    for (int i = 0; i < HISTORIES; i++)
        h[i] = *infer_history(&space[i], 20 + (uint64_t)i, 1 + 4 * i);
    assert_ok(capped_best(c.session, h, HISTORIES, o, cap, have[0], found));
    for (int i = 0; i < HISTORIES; i++) {
        RecommendOptions whole = *o;
        int32_t want[SHOP_ITEMS];
        int64_t count;
        const Recommendation *list = have[0] + i * o->k;
        whole.k = SHOP_ITEMS;
        assert_ok(recommend_best(c.session, &h[i], 1, &whole, all, &count));
        assert_int_equal(found[i], greedy(all, count, cap, o->k, want));
        for (int64_t k = 0; k < found[i]; k++) assert_int_equal(list[k].item, want[k]);
    }
    free(space);
}

static void a_cap_takes_the_best_that_have_a_place(void **state)
{
    static const int64_t lengths[] = {1, 3, 7, SHOP_ITEMS};
    (void)state;
    for (int n = 0; n < 4; n++)
        for (int kind = 0; kind < 2; kind++)
            for (int64_t most = 1; most < 40; most = 3 * most + 1)
                expect(&(RecommendOptions){.k = lengths[n]}, (Cap){kind, most});
}

/* The list is asked for again until it holds the item of the rarest row, wherever that is. */
static void the_next_best_fill_a_list_from_the_whole_catalogue(void **state)
{
    int32_t block[SHOP_ITEMS];
    int64_t blocked = 0;
    (void)state;
    for (int32_t i = 0; i < SHOP_ITEMS; i++)
        if (i % 5 == 4 && i != 49) block[blocked++] = i;
    expect(&(RecommendOptions){.k = 5, .include_seen = true, .block = block, .blocked = blocked},
           (Cap){0, 1});
}

static void a_category_keeps_the_items_of_its_rows(void **state)
{
    const int32_t rows[] = {3, 1, 3};
    int32_t *item = NULL, some[] = {1, 2, 3, 4, 5, 6, 8}, *list = some;
    int64_t count = 0, kept = 7;
    int kind;
    (void)state;
    assert_ok(filter_kind(&c.file, "item_zone", &kind));
    assert_ok(filter_rows(&c.file, kind, rows, 3, &item, &count));
    int64_t at = 0;
    for (int32_t i = 0; i < SHOP_ITEMS; i++)
        if (i % 5 == 1 || i % 5 == 3) assert_int_equal(item[at++], i);
    assert_int_equal(at, count);
    free(item);
    assert_ok(filter_kind(&c.file, "item_colour", &kind));
    assert_int_equal(filter_row(&c.file, kind, 50), 50 % 3);
    assert_ok(filter_rows(&c.file, kind, rows + 1, 1, &list, &kept));
    assert_int_equal(kept, 2);
    assert_int_equal(list[0], 1);
    assert_int_equal(list[1], 4);
}

static void what_does_not_exist_is_refused(void **state)
{
    const int32_t row = 5;
    int32_t *item = NULL;
    int64_t count = 0, found;
    int kind;
    InferHistory space;
    Recommendation out;
    (void)state;
    assert_refused(filter_kind(&c.file, "item_zon", &kind), ERR_USAGE,
                   "no category \"item_zon\" (did you mean \"item_zone\"?), want one of item_zone, "
                   "item_colour");
    assert_refused(filter_rows(&c.file, 0, &row, 1, &item, &count), ERR_USAGE,
                   "item_zone has no row 5, want 0 to 4");
    free(item);
    assert_refused(capped_best(c.session, infer_history(&space, 1, 4), 1,
                               &(RecommendOptions){.k = 1}, (Cap){0, 0}, &out, &found),
                   ERR_USAGE, "want at least 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cap_takes_the_best_that_have_a_place),
        cmocka_unit_test(the_next_best_fill_a_list_from_the_whole_catalogue),
        cmocka_unit_test(a_category_keeps_the_items_of_its_rows),
        cmocka_unit_test(what_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

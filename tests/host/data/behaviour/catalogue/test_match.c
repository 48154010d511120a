/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an earlier catalogue in a later one: by keys and names, whatever the order. */
#include "data/behaviour/catalogue/match.h"
#include "ingest_case.h"

#define MAP                                                                                        \
    "[columns]\nuser = u\nitem = i\ntime = t\naction = a\ntime_check = no\n"                       \
    "[actions]\nview = 0.25\nbuy = 1\n[split]\nrule = leave-one-out\n"
#define BRANDS "[items]\nbrand = category b\n[users]\nland = category l\n"
#define HEADER "u,i,t,a,b,l,p\n"

static const char first_log[] = HEADER "a,x,1,view,red,fr,1\na,y,2,buy,blue,fr,2\n"
                                       "b,z,3,view,,de,5\nb,x,4,view,red,de,1\n";

typedef struct {
    Behaviour then, now;
    CatalogueMatch match;
} Case;

static void open_case(Case *c, const char *then_ini, const char *then_log, const char *now_ini,
                      const char *now_log)
{
    *c = (Case){0};
    assert_ok(ingest_text(then_ini, then_log));
    assert_ok(behaviour_open(&c->then, in_folder("out.h5")));
    unlink(in_folder("out.h5"));
    assert_ok(ingest_text(now_ini, now_log));
    assert_ok(behaviour_open(&c->now, in_folder("out.h5")));
}

static void close_case(Case *c)
{
    match_close(&c->match);
    behaviour_close(&c->then);
    behaviour_close(&c->now);
}

static Status match(Case *c) { return match_catalogues(&c->match, "m", &c->then, &c->now); }

static void assert_rows(const RowMatch *r, int64_t then, int64_t now, const int32_t *from)
{
    assert_int_equal(r->then, then);
    assert_int_equal(r->now, now);
    assert_memory_equal(r->from, from, (size_t)now * sizeof *from);
}

static void rows_are_found_by_keys_and_names(void **state)
{
    (void)state;
    Case c;
    open_case(&c, MAP BRANDS, first_log, MAP BRANDS,
              HEADER "a,new,1,view,green,it,1\na,z,2,view,red,it,1\nb,y,3,buy,blue,de,1\n"
                     "b,x,4,buy,red,de,1\n");
    assert_ok(match(&c));
    assert_false(c.match.same);
    assert_int_equal(c.match.fresh, 1);
    /* then: x y z; unknown red blue; unknown fr de. now: new z y x; unknown green red blue; .. */
    assert_rows(&c.match.rows[ROWS_ITEM], 3, 4, (const int32_t[]){-1, 2, 1, 0});
    assert_rows(&c.match.rows[ROWS_ITEM_CATEGORY], 3, 4, (const int32_t[]){0, -1, 1, 2});
    assert_rows(&c.match.rows[ROWS_USER_CATEGORY], 3, 3, (const int32_t[]){0, -1, 2});
    assert_int_equal(match_row(&c.match, ROWS_ITEM, 1), 2);
    assert_int_equal(match_row(&c.match, ROWS_FIXED, 1), 1);
    close_case(&c);
}

static void kinds_of_a_joint_table_move(void **state)
{
    (void)state;
    static const char ini[] = MAP "[items]\nbrand = category b\nland = category l\n";
    Case c;
    open_case(&c, ini, first_log, ini,
              HEADER "a,x,1,view,red,fr,1\na,y,2,buy,green,fr,2\nb,z,3,view,,it,5\n"
                     "b,w,4,view,red,de,1\n");
    assert_ok(match(&c));
    /* then: unknown red blue | unknown de fr; now: unknown red green | unknown fr it de */
    assert_rows(&c.match.rows[ROWS_ITEM_CATEGORY], 6, 7, (const int32_t[]){0, 1, -1, 3, 5, -1, 4});
    close_case(&c);
}

static void lost_items_are_refused(void **state)
{
    (void)state;
    Case c;
    open_case(&c, MAP BRANDS, first_log, MAP BRANDS, HEADER "a,x,1,view,red,fr,1\n");
    assert_refused(match(&c), ERR_USAGE,
                   "does not have, the first is \"y\": want a file that souk ingest");
    close_case(&c);
}

static void other_scales_and_inputs_are_refused(void **state)
{
    (void)state;
    static const char ini[] = MAP "[items]\nprice = number p\n";
    Case c;
    open_case(&c, ini, first_log, ini,
              HEADER "a,x,1,view,,,1\na,y,2,view,,,20\na,z,3,view,,,5\na,z,4,view,,,5\n"
                     "a,z,5,view,,,5\n");
    assert_refused(match(&c), ERR_USAGE, "m scales the item number \"price\" by the mean 2");
    close_case(&c);
    open_case(&c, MAP, first_log, ini, first_log);
    assert_refused(match(&c), ERR_USAGE, "m was trained without the item number \"price\"");
    close_case(&c);
}

static void n_grams_are_found_by_their_hashes(void **state)
{
    (void)state;
    static const char ini[] = MAP "[items]\ntitle = text b\n";
    Case c;
    open_case(&c, ini,
              HEADER "a,x,1,view,red,,\na,y,2,view,red,,\na,z,3,view,cup,,\n"
                     "a,w,4,view,cup,,\n",
              ini,
              HEADER "a,w,1,view,cup,,\na,z,2,view,cup,,\na,x,3,view,red,,\na,y,4,view,red,,\n"
                     "a,v,5,view,,,\n");
    assert_ok(match(&c));
    const RowMatch *r = &c.match.rows[ROWS_NGRAM];
    assert_true(r->then > 0 && r->now == r->then);
    for (int64_t i = 0; i < r->now; i++)
        assert_int_equal(c.then.texts.bucket[r->from[i]], c.now.texts.bucket[i]);
    assert_true(r->from[0] > 0); /* red comes first then, cup now */
    close_case(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_keys_and_names),
        cmocka_unit_test(kinds_of_a_joint_table_move),
        cmocka_unit_test(lost_items_are_refused),
        cmocka_unit_test(other_scales_and_inputs_are_refused),
        cmocka_unit_test(n_grams_are_found_by_their_hashes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

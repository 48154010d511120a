/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest_case.h"

#include "data/ingest/text/bags.h"

#define COLUMNS "[columns]\nuser = u\nitem = i\ntime = t\n"
#define LEAVE   "[split]\nrule = leave-one-out\n"

static Behaviour ingested(const char *ini, const char *log)
{
    Behaviour b;
    write_text("log.csv", log);
    assert_ok(
        ingest_with((IngestOptions){.plain_keys = true, .force = true}, ini, "log.csv", "out.h5"));
    assert_ok(behaviour_open(&b, in_folder("out.h5")));
    return b;
}

/* How many n-grams two items share. */
static int shared(const Behaviour *b, int x, int y)
{
    const ItemTexts *t = &b->texts;
    int count = 0;
    for (int64_t i = t->offset[x]; i < t->offset[x + 1]; i++)
        for (int64_t j = t->offset[y]; j < t->offset[y + 1]; j++) count += t->row[i] == t->row[j];
    return count;
}

/* "a b" and "A-B!" give <a>, <b> and the pair, and as runs of characters <a> and <b>: 5. "b c" and
 * "c" share <c> in both kinds. <d> is in one item only; the item "w" has no text. */
static void items_share_what_their_texts_share(void **state)
{
    (void)state;
    Behaviour b = ingested(COLUMNS "[items]\ntitle = text n\n" LEAVE,
                           "u,i,t,n\nx,p,1,a b\nx,q,2,A-B!\nx,r,3,b c\nx,s,4,c d\nx,w,5,\n"
                           "x,v,6,?\nx,y,7,?\n");
    assert_int_equal(b.items, 7);
    assert_int_equal(b.texts.offset[1], 5);
    assert_int_equal(shared(&b, 0, 1), 5);
    assert_int_equal(shared(&b, 0, 2), 2);
    assert_int_equal(shared(&b, 2, 3), 2);
    assert_int_equal(shared(&b, 0, 3), 0);
    assert_int_equal(b.texts.offset[4], b.texts.offset[7]);
    assert_int_equal(b.texts.rows, 7);
    assert_int_equal(report.texts.rows, 7);
    assert_int_equal(report.texts.entries, 5 + 5 + 4 + 2);
    assert_int_equal(report.texts.rare, 2 + 2); /* the pairs "b c", "c d", and d twice */
    assert_int_equal(report.texts.common, 0);
    assert_int_equal(report.texts.without, 1);
    assert_int_equal(b.item_features.kinds, 0);
    assert_non_null(strstr(b.report, "items.title: text; 1 items without"));
    assert_non_null(strstr(b.report, "7 n-grams, 2.3 of an item in the mean"));
    behaviour_close(&b);
}

/* "all" is in three of four items. */
static void what_most_items_have_is_left_out(void **state)
{
    (void)state;
    Behaviour b = ingested(COLUMNS "[items]\ntitle = text n\n" LEAVE,
                           "u,i,t,n\nx,p,1,a b\nx,q,2,a c\nx,r,3,a b\nx,s,4,d\n");
    assert_int_equal(shared(&b, 0, 1), 0);
    assert_int_equal(shared(&b, 0, 2), 3); /* <b> as a word and as a run, and the pair */
    assert_int_equal(report.texts.common, 2);
    behaviour_close(&b);
}

/* The last text of the train split counts; that of another split only where there is no other. */
static void an_item_has_its_last_known_text_of_the_train_split(void **state)
{
    (void)state;
    Behaviour b = ingested(COLUMNS "[items]\ntitle = text n\nmore = text m\n" LEAVE,
                           "u,i,t,n,m\n"
                           "x,p,1,old,\nx,p,2,new,one\nx,q,3,new,\nx,r,4,old,one\nx,s,5,old,\n"
                           "x,y,5,,\nx,z,5,,\n"
                           "x,p,6,old,two\nx,v,7,new,\n");
    assert_true(shared(&b, 0, 1) > 0); /* p is "new" as q is */
    assert_true(shared(&b, 0, 2) > 0); /* "one", of the other column */
    assert_int_equal(shared(&b, 0, 3), 0);
    assert_true(shared(&b, 1, 6) > 0); /* v, of the test split */
    behaviour_close(&b);
}

/* Forty words of four letters have 40 words, 39 pairs and 6 runs of characters a word. */
static void a_long_text_keeps_its_first_n_grams(void **state)
{
    (void)state;
    char log[2048] = "u,i,t,n\n";
    for (int item = 0; item < 4; item++) {
        snprintf(log + strlen(log), sizeof log - strlen(log), "x,%d,%d,", item, item);
        for (int w = 0; w < 40 && item < 2; w++)
            snprintf(log + strlen(log), sizeof log - strlen(log), "w%c%cx ", 'a' + w / 8,
                     'a' + w % 8);
        snprintf(log + strlen(log), sizeof log - strlen(log), "\n");
    }
    Behaviour b = ingested(COLUMNS "[items]\ntitle = text n\n" LEAVE, log);
    assert_int_equal(shared(&b, 0, 1), BAG_MOST);
    assert_int_equal(report.texts.shortened, 2);
    assert_non_null(strstr(b.report, "2 items have more than 128 n-grams"));
    behaviour_close(&b);
}

static void the_hash_of_a_catalogue_has_the_texts(void **state)
{
    (void)state;
    const char *const ini = COLUMNS "[items]\ntitle = text n\n" LEAVE;
    Behaviour one = ingested(ini, "u,i,t,n\nx,p,1,a\nx,q,2,a\nx,r,3,b\nx,s,4,b\n");
    Behaviour same = ingested(ini, "u,i,t,n\nx,p,1,A\nx,q,2,a!\nx,r,3,b\nx,s,4,b\n");
    Behaviour other = ingested(ini, "u,i,t,n\nx,p,1,a\nx,q,2,b\nx,r,3,a\nx,s,4,b\n");
    assert_string_equal(one.catalogue_hash, same.catalogue_hash);
    assert_string_not_equal(one.catalogue_hash, other.catalogue_hash);
    behaviour_close(&one);
    behaviour_close(&same);
    behaviour_close(&other);
}

static void a_title_is_detected(void **state)
{
    (void)state;
    Behaviour b = ingested(LEAVE, "user_id,item_id,timestamp,Title\n"
                                  "x,p,1,red lamp\nx,q,2,red cup\nx,r,3,blue cup\nx,s,4,pen\n");
    assert_true(shared(&b, 0, 1) > 0 && shared(&b, 1, 2) > 0);
    assert_int_equal(shared(&b, 0, 2), 0);
    assert_non_null(strstr(b.report, "items.title: text; 0 items without"));
    behaviour_close(&b);
}

static void only_items_have_texts(void **state)
{
    (void)state;
    write_text("log.csv", "u,i,t,n\nx,p,1,a\n");
    assert_fails(ingest_with((IngestOptions){.force = true},
                             COLUMNS "[users]\ntitle = text n\n" LEAVE, "log.csv", "out.h5"),
                 "title: only items have texts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_share_what_their_texts_share),
        cmocka_unit_test(what_most_items_have_is_left_out),
        cmocka_unit_test(an_item_has_its_last_known_text_of_the_train_split),
        cmocka_unit_test(a_long_text_keeps_its_first_n_grams),
        cmocka_unit_test(the_hash_of_a_catalogue_has_the_texts),
        cmocka_unit_test(a_title_is_detected),
        cmocka_unit_test(only_items_have_texts),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

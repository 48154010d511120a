/* SPDX-License-Identifier: Apache-2.0 */
/* What the first lines of a log say by themselves: how fields are separated and quoted, and whether
 * there is a header. */
#include "data/rawlog/detect/dialect.h"
#include "data/rawlog/detect/header.h"
#include "ingest_case.h"

#define LEAVE "[split]\nrule = leave-one-out\n"

static void the_delimiter_is_what_every_line_has_most_of(void **state)
{
    (void)state;
    const struct {
        const char *text, *delimiter;
        bool quoted;
    } want[] = {
        {"user,item,time\n1,2,3\n", ",", true},
        {"user\titem\n1\t2\n", "\t", false},
        {"\"user\"\t\"item\"\n1\t2\n", "\t", true},
        {"user\titem\ttitle, or a, part, of, it\n1\t2\tx\n1\t2\tx, y\n", "\t", false},
        {"user;item;price\n1;2;3,5\n4;5;6,25\n", ";", true},
        {"1;2;3,5\n", ";", true},
        {"1::1193::5::978300760\n1::661::3::978302109\n", "::", true},
        {"user|item\n1|2:3\n", "|", true},
        {"user item\n1 2\n", " ", true},
        {"user,item,text\n1,2,\"a;b;c;d\"\n1,2,\"e;f;g;h\"\n", ",", true},
        {"user,item\nbroken\n1,2\n", ",", true},
        {"", " ", true},
    };
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    map_init(m);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const Dialect d = dialect_of(m, want[i].text, strlen(want[i].text));
        if (strcmp(d.delimiter, want[i].delimiter) != 0 || d.quoted != want[i].quoted)
            fail_msg("\"%s\": \"%s\" and %d", want[i].text, d.delimiter, d.quoted);
    }
    map_close(m);
    free(m);
}

static void quotes_are_text_where_they_quote_nothing(void **state)
{
    static const char *const log =
        "user_id\titem_id\ttimestamp\ttitle\n1\ta\t1600000000\t\"Heroes\n"
        "1\tb\t1600000060\tx\n1\tc\t1600000120\t7\"\n";
    (void)state;
    assert_ok(ingest_text(LEAVE, log));
    assert_int_equal(report.rows, 3);
    assert_int_equal(report.events, 3);
    assert_ok(ingest_text("[input]\nquote = yes\n" LEAVE, log)); /* one field of three lines */
    assert_int_equal(report.rows, 1);
    assert_ok(ingest_text("[input]\nquote = no\n" LEAVE,
                          "user,item,time\na,\"x,1600000000\na,y\",1600000060\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: \"x y\"");
    close_read(&r);
}

static void a_delimiter_may_have_several_characters(void **state)
{
    (void)state;
    assert_ok(ingest_text("[input]\ncolumns = user,item,rating,timestamp\n" LEAVE,
                          "1::a:b::5::978300760\n1::\"c::d\"::3::978302109\n2:::::4::978302109\n"
                          "2::e::4\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: a:b c::d");
    assert_int_equal(r.time[0], INT64_C(978300760000));
    assert_int_equal(report.bad[BAD_NO_ITEM].count + report.bad[BAD_FIELDS].count, 2);
    close_read(&r);
    assert_ok(ingest_text("[input]\ndelimiter = ||\n" LEAVE,
                          "user||item||time\na||x|y||1600000000\nb||\"x||y\"||1600000000\n"));
    r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: x|y | b: x||y");
    close_read(&r);
    assert_fails(ingest_text("[input]\ndelimiter = 123456789\n", ""), "want 1 to 8 characters");
}

static void a_log_without_header_is_described(void **state)
{
    (void)state;
    assert_fails(
        ingest_text("", "1::1193::5::978300760\n1::661::3::978302109\n"),
        "log: the first line has values where a header has names: column 1 (\"1\") looks "
        "like a rating or a code, column 2 (\"1193\") looks like whole numbers, as of users "
        "or items, column 3 (\"5\") looks like a rating or a code, column 4 (\"978300760\") "
        "looks like a time.");
    assert_fails(ingest_text("", "543462,1715,1464116,pv,1511658000\n543462,2200,1464,buy,1511\n"
                                 "543463,9,1,cart,1511658010\n"),
                 "--set input.columns=user,item,column_3,event_type,column_5");
    assert_fails(ingest_text("", "ann,tea,2020-01-01\nbob,cup,2020-01-02\n"),
                 "--set input.columns=user,item,timestamp");
    assert_fails(ingest_text("", "1 5 6 7\n2 8\n"), "--set input.format=sequence");
    assert_fails(ingest_text("[columns]\nuser = u\nitem = i\n", "1,2,3\n"),
                 "the first line has values");
    /* A header may have numbers among its names. */
    assert_ok(ingest_text(LEAVE, "user_id,item_id,2019\na,x,1\n"));
    assert_ok(ingest_text("[columns]\nuser = u\nitem = i\n" LEAVE, "u,i,7\na,x,1\n"));
    assert_fails(ingest_text("[input]\nheader = yes\n", "1,2,3\n"),
                 "no column looks like the user");
    assert_fails(ingest_text("[input]\nheader = no\n", "user,item\n"), "Name the columns");
}

static void given_names_replace_a_header(void **state)
{
    (void)state;
    assert_ok(ingest_text("[input]\nheader = yes\ncolumns = user,item\n" LEAVE, "a,a\nann,x\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "ann: x");
    close_read(&r);
    assert_fails(ingest_text("", "user,item,price, price \n"),
                 "log: columns 3 and 4 are both called \"price\"");
    assert_fails(ingest_text("[input]\ncolumns = user,item,user\n", "1,2,3\n"), "columns 1 and 3");
    assert_ok(ingest_text(LEAVE, " user ,item,,\nann,x,,\n")); /* columns may be nameless */
    assert_int_equal(report.events, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_delimiter_is_what_every_line_has_most_of),
        CASE(quotes_are_text_where_they_quote_nothing),
        CASE(a_delimiter_may_have_several_characters),
        CASE(a_log_without_header_is_described),
        CASE(given_names_replace_a_header),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}

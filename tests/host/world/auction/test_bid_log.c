/* SPDX-License-Identifier: Apache-2.0 */
/* Bid logs and the past of campaigns, as files. */
#include "test.h"

#include <unistd.h>

#include "world/auction/bid_log.h"

static char path[] = "/tmp/souk-bids-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 || close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static const char three_rows[] = "0 70 0.0021143609192222357\n1\t6\t0.5\t3\r\n0 0 0\n";

static void rows_are_read(void **state)
{
    (void)state;
    BidLog log;
    write_file(three_rows);
    assert_ok(bid_log_read(&log, path, 0));
    assert_int_equal(log.auctions, 3);
    assert_true(log.value[0] == 0.0021143609192222357);
    assert_int_equal(log.price[1], 6);
    assert_int_equal(log.click[1], 1);
    bid_log_close(&log);
}

static void reading_stops_after_the_rows_wanted(void **state)
{
    (void)state;
    BidLog log;
    write_file(three_rows);
    assert_ok(bid_log_read(&log, path, 2));
    assert_int_equal(log.auctions, 2);
    bid_log_close(&log);
}

/* Of 71 prices three were seen once: with one more of each, 74 counts. */
static void a_campaign_is_counted_from_a_log(void **state)
{
    (void)state;
    BidLog log;
    Campaign c;
    write_file(three_rows);
    assert_ok(bid_log_read(&log, path, 0));
    assert_ok(bid_log_campaign_count(&c, &log));
    assert_int_equal(c.prices, 71);
    assert_near(c.impressions, 3.0, 0.0);
    assert_near(c.clicks, 1.0, 0.0);
    assert_near(c.cost, 76.0, 0.0);
    assert_near(c.price[6], 2.0 / 74.0, 1e-16);
    assert_near(c.price[5], 1.0 / 74.0, 1e-16);
    bid_log_campaign_close(&c);
    bid_log_close(&log);
}

static void bad_rows_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *saying;
    } bad[] = {
        {"0 1 0.5\n2 1 0.5\n", "row 2 is \"2 1 0.5\""},
        {"0 1.5 0.5\n", "row 1"},
        {"0 -1 0.5\n", "row 1"},
        {"0 1 1.5\n", "row 1"},
        {"0 1 0.5\n\n", "row 2"},
        {"0 1\n", "row 1"},
        {"", "no auctions"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        BidLog log;
        write_file(bad[i].text);
        assert_refused(bid_log_read(&log, path, 0), ERR_FORMAT, bad[i].saying);
        assert_int_equal(bid_log_read(&log, path, 0), ERR_FORMAT);
        assert_non_null(strstr(status_message(), path));
        status_clear();
    }
}

static void a_campaign_is_read_from_json(void **state)
{
    (void)state;
    Campaign c;
    write_file("{\"imp_train\": 3, \"clk_train\": 1, \"cost_train\": 9, "
               "\"price_counter_train\": [1, 0, 2]}");
    assert_ok(bid_log_campaign_read(&c, path));
    assert_near(c.cost, 9.0, 0.0);
    assert_int_equal(c.prices, 3);
    assert_near(c.price[2], 3.0 / 6.0, 1e-16);
    bid_log_campaign_close(&c);
}

static void bad_campaigns_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *saying;
    } bad[] = {
        {"{", "line 1"},
        {"{\"imp_train\": 3}", "clk_train"},
        {"{\"imp_train\": 3, \"clk_train\": 1, \"cost_train\": 9}", "price_counter_train"},
        {"{\"imp_train\": 3, \"clk_train\": 1, \"cost_train\": 9, \"price_counter_train\": [1, "
         "-2]}",
         "price_counter_train[1]"},
        {"{\"imp_train\": 3, \"clk_train\": 0, \"cost_train\": 9, \"price_counter_train\": [1]}",
         "want all above 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Campaign c;
        write_file(bad[i].text);
        assert_refused(bid_log_campaign_read(&c, path), ERR_FORMAT, bad[i].saying);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(reading_stops_after_the_rows_wanted),
        cmocka_unit_test(a_campaign_is_counted_from_a_log),
        cmocka_unit_test(bad_rows_are_refused),
        cmocka_unit_test(a_campaign_is_read_from_json),
        cmocka_unit_test(bad_campaigns_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

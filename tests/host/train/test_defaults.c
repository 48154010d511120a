/* SPDX-License-Identifier: Apache-2.0 */
/* The settings that the size of a log decides: each rule at four sizes, what is given wins, and a
 * log of a file is measured as it is. */
#include <unistd.h>

#include "shop.h"

#include "train/defaults.h"

/* Logs like real ones: ten events a user, and fewer items than users. */
static LogSize log_of(int64_t events)
{
    const int64_t users = events / 10;
    return (LogSize){.events = events,
                     .users = users,
                     .items = users / 2 < 2000000 ? users / 2 : 2000000,
                     .valid_users = users,
                     .valid_read = 8 * users};
}

static void each_rule_at_four_sizes(void **state)
{
    (void)state;
    static const struct {
        int64_t events, dim, tokens, steps, warmup, valid_users, valid_every, patience;
        double dropout;
    } cases[] = {
        /* 1,500: 40 passes would be 59 steps */
        {1500, 64, 1024, 500, 30, 0, 25, 5, 0.3},
        /* 100,000: 20 sqrt(2) passes over 100,000 / 1,024 batches; 80,000 events are validated on,
         * 79 batches, but that is less than a twentieth of the steps */
        {100000, 64, 1024, 2763, 56, 0, 139, 5, 0.3},
        /* 10 M: 20 sqrt(0.02) = 2.83 passes, 2^13 <= 10,000 */
        {10000000, 128, 8192, 3453, 70, 20000, 173, 5, 0.2},
        /* 100 M: the passes are at least 1; 2 M items of 256 numbers are more than 2^28 */
        {100000000, 128, 16384, 6104, 123, 20000, 306, 5, 0.1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const LogSize size = log_of(cases[i].events);
        Config c = config_default();
        Chosen chosen;
        defaults_choose(&chosen, &c, &size);
        assert_int_equal(c.model_dim, cases[i].dim);
        assert_int_equal(c.train_tokens, cases[i].tokens);
        assert_int_equal(c.train_steps, cases[i].steps);
        assert_int_equal(c.optim_warmup, cases[i].warmup);
        assert_int_equal(c.train_valid_users, cases[i].valid_users);
        assert_int_equal(c.train_valid_every, cases[i].valid_every);
        assert_int_equal(c.train_save_every, cases[i].valid_every);
        assert_int_equal(c.train_patience, cases[i].patience);
        assert_near(c.model_dropout, cases[i].dropout, 0);
        assert_int_equal(chosen.count, DEFAULTS_MAX);
    }
}

static void the_edges_of_the_rules(void **state)
{
    (void)state;
    Chosen chosen;
    Config c = config_default();
    LogSize size = {0}; /* no event: the numbers are still those of a training */
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_steps, 500);
    assert_int_equal(c.train_tokens, 1024);
    /* A million items fit 256 numbers each below 2^28, twice as many do not, ten million have 32 at
     * least. */
    static const int64_t items[] = {1000000, 2000000, 10000000}, dims[] = {256, 128, 32};
    for (int i = 0; i < 3; i++) {
        c = config_default();
        size = log_of(100000000);
        size.items = items[i];
        defaults_choose(&chosen, &c, &size);
        assert_int_equal(c.model_dim, dims[i]);
    }
    /* A batch holds the longest window. The width is a multiple of twice the heads. */
    c = config_default();
    c.model_length = 3000;
    c.model_heads = 3;
    size = log_of(1500);
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_tokens, 4096);
    assert_int_equal(c.model_dim, 66);
    c = config_default();
    c.model_length = 1024;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_tokens, 2048);
    /* Where validation reads much, it comes seldom, but ten times in a training. */
    c = config_default();
    size = log_of(100000);
    size.valid_read = 150 * 1024;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_valid_every, 150);
    assert_int_equal(c.train_patience, 5);
    c = config_default();
    size.valid_read = 1000 * 1024;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_valid_every, 277);
    assert_int_equal(c.train_patience, 3);
}

static void what_is_given_wins_and_the_rest_follows(void **state)
{
    (void)state;
    const LogSize size = log_of(100000);
    Config c = config_default();
    Chosen chosen;
    c.train_steps = 100;
    c.model_dropout = 0;
    c.train_patience = 0;
    c.train_valid_users = 0;
    c.model_dim = 32;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_steps, 100);
    assert_int_equal(c.train_patience, 0);
    assert_int_equal(c.model_dim, 32);
    assert_near(c.model_dropout, 0, 0);
    assert_int_equal(c.optim_warmup, 20); /* a fifth of the steps */
    assert_int_equal(c.train_valid_every, 10);
    assert_int_equal(chosen.count, 4);
    assert_string_equal(chosen.row[0].key, "train.tokens");
    const Config once = c;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(chosen.count, 0);
    assert_memory_equal(&c, &once, sizeof c);
}

static void passes_and_zeros_are_read(void **state)
{
    (void)state;
    LogSize size = log_of(100000);
    Config c = config_default();
    Chosen chosen;
    c.train_epochs = 3;
    size.batches = 101;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_steps, 303);
    c = config_default();
    c.train_steps = c.train_valid_every = c.train_save_every = 0;
    size.batches = 0;
    defaults_choose(&chosen, &c, &size);
    assert_int_equal(c.train_steps, 2763);
    assert_int_equal(c.train_valid_every, 139);
    assert_int_equal(c.train_save_every, 139);
}

static void the_reasons_are_told(void **state)
{
    (void)state;
    const LogSize size = log_of(1000000);
    Config c = config_default();
    Chosen chosen;
    char text[DEFAULTS_TEXT_MAX];
    c.model_dropout = 0.1;
    defaults_choose(&chosen, &c, &size);
    defaults_text(text, &chosen);
    assert_non_null(strstr(text, "model.dim=64"));
    assert_non_null(strstr(text, "8.94 passes over 1,000,000 train events"));
    assert_non_null(strstr(text, "of 100,000 users of the validation split"));
    assert_null(strstr(text, "model.dropout"));
    json_t *json = defaults_json(&chosen);
    const json_t *steps = json_object_get(json, "train.steps");
    assert_string_equal(json_string_value(json_object_get(steps, "value")), "8735");
    json_decref(json);
}

static void without_a_log_the_numbers_are_fixed(void **state)
{
    (void)state;
    Config c = config_default();
    c.model_dim = 32;
    defaults_without_log(&c);
    assert_int_equal(c.model_dim, 32);
    assert_int_equal(c.train_tokens, 4096);
    assert_int_equal(c.optim_warmup, 100);
    assert_near(c.model_dropout, 0.2, 0);
    assert_int_equal(c.train_steps, CONFIG_AUTO);
}

static void a_log_is_measured(void **state)
{
    (void)state;
    const Shop shop = {.users = 300, .longest = 30, .features = true, .seed = 5};
    char data[256];
    Behaviour b;
    Config c = config_default();
    Chosen chosen;
    assert_ok(shop_write(&shop, shop_path(data, "defaults")));
    assert_ok(behaviour_open(&b, data));
    assert_ok(defaults_of_log(&chosen, &c, &b));
    assert_int_equal(c.train_steps, 500);
    int64_t valid = 0;
    for (int64_t u = 0; u < b.users; u++)
        valid += b.split[SPLIT_VALID][u][1] > b.split[SPLIT_VALID][u][0];
    char all[64];
    snprintf(all, sizeof all, "all %d users", (int)valid);
    for (int i = 0; i < chosen.count; i++)
        if (!strcmp(chosen.row[i].key, "train.valid_users"))
            assert_non_null(strstr(chosen.row[i].reason, all));
    /* Two passes are as many steps as two epochs have batches. */
    Config two = config_default(), four = two;
    two.train_tokens = four.train_tokens = 128;
    two.train_epochs = 2;
    four.train_epochs = 4;
    assert_ok(defaults_of_log(&chosen, &two, &b));
    assert_ok(defaults_of_log(&chosen, &four, &b));
    assert_true(two.train_steps > 2);
    assert_int_equal(four.train_steps, 2 * two.train_steps);
    behaviour_close(&b);
    unlink(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_at_four_sizes),
        cmocka_unit_test(the_edges_of_the_rules),
        cmocka_unit_test(what_is_given_wins_and_the_rest_follows),
        cmocka_unit_test(passes_and_zeros_are_read),
        cmocka_unit_test(the_reasons_are_told),
        cmocka_unit_test(without_a_log_the_numbers_are_fixed),
        cmocka_unit_test(a_log_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

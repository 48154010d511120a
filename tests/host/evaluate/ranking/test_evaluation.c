/* SPDX-License-Identifier: Apache-2.0 */
/* souk eval, from a behaviour file to the report: the JSON says what the evaluation measured. */
#include "shop.h"

#include <fcntl.h>
#include <jansson.h>

#include "cli/cli.h"
#include "evaluate/ranking/bars/bars.h"
#include "evaluate/ranking/evaluation.h"
#include "evaluate/ranking/repeats.h"

static const Shop shop = {.users = 60, .longest = 80, .plain_keys = true, .seed = 3};

/* The exit code of `souk eval ARGUMENT...`, its output away. */
static int eval(char *a, char *b, char *c, char *d, char *e)
{
    char *argv[] = {"souk", "eval", a, b, c, d, e, NULL};
    int argc = 0;
    while (argv[argc]) argc++;
    fflush(stdout);
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO),
              away = open("/dev/null", O_WRONLY);
    dup2(away, STDOUT_FILENO);
    dup2(away, STDERR_FILENO);
    const int code = cli_run(NULL, argc, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(away);
    close(out);
    close(err);
    return code;
}

static json_t *scorer_of(json_t *group, const char *name)
{
    json_t *scorers = json_object_get(group, "scorers");
    for (size_t i = 0; i < json_array_size(scorers); i++) {
        json_t *s = json_array_get(scorers, i);
        if (!strcmp(json_string_value(json_object_get(s, "name")), name)) return s;
    }
    fail_msg("no scorer %s in the report", name);
    return NULL;
}

static double number_of(json_t *scorer, const char *measure, const char *part)
{
    return json_number_value(json_object_get(json_object_get(scorer, measure), part));
}

static void check_report(const char *path, const Evaluation *e, const Bars *bars)
{
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "events")), e->events.count);
    json_t *all = json_array_get(json_object_get(root, "groups"), 0);
    assert_int_equal(json_is_true(json_object_get(root, "include_seen")), e->options.include_seen);
    assert_string_equal(json_string_value(json_object_get(root, "best_bar")),
                        bars->bar[bars->best].bar.name);
    for (int k = 0; k < e->scorers; k++) {
        json_t *row = scorer_of(all, e->scorer[k].scorer.name);
        json_t *bar = json_array_get(json_object_get(root, "bars"), (size_t)k);
        assert_string_equal(json_string_value(json_object_get(bar, "settings")),
                            bars->bar[k].settings);
        assert_near(json_number_value(json_object_get(bar, "validation_NDCG@10")),
                    bars->bar[k].validation, 1e-8);
        const RankingSummary *want = evaluation_summary(e, k, GROUP_ALL);
        for (int m = 0; m < MEASURES; m++) {
            const char *name = ranking_measure_name((RankingMeasure)m);
            assert_near(number_of(row, name, "value"), want->measure[m].value, 1e-8);
            assert_near(number_of(row, name, "low"), want->measure[m].low, 1e-8);
            assert_near(number_of(row, name, "high"), want->measure[m].high, 1e-8);
        }
        assert_near(json_number_value(json_object_get(row, "coverage@20")),
                    e->scorer[k].spread.coverage, 1e-8);
        assert_near(json_number_value(json_object_get(row, "gini@20")), e->scorer[k].spread.gini,
                    1e-8);
    }
    json_t *next = json_object_get(root, "next_is_purchase");
    const double auc = number_of(scorer_of(next, "last action"), "auc", "value");
    assert_true(auc > 0.3 && auc < 0.7); /* the shop's actions are independent draws */
    json_decref(root);
}

static void the_report_says_what_was_measured(void **state)
{
    (void)state;
    char data[256], json[300];
    assert_ok(shop_write(&shop, shop_path(data, "eval")));
    snprintf(json, sizeof json, "%s.json", data);
    char out[320];
    snprintf(out, sizeof out, "--json=%s", json);
    assert_int_equal(eval("--quiet", "--data", data, "--threads=3", out), 0);

    Behaviour b;
    Histories h;
    RepeatsRule rule;
    Bars bars;
    Evaluation e;
    assert_ok(behaviour_open(&b, data));
    assert_ok(histories_read(&h, &b, SPLIT_TEST));
    const Histories validation = histories_of_split(&h, SPLIT_VALID);
    assert_ok(repeats_rule(&rule, &validation));
    assert_true(rule.include_seen); /* long histories of few items */
    assert_ok(bars_fit(&bars, &validation, &(BarsOptions){.include_seen = true, .threads = 1}));
    const ScoreOptions options = {.include_seen = true, .threads = 1, .purchase = -1};
    assert_ok(evaluation_open(&e, &h, &options, 0, 0));
    for (int k = 0; k < bars.bars; k++) {
        const Scorer scorer = bar_scorer(&bars.bar[k].bar);
        assert_ok(evaluation_add(&e, &scorer));
    }
    assert_true(e.events.count > 100);
    check_report(json, &e, &bars);
    evaluation_close(&e);
    bars_close(&bars);
    histories_close(&h);
    behaviour_close(&b);
    unlink(data);
    unlink(json);
}

static void wrong_arguments_are_usage_errors(void **state)
{
    (void)state;
    char data[256];
    assert_ok(shop_write(&shop, shop_path(data, "eval")));
    assert_int_equal(eval("--help", NULL, NULL, NULL, NULL), 0);
    assert_int_equal(eval("--quiet", NULL, NULL, NULL, NULL), 2);
    assert_int_equal(eval("--data", data, "--split=train", NULL, NULL), 2);
    assert_int_equal(eval("--data", data, "--threads=-1", NULL, NULL), 2);
    assert_int_equal(eval("--data", data, "--users=2x", NULL, NULL), 2);
    assert_int_equal(eval("--data", data, "--include-seen", "--exclude-seen", "--quiet"), 2);
    assert_int_equal(eval("--data", data, "--seeds=2", "--quiet", NULL), 2);
    assert_int_equal(eval("--data", data, "--seeds=2", "--checkpoint=/no/such", "--quiet"), 1);
    assert_int_equal(eval("--data", data, "--purchase=nothing", NULL, NULL), 2);
    assert_int_equal(eval("--data", data, "--json=/no/such/folder/x", "--quiet", NULL), 1);
    assert_int_equal(eval("--data", data, "--checkpoint=/no/such", NULL, NULL), 1);
    assert_int_equal(eval("--data", "/no/such.h5", NULL, NULL, NULL), 1);
    unlink(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_says_what_was_measured),
        cmocka_unit_test(wrong_arguments_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* souk eval, from a behaviour file to the report: the JSON says what the evaluation measured. */
#include "shop.h"

#include <fcntl.h>
#include <jansson.h>

#include "cli/cli.h"
#include "evaluate/ranking/baselines.h"
#include "evaluate/ranking/evaluation.h"

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
    const int code = cli_run(argc, argv);
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

static void check_report(const char *path, const Evaluation *e)
{
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "events")), e->events.count);
    json_t *all = json_array_get(json_object_get(root, "groups"), 0);
    for (int k = 0; k < BASELINES; k++) {
        json_t *row = scorer_of(all, e->scorer[k].name);
        const RankingSummary *want = evaluation_summary(e, k, GROUP_ALL);
        for (int m = 0; m < MEASURES; m++) {
            const char *name = ranking_measure_name((RankingMeasure)m);
            assert_near(number_of(row, name, "value"), want->measure[m].value, 1e-8);
            assert_near(number_of(row, name, "low"), want->measure[m].low, 1e-8);
            assert_near(number_of(row, name, "high"), want->measure[m].high, 1e-8);
        }
        assert_near(json_number_value(json_object_get(row, "coverage@20")), want->coverage, 1e-8);
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
    Baselines baselines;
    Scorer scorer[BASELINES];
    Evaluation e;
    const ScoreOptions options = {.threads = 1, .purchase = -1};
    assert_ok(behaviour_open(&b, data));
    assert_ok(histories_read(&h, &b, SPLIT_TEST));
    assert_ok(baselines_fit(&baselines, &h, 1));
    baselines_scorers(&baselines, scorer);
    assert_ok(evaluation_run(&e, &h, scorer, BASELINES, &options, 0, 0));
    assert_true(e.events.count > 100);
    check_report(json, &e);
    evaluation_close(&e);
    baselines_close(&baselines);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluations through souk.h; that their reports are those of the program, the tests of the Python
 * package say. */
#include <jansson.h>

#include "api_case.h"

static ApiCase c;

static int open_case(void **state)
{
    (void)state;
    api_case_open(&c);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    api_case_close(&c);
    return 0;
}

typedef struct {
    json_t *report;
    int reports, calls, stop;
} Heard;

static void hear(void *context, const char *text)
{
    Heard *h = context;
    h->reports++;
    json_decref(h->report);
    h->report = json_loads(text, 0, NULL);
}

static int see(void *context, const souk_progress *p)
{
    Heard *h = context;
    assert_non_null(p->stage);
    h->calls++;
    return h->stop;
}

static souk_evaluate_options ranking(Heard *h)
{
    souk_evaluate_options o = SOUK_EVALUATE_OPTIONS_INIT;
    o.data = c.data;
    o.checkpoint = c.run;
    o.threads = 1;
    o.report = hear;
    o.progress = see;
    o.context = h;
    return o;
}

static void a_model_is_ranked_beside_bars(void **state)
{
    Heard heard = {0};
    souk_evaluate_options o = ranking(&heard);
    const char *best;
    int models = 0;
    size_t at;
    json_t *scorers, *one;
    (void)state;
    assert_done(souk_evaluate(&o, error));
    assert_int_equal(heard.reports, 1);
    assert_true(heard.calls > 0);
    assert_int_equal(json_unpack(heard.report, "{s:s, s:[{s:o}]}", "best_bar", &best, "groups",
                                 "scorers", &scorers),
                     0);
    json_array_foreach(scorers, at, one) models += json_is_false(json_object_get(one, "baseline"));
    assert_true(models > 0 && json_array_size(scorers) > 8);
    json_decref(heard.report);
}

static void two_models_are_compared(void **state)
{
    Heard heard = {0};
    souk_evaluate_options o = ranking(&heard);
    const char *model, *over;
    double value, low, high;
    (void)state;
    o.against = c.run;
    assert_done(souk_evaluate(&o, error));
    assert_int_equal(json_array_size(json_object_get(heard.report, "models")), 2);
    assert_int_equal(json_unpack(heard.report, "{s:[{s:[{s:s, s:s, s:{s:F, s:F, s:F}}]}]}",
                                 "groups", "comparisons", "model", &model, "over", &over,
                                 "difference", "value", &value, "low", &low, "high", &high),
                     0);
    assert_string_equal(model, "B");
    assert_string_equal(over, "A");
    assert_true(value == 0.0 && low == 0.0 && high == 0.0); /* it is one model */
    json_decref(heard.report);
    o.checkpoint = NULL;
    assert_failed(souk_evaluate(&o, error), SOUK_ERROR_USAGE, "options->against without");
}

static void a_wrong_option_is_an_error(void **state)
{
    Heard heard = {0};
    souk_evaluate_options o = ranking(&heard);
    (void)state;
    o.split = "train";
    assert_failed(souk_evaluate(&o, error), SOUK_ERROR_USAGE, "want valid or test");
    o = ranking(&heard);
    o.report = NULL;
    assert_failed(souk_evaluate(&o, error), SOUK_ERROR_USAGE, "options->report is NULL");
    o = ranking(&heard);
    o.threads = -1;
    assert_failed(souk_evaluate(&o, error), SOUK_ERROR_USAGE, "options->threads is -1");
    o = ranking(&heard);
    o.checkpoint = "/no/such/run";
    assert_failed(souk_evaluate(&o, error), SOUK_ERROR_IO, "/no/such/run");
    o = ranking(&heard);
    o.size = 8;
    assert_failed(souk_evaluate(&o, error), SOUK_ERROR_USAGE, "options->size is 8");
    assert_failed(souk_evaluate(NULL, error), SOUK_ERROR_USAGE, "options is NULL");
    assert_int_equal(heard.reports, 0);
}

static void a_callback_stops_it(void **state)
{
    Heard heard = {.stop = 1};
    souk_evaluate_options o = ranking(&heard);
    (void)state;
    assert_failed(souk_evaluate(&o, error), SOUK_CANCELLED, "");
    assert_int_equal(heard.reports, 0);
}

static void a_policy_is_estimated(void **state)
{
    Heard heard = {0};
    souk_ope_options o = SOUK_OPE_OPTIONS_INIT;
    (void)state;
    o.data = c.data;
    o.report = hear;
    o.context = &heard;
    assert_failed(souk_ope(&o, error), SOUK_ERROR_FORMAT, "the overlap is too small");
    assert_int_equal(heard.reports, 0);
    o.force = 1;
    o.replicates = 40;
    o.threads = 1;
    assert_done(souk_ope(&o, error));
    assert_int_equal(heard.reports, 1);
    assert_true(json_array_size(json_object_get(heard.report, "estimators")) > 1);
    json_decref(heard.report);
    heard = (Heard){0};
    o.temperature = (double)NAN;
    assert_failed(souk_ope(&o, error), SOUK_ERROR_USAGE, "options->temperature is nan");
    o.temperature = 1.0;
    o.epsilon = 2.0;
    assert_failed(souk_ope(&o, error), SOUK_ERROR_USAGE, "options->epsilon is 2");
    o.epsilon = -1.0;
    o.policy = "uniform";
    o.checkpoint = c.run;
    assert_failed(souk_ope(&o, error), SOUK_ERROR_USAGE, "want one policy");
    assert_int_equal(heard.reports, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_ranked_beside_bars), cmocka_unit_test(two_models_are_compared),
        cmocka_unit_test(a_wrong_option_is_an_error),    cmocka_unit_test(a_callback_stops_it),
        cmocka_unit_test(a_policy_is_estimated),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

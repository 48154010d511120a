/* SPDX-License-Identifier: Apache-2.0 */
/* A plan against the memory that training takes. */
#include "train/plan.h"

#include <stdbool.h>

#include "data/stream/stream.h"
#include "shop.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { TOKENS = 256, LENGTH = 12, WINDOWS = 8 };

static char plain[256], featured[256];

static int make_shops(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 30, .features = true, .seed = 5};
    const Shop bare = {.users = 60, .longest = 30, .seed = 6};
    return shop_write(&shop, shop_path(featured, "plan-features")) != OK ||
           shop_write(&bare, shop_path(plain, "plan")) != OK;
}

static int remove_shops(void **state)
{
    (void)state;
    return unlink(plain) || unlink(featured);
}

static Config config_of(const char *objective, const char *precision, bool features, double dropout)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", features ? featured : plain);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    snprintf(c.train_precision, sizeof c.train_precision, "%s", precision);
    c.model_dim = 16;
    c.model_text = 1;
    c.model_length = LENGTH;
    c.model_dropout = dropout;
    c.train_tokens = TOKENS;
    c.train_threads = 2;
    return c;
}

static const char *const objectives[] = {
    "cross_entropy", "cross_entropy+double_q",
    "soft_q",        "cql",
    "snqn",          "retrace",
    "bcq",           "crr",
    "iql",           "reinforce",
    "ppo",
};

static bool reads_propensities(const char *objective)
{
    return strcmp(objective, "ppo") == 0 || strcmp(objective, "retrace") == 0;
}

#define FOR_ALL(c)                                                                                 \
    for (size_t o = 0; o < sizeof objectives / sizeof *objectives; o++)                            \
        for (int half = 0, more = 0; half < 2; half += more, more = !more)                         \
            for (Config c = config_of(objectives[o], half ? "bf16" : "f32",                        \
                                      more || reads_propensities(objectives[o]), 0.1 * more),      \
                        *once = &c;                                                                \
                 once; once = NULL)

/* The shape of the step is smaller than the largest one that is planned. */
static void a_step_takes_the_scratch_that_a_step_of_its_shape_is_measured_to_take(void **state)
{
    (void)state;
    FOR_ALL(c)
    {
        static Trainer t, measuring;
        Window window[WINDOWS];
        Batch batch;
        StepReport report;
        assert_ok(trainer_open(&t, &c));
        for (int64_t w = 0; w < WINDOWS; w++)
            window[w] = (Window){.user = w, .first = t.file.offset[w], .end = t.file.offset[w + 1]};
        for (int64_t w = 0; w < WINDOWS; w++)
            if (window[w].end > window[w].first + LENGTH) window[w].end = window[w].first + LENGTH;
        assert_ok(batch_open(&batch, &t.file, TOKENS, t.model.counted,
                             batch_own_capacity(&t.file, t.model.counted, TOKENS)));
        assert_ok(batch_fill(&batch, &t.file, window, WINDOWS));
        t.dev.scratch.high_water = 0; /* opening took some */
        assert_ok(step_run(&t, &batch, &report));

        trainer_open_measuring(&measuring, &t);
        assert_ok(trainer_take(&measuring));
        trainer_begin(&measuring);
        measuring.feed.tokens = batch.used;
        measuring.feed.own = batch.own_offset[batch.windows];
        measuring.feed.longest = t.feed.input[0].batch.longest;
        assert_true(step_measure(&measuring, 0));
        assert_int_equal(measuring.feed.input[0].batch.windows, batch.windows);
        assert_int_equal(measuring.dev.scratch.high_water, t.dev.scratch.high_water);
        assert_int_equal(measuring.dev.status, OK);
        trainer_close(&measuring);
        batch_close(&batch);
        trainer_close(&t);
    }
}

static void opening_and_the_first_step_take_what_was_planned(void **state)
{
    (void)state;
    FOR_ALL(c)
    {
        static Trainer t;
        const Batch *batch;
        StepReport report;
        Stream *stream;
        assert_ok(trainer_open(&t, &c));
        const StreamOptions options = trainer_stream(&t);
        assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
        assert_ok(stream_next(stream, &batch));
        assert_ok(step_run(&t, batch, &report));
        assert_true(t.dev.scratch.high_water <= t.plan.part[PLAN_SCRATCH]);
        const size_t held = device_held(&t.dev, NULL), planned = plan_bytes(&t.plan);
        assert_true(held <= planned);
        assert_true((double)held >= 0.98 * (double)planned);
        stream_close(stream);
        trainer_close(&t);
    }
}

static void a_plan_that_does_not_fit_is_refused_by_its_parts(void **state)
{
    (void)state;
    Trainer t;
    Config c = config_of("cross_entropy", "f32", true, 0.0);
    c.train_tokens = 30000000;
    c.model_dim = 4096;
    c.model_layers = 64;
    assert_refused(trainer_open(&t, &c), ERR_MEMORY, "the plan needs ");
    trainer_open(&t, &c);
    static const char *const part[] = {"parameters ", "activations ", "scratch ",
                                       "the machine has"};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (!strstr(status_message(), part[i]))
            fail_msg("\"%s\" does not name %s", status_message(), part[i]);
    status_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_takes_the_scratch_that_a_step_of_its_shape_is_measured_to_take),
        cmocka_unit_test(opening_and_the_first_step_take_what_was_planned),
        cmocka_unit_test(a_plan_that_does_not_fit_is_refused_by_its_parts),
    };
    return cmocka_run_group_tests(tests, make_shops, remove_shops);
}

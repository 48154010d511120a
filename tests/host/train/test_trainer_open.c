/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a trainer and its first step where memory runs out: each allocation of the library fails
 * once, and each failure is an error that names what was wanted. */
#include "train/trainer_open.h"

#include <stdbool.h>

#include "failing.h"
#include "shop.h"
#include "train/start/start.h"
#include "train/step.h"

enum { TOKENS = 128, WINDOWS = 8, LENGTH = 12 };

static char data[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 30, .features = true, .seed = 5};
    return shop_write(&shop, shop_path(data, "trainer-open")) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(data);
}

static Config config_of(const char *precision)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy+double_q");
    snprintf(c.train_precision, sizeof c.train_precision, "%s", precision);
    c.model_dim = 16;
    c.model_length = LENGTH;
    c.train_tokens = TOKENS;
    c.train_threads = 2;
    return c;
}

static Status step_once(Trainer *t)
{
    Window window[WINDOWS];
    Batch batch = {0};
    StepReport report;
    Status st;
    for (int64_t w = 0; w < WINDOWS; w++)
        window[w] =
            (Window){.user = w, .first = t->file.offset[w], .end = t->file.offset[w] + 2 + w % 3};
    TRY_OR_FAIL(st, batch_open(&batch, &t->file, TOKENS, t->model.counted,
                               batch_own_capacity(&t->file, t->model.counted, TOKENS)));
    TRY_OR_FAIL(st, batch_fill(&batch, &t->file, window, WINDOWS));
    TRY_OR_FAIL(st, step_run(t, &batch, &report));
fail:
    batch_close(&batch);
    return st;
}

static Status open_and_step(const Config *c)
{
    Trainer t;
    TRY(trainer_open(&t, c));
    const Status st = step_once(&t);
    trainer_close(&t);
    return st;
}

/* The same without a plan, so that ops take their scratch when they need it. */
static Status take_and_step(const Config *c)
{
    Trainer t;
    Behaviour file;
    Status st;
    TRY(behaviour_open(&file, c->data_path));
    TRY(trainer_prepare(&t, c, file));
    TRY_OR_FAIL(st, trainer_take(&t));
    params_init(&t.model.params, 1);
    TRY_OR_FAIL(st, start_fresh(&t, NULL));
    trainer_begin(&t);
    TRY_OR_FAIL(st, step_once(&t));
fail:
    trainer_close(&t);
    return st;
}

/* Returns the number of allocations of a call in which none fails. */
static long fail_each(Status (*call)(const Config *), const Config *c, long *of_scratch)
{
    *of_scratch = 0;
    for (long n = 1;; n++) {
        status_clear();
        allocations = 0;
        failing = n;
        const Status st = call(c);
        failing = 0;
        if (allocations < n) {
            assert_ok(st);
            return n - 1;
        }
        const char *said = status_message();
        if (st != ERR_MEMORY || !(strstr(said, "no memory for ") || strstr(said, "no memory to ")))
            fail_msg("allocation %ld: status %d, \"%s\"", n, (int)st, said);
        *of_scratch += strstr(said, "no memory for scratch (a tensor ") != NULL;
    }
}

static void each_allocation_that_fails_is_named(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        long of_scratch;
        const Config c = config_of(half ? "bf16" : "f32");
        assert_true(fail_each(open_and_step, &c, &of_scratch) > 30);
        assert_int_equal(of_scratch, 0); /* the plan has reserved it */
        assert_true(fail_each(take_and_step, &c, &of_scratch) > 30);
        assert_true(of_scratch > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_that_fails_is_named),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

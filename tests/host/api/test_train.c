/* SPDX-License-Identifier: Apache-2.0 */
/* Training through souk.h: progress, cancelling, resuming, and errors as values. */
#include "api_case.h"

#include <signal.h>

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

/* What a callback saw. */
typedef struct {
    int64_t calls, stop_at; /* step to stop at; -1: never */
    souk_progress last;     /* but its stage, which lives until the callback returns */
    char stage[32];
    int losses, validations, messages;
} Seen;

static int see(void *context, const souk_progress *p)
{
    Seen *s = context;
    struct sigaction now;
    s->calls++;
    s->last = *p;
    s->last.stage = NULL;
    snprintf(s->stage, sizeof s->stage, "%s", p->stage);
    s->losses += !isnan(p->loss);
    s->validations += !isnan(p->validation);
    sigaction(SIGINT, NULL, &now);
    assert_true(now.sa_handler == SIG_DFL);
    return s->stop_at >= 0 && p->step >= s->stop_at;
}

static void hear(void *context, const char *text)
{
    Seen *s = context;
    s->messages++;
    assert_true(strlen(text) > 0);
}

static souk_train_options options(const char *settings, Seen *s)
{
    souk_train_options o = SOUK_TRAIN_OPTIONS_INIT;
    o.settings = settings;
    o.progress = see;
    o.message = hear;
    o.context = s;
    return o;
}

static char *read_file(const char *folder, size_t *size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/last.safetensors", folder);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void assert_same_checkpoint(const char *a, const char *b)
{
    size_t size[2];
    char *bytes[2] = {read_file(a, &size[0]), read_file(b, &size[1])};
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void the_callback_follows_every_step(void **state)
{
    Seen seen = {.stop_at = -1};
    souk_train_result result = SOUK_TRAIN_RESULT_INIT;
    char out[128];
    (void)state;
    snprintf(out, sizeof out, "%s/followed", c.folder);
    const souk_train_options o = options(api_settings(&c, out, ""), &seen);
    assert_done(souk_train(&o, &result, error));
    assert_int_equal(seen.calls, 1 + 12 + 1); /* the beginning, the steps, the end */
    assert_string_equal(seen.stage, "train");
    assert_int_equal(seen.last.step, 12);
    assert_int_equal(seen.last.total, 12);
    assert_int_equal(seen.last.ended, 1);
    assert_int_equal(seen.losses, 13);
    assert_int_equal(seen.validations, 12 - 4 + 1);
    assert_true(seen.messages > 0);
    assert_int_equal(result.steps, 12);
    assert_true(result.seconds > 0.0 && result.validation >= 0.0);
    assert_same_checkpoint(out, c.run);
}

static void a_cancelled_training_resumes_to_the_same_bits(void **state)
{
    Seen seen = {.stop_at = 5};
    souk_train_result result = SOUK_TRAIN_RESULT_INIT;
    char out[128];
    (void)state;
    snprintf(out, sizeof out, "%s/cancelled", c.folder);
    souk_train_options o = options(api_settings(&c, out, ""), &seen);
    assert_failed(souk_train(&o, &result, error), SOUK_CANCELLED, "at step 5");
    assert_int_equal(result.steps, 5);
    o.resume = 1;
    seen.stop_at = -1;
    assert_done(souk_train(&o, &result, error));
    assert_int_equal(result.steps, 12);
    assert_same_checkpoint(out, c.run);
}

static void a_training_may_be_cancelled_before_its_first_step(void **state)
{
    Seen seen = {.stop_at = 0};
    souk_train_result result = SOUK_TRAIN_RESULT_INIT;
    char out[128];
    (void)state;
    snprintf(out, sizeof out, "%s/at-once", c.folder);
    const souk_train_options o = options(api_settings(&c, out, ""), &seen);
    assert_failed(souk_train(&o, &result, error), SOUK_CANCELLED, "at step 0");
    assert_int_equal(result.steps, 0);
}

static void rounds_in_a_world_are_followed_and_cancelled(void **state)
{
    char settings[512];
    Seen seen = {.stop_at = 15};
    souk_train_result result = SOUK_TRAIN_RESULT_INIT;
    (void)state;
    snprintf(settings, sizeof settings,
             "world.name=small-shop\nworld.rounds=2\nworld.episodes=20\nworld.steps=10\n"
             "world.measured=20\nmodel.dim=16\ntrain.tokens=128\ntrain.threads=1\n"
             "learn.objective=double_q\ntrain.out=%s/world",
             c.folder);
    souk_train_options o = options(settings, &seen);
    assert_failed(souk_train(&o, &result, error), SOUK_CANCELLED, "stopped on request");
    assert_true(seen.last.step >= 15 && seen.last.total == 20 && !isnan(seen.last.validation));
    seen.stop_at = -1;
    o.force = 1;
    assert_done(souk_train(&o, &result, error));
    assert_int_equal(result.steps, 20);
    assert_true(isfinite(result.validation));
    o.resume = 1;
    assert_failed(souk_train(&o, &result, error), SOUK_ERROR_USAGE, "cannot be resumed");
}

static void assert_refused_settings(const char *more, const char *saying)
{
    Seen seen = {.stop_at = -1};
    char out[128];
    snprintf(out, sizeof out, "%s/refused", c.folder);
    const souk_train_options o = options(api_settings(&c, out, more), &seen);
    assert_failed(souk_train(&o, NULL, error), SOUK_ERROR_USAGE, saying);
}

static void wrong_settings_are_named_with_their_line(void **state)
{
    (void)state;
    assert_refused_settings("learn.gama=0.9\n", "settings, line 14");
    assert_refused_settings("learn.gama=0.9\n", "did you mean \"learn.gamma\"?");
    assert_refused_settings("learn.gamma=2", "learn.gamma");
    assert_refused_settings("learn.gamma", "want");
    assert_refused_settings("learn.objective=crossentropy", "crossentropy");
    assert_refused_settings("train.device=abacus", "abacus");
    assert_refused_settings("world.name=small-shop", "exclude each other");
    assert_refused_settings("model.heads=3", "heads");
}

static void wrong_calls_are_refused(void **state)
{
    souk_train_options o = SOUK_TRAIN_OPTIONS_INIT;
    souk_train_result none = {0};
    (void)state;
    assert_failed(souk_train(NULL, NULL, error), SOUK_ERROR_USAGE, "options is NULL");
    assert_failed(souk_train(&o, NULL, error), SOUK_ERROR_USAGE, "want data.path=FILE");
    o.settings = "data.path=/no/such/file.h5";
    assert_failed(souk_train(&o, NULL, error), SOUK_ERROR_IO, "/no/such/file.h5");
    o.settings = api_settings(&c, c.run, "");
    assert_failed(souk_train(&o, NULL, error), SOUK_ERROR_USAGE, "last.safetensors exists");
    assert_failed(souk_train(&o, &none, error), SOUK_ERROR_USAGE, "result->size is 0");
    assert_int_equal(souk_train(&o, NULL, NULL), SOUK_ERROR_USAGE);
    o.size = 0;
    assert_failed(souk_train(&o, NULL, error), SOUK_ERROR_USAGE, "options->size is 0");
}

/* Standard output and standard error of a whole training, in bytes. */
static void a_training_prints_nothing(void **state)
{
    FILE *file = tmpfile();
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    souk_train_options o = SOUK_TRAIN_OPTIONS_INIT;
    char folder[128];
    (void)state;
    assert_non_null(file);
    snprintf(folder, sizeof folder, "%s/silent", c.folder);
    o.settings = api_settings(&c, folder, "train.quiet=0");
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    const souk_status st = souk_train(&o, NULL, NULL);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), 0);
    fclose(file);
    assert_int_equal(st, SOUK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_callback_follows_every_step),
        cmocka_unit_test(a_cancelled_training_resumes_to_the_same_bits),
        cmocka_unit_test(a_training_may_be_cancelled_before_its_first_step),
        cmocka_unit_test(rounds_in_a_world_are_followed_and_cancelled),
        cmocka_unit_test(wrong_settings_are_named_with_their_line),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(a_training_prints_nothing),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A training whose validation stops improving goes back to the best one and anneals. */
#include <unistd.h>

#include "shop.h"

#include "train/checkpoint.h"
#include "train/loop.h"

static char data[256], folder[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 300, .longest = 30, .features = true, .ties = true, .seed = 5};
    shop_path(data, "annealing");
    snprintf(folder, sizeof folder, "%.*s-run", (int)strlen(data) - 3, data);
    return shop_write(&shop, data) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(data);
}

/* A learning rate that is too high stops improving at once. */
static Config config_of(const char *out)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.train_out, sizeof c.train_out, "%s%s", folder, out);
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy+double_q");
    c.model_dim = 16;
    c.model_length = 12;
    c.train_tokens = 128;
    c.train_steps = 1000;
    c.train_valid_every = c.train_save_every = 4;
    c.train_patience = 2;
    c.train_threads = 1;
    c.optim_warmup = 2;
    c.optim_lr = 0.05;
    return c;
}

static char *in_run(const Config *c, const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", c->train_out, name);
    return path;
}

static void remove_run(const Config *c)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors",   "checkpoint.json",
                                        "metrics.jsonl",    "rewind.safetensors", "catalogue.h5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_run(c, names[i]));
    rmdir(c->train_out);
}

/* Asks to stop at a step: the last one, or the last one after going back. 0: never. */
typedef struct {
    Listener listener;
    int64_t stop_at, stop_behind;
    int64_t step;
    int64_t back; /* the step that a remark says training goes back to; 0: none did */
} Ear;

static void follow(Listener *self, const StageReport *r)
{
    if (!strcmp(r->stage, "train")) ((Ear *)self)->step = r->done;
}

static void hear(Listener *self, const char *text)
{
    Ear *e = (Ear *)self;
    const char *at = strstr(text, "back to the best one, at step ");
    if (at) e->back = strtoll(at + 30, NULL, 10), e->step = 0;
}

static bool asks_to_stop(Listener *self)
{
    const Ear *e = (Ear *)self;
    return (e->stop_at && e->step >= e->stop_at) ||
           (e->stop_behind && e->back && e->step >= e->back + e->stop_behind);
}

static Ear ear_of(int64_t stop_at, int64_t stop_behind)
{
    return (Ear){.listener = {.report = follow, .stop = asks_to_stop, .remark = hear},
                 .stop_at = stop_at,
                 .stop_behind = stop_behind};
}

static double counter(const Config *c, const char *key)
{
    Safetensors file;
    double value;
    assert_ok(safetensors_open(&file, in_run(c, "last.safetensors")));
    assert_ok(checkpoint_number(&file, key, &value));
    safetensors_close(&file);
    return value;
}

/* Each step once, from 1 to the last. */
static void check_metrics(const Config *c, int64_t steps)
{
    char line[2048];
    int64_t step = 0;
    FILE *f = fopen(in_run(c, "metrics.jsonl"), "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strstr(line, "\"loss\"")) assert_int_equal(strtoll(line + 9, NULL, 10), ++step);
    fclose(f);
    assert_int_equal(step, steps);
}

static void a_training_goes_back_and_anneals(void **state)
{
    (void)state;
    Config c = config_of("-whole");
    Ear ear = ear_of(0, 0);
    LoopEnd end;
    assert_ok(loop_run(&c, (LoopOptions){.listener = &ear.listener}, &end));
    assert_true(ear.back > 0 && ear.back % 4 == 0);
    /* Half of the best validation's steps, in whole validations, of which there are two or more. */
    const int64_t validations = (ear.back / 2 + 3) / 4;
    assert_int_equal(end.steps, ear.back + 4 * (validations > 2 ? validations : 2));
    assert_int_equal((int64_t)counter(&c, "anneal_from"), ear.back);
    assert_int_equal((int64_t)counter(&c, "step"), end.steps);
    assert_int_equal(access(in_run(&c, "rewind.safetensors"), F_OK), -1);
    check_metrics(&c, end.steps);
    remove_run(&c);
    c.train_anneal = 0;
    ear = ear_of(0, 0);
    assert_ok(loop_run(&c, (LoopOptions){.listener = &ear.listener}, &end));
    assert_int_equal(ear.back, 0);
    assert_int_equal(access(in_run(&c, "rewind.safetensors"), F_OK), -1);
    remove_run(&c);
}

/* One run is stopped before it goes back, and again while it anneals. */
static void a_stopped_run_anneals_to_the_same_bits(void **state)
{
    (void)state;
    Config whole = config_of("-one"), cut = config_of("-two");
    Ear ear = ear_of(5, 0);
    LoopEnd end;
    assert_ok(loop_run(&whole, (LoopOptions){0}, NULL));
    assert_ok(loop_run(&cut, (LoopOptions){.listener = &ear.listener}, &end));
    assert_true(end.interrupted && ear.back == 0);
    ear = ear_of(0, 3);
    assert_ok(loop_run(&cut, (LoopOptions){.resume = true, .listener = &ear.listener}, &end));
    assert_true(end.interrupted && ear.back > 0);
    cut.train_threads = 2;
    assert_ok(loop_run(&cut, (LoopOptions){.resume = true}, &end));
    assert_int_equal((int64_t)counter(&whole, "step"), end.steps);
    size_t sizes[2];
    char *bytes[2];
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(in_run(i ? &cut : &whole, "last.safetensors"), "rb");
        assert_non_null(f);
        fseek(f, 0, SEEK_END);
        sizes[i] = (size_t)ftell(f);
        rewind(f);
        bytes[i] = malloc(sizes[i]);
        assert_int_equal(fread(bytes[i], 1, sizes[i], f), sizes[i]);
        fclose(f);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    check_metrics(&cut, end.steps);
    for (int i = 0; i < 2; i++) free(bytes[i]);
    remove_run(&whole);
    remove_run(&cut);
}

static void the_learning_rate_falls_in_a_line_to_its_floor(void **state)
{
    (void)state;
    Optimizer o = {.lr = 1.0, .lr_floor = 0.1, .warmup = 10, .steps = 110};
    const double from = optimizer_lr(&o, 60);
    assert_near(from, 0.1 + 0.9 * 0.5, 1e-12);
    o.annealing = (Annealing){60, 20};
    assert_near(optimizer_lr(&o, 60), from, 0.0);
    assert_near(optimizer_lr(&o, 65), 0.75 * from + 0.25 * 0.1, 1e-12);
    assert_near(optimizer_lr(&o, 80), 0.1, 1e-12);
    assert_near(optimizer_lr(&o, 200), 0.1, 1e-12);
    assert_near(optimizer_lr(&o, 5), 0.5, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_goes_back_and_anneals),
        cmocka_unit_test(a_stopped_run_anneals_to_the_same_bits),
        cmocka_unit_test(the_learning_rate_falls_in_a_line_to_its_floor),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

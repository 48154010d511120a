/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of a training on a log: found, kept in its files, obeyed, chosen otherwise, and found
 * again where the run goes on. */
#include "train/acting/acting.h"

#include <jansson.h>
#include <unistd.h>

#include "infer/session.h"
#include "model/saved.h"
#include "shop.h"
#include "train/loop.h"

static char data[256], out[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 120, .longest = 30, .features = true, .seed = 5};
    shop_path(out, "acting-run");
    return shop_write(&shop, shop_path(data, "acting")) != OK;
}

static void path_in(char path[512], const char *name) { snprintf(path, 512, "%s/%s", out, name); }

static int remove_all(void **state)
{
    static const char *const names[] = {"best.safetensors",   "last.safetensors",
                                        "rewind.safetensors", "checkpoint.json",
                                        "metrics.jsonl",      "catalogue.h5"};
    char path[512];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) path_in(path, names[i]), remove(path);
    rmdir(out);
    return unlink(data);
}

static Config config_of(const char *objective, int64_t steps)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.train_out, sizeof c.train_out, "%s", out);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.model_dim = 16;
    c.model_layers = 1;
    c.model_length = 12;
    c.train_tokens = 256;
    c.train_steps = steps;
    c.train_valid_every = 10;
    c.train_patience = 0;
    c.train_threads = 1;
    return c;
}

static void train(Config c, bool resume)
{
    assert_ok(loop_run(&c, (LoopOptions){.overwrite = !resume, .resume = resume}, NULL));
}

static ActingRule rule_of(const ActingChoice *choice)
{
    Session *s;
    assert_ok(session_open(
        &s, &(SessionOptions){
                .checkpoint = out, .acting = choice, .data = data, .device = "cpu", .threads = 1}));
    const ActingRule rule = session_acting(s);
    session_close(s);
    return rule;
}

/* The record of the rule; returns its noise. */
static double assert_json(const ActingRule *rule)
{
    char path[512], text[ACTING_TEXT_MAX];
    path_in(path, "checkpoint.json");
    json_t *json = json_load_file(path, 0, NULL);
    const json_t *acting = json_object_get(json, "acting");
    assert_string_equal(json_string_value(json_object_get(acting, "rule")),
                        acting_text(text, rule));
    const double noise = json_real_value(json_object_get(acting, "noise"));
    assert_true(noise > 0.0);
    json_decref(json);
    return noise;
}

static void the_rule_is_found_kept_and_found_again(void **state)
{
    (void)state;
    Config c = config_of("cross_entropy+sarsa", 20);
    c.acting_exclude_last = 3;
    train(c, false);
    const ActingRule first = rule_of(NULL);
    assert_int_equal(first.exclude_last, 3);
    const double noise = assert_json(&first);
    train(c, false);
    const ActingRule same = rule_of(NULL);
    assert_memory_equal(&first, &same, sizeof first);
    c.train_steps = 40;
    train(c, true);
    const ActingRule later = rule_of(NULL);
    assert_true(assert_json(&later) != noise);
}

static void another_rule_may_be_chosen(void **state)
{
    (void)state;
    Config c = config_of("cross_entropy+sarsa", 10);
    snprintf(c.acting_rule, sizeof c.acting_rule, "candidates:7");
    train(c, false);
    const ActingRule kept = rule_of(NULL);
    const ActingRule chosen = rule_of(&(ActingChoice){"mixed:2.5", 4});
    const ActingRule last = rule_of(&(ActingChoice){NULL, 6});
    assert_true(kept.kind == ACTING_CANDIDATES && kept.number == 7.0 && kept.exclude_last == 0);
    assert_true(chosen.kind == ACTING_MIXED && chosen.number == 2.5 && chosen.exclude_last == 4);
    assert_true(last.kind == ACTING_CANDIDATES && last.exclude_last == 6);
}

/* Without validation events the states are those of train events. */
static void a_log_without_validation_has_a_rule_too(void **state)
{
    (void)state;
    Behaviour file;
    Session *s;
    ActingRule rule = {0};
    ActingMeasured measured;
    const Config c = config_of("cross_entropy+sarsa", 10);
    train(c, false);
    assert_ok(behaviour_open(&file, data));
    assert_ok(behaviour_join_splits(&file, 2));
    assert_ok(session_open(
        &s, &(SessionOptions){.checkpoint = out, .file = &file, .device = "cpu", .threads = 1}));
    assert_ok(acting_measure(s, 1, &rule, &measured));
    assert_true(measured.of_train && measured.noise.states > 100);
    session_close(s);
    behaviour_close(&file);
}

/* The same model in a file without a rule, as earlier versions wrote it: by the policy, and with
 * nothing left out, whatever the training had left out in its world. */
static void a_model_of_an_earlier_version_acts_as_it_did(void **state)
{
    (void)state;
    char path[512];
    Safetensors file;
    Config c = config_of("cross_entropy+sarsa", 10);
    c.acting_exclude_last = 3;
    train(c, false);
    path_in(path, "best.safetensors");
    assert_ok(safetensors_open(&file, path));
    int n = 0;
    for (int i = 0; i < file.metadata_count; i++)
        if (strncmp(file.metadata[i].key, "acting", 6) != 0) file.metadata[n++] = file.metadata[i];
    assert_ok(safetensors_write(path, file.tensors, file.count, file.metadata, n));
    safetensors_close(&file);
    const ActingRule rule = rule_of(NULL);
    assert_true(rule.kind == ACTING_POLICY && rule.exclude_last == 0);
}

static void a_rule_that_the_model_cannot_follow_is_refused(void **state)
{
    (void)state;
    Config c = config_of("cross_entropy", 10);
    snprintf(c.acting_rule, sizeof c.acting_rule, "q");
    assert_refused(loop_run(&c, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
                   "acting.rule = \"q\": the model has no head q");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule_is_found_kept_and_found_again),
        cmocka_unit_test(another_rule_may_be_chosen),
        cmocka_unit_test(a_log_without_validation_has_a_rule_too),
        cmocka_unit_test(a_model_of_an_earlier_version_acts_as_it_did),
        cmocka_unit_test(a_rule_that_the_model_cannot_follow_is_refused),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_all);
}

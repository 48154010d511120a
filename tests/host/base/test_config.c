/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: one table, three sources, clear refusals. */
#include <unistd.h>

#include "test.h"

#include "base/config.h"

static void settings_read_back_as_they_print(void **state)
{
    (void)state;
    Config c = config_default(), again = config_default();
    assert_ok(config_assign(&c, "optim.lr=0.1"));
    assert_ok(config_assign(&c, "train.tokens=1e4"));
    assert_ok(config_assign(&c, "train.seed=123456789012345678"));
    assert_ok(config_assign(&c, "learn.objective=cross_entropy+double_q"));
    for (int i = 0; i < config_count(); i++) {
        char value[sizeof(Config_text)];
        config_value(&c, i, value, sizeof value);
        assert_ok(config_set(&again, config_key(i), value));
    }
    assert_memory_equal(&c, &again, sizeof c);
    assert_int_equal(again.train_tokens, 10000);
    assert_true(again.train_seed == 123456789012345678);
}

static void a_setting_may_be_auto_where_it_is_so_by_default(void **state)
{
    (void)state;
    Config c = config_default();
    char value[sizeof(Config_text)];
    const int dim = config_find("model.dim"), dropout = config_find("model.dropout");
    assert_true(config_is_auto(&c, dim));
    config_default_text(dropout, value, sizeof value);
    assert_string_equal(value, "auto");
    assert_ok(config_assign(&c, "model.dim=32"));
    assert_ok(config_assign(&c, "model.dropout=0"));
    assert_false(config_is_auto(&c, dim));
    assert_false(config_is_auto(&c, dropout));
    assert_ok(config_assign(&c, "model.dim=auto"));
    assert_int_equal(c.model_dim, CONFIG_AUTO);
    assert_refused(config_assign(&c, "model.layers=auto"), ERR_USAGE, "want a whole number");
    assert_refused(config_assign(&c, "model.dim=-1"), ERR_USAGE, "2 to 16384, or auto");
}

static void auto_settings_are_filled_from_another_run(void **state)
{
    (void)state;
    Config c = config_default(), run = config_default();
    run.model_dim = 48;
    run.model_dropout = 0.4;
    run.train_steps = 700;
    run.train_seed = 9;
    c.train_steps = 900;
    Config sizes = c;
    config_fill(&c, &run, CONFIG_STORED);
    assert_int_equal(c.model_dim, 48);
    assert_near(c.model_dropout, 0.4, 0);
    assert_int_equal(c.train_steps, 900);
    assert_int_equal(c.train_seed, 1);
    config_fill(&sizes, &run, CONFIG_WEIGHTS);
    assert_int_equal(sizes.model_dim, 48);
    assert_true(config_is_auto(&sizes, config_find("model.dropout")));
}

static void bad_settings_are_refused_with_the_key_and_the_range(void **state)
{
    (void)state;
    static const struct {
        const char *assignment, *told;
    } cases[] = {
        {"model.depth=3", "there is no setting \"model.depth\"; souk train --help"},
        {"model.dmi=3", "there is no setting \"model.dmi\" (did you mean \"model.dim\"?)"},
        {"modle.dim=3", "(did you mean \"model.dim\"?)"},
        {"modle.depth=3", "there is no setting \"modle.depth\"; souk train --help"},
        {"optim.gamma=1", "there is no setting \"optim.gamma\"; souk train --help"},
        {"tokens=3", "(did you mean \"train.tokens\"?)"},
        {"model.dim", "want section.key=value"},
        {"model.dim=wide", "model.dim = \"wide\", want a whole number, 2 to 16384"},
        {"model.dim=", "want a whole number"},
        {"model.dim=64x", "want a whole number"},
        {"model.dim=1.5", "2 to 16384"},
        {"model.dim=2.5", "want a whole number"},
        {"model.dim=-4", "2 to 16384"},
        {"optim.lr=nan", "optim.lr = \"nan\", want a number, 0 to 10"},
        {"optim.lr=1e400", "want a number"},
        {"learn.gamma=1.01", "want a number, 0 to 1"},
    };
    Config c = config_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(config_assign(&c, cases[i].assignment), ERR_USAGE);
        if (!strstr(status_message(), cases[i].told))
            fail_msg("%s told \"%s\"", cases[i].assignment, status_message());
        status_clear();
    }
    const Config untouched = config_default();
    assert_memory_equal(&c, &untouched, sizeof c);
}

static void a_file_names_its_bad_line(void **state)
{
    (void)state;
    char path[256];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/souk-%d.ini", folder ? folder : "/tmp", (int)getpid());
    FILE *f = fopen(path, "w");
    fputs("# a comment\n[model]\ndim = 128\nlayers = 3 ; behind it\n[optim]\nlr = fast\n", f);
    fclose(f);
    Config c = config_default();
    assert_int_equal(config_read(&c, path), ERR_USAGE);
    assert_non_null(strstr(status_message(), ".ini:6: optim.lr = \"fast\", want a number"));
    assert_int_equal(c.model_dim, 128);
    assert_int_equal(c.model_layers, 3);
    status_clear();
    unlink(path);
    assert_int_equal(config_read(&c, path), ERR_IO);
    status_clear();
}

static void a_former_name_still_sets_its_setting(void **state)
{
    (void)state;
    Config c = config_default();
    int former = 0;
    assert_ok(config_assign(&c, "learn.value_weight=0.25"));
    assert_near(c.learn_critic_weight, 0.25, 0);
    for (int i = 0; i < config_count(); i++) {
        if (!strcmp(config_file_key(i), config_key(i))) continue;
        assert_ok(config_set(&c, config_file_key(i), "2"));
        former++;
    }
    assert_near(c.learn_critic_weight, 2, 0);
    assert_int_equal(c.acting_exclude_last, 2);
    assert_int_equal(former, 2);
}

static bool is_among(const char *key, const char *const *keys)
{
    for (; *keys; keys++)
        if (!strcmp(*keys, key)) return true;
    return false;
}

/* What checkpoints hold is their format: a setting that changes sides needs a reason. */
static void roles_say_what_checkpoints_hold_and_what_may_change(void **state)
{
    (void)state;
    static const char *const not_stored[] = {"data.path",     "train.out",     "train.device",
                                             "train.threads", "train.readers", "train.seconds",
                                             "train.quiet",   "train.graph",   NULL};
    static const char *const may_change[] = {
        "train.epochs",      "train.steps",         "train.patience",
        "train.valid_every", "train.valid_users",   "train.save_every",
        "train.anneal",      "train.refresh",       "train.refit",
        "acting.rule",       "acting.exclude_last", "world.epsilon",
        "world.temperature", "world.cooling",       NULL};
    static const char *const sizes[] = {"model.dim", "model.layers", "model.heads", "model.ff",
                                        NULL};
    for (int i = 0; i < config_count(); i++) {
        const char *key = config_key(i);
        const bool place = is_among(key, not_stored);
        assert_true(*config_role(i));
        assert_int_equal(config_in(i, CONFIG_STORED), !place);
        assert_int_equal(config_in(i, CONFIG_RESUMED), !place && !is_among(key, may_change));
        assert_int_equal(config_in(i, CONFIG_WEIGHTS), is_among(key, sizes));
        assert_int_equal(config_in(i, CONFIG_ARM), !place || !strcmp(key, "train.seconds"));
        assert_true(config_in(i, CONFIG_ALL));
    }
}

static void the_first_difference_of_a_set_is_found(void **state)
{
    (void)state;
    Config a = config_default(), b = config_default();
    ConfigDifference d;
    assert_false(config_differ(&a, &b, CONFIG_ALL, &d));
    assert_ok(config_assign(&b, "train.patience=9"));
    assert_false(config_differ(&a, &b, CONFIG_RESUMED, &d));
    assert_true(config_differ(&a, &b, CONFIG_STORED, &d));
    assert_string_equal(d.key, "train.patience");
    assert_ok(config_assign(&b, "learn.objective=sarsa"));
    assert_true(config_differ(&a, &b, CONFIG_RESUMED, &d));
    assert_string_equal(d.key, "learn.objective");
    assert_string_equal(d.a, "cross_entropy");
    assert_string_equal(d.b, "sarsa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_read_back_as_they_print),
        cmocka_unit_test(a_setting_may_be_auto_where_it_is_so_by_default),
        cmocka_unit_test(auto_settings_are_filled_from_another_run),
        cmocka_unit_test(bad_settings_are_refused_with_the_key_and_the_range),
        cmocka_unit_test(a_file_names_its_bad_line),
        cmocka_unit_test(roles_say_what_checkpoints_hold_and_what_may_change),
        cmocka_unit_test(the_first_difference_of_a_set_is_found),
        cmocka_unit_test(a_former_name_still_sets_its_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

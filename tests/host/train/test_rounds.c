/* Acting and training by turns in the small shop, whose optimum is known. */
#include <unistd.h>

#include "base/files.h"
#include "data/behaviour/behaviour.h"
#include "test.h"
#include "train/rounds/rounds.h"

/* LeakSanitizer asks for this: the HDF5 library loses memory of its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

static Config setting(const char *name, const char *objective, int64_t rounds)
{
    const char *folder = getenv("TMPDIR");
    Config c = config_default();
    snprintf(c.train_out, sizeof c.train_out, "%s/souk-%d-%s", folder ? folder : "/tmp",
             (int)getpid(), name);
    snprintf(c.world_name, sizeof c.world_name, "small-shop");
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.model_dim = 16;
    c.model_layers = 1;
    c.model_length = 64;
    c.model_dropout = 0.0;
    c.learn_gamma = 0.95;
    c.learn_polyak = 0.05;
    c.learn_action_weight = 0.0;
    c.optim_lr = 3e-3;
    c.optim_warmup = 20;
    c.train_tokens = 1024;
    c.train_quiet = 1;
    c.world_rounds = rounds;
    c.world_episodes = 600;
    c.world_steps = 120;
    c.world_measured = 1000;
    return c;
}

static void path_of(char path[1024], const Config *c, const char *name)
{
    snprintf(path, 1024, "%s/%s", c->train_out, name);
}

static char *contents(const Config *c, const char *name, size_t *size)
{
    char path[1024];
    path_of(path, c, name);
    FILE *file = fopen(path, "re");
    if (!file) fail_msg("%s is missing", path);
    char *text = malloc(1 << 22);
    *size = fread(text, 1, (1 << 22) - 1, file);
    assert_true(*size > 0 && *size < (1 << 22) - 1);
    text[*size] = 0;
    fclose(file);
    return text;
}

static void remove_rounds(const Config *c)
{
    static const char *const names[] = {"last.safetensors", "checkpoint.json", "metrics.jsonl",
                                        "rounds.json",      "rounds.dat",      "rounds.gp",
                                        "rounds.svg"};
    char path[1024], log[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path_of(path, c, names[i]);
        unlink(path);
    }
    for (int64_t r = 0; r < c->world_rounds; r++) {
        snprintf(log, sizeof log, "round-%lld.h5", (long long)r);
        path_of(path, c, log);
        unlink(path);
    }
    rmdir(c->train_out);
}

static void threads_do_not_change_a_bit(void **state)
{
    static const char *const names[] = {"last.safetensors", "round-1.h5", "round-2.h5",
                                        "rounds.dat"};
    Config c[2];
    (void)state;
    for (int k = 0; k < 2; k++) {
        c[k] = setting(k ? "two" : "one", "cross_entropy+expected_sarsa", 3);
        c[k].train_threads = k ? 3 : 1;
        c[k].world_steps = 10;
        c[k].world_episodes = 100;
        c[k].world_temperature = 0.5;
        assert_ok(rounds_run(&c[k], true, NULL, NULL));
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size[2];
        char *text[2] = {contents(&c[0], names[i], &size[0]), contents(&c[1], names[i], &size[1])};
        assert_true(size[0] == size[1] && !memcmp(text[0], text[1], size[0]));
        free(text[0]);
        free(text[1]);
    }
    remove_rounds(&c[0]);
    remove_rounds(&c[1]);
}

/* A policy that is trained to do what the log does is no policy to act by. */
static void acts_by_q_where_the_policy_imitates(void **state)
{
    static const char *const objectives[] = {"retrace", "bcq", "cross_entropy+double_q"};
    (void)state;
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++) {
        static const char *const heads[] = {"", "q", "policy"};
        char *text[3];
        size_t size[3];
        for (int k = 0; k < 3; k++) {
            Config c = setting(heads[k], objectives[i], 2);
            snprintf(c.world_head, sizeof c.world_head, "%s", heads[k]);
            c.world_steps = 10;
            c.world_episodes = c.world_measured = 100;
            assert_ok(rounds_run(&c, true, NULL, NULL));
            text[k] = contents(&c, "rounds.dat", &size[k]);
            remove_rounds(&c);
        }
        assert_true(size[0] == size[1] && !memcmp(text[0], text[1], size[0]));
        assert_false(size[0] == size[2] && !memcmp(text[0], text[2], size[0]));
        for (int k = 0; k < 3; k++) free(text[k]);
    }
}

/* With train.from the model plays from the first round on. */
static void a_model_that_learned_plays_the_first_round(void **state)
{
    (void)state;
    MeasuredRound learned, first;
    Config c = setting("before", "double_q", 2), after = setting("after", "double_q", 2);
    c.world_rounds = 2;
    c.world_steps = 100;
    c.world_episodes = c.world_measured = 500;
    assert_ok(rounds_run(&c, true, &learned, NULL));
    after.world_rounds = 1;
    after.world_steps = 1;
    after.world_epsilon = 0.0;
    after.world_episodes = after.world_measured = 500;
    snprintf(after.train_from, sizeof after.train_from, "%s", c.train_out);
    assert_ok(rounds_run(&after, true, &first, NULL));
    /* of its greedy policy, other episodes: as good as that was measured, which the random one is not */
    assert_near(first.played.mean, learned.greedy.mean, first.played.half + learned.greedy.half);
    assert_true(first.played.mean > 2 * 1.3);
    remove_rounds(&c);
    remove_rounds(&after);
}

/* Its episodes are numbered on from the first round's; of its items none is among the two before. */
static void the_first_round_may_be_longer(void **state)
{
    enum { LONG = 900, SHORT = 100, LAST = 2 };
    static int32_t item[1 << 16];
    Behaviour file;
    int64_t user;
    char path[1024];
    (void)state;
    Config c = setting("longer", "double_q", 2);
    c.world_first_episodes = LONG;
    c.world_first_steps = 30;
    c.world_episodes = c.world_measured = SHORT;
    c.world_steps = 10;
    c.world_exclude_last = LAST;
    assert_ok(rounds_run(&c, true, NULL, NULL));
    size_t size;
    char *metrics = contents(&c, "metrics.jsonl", &size);
    int steps[2] = {0};
    for (char *at = metrics; (at = strstr(at, "\"epoch\": ")); at++) steps[at[9] - '0']++;
    assert_int_equal(steps[0], 30);
    assert_int_equal(steps[1], 10);
    free(metrics);
    path_of(path, &c, "round-0.h5");
    assert_ok(behaviour_open(&file, path));
    assert_int_equal(file.users, LONG);
    behaviour_close(&file);
    path_of(path, &c, "round-1.h5");
    assert_ok(behaviour_open(&file, path));
    assert_int_equal(file.users, SHORT);
    assert_ok(behaviour_keys_find_user(&file, "900", &user));
    assert_int_equal(user, 0);
    assert_true(file.events < 1 << 16);
    assert_ok(columns_read(&file, COLUMN_ITEM, 0, file.events, item));
    for (int64_t u = 0; u < file.users; u++)
        for (int64_t i = file.offset[u] + 1; i < file.offset[u + 1]; i++)
            for (int64_t k = i - 1; k >= file.offset[u] && k >= i - LAST; k--)
                assert_int_not_equal(item[k], item[i]);
    behaviour_close(&file);
    remove_rounds(&c);
}

/* The policy that looks one event ahead, knowing the law, reaches 0.934 of the optimum. */
static void rounds_come_near_the_optimum(void **state)
{
    const Config c = setting("near", "double_q", 7);
    MeasuredRound last;
    double optimum;
    (void)state;
    assert_ok(rounds_run(&c, true, &last, &optimum));
    const double share = 1.0 - last.lost.mean / optimum;
    print_message("%.4f of the optimum, +- %.4f\n", share, last.lost.half / optimum);
    assert_true(share - last.lost.half / optimum > 0.95 && share <= 1.0);
    /* The two measures of one policy agree: return, and optimum less what was lost. */
    assert_near(last.greedy.mean, optimum - last.lost.mean,
                2.5 * (last.greedy.half + last.lost.half));
    remove_rounds(&c);
}

static void refused(Config c, const char *saying)
{
    status_clear();
    assert_int_equal(rounds_run(&c, true, NULL, NULL), ERR_USAGE);
    if (!strstr(status_message(), saying))
        fail_msg("\"%s\" does not say \"%s\"", status_message(), saying);
    status_clear();
    remove_rounds(&c);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    Config c = setting("refused", "double_q", 1);
    snprintf(c.world_first, sizeof c.world_first, "best");
    refused(c, "world.first = \"best\"");
    c = setting("refused", "double_q", 1);
    snprintf(c.world_head, sizeof c.world_head, "policy");
    refused(c, "want q");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(acts_by_q_where_the_policy_imitates),
        cmocka_unit_test(a_model_that_learned_plays_the_first_round),
        cmocka_unit_test(the_first_round_may_be_longer),
        cmocka_unit_test(rounds_come_near_the_optimum),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

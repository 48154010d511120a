/* SPDX-License-Identifier: Apache-2.0 */
/* Acting and training by turns in the small shop, whose optimum is known. */
#include <inttypes.h>
#include <unistd.h>

#include "base/files.h"
#include "data/behaviour/behaviour.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/keys.h"
#include "data/counts/events.h"
#include "infer/session.h"
#include "model/saved.h"
#include "test.h"
#include "train/checkpoint.h"
#include "train/rounds/rounds.h"

/* LeakSanitizer asks for this: the HDF5 library loses memory of its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

/* Small rounds in the small shop; `name` makes the folder of the run unique. */
static Config small_rounds(const char *name, const char *objective, int64_t rounds)
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

/* The contents of a file, ended by a 0; free it. */
static char *contents(const Config *c, const char *name, size_t *size)
{
    enum { MOST = 1 << 22 };
    char path[1024];
    path_of(path, c, name);
    FILE *file = fopen(path, "re");
    if (!file) fail_msg("%s is missing", path);
    char *text = malloc(MOST);
    *size = fread(text, 1, MOST - 1, file);
    assert_true(*size > 0 && *size < MOST - 1);
    text[*size] = 0;
    fclose(file);
    return text;
}

static bool same_file(const Config *a, const Config *b, const char *name)
{
    size_t size[2];
    char *text[2] = {contents(a, name, &size[0]), contents(b, name, &size[1])};
    const bool same = size[0] == size[1] && !memcmp(text[0], text[1], size[0]);
    free(text[0]);
    free(text[1]);
    return same;
}

static void remove_rounds(const Config *c)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "checkpoint.json",
                                        "metrics.jsonl",    "rounds.json",      "rounds.dat",
                                        "rounds.gp",        "rounds.svg",       "catalogue.h5"};
    char path[1024], log[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path_of(path, c, names[i]);
        unlink(path);
    }
    for (int64_t r = 0; r < c->world_rounds; r++) {
        snprintf(log, sizeof log, "round-%" PRId64 ".h5", r);
        path_of(path, c, log);
        unlink(path);
    }
    rmdir(c->train_out);
}

static Config run_with_threads(const char *name, int64_t threads)
{
    Config c = small_rounds(name, "cross_entropy+expected_sarsa", 3);
    c.train_threads = threads;
    c.world_steps = 10;
    c.world_episodes = 100;
    c.world_temperature = 0.5;
    assert_ok(rounds_run(&c, (RoundsOptions){.overwrite = true}, NULL, NULL));
    return c;
}

static void threads_do_not_change_a_bit(void **state)
{
    static const char *const names[] = {"last.safetensors", "round-1.h5", "round-2.h5",
                                        "rounds.dat"};
    (void)state;
    const Config one = run_with_threads("one", 1), many = run_with_threads("many", 3);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!same_file(&one, &many, names[i])) fail_msg("%s differs", names[i]);
    remove_rounds(&one);
    remove_rounds(&many);
}

/* ---- The rule that acts ---------------------------------------------------------------------- */

/* Two short rounds that act by `rule`; "": the rule that training finds. */
static Config run_by(const char *objective, const char *rule)
{
    Config c = small_rounds(*rule ? "given" : "found", objective, 2);
    snprintf(c.acting_rule, sizeof c.acting_rule, "%s", rule);
    c.world_steps = 60;
    c.world_episodes = c.world_measured = 100;
    assert_ok(rounds_run(&c, (RoundsOptions){.overwrite = true}, NULL, NULL));
    return c;
}

/* The rule that last.safetensors keeps. */
static void rule_of(const Config *c, Config *kept)
{
    char path[1024];
    Safetensors file;
    path_of(path, c, "last.safetensors");
    assert_ok(safetensors_open(&file, path));
    assert_ok(saved_config(kept, &file));
    safetensors_close(&file);
}

/* What rounds act by is what the model keeps: given as a setting, it plays the same episodes. The
 * mixture is found anew after each round; there the policy plays others. */
static void rounds_act_by_the_rule_that_they_keep(void **state)
{
    static const struct {
        const char *objective, *rule;
    } cases[] = {{"bcq", "allowed:0.3"},
                 {"double_q", "q"},
                 {"iql", "policy"},
                 {"cross_entropy+aux_length", "policy"},
                 {"cross_entropy+double_q", "mixed:"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config kept;
        const Config found = run_by(cases[i].objective, "");
        rule_of(&found, &kept);
        if (strncmp(kept.acting_rule, cases[i].rule, strlen(cases[i].rule)) != 0)
            fail_msg("%s: %s, want %s", cases[i].objective, kept.acting_rule, cases[i].rule);
        const bool mixed = !strcmp(cases[i].rule, "mixed:");
        const Config given = run_by(cases[i].objective, mixed ? "policy" : kept.acting_rule);
        assert_true(same_file(&found, &given, "rounds.dat") == !mixed);
        remove_rounds(&found);
        remove_rounds(&given);
    }
}

/* ---- The best round -------------------------------------------------------------------------- */

/* The steps that the model of a file has learned. */
static int64_t steps_of(const Config *c, const char *name)
{
    char path[1024];
    double step;
    Safetensors file;
    path_of(path, c, name);
    assert_ok(safetensors_open(&file, path));
    assert_ok(checkpoint_number(&file, "step", &step));
    safetensors_close(&file);
    return (int64_t)step;
}

/* The round with the highest greedy return, by the table. */
static int64_t best_round(const Config *c)
{
    size_t size;
    char *table = contents(c, "rounds.dat", &size);
    double highest = -INFINITY, greedy;
    int64_t best = -1, round;
    for (const char *line = strchr(table, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        assert_int_equal(sscanf(line + 1, "%" SCNd64 " %*g %*g %lg", &round, &greedy), 2);
        if (greedy > highest) highest = greedy, best = round;
    }
    free(table);
    return best;
}

/* A long first round, and others that forget it over a single episode: the model that is kept for
 * use is that of the round whose greedy return is the highest. */
static void the_best_round_is_kept(void **state)
{
    (void)state;
    Config c = small_rounds("best", "double_q", 3);
    c.world_first_episodes = 600;
    c.world_first_steps = 120;
    c.world_episodes = 1;
    c.world_window = 1;
    assert_ok(rounds_run(&c, (RoundsOptions){.overwrite = true}, NULL, NULL));
    assert_int_equal(best_round(&c), 0);
    assert_int_equal(steps_of(&c, "best.safetensors"), c.world_first_steps);
    assert_int_equal(steps_of(&c, "last.safetensors"), c.world_first_steps + 2 * c.world_steps);
    remove_rounds(&c);
    c = small_rounds("better", "double_q", 2);
    assert_ok(rounds_run(&c, (RoundsOptions){.overwrite = true}, NULL, NULL));
    assert_int_equal(best_round(&c), 1);
    assert_int_equal(steps_of(&c, "best.safetensors"), 2 * c.world_steps);
    remove_rounds(&c);
}

/* ---- The first round ------------------------------------------------------------------------- */

/* With train.from the model plays round 0. It plays other episodes than those in which its greedy
 * policy was measured, and is as good; the random policy, with a return of 1.3, is less than half
 * as good. */
static void a_model_that_learned_plays_the_first_round(void **state)
{
    (void)state;
    MeasuredRound learned, first;
    Config before = small_rounds("before", "double_q", 2);
    before.world_steps = 100;
    before.world_episodes = before.world_measured = 500;
    assert_ok(rounds_run(&before, (RoundsOptions){.overwrite = true}, &learned, NULL));
    Config after = small_rounds("after", "double_q", 1);
    after.world_steps = 1;
    after.world_epsilon = 0.0;
    after.world_episodes = after.world_measured = 500;
    snprintf(after.train_from, sizeof after.train_from, "%s", before.train_out);
    assert_ok(rounds_run(&after, (RoundsOptions){.overwrite = true}, &first, NULL));
    assert_near(first.played.mean, learned.greedy.mean, first.played.half + learned.greedy.half);
    assert_true(first.played.mean > 2 * 1.3);
    remove_rounds(&before);
    remove_rounds(&after);
}

/* Whether two checkpoints have one count table. */
static bool same_table(const char *a, const char *b)
{
    Safetensors file[2];
    assert_ok(safetensors_open(&file[0], a));
    assert_ok(safetensors_open(&file[1], b));
    const Tensor *after[2] = {safetensors_find(&file[0], "counts.after"),
                              safetensors_find(&file[1], "counts.after")};
    assert_non_null(after[0]);
    assert_non_null(after[1]);
    const size_t bytes = tensor_bytes(*after[0]);
    const bool same =
        bytes == tensor_bytes(*after[1]) && !memcmp(after[0]->data, after[1]->data, bytes);
    safetensors_close(&file[0]);
    safetensors_close(&file[1]);
    return same;
}

/* How many splits of a file the table of a run counts. */
static int counted_of(const Config *run, const char *data)
{
    char path[1024];
    Session *session;
    path_of(path, run, data);
    assert_ok(session_open(
        &session, &(SessionOptions){
                      .checkpoint = run->train_out, .data = path, .device = "cpu", .threads = 1}));
    const int counted = session->model->counted;
    session_close(session);
    return counted;
}

/* The table counts the log that was there before the first step. Of later logs, also of those that
 * a model with a table plays itself, nothing is left out, as nothing is counted. */
static void only_the_log_that_is_counted_is_left_out_of_counts(void **state)
{
    (void)state;
    Config before = small_rounds("counts", "cross_entropy", 2);
    before.world_steps = 5;
    before.world_episodes = before.world_measured = 50;
    assert_ok(rounds_run(&before, (RoundsOptions){.overwrite = true}, NULL, NULL));
    assert_int_equal(counted_of(&before, "round-0.h5"), COUNTED_TRAIN);
    assert_int_equal(counted_of(&before, "round-1.h5"), 0);
    Config after = small_rounds("on-counts", "cross_entropy", 2);
    after.world_steps = 5;
    after.world_episodes = after.world_measured = 50;
    after.train_seed = 2; /* other episodes */
    snprintf(after.train_from, sizeof after.train_from, "%s", before.train_out);
    assert_ok(rounds_run(&after, (RoundsOptions){.overwrite = true}, NULL, NULL));
    assert_int_equal(counted_of(&after, "round-0.h5"), 0);
    assert_int_equal(counted_of(&after, "round-1.h5"), 0);
    char path[1024], counted[1024];
    path_of(path, &after, "last.safetensors");
    path_of(counted, &before, "last.safetensors");
    assert_true(same_table(path, counted));
    remove_rounds(&before);
    remove_rounds(&after);
}

enum { LONG = 900, SHORT = 100, EXCLUDED = 2 };

/* Two rounds of which the first has more episodes and steps; items of the last EXCLUDED events are
 * not shown again. */
static Config run_long_first_round(void)
{
    Config c = small_rounds("longer", "double_q", 2);
    c.world_first_episodes = LONG;
    c.world_first_steps = 30;
    c.world_episodes = c.world_measured = SHORT;
    c.world_steps = 10;
    c.acting_exclude_last = EXCLUDED;
    assert_ok(rounds_run(&c, (RoundsOptions){.overwrite = true}, NULL, NULL));
    return c;
}

static void open_log(Behaviour *file, const Config *c, const char *name)
{
    char path[1024];
    path_of(path, c, name);
    assert_ok(behaviour_open(file, path));
}

static void the_first_round_may_have_more_steps(void **state)
{
    (void)state;
    const Config c = run_long_first_round();
    size_t size;
    char *metrics = contents(&c, "metrics.jsonl", &size);
    int steps[2] = {0};
    for (char *at = metrics; (at = strstr(at, "\"epoch\": ")); at++) steps[at[9] - '0']++;
    assert_int_equal(steps[0], 30);
    assert_int_equal(steps[1], 10);
    free(metrics);
    remove_rounds(&c);
}

static void the_first_round_may_have_more_episodes(void **state)
{
    (void)state;
    const Config c = run_long_first_round();
    Behaviour file;
    open_log(&file, &c, "round-0.h5");
    assert_int_equal(file.users, LONG);
    behaviour_close(&file);
    open_log(&file, &c, "round-1.h5");
    assert_int_equal(file.users, SHORT);
    behaviour_close(&file);
    remove_rounds(&c);
}

/* The users of a log are the numbers of its episodes. */
static void episodes_are_numbered_over_all_rounds(void **state)
{
    (void)state;
    const Config c = run_long_first_round();
    Behaviour file;
    int64_t user;
    open_log(&file, &c, "round-1.h5");
    assert_ok(behaviour_keys_find_user(&file, "900", &user));
    assert_int_equal(user, 0);
    behaviour_close(&file);
    remove_rounds(&c);
}

static void the_last_items_are_not_shown_again(void **state)
{
    enum { MOST = 1 << 16 };
    static int32_t item[MOST];
    (void)state;
    const Config c = run_long_first_round();
    Behaviour file;
    open_log(&file, &c, "round-1.h5");
    assert_true(file.events < MOST);
    assert_ok(columns_read(&file, COLUMN_ITEM, 0, file.events, item));
    for (int64_t u = 0; u < file.users; u++)
        for (int64_t i = file.offset[u] + 1; i < file.offset[u + 1]; i++)
            for (int64_t k = i - 1; k >= file.offset[u] && k >= i - EXCLUDED; k--)
                assert_int_not_equal(item[k], item[i]);
    behaviour_close(&file);
    remove_rounds(&c);
}

/* ---- Results --------------------------------------------------------------------------------- */

/* The policy that knows the law of events and looks one event ahead reaches 0.934 of the
 * optimum. */
static void rounds_come_near_the_optimum(void **state)
{
    const Config c = small_rounds("near", "double_q", 7);
    MeasuredRound last;
    double optimum;
    (void)state;
    assert_ok(rounds_run(&c, (RoundsOptions){.overwrite = true}, &last, &optimum));
    const double share = 1.0 - last.lost.mean / optimum;
    print_message("%.4f of the optimum, +- %.4f\n", share, last.lost.half / optimum);
    assert_true(share - last.lost.half / optimum > 0.95 && share <= 1.0);
    /* The two measures of one policy agree: return, and optimum less what was lost. */
    assert_near(last.greedy.mean, optimum - last.lost.mean,
                2.5 * (last.greedy.half + last.lost.half));
    remove_rounds(&c);
}

static void refused(const Config *c, const char *saying)
{
    assert_refused(rounds_run(c, (RoundsOptions){.overwrite = true}, NULL, NULL), ERR_USAGE,
                   saying);
    remove_rounds(c);
}

static void an_unknown_first_policy_is_refused(void **state)
{
    (void)state;
    Config c = small_rounds("refused", "double_q", 1);
    snprintf(c.world_first, sizeof c.world_first, "best");
    refused(&c, "world.first = \"best\"");
}

static void a_rule_without_its_head_is_refused(void **state)
{
    (void)state;
    Config c = small_rounds("refused", "double_q", 1);
    snprintf(c.acting_rule, sizeof c.acting_rule, "policy");
    refused(&c, "acting.rule = \"policy\": the model has no head policy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(rounds_act_by_the_rule_that_they_keep),
        cmocka_unit_test(the_best_round_is_kept),
        cmocka_unit_test(a_model_that_learned_plays_the_first_round),
        cmocka_unit_test(only_the_log_that_is_counted_is_left_out_of_counts),
        cmocka_unit_test(the_first_round_may_have_more_steps),
        cmocka_unit_test(the_first_round_may_have_more_episodes),
        cmocka_unit_test(episodes_are_numbered_over_all_rounds),
        cmocka_unit_test(the_last_items_are_not_shown_again),
        cmocka_unit_test(rounds_come_near_the_optimum),
        cmocka_unit_test(an_unknown_first_policy_is_refused),
        cmocka_unit_test(a_rule_without_its_head_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

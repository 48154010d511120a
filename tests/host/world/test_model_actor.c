/* SPDX-License-Identifier: Apache-2.0 */
/* A model acting in a world: its choices and propensities against the recommender's, and the log it
 * leaves. */
#include <unistd.h>

#include "data/behaviour/columns.h"
#include "data/behaviour/keys.h"
#include "infer/acting.h"
#include "infer/recommend.h"
#include "test.h"
#include "train/trainer_open.h"
#include "world/log.h"
#include "world/model_actor.h"
#include "world/open.h"

/* LeakSanitizer asks for this: the HDF5 library loses memory of its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

enum { ITEMS = 40, EPISODES = 300, LENGTH = 6, LAST = 8 }; /* LAST: longer than a window */

static char path[256];
static World world;
static Trainer trainer;
static Session *session;

/* A log by popularity, and a model of it with weights far enough from zero to have opinions. */
static int make_model(void **state)
{
    static double value[EPISODES];
    const PlayOptions o = {.episodes = EPISODES, .slots = 64, .seed = 2};
    PlayResult r = {.value = value};
    WorldLog *log;
    const char *folder = getenv("TMPDIR");
    (void)state;
    snprintf(path, sizeof path, "%s/souk-%d-actor.h5", folder ? folder : "/tmp", (int)getpid());
    assert_ok(world_open(&world, "shop:items=40,shelves=5,view=-1"));
    assert_ok(world_log_open(&log, path, &world, 2, "a test"));
    const Actor actor = play_baseline_actor(world_baseline(&world, "popularity"));
    assert_ok(play(&world, &o, actor, world_log_sink(log), &r));
    assert_ok(world_log_finish(log));
    world_log_close(log);

    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", path);
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy+double_q");
    c.model_dim = 8;
    c.model_length = LENGTH;
    c.model_init_std = 1.0;
    c.train_tokens = 64;
    assert_ok(trainer_open(&trainer, &c));
    assert_ok(session_open(&session, &(SessionOptions){.model = &trainer.model,
                                                       .length = LENGTH,
                                                       .file = &trainer.file,
                                                       .dev = &trainer.dev}));
    return 0;
}

static int remove_model(void **state)
{
    (void)state;
    session_close(session);
    trainer_close(&trainer);
    world_close(&world);
    unlink(path);
    return 0;
}

/* ---- Choices --------------------------------------------------------------------------------- */

typedef struct {
    double epsilon;
    int64_t exclude_last;
    int64_t choices, others; /* others: not the best */
    double chance;           /* sum of 1 / items to choose from */
} Check;

/* Without what the last events showed; the probabilities of what is left. */
static int64_t leave_out(Recommendation *all, const PlayHistory *h, int64_t t, int64_t last)
{
    int64_t left = 0;
    double sum = 0.0;
    for (int64_t i = 0; i < ITEMS; i++) {
        bool shown = false;
        for (int64_t k = t - 1; k >= 0 && k >= t - last; k--)
            shown |= h->event[k].item == all[i].item;
        if (shown) continue;
        sum += all[i].probability;
        all[left++] = all[i];
    }
    for (int64_t i = 0; i < left; i++) all[i].probability /= (float)sum;
    return left;
}

/* How many items there are to choose from; `all` by falling policy. */
static int64_t expect_choice(const PlayHistory *h, int64_t t, Recommendation *all, Check *c)
{
    const RecommendOptions every = {.k = ITEMS, .include_seen = true};
    int32_t item[200];
    uint8_t action[200];
    int64_t found, time_ms[200];
    assert_true(t <= 200);
    for (int64_t i = 0; i < t; i++) {
        item[i] = h->event[i].item;
        action[i] = h->event[i].action;
        time_ms[i] = h->event[i].time;
    }
    const History past = {
        .count = t, .user = -1, .item = item, .action = action, .time_ms = time_ms};
    const ActingRule acts = session_acting(session);
    assert_ok(session_act_by(session, &(ActingRule){0})); /* the policy, with nothing left out */
    assert_ok(recommend_best(session, &past, 1, &every, all, &found));
    assert_ok(session_act_by(session, &acts));
    assert_int_equal(found, ITEMS);
    found = leave_out(all, h, t, c->exclude_last);
    c->choices++;
    c->others += h->event[t].item != all[0].item;
    c->chance += 1.0 / (double)found;
    return found;
}

static Status check_greedy(void *context, const PlayHistory *h)
{
    Check *c = context;
    Recommendation all[ITEMS];
    for (int64_t t = 1; t < h->count; t++) {
        const double left = (double)expect_choice(h, t, all, c);
        const bool best = h->event[t].item == all[0].item;
        const double want = c->epsilon / left + (best ? 1.0 - c->epsilon : 0.0);
        assert_near(h->propensity[t], want, 1e-6);
    }
    return OK;
}

static Status check_softmax(void *context, const PlayHistory *h)
{
    Check *c = context;
    Recommendation all[ITEMS];
    for (int64_t t = 1; t < h->count; t++) {
        const int64_t left = expect_choice(h, t, all, c);
        int64_t i = 0;
        while (i < left && all[i].item != h->event[t].item) i++;
        assert_true(i < left);
        assert_near(h->propensity[t], all[i].probability, 1e-5);
    }
    return OK;
}

static void act_and_check(ActingRule rule, ActOptions options, PlaySink sink)
{
    assert_ok(session_act_by(session, &rule));
    static double value[EPISODES];
    const PlayOptions o = {.episodes = 40, .slots = 16, .seed = 3};
    PlayResult r = {.value = value};
    ModelActor *actor;
    assert_ok(model_actor_open(&actor, session, &world, &options));
    assert_ok(play(&world, &o, model_actor(actor), sink, &r));
    model_actor_close(actor);
    session->acts = false;
}

static void greedy_takes_what_is_recommended(void **state)
{
    (void)state;
    for (int64_t last = 0; last <= LAST; last += LAST) {
        Check c = {.exclude_last = last};
        act_and_check((ActingRule){.exclude_last = last}, (ActOptions){0},
                      (PlaySink){&c, check_greedy});
        assert_true(c.choices > 40 && c.others == 0);
    }
}

static void epsilon_takes_any_as_often_as_it_says(void **state)
{
    (void)state;
    for (int64_t last = 0; last <= LAST; last += LAST) {
        Check c = {.epsilon = 0.4, .exclude_last = last};
        act_and_check((ActingRule){.exclude_last = last}, (ActOptions){.epsilon = 0.4},
                      (PlaySink){&c, check_greedy});
        const double p = 0.4 * (1.0 - c.chance / (double)c.choices), n = (double)c.choices;
        assert_near((double)c.others / n, p, 5.0 * sqrt(p * (1.0 - p) / n));
    }
}

static void softmax_states_its_probability(void **state)
{
    (void)state;
    for (int64_t last = 0; last <= LAST; last += LAST) {
        Check c = {.exclude_last = last};
        act_and_check((ActingRule){.exclude_last = last}, (ActOptions){.temperature = 1.0},
                      (PlaySink){&c, check_softmax});
        assert_true(c.others > 0);
    }
}

enum { CANDIDATES = 5 };

/* The best Q among those that the policy ranks best, or with epsilon any item. */
static Status check_candidates(void *context, const PlayHistory *h)
{
    Check *c = context;
    Recommendation all[ITEMS];
    for (int64_t t = 1; t < h->count; t++) {
        int64_t best = 0, chosen = 0;
        const int64_t left = expect_choice(h, t, all, c);
        for (int k = 1; k < CANDIDATES; k++)
            if (all[k].q > all[best].q) best = k;
        while (chosen < left && all[chosen].item != h->event[t].item) chosen++;
        assert_true(chosen < left);
        const double want = c->epsilon / (double)left + (chosen == best ? 1.0 - c->epsilon : 0.0);
        assert_near(h->propensity[t], want, 1e-6);
    }
    return OK;
}

static void candidates_of_the_policy_by_q(void **state)
{
    (void)state;
    for (int64_t last = 0; last <= LAST; last += LAST) {
        Check c = {.epsilon = 0.3, .exclude_last = last};
        act_and_check((ActingRule){ACTING_CANDIDATES, CANDIDATES, last},
                      (ActOptions){.epsilon = 0.3}, (PlaySink){&c, check_candidates});
        assert_true(c.choices > 40 && c.others > 0);
    }
}

/* softmax(Q / temperature) over the candidates. */
static Status check_soft_candidates(void *context, const PlayHistory *h)
{
    Check *c = context;
    Recommendation all[ITEMS];
    for (int64_t t = 1; t < h->count; t++) {
        double sum = 0.0, mine = 0.0;
        expect_choice(h, t, all, c);
        for (int k = 0; k < CANDIDATES; k++) {
            const double weight = exp((double)all[k].q - (double)all[0].q);
            sum += weight;
            if (all[k].item == h->event[t].item) mine = weight;
        }
        assert_near(h->propensity[t], mine / sum, 1e-4);
    }
    return OK;
}

static void candidates_by_softmax(void **state)
{
    Check c = {0};
    (void)state;
    act_and_check((ActingRule){ACTING_CANDIDATES, CANDIDATES, 0}, (ActOptions){.temperature = 1.0},
                  (PlaySink){&c, check_soft_candidates});
    assert_true(c.choices > 40 && c.others > 0);
}

typedef struct {
    int64_t count;
    int32_t item[200 * 200];
} Items;

static Status collect(void *context, const PlayHistory *h)
{
    Items *all = context;
    for (int64_t t = 0; t < h->count; t++) all->item[all->count++] = h->event[t].item;
    return OK;
}

static void who_else_is_there_does_not_change_a_choice(void **state)
{
    assert_ok(session_act_by(session, &(ActingRule){.kind = ACTING_Q}));
    static Items items[2];
    static double value[200];
    (void)state;
    for (int k = 0; k < 2; k++) {
        const PlayOptions o = {.episodes = 200, .slots = k ? 200 : 9, .seed = 8};
        const ActOptions options = {.temperature = 0.5, .seed = 4};
        PlayResult r = {.value = value};
        ModelActor *actor;
        assert_ok(model_actor_open(&actor, session, &world, &options));
        assert_ok(play(&world, &o, model_actor(actor), (PlaySink){&items[k], collect}, &r));
        model_actor_close(actor);
    }
    session->acts = false;
    assert_int_equal(items[0].count, items[1].count);
    assert_memory_equal(items[0].item, items[1].item, (size_t)items[0].count * sizeof(int32_t));
}

/* ---- Files ----------------------------------------------------------------------------------- */

typedef struct {
    Behaviour file;
    int64_t row;
} Reader;

static Status compare(void *context, const PlayHistory *h)
{
    Reader *r = context;
    int32_t item[256];
    float reward[256], propensity[256];
    uint8_t end[256], action[256];
    int64_t user;
    const Behaviour *b = &r->file;
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)h->episode);
    assert_ok(behaviour_keys_find_user(&r->file, key, &user));
    assert_int_equal(user, h->episode);
    assert_int_equal(b->offset[user + 1] - b->offset[user], h->count);
    assert_ok(columns_read(b, COLUMN_ITEM, r->row, h->count, item));
    assert_ok(columns_read(b, COLUMN_REWARD, r->row, h->count, reward));
    assert_ok(columns_read(b, COLUMN_PROPENSITY, r->row, h->count, propensity));
    assert_ok(columns_read(b, COLUMN_END, r->row, h->count, end));
    assert_ok(columns_read(b, COLUMN_ACTION, r->row, h->count, action));
    for (int64_t t = 0; t < h->count; t++) {
        assert_int_equal(item[t], h->event[t].item);
        assert_int_equal(action[t], h->event[t].action);
        assert_int_equal(end[t], h->event[t].end);
        assert_true(reward[t] == h->event[t].reward && propensity[t] == h->propensity[t]);
    }
    assert_int_equal(b->split[SPLIT_VALID][user][1] - b->split[SPLIT_VALID][user][0],
                     h->episode % 20 >= 18 ? h->count : 0);
    r->row += h->count;
    return OK;
}

static void the_log_has_what_was_played(void **state)
{
    static double value[EPISODES];
    const PlayOptions o = {.episodes = EPISODES, .slots = 300, .seed = 2};
    PlayResult r = {.value = value};
    Reader reader = {0};
    (void)state;
    assert_ok(behaviour_open(&reader.file, path));
    assert_true(reader.file.has_propensity);
    assert_int_equal(reader.file.users, EPISODES);
    assert_int_equal(reader.file.item_features.kinds, 1);
    const Actor actor = play_baseline_actor(world_baseline(&world, "popularity"));
    assert_ok(play(&world, &o, actor, (PlaySink){&reader, compare}, &r));
    assert_int_equal(reader.row, reader.file.events);
    behaviour_close(&reader.file);
}

static void no_item_left_is_refused(void **state)
{
    (void)state;
    assert_refused(session_act_by(session, &(ActingRule){.exclude_last = ITEMS}), ERR_USAGE,
                   "could exclude every item");
}

static void another_worlds_model_is_refused(void **state)
{
    static const char *const other[] = {"shop:items=41,shelves=5", "small-shop:shelves=5,ranks=8"};
    static const char *const saying[] = {"has 40 items, want 41 as the world shop",
                                         "want 5 as the world"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        World w;
        ModelActor *actor;
        assert_ok(world_open(&w, other[i]));
        assert_int_equal(model_actor_open(&actor, session, &w, &(ActOptions){0}), ERR_USAGE);
        if (!strstr(status_message(), saying[i]))
            fail_msg("\"%s\" does not say \"%s\"", status_message(), saying[i]);
        status_clear();
        model_actor_close(actor);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_what_is_recommended),
        cmocka_unit_test(epsilon_takes_any_as_often_as_it_says),
        cmocka_unit_test(softmax_states_its_probability),
        cmocka_unit_test(candidates_of_the_policy_by_q),
        cmocka_unit_test(candidates_by_softmax),
        cmocka_unit_test(who_else_is_there_does_not_change_a_choice),
        cmocka_unit_test(the_log_has_what_was_played),
        cmocka_unit_test(no_item_left_is_refused),
        cmocka_unit_test(another_worlds_model_is_refused),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}

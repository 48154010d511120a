/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory as a world: its steps against the exact process, its policies, its settings. */
#include "test.h"

#include "world/choices.h"
#include "world/open.h"

/* Small: 3 x 3 x 3 states (one order on the way, two ages), orders 0 .. 2. */
#define SMALL                                                                                      \
    "inventory:life=2,lead=2,order_max=2,demand=poisson:1.2:max=4,price=3,start=any,horizon=50,"   \
    "base_stock=3"
enum { STATES = 27, ORDERS = 3, EPISODES = 4000 };

static int64_t told_state(const World *w, const WorldEvent *event)
{
    int64_t index = 0;
    for (int i = 0; i < w->spec.numbers; i++) index = index * 3 + (int64_t)event->number[i];
    return index;
}

typedef struct {
    const World *world;
    double made[STATES * ORDERS], next[STATES * ORDERS][STATES], reward[STATES * ORDERS],
        square[STATES * ORDERS];
} Counts;

static Status count(void *context, const PlayHistory *h)
{
    Counts *c = context;
    for (int64_t i = 1; i < h->count; i++) {
        const int64_t pair = told_state(c->world, &h->event[i - 1]) * ORDERS + h->event[i].item;
        c->made[pair]++;
        c->next[pair][told_state(c->world, &h->event[i])]++;
        c->reward[pair] += h->event[i].reward;
        c->square[pair] += h->event[i].reward * h->event[i].reward;
    }
    return OK;
}

/* 200,000 random orders: each next state as often as the exact process has it, each mean reward,
 * within 5 standard errors (81 pairs, some 500 outcomes: one in 3,000 runs of an honest simulator
 * would fail, and the seed is fixed). The events alone tell the state. */
static void steps_follow_the_exact_process(void **state)
{
    (void)state;
    World w;
    Mdp m;
    static Counts c;
    static double value[EPISODES];
    PlayResult result = {.value = value};
    const PlayOptions o = {0, EPISODES, 512, 11, 2, NULL};
    assert_ok(world_open(&w, SMALL));
    assert_ok(world_mdp(&w, &m));
    assert_ok(mdp_check(&m));
    assert_int_equal(m.states, STATES);
    c = (Counts){.world = &w};
    assert_ok(play(&w, &o, play_baseline_actor(world_baseline(&w, "random")), (PlaySink){&c, count},
                   &result));
    for (int64_t pair = 0; pair < STATES * ORDERS; pair++) {
        double p[STATES] = {0}, mean = 0.0;
        for (int64_t i = m.first[pair]; i < m.first[pair + 1]; i++) {
            p[m.outcome[i].next] += m.outcome[i].probability;
            mean += m.outcome[i].probability * m.outcome[i].reward;
        }
        const double n = c.made[pair];
        assert_true(n > 100);
        for (int s = 0; s < STATES; s++)
            assert_near(c.next[pair][s] / n, p[s], 5.0 * sqrt(p[s] * (1.0 - p[s]) / n) + 1e-12);
        const double have = c.reward[pair] / n;
        assert_near(have, mean, 5.0 * sqrt((c.square[pair] / n - have * have) / n) + 1e-6);
    }
    mdp_close(&m);
    world_close(&w);
}

static double played(const World *w, Actor actor, double *half)
{
    static double value[EPISODES];
    PlayResult result = {.value = value};
    const PlayOptions o = {0, EPISODES, 1024, 12, 2, NULL};
    assert_ok(play(w, &o, actor, (PlaySink){0}, &result));
    const PlayInterval i = play_interval(value, EPISODES);
    *half = i.half;
    return i.mean;
}

/* What the optimum promises is what its orders bring, and more than base-stock and (s, S) bring. */
static void the_optimum_is_played(void **state)
{
    (void)state;
    World w;
    Mdp m;
    double half, other;
    assert_ok(world_open(&w, "inventory:horizon=100"));
    assert_ok(world_mdp(&w, &m));
    double *v = calloc((size_t)m.states, sizeof *v);
    int64_t *policy = calloc((size_t)m.states, sizeof *policy);
    assert_ok(mdp_solve_steps(&m, w.spec.horizon, v, policy));
    const double optimum = played(&w, play_table_actor(policy), &half);
    assert_near(optimum, mdp_start_value(&m, v), 2.0 * half);
    const char *const rules[] = {"base_stock", "reorder"};
    for (int i = 0; i < 2;
         i++) /* the same demand: differences are seen far better than the means */
        assert_true(played(&w, play_baseline_actor(world_baseline(&w, rules[i])), &other) <
                    optimum);
    free(v);
    free(policy);
    mdp_close(&m);
    world_close(&w);
}

static void levels_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        const char *world;
        int first; /* order from the empty warehouse: the level, or the largest order */
    } cases[] = {
        {"inventory:order_max=10", 7},
        {"inventory:issue=youngest", 5},
        {"inventory:base_stock=4", 4},
        {"inventory:life=2,demand=poisson:5,price=1,order_cost=0.5,shortage_cost=0,wastage_cost=0,"
         "holding_cost=0,order_max=20",
         13},
        /* the newsvendor of Poisson 20 at the fractile 7/10: 22 */
        {"inventory:life=1,lead=0,demand=poisson:20,price=10,order_cost=3,shortage_cost=0,"
         "wastage_cost=0,order_max=60",
         22}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        World w;
        Episodes e;
        WorldEvent event;
        const int64_t zero = 0;
        int32_t item;
        float propensity;
        assert_ok(world_open(&w, cases[i].world));
        assert_ok(episodes_open(&e, &w, 1, 1, 1));
        episodes_reset(&e, 1, NULL, &zero, &event);
        episodes_act(&e, world_baseline(&w, "base_stock"), 1, NULL, &item, &propensity);
        assert_int_equal(item, cases[i].first);
        assert_near(propensity, 1.0, 0.0);
        episodes_close(&e);
        world_close(&w);
    }
}

/* The table that a person reads says what was done, and a point where nothing is known. */
static void a_policy_is_printed(void **state)
{
    (void)state;
    World w;
    Choices choices = {0};
    char *text;
    size_t length;
    static double value[3];
    PlayResult result = {.value = value};
    const PlayOptions o = {0, 3, 3, 1, 1, NULL};
    assert_ok(
        world_open(&w, "inventory:base_stock=3,order_max=4,demand=poisson:1:max=3,horizon=40"));
    assert_ok(play(&w, &o, play_baseline_actor(world_baseline(&w, "base_stock")),
                   choices_sink(&choices), &result));
    assert_int_equal(choices.count, 3 * (40 + 1));
    FILE *out = open_memstream(&text, &length);
    assert_ok(choices_print(&choices, &w, out));
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "           age_1 |   0   1   2   3   4  age_2\n"));
    assert_non_null(strstr(text, "               4 |   .   .   .   .   .\n"));
    assert_non_null(strstr(text, "               0 |   3   2   1"));
    free(text);
    choices_close(&choices);
    world_close(&w);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *world, *told;
    } bad[] = {{"inventory:issue=newest", "want oldest or youngest"},
               {"inventory:start=full", "want empty or any"},
               {"inventory:demand=uniform:3", "want poisson"},
               {"inventory:life=0", "capacity 0 with life 0"},
               {"inventory:reorder=3", "want base_stock above it"},
               {"inventory:reorder=5,base_stock=5", "want base_stock above it"},
               {"inventory:order_max=0", "want a whole number"},
               {"inventory:life=15,lead=15", "at most 16 together"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        World w;
        assert_int_equal(world_open(&w, bad[i].world), ERR_USAGE);
        if (!strstr(status_message(), bad[i].told))
            fail_msg("%s: \"%s\"", bad[i].world, status_message());
        status_clear();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_exact_process), cmocka_unit_test(the_optimum_is_played),
        cmocka_unit_test(levels_are_the_published_ones),  cmocka_unit_test(a_policy_is_printed),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The shop: its largest catalogue, and policies that know more. */
#include "world_case.h"

typedef struct {
    int64_t choices, looks;
    int32_t highest;
    double sum;
} Shown;

static Status note_shown(void *context, const PlayHistory *h)
{
    Shown *s = context;
    for (int64_t i = 1; i < h->count; i++) {
        const int32_t item = h->event[i].item;
        assert_true(item >= 0 && item < 1000000);
        s->choices++;
        s->sum += item;
        s->looks += h->event[i].reward > 0.0f;
        if (item > s->highest) s->highest = item;
    }
    return OK;
}

/* A million items: any of them is shown, by chance as often as another, and looked at. */
static void the_largest_shop(void **state)
{
    enum { EPISODES = 20000 };
    static double value[EPISODES];
    const PlayOptions o = {.episodes = EPISODES, .slots = 4096, .seed = 5};
    World w;
    Shown s = {0};
    PlayResult r = {.value = value};
    (void)state;
    open_world(&w, "shop:items=1000000");
    assert_int_equal(w.spec.items, 1000000);
    assert_int_equal(w.spec.item_features.categories, 1000 + 1);
    assert_ok(play(&w, &o, play_baseline_actor(world_baseline(&w, "random")),
                   (PlaySink){&s, note_shown}, &r));
    assert_int_equal(s.choices, r.choices);
    const double n = (double)s.choices;
    assert_near(s.sum / n, 499999.5, 5.0 * 1e6 / sqrt(12.0 * n));
    assert_true(s.highest > 999000 && s.looks > 100);
    world_close(&w);
}

static void knowing_more_sells_more(void **state)
{
    enum { EPISODES = 3000 };
    static double value[EPISODES];
    static const char *const policy[] = {"random", "popularity", "shelf", "oracle"};
    World w;
    PlayInterval before = {0};
    (void)state;
    open_world(&w, "shop:items=5000");
    for (int i = 0; i < 4; i++) {
        const PlayInterval r = mean_return(&w, play_baseline_actor(world_baseline(&w, policy[i])),
                                           EPISODES, 1024, value);
        print_message("%-12s %.4f +- %.4f\n", policy[i], r.mean, r.half);
        if (i) assert_true(r.mean - r.half > before.mean + before.half);
        before = r;
    }
    world_close(&w);
}

static PlayInterval return_of(const char *world, const char *policy)
{
    enum { EPISODES = 2000 };
    static double value[EPISODES];
    World w;
    open_world(&w, world);
    const PlayInterval r =
        mean_return(&w, play_baseline_actor(world_baseline(&w, policy)), EPISODES, 1024, value);
    world_close(&w);
    return r;
}

/* Where shoppers tire of a kind of item, who thinks of what comes next earns more than who knows
 * what earns most now. Where they do not, both choose much the same. */
static void fatigue_makes_planning_pay(void **state)
{
    (void)state;
    const PlayInterval now = return_of("shop:preset=fatigue,items=1000", "oracle");
    const PlayInterval later = return_of("shop:preset=fatigue,items=1000", "patient");
    assert_true(later.mean - later.half > 1.3 * (now.mean + now.half));
    const PlayInterval tireless = return_of("shop:preset=fatigue,items=1000,fatigue=0", "oracle");
    assert_true(tireless.mean - tireless.half > now.mean + now.half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_shop),
        cmocka_unit_test(knowing_more_sells_more),
        cmocka_unit_test(fatigue_makes_planning_pay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

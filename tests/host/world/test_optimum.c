/* SPDX-License-Identifier: Apache-2.0 */
/* The optimum of a world, and what policies lose against it. */
#include "world/optimum.h"
#include "world_case.h"

static void the_optimum_is_met_and_beaten_by_none(void **state)
{
    enum { EPISODES = 40000 };
    static double value[EPISODES], lost[EPISODES];
    static const char *const others[] = {"random", "wanted", "myopic"};
    World w;
    Optimum o;
    (void)state;
    open_world(&w, "small-shop");
    assert_ok(optimum_open(&o, &w));
    OptimumMeter meter = {&o, play_table_actor(o.policy), 0, lost};
    const PlayInterval best = mean_return(&w, optimum_meter_actor(&meter), EPISODES, 4096, value);
    assert_near(best.mean, o.value, 2.5 * best.half); /* five standard errors */
    assert_near(play_interval(lost, EPISODES).mean, 0.0, 1e-5);
    print_message("optimum %.4f, played %.4f +- %.4f\n", o.value, best.mean, best.half);
    for (int i = 0; i < 3; i++) {
        memset(lost, 0, sizeof lost);
        meter.actor = play_baseline_actor(world_baseline(&w, others[i]));
        const PlayInterval r = mean_return(&w, optimum_meter_actor(&meter), EPISODES, 4096, value);
        const PlayInterval l = play_interval(lost, EPISODES);
        print_message("%s %.4f +- %.4f, lost %.4f +- %.4f\n", others[i], r.mean, r.half, l.mean,
                      l.half);
        assert_true(r.mean + r.half < o.value * 0.98); /* seeing far pays */
        assert_near(r.mean, o.value - l.mean, 2.5 * (r.half + l.half));
    }
    optimum_close(&o);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_optimum_is_met_and_beaten_by_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

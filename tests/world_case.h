/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of worlds share. */
#ifndef SOUK_TEST_WORLD_CASE_H
#define SOUK_TEST_WORLD_CASE_H

#include "test.h"
#include "world/open.h"
#include "world/play.h"

static inline void open_world(World *w, const char *text) { assert_ok(world_open(w, text)); }

/* The mean return of `episodes` episodes; value [episodes] gets each. */
static inline PlayInterval mean_return(const World *w, Actor actor, int64_t episodes, int64_t slots,
                                       double *value)
{
    const PlayOptions o = {.episodes = episodes, .slots = slots, .seed = 5};
    PlayResult r = {.value = value};
    assert_ok(play(w, &o, actor, (PlaySink){0}, &r));
    return play_interval(value, episodes);
}

/* Is `count` of n a share of probability p? Within five standard errors, which an honest sampler
 * misses once in 1.7 million times. */
static inline void assert_share(int64_t count, int64_t n, double p)
{
    assert_near((double)count / (double)n, p, 5.0 * sqrt(p * (1.0 - p) / (double)n) + 1e-12);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The small shop against its MDP. */
#include "world_case.h"

typedef struct {
    const World *world;
    const Mdp *mdp;
    int64_t *pairs;   /* [states, items] how often a pair was met */
    int64_t *arrived; /* [states, items, states + 1] */
    double *reward;   /* [states, items] */
} Census;

/* Choose at random, count where the world went. */
static void take_census(Census *c, int64_t episodes)
{
    const World *w = c->world;
    const int64_t n = c->mdp->states, items = w->spec.items;
    Episodes e;
    assert_ok(episodes_open(&e, w, 1, 11, 1));
    for (int64_t k = 0; k < episodes; k++) {
        WorldEvent event;
        float chance;
        int32_t item;
        episodes_reset(&e, 1, NULL, &k, &event);
        while (event.end == END_GOES_ON) {
            const int64_t s = w->kind->mdp_state(w->parameters, episodes_state(&e, 0));
            episodes_act(&e, world_baseline(w, "random"), 1, NULL, &item, &chance);
            episodes_step(&e, 1, NULL, &item, &event);
            int64_t next = w->kind->mdp_state(w->parameters, episodes_state(&e, 0));
            if (event.end == END_TERMINAL) next = n;
            c->pairs[s * items + item]++;
            c->arrived[(s * items + item) * (n + 1) + next]++;
            c->reward[s * items + item] += event.reward;
        }
    }
    episodes_close(&e);
}

static void compare_pair(const Census *c, int64_t pair)
{
    const int64_t n = c->mdp->states, met = c->pairs[pair];
    double p[64] = {0}, mean = 0.0, square = 0.0;
    assert_true(n < 64);
    for (int64_t i = c->mdp->first[pair]; i < c->mdp->first[pair + 1]; i++) {
        const MdpOutcome *o = &c->mdp->outcome[i];
        p[o->next == MDP_TERMINAL ? n : o->next] += o->probability;
        mean += o->probability * o->reward;
        square += o->probability * o->reward * o->reward;
    }
    for (int64_t s = 0; s <= n; s++) assert_share(c->arrived[pair * (n + 1) + s], met, p[s]);
    assert_near(c->reward[pair] / (double)met, mean,
                5.0 * sqrt((square - mean * mean) / (double)met) + 1e-6);
}

static void the_small_shop_does_as_its_mdp_says(void **state)
{
    World w;
    Mdp mdp;
    (void)state;
    open_world(&w, "small-shop:drift=0.3");
    assert_ok(world_mdp(&w, &mdp));
    const size_t pairs = (size_t)(mdp.states * mdp.actions);
    Census c = {&w, &mdp, calloc(pairs, sizeof(int64_t)),
                calloc(pairs * (size_t)(mdp.states + 1), sizeof(int64_t)),
                calloc(pairs, sizeof(double))};
    take_census(&c, 60000);
    int64_t seen = 0;
    for (size_t pair = 0; pair < pairs; pair++)
        if (c.pairs[pair] >= 400) compare_pair(&c, (int64_t)pair), seen++;
    assert_true(seen > (int64_t)pairs * 9 / 10);
    free(c.pairs);
    free(c.arrived);
    free(c.reward);
    mdp_close(&mdp);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_shop_does_as_its_mdp_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

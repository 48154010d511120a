/* SPDX-License-Identifier: Apache-2.0 */
/* Episodes and playing, of every kind of world. */
#include "world/kinds.h"
#include "world_case.h"

/* Every bit of every event of every world, under different threads and slots. */
typedef struct {
    uint64_t hash;
    int64_t events, longest;
    int numbers; /* of an event */
} Digest;

static Status digest(void *context, const PlayHistory *h)
{
    Digest *d = context;
    for (int64_t i = 0; i < h->count; i++) {
        const WorldEvent *e = &h->event[i];
        uint32_t bits[2 + WORLD_NUMBERS_MAX];
        memcpy(bits, &e->reward, 4);
        memcpy(bits + 1, &h->propensity[i], 4);
        memcpy(bits + 2, e->number, (size_t)d->numbers * sizeof *e->number);
        for (int k = 0; k < 2 + d->numbers; k++)
            d->hash =
                philox_u64(d->hash, bits[k], (uint64_t)e->item << 16 | e->action << 8 | e->end);
        d->hash = philox_u64(d->hash, (uint64_t)h->episode, (uint64_t)e->time);
        assert_true(e->end == END_GOES_ON || i == h->count - 1);
    }
    d->events += h->count;
    if (h->count > d->longest) d->longest = h->count;
    return OK;
}

static Digest digest_of(const World *w, const char *policy, int64_t slots, int threads,
                        uint64_t seed)
{
    Digest d = {.numbers = w->spec.numbers};
    enum { EPISODES = 1000 };
    static double value[EPISODES];
    const PlayOptions o = {0, EPISODES, slots, seed, threads, NULL};
    PlayResult r = {.value = value};
    const Actor actor = play_baseline_actor(world_baseline(w, policy));
    assert_ok(play(w, &o, actor, (PlaySink){&d, digest}, &r));
    return d;
}

static void threads_and_slots_do_not_change_a_bit(void **state)
{
    (void)state;
    for (int i = 0; world_kinds[i]; i++) {
        World w;
        if (world_open(&w, world_kinds[i]->name) != OK) { /* one that needs a file */
            status_clear();
            continue;
        }
        const Digest one = digest_of(&w, "random", 300, 1, 3);
        const Digest many = digest_of(&w, "random", 37, 4, 3);
        const Digest waves = digest_of(&w, "random", 700, 3, 3);
        const Digest other = digest_of(&w, "random", 37, 4, 4);
        assert_true(one.hash == many.hash && one.events == many.events);
        assert_true(one.hash == waves.hash && one.events == waves.events);
        assert_true(one.hash != other.hash);
        assert_true(one.longest <= w.spec.horizon + 1);
        world_close(&w);
    }
}

/* 1, 2, 3, 4: the sample variance is 5/3. */
static void an_interval_by_hand(void **state)
{
    (void)state;
    const double value[] = {1.0, 2.0, 3.0, 4.0};
    const PlayInterval i = play_interval(value, 4);
    assert_near(i.mean, 2.5, 1e-15);
    assert_near(i.half, 1.959963984540054 * sqrt(5.0 / 3.0 / 4.0), 1e-15);
    assert_near(play_interval(value, 1).half, 0.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_slots_do_not_change_a_bit),
        cmocka_unit_test(an_interval_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

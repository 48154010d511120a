/* Worlds: the contract, the shops, and their laws against what is sampled from them. */
#include "base/parallel.h"
#include "test.h"
#include "world/kinds.h"
#include "world/open.h"
#include "world/optimum.h"
#include "world/shop/event.h"
#include "world/shop/shop.h"

static void open_world(World *w, const char *text) { assert_ok(world_open(w, text)); }

/* Discounted returns of `episodes` episodes by a baseline. */
static PlayInterval played(const World *w, Actor actor, int64_t episodes, int64_t slots,
                           double *value)
{
    const PlayOptions o = {.episodes = episodes, .slots = slots, .seed = 5, .quiet = true};
    PlayResult r = {.value = value};
    assert_ok(play(w, &o, actor, (PlaySink){0}, &r));
    return play_interval(value, episodes);
}

/* ---- The contract ---------------------------------------------------------------------------- */

static void refused(const char *text, const char *saying)
{
    World w;
    assert_refused(world_open(&w, text), ERR_USAGE, saying);
}

static void names_and_settings(void **state)
{
    World w;
    (void)state;
    refused("bazaar", "no world \"bazaar\"");
    refused("shop:items", "want key=value");
    refused("shop:colour=3", "no setting \"colour\"");
    refused("shop:items=1e9", "want a whole number from 10 to 1e+06");
    refused("shop:items=20.5", "want a whole number");
    refused("shop:affinity=big", "want a number");
    refused("shop:items=20,shelves=30", "30 shelves for 20 items");
    refused("shop:horizon=0", "horizon");
    open_world(&w, "shop:items=1000,discount=0.5,horizon=7");
    assert_int_equal(w.spec.items, 1000);
    assert_int_equal(w.spec.horizon, 7);
    assert_near(w.spec.discount, 0.5, 0.0);
    assert_non_null(world_baseline(&w, "random"));
    assert_non_null(world_baseline(&w, "popularity"));
    assert_null(world_baseline(&w, "best"));
    world_close(&w);
}

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
    const PlayOptions o = {0, EPISODES, slots, seed, threads, true};
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
    const PlayOptions o = {.episodes = EPISODES, .slots = 4096, .seed = 5, .quiet = true};
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

/* Items lie on the shelves in turn, the most appealing first. */
static void items_of_the_shop_tell_shelf_and_rank(void **state)
{
    enum { ITEMS = 60, SHELVES = 7 };
    World w;
    (void)state;
    open_world(&w, "shop:items=60,shelves=7");
    const FeatureSet *f = &w.spec.item_features;
    assert_int_equal(f->kinds, 1);
    assert_int_equal(f->numbers, 1);
    assert_string_equal(f->kind_name[0], "shelf");
    assert_string_equal(f->number_name[0], "log_rank");
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < ITEMS; i++) {
        const double x = (double)f->number[i];
        const int place = i / SHELVES;
        assert_int_equal(f->category[i], 1 + i % SHELVES);
        assert_near(x * (double)f->std[0] + (double)f->mean[0], log(1.0 + place), 1e-6);
        sum += x;
        squares += x * x;
    }
    assert_near(sum / ITEMS, 0.0, 1e-6);
    assert_near(squares / ITEMS, 1.0, 1e-6);
    world_close(&w);
}

/* ---- Exact laws against samples -------------------------------------------------------------- */

/* |count/n - p| <= 5 sqrt(p (1 - p) / n) fails once in 1.7 million for one p. */
static void assert_share(int64_t count, int64_t n, double p)
{
    assert_near((double)count / (double)n, p, 5.0 * sqrt(p * (1.0 - p) / (double)n) + 1e-12);
}

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
    const PlayInterval best = played(&w, optimum_meter_actor(&meter), EPISODES, 4096, value);
    assert_near(best.mean, o.value, 2.5 * best.half); /* five standard errors */
    assert_near(play_interval(lost, EPISODES).mean, 0.0, 1e-5);
    print_message("optimum %.4f, played %.4f +- %.4f\n", o.value, best.mean, best.half);
    for (int i = 0; i < 3; i++) {
        memset(lost, 0, sizeof lost);
        meter.actor = play_baseline_actor(world_baseline(&w, others[i]));
        const PlayInterval r = played(&w, optimum_meter_actor(&meter), EPISODES, 4096, value);
        const PlayInterval l = play_interval(lost, EPISODES);
        print_message("%s %.4f +- %.4f, lost %.4f +- %.4f\n", others[i], r.mean, r.half, l.mean,
                      l.half);
        assert_true(r.mean + r.half < o.value * 0.98); /* seeing far pays */
        assert_near(r.mean, o.value - l.mean, 2.5 * (r.half + l.half));
    }
    optimum_close(&o);
    world_close(&w);
}

/* ---- The shop -------------------------------------------------------------------------------- */

static void the_law_of_choice(void **state)
{
    const ShopTaste taste = shop_event_taste(-1.0, -2.0, 0.5, -0.5, -1.0);
    double law[SHOP_KINDS], sum = 0.0;
    (void)state;
    shop_event_law(law, &taste, 0.7, shop_event_unrest(0.2));
    for (int k = 0; k < SHOP_KINDS; k++) sum += law[k];
    assert_near(sum, 1.0, 1e-15);
    const double all = 1.0 + exp(-0.3) + exp(-1.8), look = exp(-0.3) / all;
    assert_near(law[SHOP_LEAVE], exp(-1.8) / all, 1e-15);
    const double cart = 1.0 / (1.0 + exp(-1.2)), buy = 1.0 / (1.0 + exp(-0.2));
    assert_near(law[SHOP_CART], look * cart * (1.0 - buy), 1e-15);
    assert_near(law[SHOP_REVIEW], look * cart * buy / (1.0 + exp(1.0)), 1e-15);
    for (int k = 0; k < 4; k++) { /* beyond what a double's exponent holds */
        double far[SHOP_KINDS];
        shop_event_law(far, &taste, k & 1 ? 5000.0 : -5000.0,
                       shop_event_unrest(k & 2 ? 5000.0 : 0.2));
        sum = 0.0;
        for (int i = 0; i < SHOP_KINDS; i++) sum += far[i];
        assert_near(sum, 1.0, 1e-15);
    }
    int64_t count[SHOP_KINDS] = {0};
    for (int64_t i = 0; i < 100000; i++)
        count[shop_event_draw(law, philox_uniform(philox(1, 2, (uint64_t)i).word[0]))]++;
    for (int k = 0; k < SHOP_KINDS; k++) assert_share(count[k], 100000, law[k]);
}

/* The propensity that a policy states is the share of choices that an item gets. */
static void states_its_propensity(const char *policy)
{
    enum { ITEMS = 60, DRAWS = 200000 };
    World w;
    int64_t count[ITEMS] = {0};
    float stated[ITEMS] = {0};
    double sum = 0.0;
    open_world(&w, "shop:items=60,shelves=7");
    const WorldBaseline *b = world_baseline(&w, policy);
    const ShopVisit visit = {.lately = {3, 10, -1, -1, -1, -1, -1, -1}, .seen_shelf = 3};
    for (uint64_t i = 0; i < DRAWS; i++) {
        WorldDraw draw = {9, i, 0};
        float p;
        const int32_t item = b->act(&w, &visit, &draw, &p);
        assert_true(count[item] == 0 || stated[item] == p);
        stated[item] = p;
        count[item]++;
    }
    for (int i = 0; i < ITEMS; i++) {
        assert_share(count[i], DRAWS, (double)stated[i]);
        sum += (double)stated[i];
    }
    assert_near(sum, 1.0, 1e-5);
    world_close(&w);
}

static void policies_state_their_propensities(void **state)
{
    (void)state;
    states_its_propensity("popularity");
    states_its_propensity("trial");
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
        const PlayInterval r =
            played(&w, play_baseline_actor(world_baseline(&w, policy[i])), EPISODES, 1024, value);
        print_message("%-12s %.4f +- %.4f\n", policy[i], r.mean, r.half);
        if (i) assert_true(r.mean - r.half > before.mean + before.half);
        before = r;
    }
    world_close(&w);
}

/* A visit by hand, and one that is not there to its end. Shelves of items are 0 1 2 3 0 1 …; with
 * shelf 0 goes 1, with that 0. */
static void habits_of_a_shop(void **state)
{
    const WorldEvent event[] = {
        {.item = 0, .action = SHOP_VIEW},
        {.item = 4, .action = SHOP_PURCHASE, .reward = 1.0f},
        {.item = 1, .action = SHOP_VIEW, .reward = 0.2f},
        {.item = 8, .action = SHOP_LEAVE, .end = END_TERMINAL},
        {.item = 3, .action = SHOP_VIEW},
        {.item = 3, .action = SHOP_REVIEW, .reward = 1.2f},
    };
    World w;
    char *text;
    size_t length;
    (void)state;
    open_world(&w, "shop:items=20,shelves=4,discount=0.5");
    FILE *out = open_memstream(&text, &length);
    assert_ok(w.kind->print(&w, event, sizeof event / sizeof *event, out));
    assert_int_equal(fclose(out), 0);
    const char *table = strstr(text, "\nafter ");
    assert_non_null(table);
    assert_string_equal(table + 1,
                        "after         choices      shelf  goes with      rank      view    "
                        "  cart  purchase    review         Q\n"
                        "entrance            1    100.0 %      0.0 %       2.0    0.1000    "
                        "0.0000    1.0000    0.0000    1.1000\n"
                        "view                1      0.0 %    100.0 %       3.0    0.0000    "
                        "0.0000    0.0000    0.0000    0.0000\n"
                        "purchase            1      0.0 %    100.0 %       1.0    0.2000    "
                        "0.0000    0.0000    0.0000    0.2000\n");
    free(text);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_settings),
        cmocka_unit_test(threads_and_slots_do_not_change_a_bit),
        cmocka_unit_test(the_law_of_choice),
        cmocka_unit_test(the_largest_shop),
        cmocka_unit_test(items_of_the_shop_tell_shelf_and_rank),
        cmocka_unit_test(the_small_shop_does_as_its_mdp_says),
        cmocka_unit_test(the_optimum_is_met_and_beaten_by_none),
        cmocka_unit_test(policies_state_their_propensities),
        cmocka_unit_test(knowing_more_sells_more),
        cmocka_unit_test(habits_of_a_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Auctions as a world: a log is replayed; choices, returns, policies, settings. */
#include "test.h"

#include <unistd.h>

#include "world/auction/house.h"
#include "world/choices.h"
#include "world/open.h"

enum { ROWS = 1230, AUCTIONS = 100, EPISODES = 13 }; /* the last episode is a short one */

static char log_path[] = "/tmp/souk-auction-XXXXXX";

static int write_log(void **state)
{
    (void)state;
    const int fd = mkstemp(log_path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) return 1;
    for (int i = 0; i < ROWS; i++) {
        const Philox p = philox(1, 0, (uint64_t)i);
        const double value = 0.2 * (p.word[2] * 0x1p-32) * (p.word[2] * 0x1p-32) + 1e-3;
        fprintf(f, "%d %u %.17g\n", p.word[3] * 0x1p-32 < value,
                p.word[1] % (p.word[0] % 3 ? 40 : 9), value);
    }
    return fclose(f);
}

static int remove_log(void **state)
{
    (void)state;
    return unlink(log_path);
}

typedef struct {
    int64_t clicks, won, choices;
    double reward, last; /* of the last event */
    float budget;        /* the last one told */
} Tally;

static Status add(void *context, const PlayHistory *h)
{
    Tally *t = context;
    for (int64_t i = 1; i < h->count; i++) {
        t->choices++;
        t->won += h->event[i].action > 0;
        t->clicks += h->event[i].action == 2;
        t->reward += h->event[i].reward;
        assert_true(h->event[i].number[AUCTION_BUDGET_LEFT] >= 0.0f);
        assert_true(h->event[i].number[AUCTION_BUDGET_LEFT] <=
                    h->event[i - 1].number[AUCTION_BUDGET_LEFT]);
    }
    t->last = h->event[h->count - 1].reward;
    t->budget = h->event[h->count - 1].number[AUCTION_BUDGET_LEFT];
    return OK;
}

static void open_log(World *w, const char *settings)
{
    char text[300];
    snprintf(text, sizeof text, "auction:log=%s,auctions=%d,highest=39%s", log_path, AUCTIONS,
             settings);
    assert_ok(world_open(w, text));
}

static Tally played(const World *w, const char *policy, int64_t episodes)
{
    double *value = calloc((size_t)episodes, sizeof *value);
    PlayResult result = {.value = value};
    const PlayOptions o = {0, episodes, 256, 3, 2, NULL};
    Tally t = {0};
    assert_ok(
        play(w, &o, play_baseline_actor(world_baseline(w, policy)), (PlaySink){&t, add}, &result));
    double sum = 0.0;
    for (int64_t i = 0; i < episodes; i++) sum += value[i];
    assert_near(sum, t.reward, 1e-9 * fabs(sum)); /* the discount is 1 */
    free(value);
    return t;
}

/* Every bidder wins the same auctions, step by step, as in one replay of the log. */
static void a_log_is_replayed(void **state)
{
    (void)state;
    World w;
    open_log(&w, ",grid=bid,reward=click,share=0.2,base=9");
    const AuctionHouse *h = w.parameters;
    assert_int_equal(w.spec.items, 40);
    for (BidderKind kind = 0; kind < BIDDERS; kind++) {
        const BidderReplay want = bidder_replay(&h->bidder[kind], &h->log);
        const Tally have = played(&w, bidder_name[kind], EPISODES);
        assert_true(want.impressions > 50);
        assert_int_equal(have.won, want.impressions);
        assert_int_equal(have.clicks, want.clicks);
        assert_near(have.reward, (double)want.clicks, 1e-9);
    }
    world_close(&w);
}

/* The rows of the past end where those that are bid in begin. */
static void the_past_is_before(void **state)
{
    (void)state;
    World w;
    BidLog all, past;
    Campaign want;
    open_log(&w, ",first=400,rows=300");
    const AuctionHouse *h = w.parameters;
    assert_ok(bid_log_read(&all, log_path, 0));
    assert_ok(bid_log_read(&past, log_path, 400));
    assert_ok(bid_log_campaign_count(&want, &past));
    assert_int_equal(h->log.auctions, 300);
    assert_memory_equal(h->log.price, all.price + 400, 300 * sizeof *all.price);
    assert_near(h->past.clicks, want.clicks, 0.0);
    assert_near(h->past.cost, want.cost, 0.0);
    bid_log_campaign_close(&want);
    bid_log_close(&past);
    bid_log_close(&all);
    world_close(&w);
}

/* Choice k of the multiplier grid bids the linear bid times 2^((k - 8) / 4); a baseline's bid
 * becomes the nearest. */
static void choices_are_multiples(void **state)
{
    (void)state;
    World w;
    open_log(&w, ",base=10,share=0.2");
    const AuctionHouse *h = w.parameters;
    assert_int_equal(w.spec.items, 16);
    assert_int_equal(auction_house_bid(h, 0, 2.0 * h->past_value), 0);
    assert_int_equal(auction_house_bid(h, 8, 2.0 * h->past_value), 20);
    assert_int_equal(auction_house_bid(h, 12, 1.5 * h->past_value), 30);
    assert_int_equal(auction_house_bid(h, 4, 3.0 * h->past_value), 15);
    assert_int_equal(auction_house_bid(h, 15, 9.0 * h->past_value), 39);
    assert_int_equal(auction_house_choice(h, 20.0, 2.0 * h->past_value), 8);
    assert_int_equal(auction_house_choice(h, 0.0, 2.0 * h->past_value), 0);
    assert_int_equal(auction_house_choice(h, 2.0, 0.2 * h->past_value),
                     8); /* choice 9 bids 2 too */
    assert_int_equal(auction_house_choice(h, 22.0, 2.0 * h->past_value),
                     9); /* 23 is nearer than 20 */
    world_close(&w);
}

/* With a limit the return of an episode is the score: the sum of what was won, cut by the
 * square. */
static void returns_are_scores(void **state)
{
    (void)state;
    World free, limited;
    open_log(&free, ",reward=click,budget=400,grid=bid,base=12");
    open_log(&limited, ",reward=click,budget=400,grid=bid,base=12,limit=60");
    int cut = 0;
    for (int64_t e = 0; e < EPISODES; e++) {
        double value[2];
        Tally t[2] = {{0}, {0}};
        const PlayOptions o = {e, 1, 1, 3, 1, NULL};
        const World *const world[] = {&free, &limited};
        for (int i = 0; i < 2; i++) {
            PlayResult result = {.value = &value[i]};
            assert_ok(play(world[i], &o, play_baseline_actor(world_baseline(world[i], "linear")),
                           (PlaySink){&t[i], add}, &result));
        }
        const double cost = 400.0 - (double)t[0].budget;
        const double score = auction_score((double)t[0].clicks, cost, 60.0);
        assert_near(value[0], (double)t[0].clicks, 1e-6);
        assert_near(value[1], score, 1e-5);
        cut += score < (double)t[0].clicks;
    }
    assert_true(cut > 2 && cut < EPISODES);
    world_close(&free);
    world_close(&limited);
}

/* A choice that is held for 10 auctions is 10 choices in one. */
static void a_choice_is_held(void **state)
{
    (void)state;
    World one, ten;
    open_log(&one, ",share=0.5,base=6");
    open_log(&ten, ",share=0.5,base=6,period=10");
    assert_int_equal(ten.spec.horizon, 10);
    Episodes e[2];
    const World *const world[] = {&one, &ten};
    double reward[2] = {0};
    WorldEvent event;
    for (int k = 0; k < 2; k++) {
        const int64_t zero = 0;
        assert_ok(episodes_open(&e[k], world[k], 1, 1, 1));
        episodes_reset(&e[k], 1, NULL, &zero, &event);
        for (int i = 0; i < (k ? 10 : 100); i++) {
            const int32_t item = 3 + (k ? i : i / 10);
            episodes_step(&e[k], 1, NULL, &item, &event);
            reward[k] += event.reward;
            assert_int_equal(event.end == END_TERMINAL, i == (k ? 9 : 99));
        }
        episodes_close(&e[k]);
    }
    assert_near(reward[0], reward[1], 1e-4 * reward[0]);
    assert_true(reward[0] > 1.0);
    world_close(&one);
    world_close(&ten);
}

/* Pacing and the dynamic program beat what knows neither budget nor time, by far more than
 * chance. */
static void bidders_are_ranked(void **state)
{
    (void)state;
    World w;
    assert_ok(world_open(&w, "auction:auctions=300"));
    const Tally rlb = played(&w, "rlb", 400), blind = played(&w, "ss_mdp", 400),
                ecpc = played(&w, "max_ecpc", 400), random = played(&w, "random", 400);
    assert_true(rlb.reward > 1.2 * blind.reward);
    assert_true(rlb.reward > 1.2 * ecpc.reward);
    assert_true(rlb.reward > 1.2 * random.reward);
    world_close(&w);
}

static void a_bid_curve_is_printed(void **state)
{
    (void)state;
    World w;
    Choices choices = {0};
    char *text;
    size_t length;
    static double value[EPISODES];
    PlayResult result = {.value = value};
    const PlayOptions o = {0, EPISODES, 5, 1, 1, NULL};
    open_log(&w, ",base=10,share=0.9,period=10");
    assert_ok(play(&w, &o, play_baseline_actor(world_baseline(&w, "linear")),
                   choices_sink(&choices), &result));
    FILE *out = open_memstream(&text, &length);
    assert_ok(choices_print(&choices, &w, out));
    assert_int_equal(fclose(out), 0);
    /* The linear bid: 10 times the value, cut to whole bids. */
    const char *row = strstr(text, "first    even    ");
    assert_non_null(row);
    row += strlen("first    even    ");
    for (int k = 0; k < 8; k++) {
        char *end;
        const double bid = strtod(row, &end), want = 10.0 * exp2((k - 4) * 0.5);
        assert_true(end > row && bid <= want + 0.05 && bid > want - 1.05);
        row = end;
    }
    free(text);
    choices_close(&choices);
    world_close(&w);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *world, *told;
    } bad[] = {{"auction:slots=2", "want 1 or 3"},
               {"auction:grid=level", "want multiplier or bid"},
               {"auction:reward=money", "want value or click"},
               {"auction:order=any", "want sequence or random"},
               {"auction:share=0.000001,auctions=10", "is a budget of"},
               {"auction:log=%s,first=1230", "has 1230 rows"},
               {"auction:log=%s,first=1000,rows=500", "has 1230 rows"},
               {"auction:log=%s.no", "souk-auction"},
               {"auction:log=%s,info=%s.no", "souk-auction"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        World w;
        char text[300];
        snprintf(text, sizeof text, bad[i].world, log_path, log_path);
        assert_int_not_equal(world_open(&w, text), OK);
        if (!strstr(status_message(), bad[i].told)) fail_msg("%s: \"%s\"", text, status_message());
        status_clear();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_replayed),      cmocka_unit_test(the_past_is_before),
        cmocka_unit_test(choices_are_multiples),  cmocka_unit_test(returns_are_scores),
        cmocka_unit_test(a_choice_is_held),       cmocka_unit_test(bidders_are_ranked),
        cmocka_unit_test(a_bid_curve_is_printed), cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, write_log, remove_log);
}

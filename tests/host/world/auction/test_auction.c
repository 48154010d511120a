/* Auctions: the mechanism, bid logs, the optimal bidder against the definition, pacing. */
#include "test.h"

#include <omp.h>
#include <unistd.h>

#include "world/auction/auction.h"
#include "world/auction/bidder.h"

/* ---- The mechanism ----------------------------------------------------------------------------- */

static void auctions_worked_by_hand(void **state)
{
    (void)state;
    const AuctionRules one = auction_second_price(), three = auction_three_slots();
    AuctionSlot slot[SLOTS_MAX];
    static const double bid[] = {3.0, 7.0, 0.0, 5.0, 7.0};
    auction_run(&one, bid, 5, slot);
    assert_int_equal(slot[0].bidder, 1); /* of equal bids the first */
    assert_near(slot[0].price, 7.0, 0.0);
    auction_run(&three, bid, 5, slot);
    assert_int_equal(slot[1].bidder, 4);
    assert_near(slot[1].price, 5.0, 0.0);
    assert_int_equal(slot[2].bidder, 3);
    assert_near(slot[2].price, 3.0, 0.0);
    auction_run(&three, bid, 2, slot);
    assert_int_equal(slot[0].bidder, 1);
    assert_near(slot[1].price, 0.0, 0.0); /* nobody below */
    assert_int_equal(slot[2].bidder, -1);
    AuctionRules reserved = three;
    reserved.reserve = 4.0;
    auction_run(&reserved, bid, 5, slot);
    assert_near(slot[2].price, 4.0, 0.0);
    auction_run(&reserved, bid, 1, slot);
    assert_int_equal(slot[0].bidder, -1);
}

/* Bidder b ranks behind those that bid more, and behind equal ones before it. */
static void slots_go_by_rank(void **state)
{
    (void)state;
    for (uint32_t trial = 0; trial < 2000; trial++) {
        AuctionRules rules = {.slots = 1 + (int)(trial % SLOTS_MAX),
                              .reserve = trial % 3 ? 2.0 : 0.0};
        const int bidders = (int)(trial % 23);
        double bid[23];
        AuctionSlot slot[SLOTS_MAX];
        for (int b = 0; b < bidders; b++) bid[b] = philox(1, trial, (uint64_t)b).word[0] % 9;
        auction_run(&rules, bid, bidders, slot);
        int taken = 0;
        for (int b = 0; b < bidders; b++) {
            int rank = 0;
            double below = rules.reserve;
            for (int o = 0; o < bidders; o++) {
                const bool ahead = bid[o] > bid[b] || (bid[o] == bid[b] && o < b);
                rank += ahead;
                if (o != b && !ahead && bid[o] > below) below = bid[o];
            }
            if (!(bid[b] > 0.0 && bid[b] >= rules.reserve) || rank >= rules.slots) continue;
            taken++;
            assert_int_equal(slot[rank].bidder, b);
            assert_near(slot[rank].price, below, 0.0);
        }
        for (int k = taken; k < rules.slots; k++) assert_int_equal(slot[k].bidder, -1);
    }
}

static void scores_worked_by_hand(void **state)
{
    (void)state;
    assert_near(auction_score(10.0, 50.0, 0.0), 10.0, 0.0);
    assert_near(auction_score(10.0, 50.0, 5.0), 10.0, 0.0);
    assert_near(auction_score(10.0, 100.0, 5.0), 2.5, 0.0);
    assert_near(auction_score(0.0, 100.0, 5.0), 0.0, 0.0);
    assert_near(auction_score(0.0, 0.0, 5.0), 0.0, 0.0);
}

/* ---- Logs -------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void logs_are_read(void **state)
{
    (void)state;
    char path[] = "/tmp/souk-bids-XXXXXX";
    BidLog log;
    Campaign c;
    assert_true(mkstemp(path) >= 0);
    write_file(path, "0 70 0.0021143609192222357\n1\t6\t0.5\t3\r\n0 0 0\n");
    assert_ok(bid_log_read(&log, path, 0));
    assert_int_equal(log.auctions, 3);
    assert_true(log.value[0] == 0.0021143609192222357);
    assert_int_equal(log.price[1], 6);
    assert_int_equal(log.click[1], 1);
    assert_ok(bid_log_campaign_count(&c, &log));
    assert_int_equal(c.prices, 71);
    assert_near(c.cost, 76.0, 0.0);
    assert_near(c.price[6], 2.0 / 74.0, 1e-16);
    assert_near(c.price[5], 1.0 / 74.0, 1e-16);
    bid_log_campaign_close(&c);
    bid_log_close(&log);
    assert_ok(bid_log_read(&log, path, 2));
    assert_int_equal(log.auctions, 2);
    bid_log_close(&log);
    static const struct {
        const char *text, *told;
    } bad[] = {{"0 1 0.5\n2 1 0.5\n", "row 2 is \"2 1 0.5\""},
               {"0 1.5 0.5\n", "row 1"},
               {"0 -1 0.5\n", "row 1"},
               {"0 1 1.5\n", "row 1"},
               {"0 1 0.5\n\n", "row 2"},
               {"0 1\n", "row 1"},
               {"", "no auctions"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(path, bad[i].text);
        assert_int_equal(bid_log_read(&log, path, 0), ERR_FORMAT);
        if (!strstr(status_message(), bad[i].told)) fail_msg("%s", status_message());
        assert_non_null(strstr(status_message(), path));
        status_clear();
    }
    static const struct {
        const char *text, *told;
    } info[] = {
        {"{", "line 1"},
        {"{\"imp_train\": 3}", "clk_train"},
        {"{\"imp_train\": 3, \"clk_train\": 1, \"cost_train\": 9}", "price_counter_train"},
        {"{\"imp_train\": 3, \"clk_train\": 1, \"cost_train\": 9, \"price_counter_train\": [1, "
         "-2]}",
         "price_counter_train[1]"},
        {"{\"imp_train\": 3, \"clk_train\": 0, \"cost_train\": 9, \"price_counter_train\": [1]}",
         "expected all above 0"}};
    for (size_t i = 0; i < sizeof info / sizeof *info; i++) {
        write_file(path, info[i].text);
        assert_int_equal(bid_log_campaign_read(&c, path), ERR_FORMAT);
        if (!strstr(status_message(), info[i].told)) fail_msg("%s", status_message());
        status_clear();
    }
    unlink(path);
}

/* ---- The optimal bidder ------------------------------------------------------------------------ */

enum { PRICES = 40, LOG = 3000 };

/* Prices with a lump, as real ones have; a click for one auction in ten. */
static void made_up(Campaign *c, BidLog *log, uint64_t seed)
{
    *log = (BidLog){LOG, malloc(LOG * sizeof *log->price), malloc(LOG * sizeof *log->value),
                    malloc(LOG)};
    assert_true(log->price && log->value && log->click);
    for (int i = 0; i < LOG; i++) {
        const Philox p = philox(seed, 0, (uint64_t)i);
        const uint32_t spread = p.word[0] % 3 ? PRICES : 9;
        log->price[i] = (int32_t)(p.word[1] % spread);
        log->value[i] = 0.2 * (p.word[2] * 0x1p-32) * (p.word[2] * 0x1p-32) + 1e-3;
        log->click[i] = p.word[3] * 0x1p-32 < log->value[i];
    }
    assert_ok(bid_log_campaign_count(c, log));
}

/* V by the definition: for every bid a, and the outcomes of each; in long double. */
static void by_definition(const Campaign *c, int auctions, int budget, int highest, long double *v)
{
    const long double mean = (long double)c->clicks / c->impressions;
    for (int b = 0; b <= budget; b++) v[b] = 0.0L;
    for (int n = 1; n < auctions; n++)
        for (int b = 0; b <= budget; b++) {
            const long double *next = v + (n - 1) * (budget + 1);
            long double best = 0.0L, won = 0.0L, chance = 0.0L;
            for (int a = 0; a <= b && a <= highest; a++) {
                const long double m = a < c->prices ? c->price[a] : 0.0L;
                won += m * (mean + next[b - a]);
                chance += m;
                best = fmaxl(best, won + (1.0L - chance) * next[b]);
            }
            v[n * (budget + 1) + b] = b == 0 ? 0.0L : best;
        }
}

static void rlb_is_the_optimum(void **state)
{
    (void)state;
    static const int cases[][3] = {{50, 200, 39}, {20, 30, 100}, {7, 500, 20}, {1, 9, 5}};
    for (int k = 0; k < 4; k++) {
        const int auctions = cases[k][0], budget = cases[k][1], highest = cases[k][2];
        Campaign c;
        BidLog log;
        Rlb rlb;
        made_up(&c, &log, 3);
        assert_ok(rlb_solve(&rlb, &c, auctions, budget, highest));
        const int64_t count = (int64_t)auctions * (budget + 1);
        long double *v = malloc((size_t)count * sizeof *v);
        by_definition(&c, auctions, budget, highest, v);
        /* Each of n sweeps adds at most highest + 3 terms, each a rounding of a double. */
        for (int64_t i = 0; i < count; i++)
            assert_near(rlb.value[i], (double)v[i],
                        1e-16 * auctions * (highest + 3) * (double)v[i]);
        free(v);
        rlb_close(&rlb);
        bid_log_close(&log);
        bid_log_campaign_close(&c);
    }
}

/* The bid is the highest price at which winning is worth no less than keeping the money. */
static int bid_by_definition(const long double *v, int row, int left, int budget, int highest,
                             double value)
{
    int bid = 0;
    for (int a = 1; a <= budget && a <= highest; a++)
        if (value + v[(left - 1) * row + budget - a] >= v[(left - 1) * row + budget] - 1e-12L)
            bid = a;
    return bid;
}

static void the_replayed_optimum_is_that_of_the_definition(void **state)
{
    (void)state;
    enum { AUCTIONS = 60, BUDGET = 150, HIGHEST = 39 };
    Campaign c;
    BidLog log;
    Rlb rlb;
    made_up(&c, &log, 4);
    long double *v = malloc((size_t)AUCTIONS * (BUDGET + 1) * sizeof *v);
    by_definition(&c, AUCTIONS, BUDGET, HIGHEST, v);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS, BUDGET, HIGHEST));
    for (BidderKind kind = BIDDER_RLB; kind <= BIDDER_SS_MDP; kind++) {
        Replay want = {.auctions = LOG};
        int budget = 0;
        for (int i = 0; i < LOG; i++) {
            const int left = AUCTIONS - i % AUCTIONS;
            if (left == AUCTIONS) budget = BUDGET;
            const double value = kind == BIDDER_RLB ? log.value[i] : c.clicks / c.impressions;
            if (budget == 0 ||
                bid_by_definition(v, BUDGET + 1, left, budget, HIGHEST, value) < log.price[i])
                continue;
            want.impressions++;
            want.clicks += log.click[i];
            want.cost += log.price[i];
            want.value += log.value[i];
            budget -= log.price[i];
        }
        Bidder b = bidder_of(kind, &c, AUCTIONS, BUDGET, HIGHEST);
        b.rlb = &rlb;
        const Replay have = bidder_replay(&b, &log);
        assert_int_equal(have.impressions, want.impressions);
        assert_int_equal(have.clicks, want.clicks);
        assert_int_equal(have.cost, want.cost);
        assert_near(have.value, want.value, 0.0);
        assert_true(want.impressions > 100 && want.impressions < LOG);
    }
    free(v);
    rlb_close(&rlb);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* Its value is what it brings: episodes with prices drawn from the campaign's, all values the mean, so that
 * V(N, B) is exact. V(N, B) = V of one more auction than the table has, so the table has N + 1. */
static void its_value_is_what_it_brings(void **state)
{
    (void)state;
    enum { AUCTIONS = 50, BUDGET = 120, HIGHEST = 39, EPISODES = 20000 };
    Campaign c;
    BidLog log;
    Rlb rlb;
    made_up(&c, &log, 5);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS + 1, BUDGET, HIGHEST));
    double sum = 0.0, square = 0.0;
    for (int e = 0; e < EPISODES; e++) {
        double value = 0.0;
        int budget = BUDGET;
        for (int left = AUCTIONS; left > 0 && budget > 0; left--) {
            double u = philox(6, (uint64_t)e, (uint64_t)left).word[0] * 0x1p-32;
            int price = 0;
            while (price < c.prices - 1 && (u -= c.price[price]) >= 0.0) price++;
            if (rlb_bid(&rlb, left, budget, rlb.mean_value) < price) continue;
            budget -= price;
            value += rlb.mean_value;
        }
        sum += value;
        square += value * value;
    }
    const double mean = sum / EPISODES, error = sqrt((square / EPISODES - mean * mean) / EPISODES);
    assert_near(mean, rlb.value[AUCTIONS * (BUDGET + 1) + BUDGET], 4.0 * error);
    rlb_close(&rlb);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    Campaign c;
    BidLog log;
    Rlb rlb[3];
    made_up(&c, &log, 7);
    for (int threads = 1; threads <= 3; threads++) {
        omp_set_num_threads(threads);
        assert_ok(rlb_solve(&rlb[threads - 1], &c, 80, 333, 39));
    }
    for (int i = 1; i < 3; i++)
        assert_memory_equal(rlb[0].value, rlb[i].value, 80 * 334 * sizeof(double));
    for (int i = 0; i < 3; i++) rlb_close(&rlb[i]);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* ---- Pacing ------------------------------------------------------------------------------------ */

/* No bidder spends more than its budget in any episode, whatever it does. */
static void budgets_are_kept(void **state)
{
    (void)state;
    enum { AUCTIONS = 100, BUDGET = 150 };
    Campaign c;
    BidLog log;
    Rlb rlb;
    made_up(&c, &log, 8);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS, BUDGET, 39));
    for (BidderKind kind = 0; kind < BIDDERS; kind++)
        for (int64_t first = 0; first + AUCTIONS <= LOG; first += AUCTIONS) {
            Bidder b = bidder_of(kind, &c, AUCTIONS, BUDGET, 39);
            b.rlb = &rlb;
            const BidLog episode = {AUCTIONS, log.price + first, log.value + first,
                                    log.click + first};
            const Replay r = bidder_replay(&b, &episode);
            assert_true(r.cost <= BUDGET && r.impressions <= AUCTIONS);
        }
    rlb_close(&rlb);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* From a base eight times too high or too low, control spends most of the budget and wins more value than
 * the same linear bid without it. */
static void control_repairs_a_bad_base(void **state)
{
    (void)state;
    enum { AUCTIONS = 1000, BUDGET = 1500, BUDGETS = LOG / AUCTIONS };
    Campaign c;
    BidLog log;
    made_up(&c, &log, 9);
    for (int low = 0; low <= 1; low++)
        for (BidderKind kind = BIDDER_PID; kind <= BIDDER_LAGRANGIAN; kind++) {
            Bidder linear = bidder_of(BIDDER_LINEAR, &c, AUCTIONS, BUDGET, 39);
            bidder_tune(&linear, &log);
            const Replay tuned = bidder_replay(&linear, &log);
            linear.base *= low ? 0.125 : 8.0;
            const Replay bad = bidder_replay(&linear, &log);
            Bidder paced = bidder_of(kind, &c, AUCTIONS, BUDGET, 39);
            paced.base = linear.base;
            const Replay good = bidder_replay(&paced, &log);
            assert_true(good.value > bad.value);
            assert_true(good.value > 0.8 * tuned.value);
            assert_true((double)good.cost > 0.8 * BUDGETS * BUDGET);
        }
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* With a limit on the cost of a click, the Lagrangian bidder comes to it; without, it pays more. */
static void the_lagrangian_keeps_a_cost_of_a_click(void **state)
{
    (void)state;
    enum { AUCTIONS = 3000, BUDGET = 15000 };
    Campaign c;
    BidLog log;
    made_up(&c, &log, 10);
    Bidder b = bidder_of(BIDDER_LAGRANGIAN, &c, AUCTIONS, BUDGET, 39);
    const Replay open = bidder_replay(&b, &log);
    b.limit = 0.6 * (double)open.cost / open.value;
    const Replay limited = bidder_replay(&b, &log);
    assert_true((double)limited.cost / limited.value < 1.1 * b.limit);
    assert_true(auction_score(limited.value, (double)limited.cost, b.limit) >
                auction_score(open.value, (double)open.cost, b.limit));
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auctions_worked_by_hand),
        cmocka_unit_test(slots_go_by_rank),
        cmocka_unit_test(scores_worked_by_hand),
        cmocka_unit_test(logs_are_read),
        cmocka_unit_test(rlb_is_the_optimum),
        cmocka_unit_test(the_replayed_optimum_is_that_of_the_definition),
        cmocka_unit_test(its_value_is_what_it_brings),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(budgets_are_kept),
        cmocka_unit_test(control_repairs_a_bad_base),
        cmocka_unit_test(the_lagrangian_keeps_a_cost_of_a_click),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

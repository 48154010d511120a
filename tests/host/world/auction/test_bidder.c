/* SPDX-License-Identifier: Apache-2.0 */
/* Bidders replayed on a log: budgets, pacing, limits. */
#include "bid_log_case.h"

#include "world/auction/auction.h"
#include "world/auction/bidder.h"

/* A replay bids in one episode after another, auction by auction: here by hand, for the bidders of
 * rlb.h. */
static void a_replay_is_one_episode_after_another(void **state)
{
    (void)state;
    enum { AUCTIONS = 70, BUDGET = 150, HIGHEST = 39 }; /* the last episode is shorter */
    Campaign c;
    BidLog log;
    Rlb rlb;
    make_bid_log(&c, &log, 4);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS, BUDGET, HIGHEST, 1));
    for (BidderKind kind = BIDDER_RLB; kind <= BIDDER_SS_MDP; kind++) {
        BidderReplay want = {.auctions = MADE_AUCTIONS};
        int budget = 0;
        for (int i = 0; i < MADE_AUCTIONS; i++) {
            const int left = AUCTIONS - i % AUCTIONS;
            if (left == AUCTIONS) budget = BUDGET;
            const double value = kind == BIDDER_RLB ? log.value[i] : c.clicks / c.impressions;
            if (budget == 0 || rlb_bid(&rlb, left, budget, value) < log.price[i]) continue;
            want.impressions++;
            want.clicks += log.click[i];
            want.cost += log.price[i];
            want.value += log.value[i];
            budget -= log.price[i];
        }
        Bidder b = bidder_of(kind, &c, AUCTIONS, BUDGET, HIGHEST);
        b.rlb = &rlb;
        const BidderReplay have = bidder_replay(&b, &log);
        assert_int_equal(have.impressions, want.impressions);
        assert_int_equal(have.clicks, want.clicks);
        assert_int_equal(have.cost, want.cost);
        assert_near(have.value, want.value, 0.0);
        assert_true(want.impressions > 100 && want.impressions < MADE_AUCTIONS);
    }
    rlb_close(&rlb);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* No bidder spends more than its budget in any episode, whatever it does. */
static void budgets_are_kept(void **state)
{
    (void)state;
    enum { AUCTIONS = 100, BUDGET = 150 };
    Campaign c;
    BidLog log;
    Rlb rlb;
    make_bid_log(&c, &log, 8);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS, BUDGET, 39, 1));
    for (BidderKind kind = 0; kind < BIDDERS; kind++)
        for (int64_t first = 0; first + AUCTIONS <= MADE_AUCTIONS; first += AUCTIONS) {
            Bidder b = bidder_of(kind, &c, AUCTIONS, BUDGET, 39);
            b.rlb = &rlb;
            const BidLog episode = {AUCTIONS, log.price + first, log.value + first,
                                    log.click + first};
            const BidderReplay r = bidder_replay(&b, &episode);
            assert_true(r.cost <= BUDGET && r.impressions <= AUCTIONS);
        }
    rlb_close(&rlb);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* With a base that is eight times too high or too low, pid and lagrangian spend most of the budget
 * and win more value than the linear bidder with the same base. */
static void pacing_repairs_a_bad_base(void **state)
{
    (void)state;
    enum { AUCTIONS = 1000, BUDGET = 1500, BUDGETS = MADE_AUCTIONS / AUCTIONS };
    Campaign c;
    BidLog log;
    make_bid_log(&c, &log, 9);
    for (int low = 0; low <= 1; low++)
        for (BidderKind kind = BIDDER_PID; kind <= BIDDER_LAGRANGIAN; kind++) {
            Bidder linear = bidder_of(BIDDER_LINEAR, &c, AUCTIONS, BUDGET, 39);
            bidder_tune(&linear, &log);
            const BidderReplay tuned = bidder_replay(&linear, &log);
            linear.base *= low ? 0.125 : 8.0;
            const BidderReplay bad = bidder_replay(&linear, &log);
            Bidder paced = bidder_of(kind, &c, AUCTIONS, BUDGET, 39);
            paced.base = linear.base;
            const BidderReplay good = bidder_replay(&paced, &log);
            assert_true(good.value > bad.value);
            assert_true(good.value > 0.8 * tuned.value);
            assert_true((double)good.cost > 0.8 * BUDGETS * BUDGET);
        }
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* With a limit on the cost of a click, the Lagrangian bidder pays about the limit; without it, it
 * pays more. */
static void the_lagrangian_keeps_to_the_limit(void **state)
{
    (void)state;
    enum { AUCTIONS = 3000, BUDGET = 15000 };
    Campaign c;
    BidLog log;
    make_bid_log(&c, &log, 10);
    Bidder b = bidder_of(BIDDER_LAGRANGIAN, &c, AUCTIONS, BUDGET, 39);
    const BidderReplay open = bidder_replay(&b, &log);
    b.limit = 0.6 * (double)open.cost / open.value;
    const BidderReplay limited = bidder_replay(&b, &log);
    assert_true((double)limited.cost / limited.value < 1.1 * b.limit);
    assert_true(auction_score(limited.value, (double)limited.cost, b.limit) >
                auction_score(open.value, (double)open.cost, b.limit));
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replay_is_one_episode_after_another),
        cmocka_unit_test(budgets_are_kept),
        cmocka_unit_test(pacing_repairs_a_bad_base),
        cmocka_unit_test(the_lagrangian_keeps_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

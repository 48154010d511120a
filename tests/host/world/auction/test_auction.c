/* SPDX-License-Identifier: Apache-2.0 */
/* The mechanism of auctions, and the score of AuctionNet. */
#include "test.h"

#include "world/auction/auction.h"

/* The bids of five bidders: the second and the fifth are equal, the third takes no part. */
static const double bid[] = {3.0, 7.0, 0.0, 5.0, 7.0};

static void assert_slot(AuctionSlot have, int bidder, double price)
{
    assert_int_equal(have.bidder, bidder);
    assert_near(have.price, price, 0.0);
}

static void one_slot_sells_at_the_second_price(void **state)
{
    (void)state;
    const AuctionRules one = auction_second_price();
    AuctionSlot slot[AUCTION_SLOTS_MAX];
    auction_run(&one, bid, 5, slot);
    assert_slot(slot[0], 1, 7.0); /* of equal bids the first wins */
}

static void each_slot_sells_at_the_next_bid(void **state)
{
    (void)state;
    const AuctionRules three = auction_three_slots();
    AuctionSlot slot[AUCTION_SLOTS_MAX];
    auction_run(&three, bid, 5, slot);
    assert_slot(slot[0], 1, 7.0);
    assert_slot(slot[1], 4, 5.0);
    assert_slot(slot[2], 3, 3.0);
}

static void slots_without_bids_stay_empty(void **state)
{
    (void)state;
    const AuctionRules three = auction_three_slots();
    AuctionSlot slot[AUCTION_SLOTS_MAX];
    auction_run(&three, bid, 2, slot);
    assert_slot(slot[0], 1, 3.0);
    assert_slot(slot[1], 0, 0.0); /* nobody bids below */
    assert_slot(slot[2], -1, 0.0);
}

static void a_reserve_is_the_least_price(void **state)
{
    (void)state;
    AuctionRules reserved = auction_three_slots();
    AuctionSlot slot[AUCTION_SLOTS_MAX];
    reserved.reserve = 4.0;
    auction_run(&reserved, bid, 5, slot);
    assert_slot(slot[2], 3, 4.0);
    auction_run(&reserved, bid, 1, slot);
    assert_slot(slot[0], -1, 0.0);
}

/* Bidder b ranks behind those that bid more, and behind equal ones before it. */
static void slots_go_by_rank(void **state)
{
    (void)state;
    for (uint32_t trial = 0; trial < 2000; trial++) {
        AuctionRules rules = {.slots = 1 + (int)(trial % AUCTION_SLOTS_MAX),
                              .reserve = trial % 3 ? 2.0 : 0.0};
        const int bidders = (int)(trial % 23);
        double bids[23];
        AuctionSlot slot[AUCTION_SLOTS_MAX];
        for (int b = 0; b < bidders; b++) bids[b] = philox(1, trial, (uint64_t)b).word[0] % 9;
        auction_run(&rules, bids, bidders, slot);
        int taken = 0;
        for (int b = 0; b < bidders; b++) {
            int rank = 0;
            double below = rules.reserve;
            for (int o = 0; o < bidders; o++) {
                const bool ahead = bids[o] > bids[b] || (bids[o] == bids[b] && o < b);
                rank += ahead;
                if (o != b && !ahead && bids[o] > below) below = bids[o];
            }
            if (!(bids[b] > 0.0 && bids[b] >= rules.reserve) || rank >= rules.slots) continue;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slot_sells_at_the_second_price),
        cmocka_unit_test(each_slot_sells_at_the_next_bid),
        cmocka_unit_test(slots_without_bids_stay_empty),
        cmocka_unit_test(a_reserve_is_the_least_price),
        cmocka_unit_test(slots_go_by_rank),
        cmocka_unit_test(scores_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

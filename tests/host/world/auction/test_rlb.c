/* SPDX-License-Identifier: Apache-2.0 */
/* The optimal bidder against the definition of its value, and against what its bids win. */
#include "bid_log_case.h"

#include "world/auction/rlb.h"

/* V by its definition, in long double: the best of all bids a, from the outcomes of each. */
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
    static const struct {
        int auctions, budget, highest;
    } cases[] = {{50, 200, 39}, {20, 30, 100}, {7, 500, 20}, {1, 9, 5}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int auctions = cases[k].auctions, budget = cases[k].budget;
        const int highest = cases[k].highest;
        Campaign c;
        BidLog log;
        Rlb rlb;
        make_bid_log(&c, &log, 3);
        assert_ok(rlb_solve(&rlb, &c, auctions, budget, highest, 1));
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

/* The highest price at which winning is worth no less than keeping the money. */
static int bid_by_definition(const long double *v, int row, int left, int budget, int highest,
                             double value)
{
    int bid = 0;
    for (int a = 1; a <= budget && a <= highest; a++)
        if (value + v[(left - 1) * row + budget - a] >= v[(left - 1) * row + budget] - 1e-12L)
            bid = a;
    return bid;
}

static void bids_are_those_of_the_definition(void **state)
{
    (void)state;
    enum { AUCTIONS = 60, BUDGET = 150, HIGHEST = 39 };
    Campaign c;
    BidLog log;
    Rlb rlb;
    make_bid_log(&c, &log, 4);
    long double *v = malloc((size_t)AUCTIONS * (BUDGET + 1) * sizeof *v);
    by_definition(&c, AUCTIONS, BUDGET, HIGHEST, v);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS, BUDGET, HIGHEST, 1));
    int64_t between = 0;
    for (int i = 0; i < MADE_AUCTIONS; i++) {
        const int left = 1 + i % AUCTIONS, budget = i % (BUDGET + 1);
        const int want = bid_by_definition(v, BUDGET + 1, left, budget, HIGHEST, log.value[i]);
        assert_int_equal(rlb_bid(&rlb, left, budget, log.value[i]), want);
        between += want > 0 && want < HIGHEST;
    }
    assert_true(between > MADE_AUCTIONS / 2);
    free(v);
    rlb_close(&rlb);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

/* Episodes whose prices are drawn from the campaign's and whose values are all the mean: there V(N,
 * B) is the exact mean of the value won. A table of N + 1 auctions has V(0, .) .. V(N, .). */
static void the_value_is_what_the_bids_win(void **state)
{
    (void)state;
    enum { AUCTIONS = 50, BUDGET = 120, HIGHEST = 39, EPISODES = 20000 };
    Campaign c;
    BidLog log;
    Rlb rlb;
    make_bid_log(&c, &log, 5);
    assert_ok(rlb_solve(&rlb, &c, AUCTIONS + 1, BUDGET, HIGHEST, 1));
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
    make_bid_log(&c, &log, 7);
    for (int threads = 1; threads <= 3; threads++)
        assert_ok(rlb_solve(&rlb[threads - 1], &c, 80, 333, 39, threads));
    for (int i = 1; i < 3; i++)
        assert_memory_equal(rlb[0].value, rlb[i].value, 80 * 334 * sizeof(double));
    for (int i = 0; i < 3; i++) rlb_close(&rlb[i]);
    bid_log_close(&log);
    bid_log_campaign_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rlb_is_the_optimum),
        cmocka_unit_test(bids_are_those_of_the_definition),
        cmocka_unit_test(the_value_is_what_the_bids_win),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

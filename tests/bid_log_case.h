/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up bid log for tests, and the campaign that is counted from it. */
#ifndef SOUK_TEST_BID_LOG_CASE_H
#define SOUK_TEST_BID_LOG_CASE_H

#include "test.h"
#include "world/auction/bid_log.h"

enum { MADE_PRICES = 40, MADE_AUCTIONS = 3000 };

/* Prices have a lump, as real ones do; about one auction in fifteen has a click. */
static inline void make_bid_log(Campaign *c, BidLog *log, uint64_t seed)
{
    assert_ok(bid_log_allocate(log, MADE_AUCTIONS));
    log->auctions = MADE_AUCTIONS;
    for (int i = 0; i < MADE_AUCTIONS; i++) {
        const Philox p = philox(seed, 0, (uint64_t)i);
        const uint32_t spread = p.word[0] % 3 ? MADE_PRICES : 9;
        log->price[i] = (int32_t)(p.word[1] % spread);
        log->value[i] = 0.2 * (p.word[2] * 0x1p-32) * (p.word[2] * 0x1p-32) + 1e-3;
        log->click[i] = p.word[3] * 0x1p-32 < log->value[i];
    }
    assert_ok(bid_log_campaign_count(c, log));
}

#endif

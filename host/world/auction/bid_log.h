/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of real auctions, in which bidders of this folder bid again, and statistics of a campaign's
 * past.
 *
 * A log has the price of each auction, whether there was a click, and the predicted probability of
 * a click. Cai et al. (WSDM 2017) use the logs of iPinYou in this form. A log has only auctions
 * that its own bidder won, so no price is above the bid of that time.
 */
#ifndef SOUK_BID_LOG_H
#define SOUK_BID_LOG_H

#include <stdint.h>

#include "base/status.h"

typedef struct {
    int64_t auctions;
    int32_t *price; /* [auctions] the second price: a bid at or above it wins and pays it */
    double *value;  /* [auctions] predicted probability of a click */
    uint8_t *click; /* [auctions] 0 or 1 */
} BidLog;

/* Reads rows `click price value`, separated by blanks or tabs, without a header; a row may have
 * further fields. The file may be compressed. Reads at most `rows` rows; 0: all. The message of
 * ERR_FORMAT names file and row. */
Status bid_log_read(BidLog *log, const char *path, int64_t rows);
/* Allocates memory for `rows` auctions; the log has none yet. */
Status bid_log_allocate(BidLog *log, int64_t rows);
void bid_log_close(BidLog *log); /* safe on {0} */

/* Statistics of the past of a campaign. */
typedef struct {
    double impressions, clicks, cost;
    int prices;    /* prices are 0 .. prices-1 */
    double *price; /* [prices] P(price), from counts + 1 (Laplace); their sum is 1 */
} Campaign;

/* Reads JSON with imp_train, clk_train, cost_train and price_counter_train[price]. */
Status bid_log_campaign_read(Campaign *campaign, const char *path);
/* Computes the same numbers from a log. Prices are 0 .. the highest price of the log. */
Status bid_log_campaign_count(Campaign *campaign, const BidLog *log);
void bid_log_campaign_close(Campaign *campaign); /* safe on {0} */

#endif

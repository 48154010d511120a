/* A log of auctions to bid in again: what each cost, whether it was clicked, how likely a click was
 * predicted; and what the bidder knew of the campaign before, from its own past. iPinYou's logs, as
 * Cai et al. (WSDM 2017) use them, are such. Only auctions that were won are in a log, so prices
 * stop at the bids that the log was made with. */
#ifndef SOUK_BID_LOG_H
#define SOUK_BID_LOG_H

#include <stdint.h>

#include "base/status.h"

typedef struct {
    int64_t auctions;
    int32_t *price; /* [auctions] the second price: a bid that is not below it wins and pays it */
    double *value;  /* [auctions] predicted probability of a click */
    uint8_t *click; /* [auctions] */
} BidLog;

/* Rows `click price value`, separated by blanks or tabs, without a header; further fields are not
 * read. Plain or compressed. At most `rows` of them, 0: all. ERR_FORMAT names file and row. */
Status bid_log_read(BidLog *log, const char *path, int64_t rows);
/* Room for `rows` auctions, none of them there yet. */
Status bid_log_allocate(BidLog *log, int64_t rows);
void bid_log_close(BidLog *log); /* safe on {0} */

/* The past of a campaign. */
typedef struct {
    double impressions, clicks, cost;
    int prices;    /* prices are 0 .. prices-1 */
    double *price; /* [prices] P(price), of counts + 1 each (Laplace): sum 1 */
} Campaign;

/* JSON with imp_train, clk_train, cost_train and price_counter_train[price]. */
Status bid_log_campaign_read(Campaign *campaign, const char *path);
/* The same, counted from a log; prices 0 .. its highest. */
Status bid_log_campaign_count(Campaign *campaign, const BidLog *log);
void bid_log_campaign_close(Campaign *campaign); /* safe on {0} */

#endif

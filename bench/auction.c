/* SPDX-License-Identifier: Apache-2.0 */
/* Replays campaign 2997 of iPinYou as Cai et al. (WSDM 2017) do and holds impressions, clicks and
 * cost against what is published, exactly: bench_auction LOG INFO JSON. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "world/auction/bidder.h"

enum { ROWS = 350000, AUCTIONS = 1000, HIGHEST = 300 };
#define SHARE       (1.0 / 32.0)
#define LINEAR_BASE 10.0

/* github.com/han-cai/rlb-dp, README: N = 1000, c0 = 1/32. */
static const struct {
    int64_t impressions, clicks, cost;
} published[BIDDERS] = {[BIDDER_LINEAR] = {32208, 71, 203610},
                        [BIDDER_MAX_ECPC] = {14752, 48, 307751},
                        [BIDDER_RLB] = {39680, 78, 304375},
                        [BIDDER_SS_MDP] = {40395, 80, 306637}};

/* Returns the number of bidders that differ from the published ones. */
static int compare(const BidLog *log, const Campaign *past, const Rlb *rlb, json_t *rows)
{
    int differ = 0;
    printf("%-12s %12s %8s %10s %10s  %s\n", "bidder", "impressions", "clicks", "cost", "value",
           "published");
    for (BidderKind kind = 0; kind < BIDDERS; kind++) {
        Bidder b = bidder_of(kind, past, AUCTIONS, rlb->budget, HIGHEST);
        if (kind != BIDDER_MAX_ECPC) b.base = LINEAR_BASE;
        b.rlb = rlb;
        const BidderReplay r = bidder_replay(&b, log);
        const bool known = published[kind].impressions > 0;
        const bool equal = known && r.impressions == published[kind].impressions &&
                           r.clicks == published[kind].clicks && r.cost == published[kind].cost;
        differ += known && !equal;
        printf("%-12s %12" PRId64 " %8" PRId64 " %10" PRId64 " %10.2f  %s\n", bidder_name[kind],
               r.impressions, r.clicks, r.cost, r.value,
               !known  ? "-"
               : equal ? "equal"
                       : "DIFFERS");
        json_array_append_new(
            rows, json_pack("{s:s, s:I, s:I, s:I, s:f, s:o}", "bidder", bidder_name[kind],
                            "impressions", (json_int_t)r.impressions, "clicks",
                            (json_int_t)r.clicks, "cost", (json_int_t)r.cost, "value", r.value,
                            "as_published", known ? json_boolean(equal) : json_null()));
    }
    return differ;
}

static Status run(char **argument, int *differ)
{
    BidLog log;
    Campaign past;
    Rlb rlb;
    TRY(bid_log_read(&log, argument[1], ROWS));
    TRY(bid_log_campaign_read(&past, argument[2]));
    const int budget = (int)(past.cost / past.impressions * SHARE * AUCTIONS);
    const double started = omp_get_wtime();
    TRY(rlb_solve(&rlb, &past, AUCTIONS, budget, HIGHEST, 0));
    const double seconds = omp_get_wtime() - started;
    printf("%" PRId64 " auctions, %d an episode, budget %d; the dynamic program took %.3f s\n",
           log.auctions, AUCTIONS, budget, seconds);
    json_t *rows = json_array();
    *differ = compare(&log, &past, &rlb, rows);
    json_t *root = json_pack("{s:I, s:i, s:f, s:o}", "auctions", (json_int_t)log.auctions, "budget",
                             budget, "solve_seconds", seconds, "bidders", rows);
    const int failed = json_dump_file(root, argument[3], JSON_INDENT(2));
    json_decref(root);
    rlb_close(&rlb);
    bid_log_campaign_close(&past);
    bid_log_close(&log);
    return failed ? FAIL(ERR_IO, "%s: cannot write: %s", argument[3], strerror(errno)) : OK;
}

int main(int argc, char **argv)
{
    int differ = 0;
    if (argc != 4) return fputs("usage: bench_auction LOG INFO JSON\n", stderr), 2;
    if (run(argv, &differ) == OK) return differ > 0;
    fprintf(stderr, "bench_auction: %s\n", status_message());
    return 1;
}

#include "world/auction_world.h"

#include <math.h>

enum { TIMES = 3, PACES = 3, VALUES = 8 };
static const char *const time_name[] = {"first", "middle", "last"};
static const char *const pace_name[] = {"behind", "even", "ahead"};
#define AHEAD 1.25 /* pace above: more money left than time; below 1/AHEAD: less */

/* Column k is the value 2^((k - 4) / 2) v', and those nearer to it than to the others. */
static double value_of(int column) { return exp2((column - 4) * 0.5); }

static int column_of(double value)
{
    const double column = round(2.0 * log2(fmax(value, 1e-9)) + 4.0);
    return column < 0.0 ? 0 : column >= VALUES ? VALUES - 1 : (int)column;
}

typedef struct {
    double sum[TIMES][PACES][VALUES];
    int64_t count[TIMES][PACES][VALUES];
} Curve;

/* A choice held for one auction is a bid for the value that was seen; one held for more is a bid for
 * every value. */
static void add(Curve *c, const AuctionHouse *h, const WorldEvent *seen, int32_t item)
{
    const double left = seen->number[AUCTION_AUCTIONS_LEFT] / h->auctions;
    const int time = left > 2.0 / 3.0 ? 0 : left > 1.0 / 3.0 ? 1 : 2;
    const double pace = seen->number[AUCTION_PACE];
    const int at = pace < 1.0 / AHEAD ? 0 : pace <= AHEAD ? 1 : 2;
    const int only = h->period == 1 ? column_of(seen->number[AUCTION_VALUE]) : -1;
    for (int k = 0; k < VALUES; k++) {
        if (only >= 0 && k != only) continue;
        const double value = only >= 0 ? seen->number[AUCTION_VALUE] : value_of(k);
        c->sum[time][at][k] += auction_bid(h, item, value * h->past_value);
        c->count[time][at][k]++;
    }
}

Status auction_print(const World *w, const WorldEvent *seen, const int32_t *item, int64_t count,
                     FILE *out)
{
    const AuctionHouse *h = w->parameters;
    Curve c = {0};
    for (int64_t i = 0; i < count; i++) add(&c, h, &seen[i], item[i]);
    fputs("mean bid, by value (in mean values), third of the episode, and money against time\n",
          out);
    fprintf(out, "%-8s %-8s", "time", "money");
    for (int k = 0; k < VALUES; k++) fprintf(out, "%8.2f", value_of(k));
    fputc('\n', out);
    for (int t = 0; t < TIMES; t++)
        for (int p = 0; p < PACES; p++) {
            fprintf(out, "%-8s %-8s", time_name[t], pace_name[p]);
            for (int k = 0; k < VALUES; k++)
                if (c.count[t][p][k])
                    fprintf(out, "%8.1f", c.sum[t][p][k] / (double)c.count[t][p][k]);
                else
                    fprintf(out, "%8s", ".");
            fputc('\n', out);
        }
    return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/curve.h"

#include <math.h>

#include "base/files.h"
#include "base/plot.h"
#include "world/auction/house.h"

enum { TIMES = 3, PACES = 3, VALUES = 8 };
static const char *const time_name[] = {"first", "middle", "last"};
static const char *const pace_name[] = {"behind", "even", "ahead"};
/* Above this pace, more money than time is left ("ahead"); below 1/AHEAD, less ("behind"). */
#define AHEAD 1.25

/* Column k has the bids for values near 2^((k - 4) / 2) v': those that are nearer to it than to the
 * values of other columns. */
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

/* A choice that holds for one auction is one bid, for the value that was seen. A choice that holds
 * for more auctions is a bid for every value. */
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
        c->sum[time][at][k] += auction_house_bid(h, item, value * h->past_value);
        c->count[time][at][k]++;
    }
}

static Curve curve_of(const AuctionHouse *h, const WorldEvent *event, int64_t count)
{
    Curve c = {0};
    for (int64_t i = 0; i < count; i++)
        if (world_precedes_choice(event, count, i)) add(&c, h, &event[i], event[i + 1].item);
    return c;
}

Status auction_curve_print(const World *w, const WorldEvent *event, int64_t count, FILE *out)
{
    const Curve c = curve_of(w->parameters, event, count);
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

/* ---- As a plot ------------------------------------------------------------------------------- */

/* One block of lines "value bid choices" for each time and pace, in order, with two empty lines
 * between. */
static Status write_data(const void *content, FILE *out)
{
    const Curve *c = content;
    for (int t = 0; t < TIMES; t++)
        for (int p = 0; p < PACES; p++) {
            fprintf(out, "# time %s, money %s: value, in mean values; mean bid; choices\n",
                    time_name[t], pace_name[p]);
            for (int k = 0; k < VALUES; k++) {
                const double choices = (double)c->count[t][p][k];
                fprintf(out, "%.4f %.9g %.0f\n", value_of(k),
                        choices > 0.0 ? c->sum[t][p][k] / choices : (double)NAN, choices);
            }
            fputs("\n\n", out);
        }
    return OK;
}

/* File names are relative, as gnuplot runs in the folder. */
static Status write_script(const void *content, FILE *out)
{
    const char *name = content;
    fprintf(out,
            "set terminal svg size 1000,400 background rgb 'white'\n"
            "set output '%s.svg'\n"
            "set multiplot layout 1,%d title 'bids of %s' noenhanced\n"
            "set logscale xy 2\nset xlabel 'value, in mean values'\nset key top left\n"
            "set grid\nset ylabel 'mean bid'\n",
            name, TIMES, name);
    for (int t = 0; t < TIMES; t++) {
        fprintf(out, "set title '%s third of the auctions'\nplot", time_name[t]);
        for (int p = 0; p < PACES; p++)
            fprintf(out, "%s '%s.dat' index %d using 1:2 with linespoints lw 2 title 'money %s'",
                    p ? "," : "", name, t * PACES + p, pace_name[p]);
        fputc('\n', out);
    }
    fputs("unset multiplot\n", out);
    return OK;
}

Status auction_curve_plot(const World *w, const WorldEvent *event, int64_t count,
                          const char *folder, const char *name)
{
    const Curve c = curve_of(w->parameters, event, count);
    char path[4096], script[160];
    snprintf(path, sizeof path, "%s/%s.dat", folder, name);
    TRY(files_atomic_write(path, write_data, &c));
    snprintf(script, sizeof script, "%s.gp", name);
    snprintf(path, sizeof path, "%s/%s", folder, script);
    TRY(files_atomic_write(path, write_script, name));
    plot_draw(folder, script);
    return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* All bars of a log, each with its best settings, and the best of all.
 *
 * Settings are chosen on the validation split: of a small grid the one with the greatest NDCG@10
 * (ties: the first), and of all bars likewise the best. Bars count train events alone, here and
 * when they rank the test split, unless bars_recount lets them count what a model counts that they
 * are compared with. The grids:
 *
 *   co-occurrence, alone or behind the last item or the history
 *             weight of pairs backwards 1/2 or 1; power of popularity 1/2, 1/4 or 0
 *   V-SKNN    neighbours 100 or 500, w(d) linear or harmonic, idf 0 or 5
 *   ItemKNN   shrink 0, 10 or 100; neighbours 50 or 200; the last item or the whole history
 *   EASE      lambda 10, 50 or 250
 *
 * The time of EASE grows with the cube of its items: where there are more than 8,000, lambda is
 * chosen with the 8,000 most popular ones, and all are fitted once. EASE is left out where more
 * than EASE_ITEMS_MAX items occur together with others in train, or where it would take more than
 * half of the memory of the machine.
 */
#ifndef SOUK_BARS_H
#define SOUK_BARS_H

#include "evaluate/ranking/bars/counter.h"
#include "evaluate/ranking/bars/ease.h"
#include "evaluate/ranking/bars/itemknn.h"
#include "evaluate/ranking/bars/vsknn.h"

enum { BAR_VSKNN = COUNTER_BARS, BAR_ITEMKNN, BAR_EASE, BARS };

typedef struct {
    bool include_seen;  /* as the ranking that the bars are for */
    bool counters_only; /* the six counters, which are fast */
    int64_t sample;     /* validation users that decide, drawn by Philox(0); 0: all */
    int threads;        /* >= 1; results do not depend on it */
    Listener *listener;
} BarsOptions;

typedef struct {
    char settings[64];  /* in words; "": the bar has none */
    char left_out[128]; /* why the bar is not there; "": it is */
    double validation;  /* NDCG@10; NaN without validation events */
    Bar bar;
} FittedBar;

typedef struct {
    Popularity popularity;
    Counter counter;
    Sets sets;
    ItemKnn itemknn;
    Ease ease;
    FittedBar bar[BARS];   /* by COUNTER_... and BAR_... */
    int bars;              /* BARS, or COUNTER_BARS where only they were wanted */
    double shrink, lambda; /* of ItemKNN and EASE, as chosen */
    int best;              /* co-occurrence where there are no validation events */
    int64_t events, users; /* validation events that decided, and their users */
} Bars;

/* `validation` is the histories of a log with the validation split under evaluation. */
Status bars_fit(Bars *b, const Histories *validation, const BarsOptions *options);
/* Let fitted bars count the train events of `h` instead, which may be more of the same log. Their
 * settings, and the best bar, stay as they were chosen; but EASE may now have to be left out. */
Status bars_recount(Bars *b, const Histories *h, int threads);
void bars_close(Bars *b); /* safe on {0} */

#endif

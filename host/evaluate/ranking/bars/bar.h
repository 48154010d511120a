/* SPDX-License-Identifier: Apache-2.0 */
/* A bar is a simple scorer that a model has to beat. This module ranks the catalogue by the scores
 * of any bar; a bar is one function, which adds up the scores for one history.
 *
 * Scores are exact over the whole catalogue, but only items that the bar touches are computed. The
 * others have score 0, below every touched item of a bar that is not dense; among themselves they
 * all tie or, where the bar says so, are in order of popularity, and are counted by their ranks of
 * popularity. So an event takes time proportional to the touched items and to the history, not to
 * the catalogue.
 *
 * Ties at the distance of rounding. Two scores tie where they differ by at most BAR_TIE times the
 * greater of their magnitudes. A score is a sum of n terms of one sign, each right to a few units
 * in the last place 2^-53; whatever the order of the terms, its relative error is at most about (n
 * + 4) 2^-53, that is 2^-37 for n = 2^16. So two scores whose exact values are equal differ by at
 * most 2^-36. A bar with terms of both signs gives a tie of its own.
 *
 * Users are ranked in parallel; the results do not depend on the number of threads.
 */
#ifndef SOUK_BAR_H
#define SOUK_BAR_H

#include "evaluate/ranking/bars/popularity.h"
#include "evaluate/ranking/scorer.h"

#define BAR_TIE 0x1p-36

/* The history of an event: item[0 .. length-1], the earliest first, of the log's user `user`. */
typedef struct {
    const int32_t *item;
    int64_t length; /* >= 1 */
    int64_t user;
} BarHistory;

/* The memory of one thread. Between events `score` is zero and nothing is touched. */
typedef struct {
    double *score;    /* [items] */
    int32_t *touched; /* [touches] items with a score */
    int32_t touches;
    uint8_t *seen;    /* [items] 1: in the history, whose items are no candidates */
    int32_t *history; /* [distinct] the items with seen = 1 */
    int32_t distinct;
    int32_t *recent; /* [items] for bar_recent */
    int64_t *stamp;  /* [items] for bar_recent: the last call that met the item */
    int64_t stamps;
    void *own; /* of the bar's kind, from Bar.scratch_open */
} BarScratch;

typedef struct Bar Bar;
struct Bar {
    const char *name;
    const Popularity *popularity;
    bool popular; /* untouched items, and equal scores, are in order of popularity */
    bool dense;   /* every item is touched, and scores may have either sign */
    double tie;   /* 0: BAR_TIE */
    const void *state;
    int kind;
    double parameter[3];
    /* Adds up the scores of a history: by bar_touch or, in a dense bar, as score [items]. */
    void (*score)(const Bar *self, BarScratch *s, const BarHistory *h);
    /* The memory that a thread needs beside BarScratch; both NULL: none. */
    void *(*scratch_open)(const Bar *self);
    void (*scratch_close)(void *own);
};

static inline void bar_touch(BarScratch *s, int32_t y, double add)
{
    if (s->score[y] == 0.0) s->touched[s->touches++] = y;
    s->score[y] += add;
}

/* The distinct items of the last `reach` events of a history, the latest first, in s->recent;
 * returns how many there are. */
int32_t bar_recent(BarScratch *s, const BarHistory *h, int64_t reach);

/* A scorer that ranks by a bar, which must outlive it. */
Scorer bar_scorer(const Bar *bar);

#endif

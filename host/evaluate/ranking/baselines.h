/* The four baselines that every ranking is shown beside. They count train events only; popularity
 * pop(y) is the number of train events of y, whatever their action. With x_{-d} the d-th last item
 * of the history (d = 0 the last), score(y) is
 *
 *   popularity       pop(y)
 *   last item        y = x_{-0} first, the others by pop(y)
 *   markov           number of times that y followed x_{-0} at once; ties by pop(y)
 *   co-occurrence    sum_{d < 20} co[x_{-d}][y] / (1 + d) / sqrt(1 + pop(y)), where each pair of
 * events of a train history with y coming g <= 20 events after x adds 1/g to co[x][y] and 1/2 1/g
 * to co[y][x]
 *
 * co-occurrence is the bar: on Amazon reviews (5-core, leave-one-out, seen items filtered) it ranks
 * above published neural recommenders: Beauty NDCG@10 .0489 against SASRec .0318, S3-Rec .0327.
 *
 * Scores are exact over the whole catalogue but sparse: only items with a nonzero count are
 * touched; the rest is one tie (co-occurrence) or in order of popularity (the others), counted by
 * ranks of popularity. Work an event: the touched rows and the history, never the catalogue.
 */
#ifndef SOUK_BASELINES_H
#define SOUK_BASELINES_H

#include "evaluate/ranking/pairs.h"
#include "evaluate/ranking/scorer.h"

enum { BASELINE_POPULARITY, BASELINE_LAST_ITEM, BASELINE_MARKOV, BASELINE_COOCCURRENCE, BASELINES };

typedef struct {
    int32_t items;
    int64_t *popularity;  /* [items] */
    int32_t *order;       /* [items] by popularity, greatest first; ties by lower number */
    int32_t *rank;        /* [items] items more popular than this one */
    int32_t *peers;       /* [items] items of its popularity, itself included */
    PairTable next, near; /* markov, co-occurrence */
} Baselines;

Status baselines_fit(Baselines *b, const Histories *h, int threads);
void baselines_close(Baselines *b); /* safe on {0} */

/* BASELINES scorers over `b`, which must outlive them. */
void baselines_scorers(const Baselines *b, Scorer *out);

#endif

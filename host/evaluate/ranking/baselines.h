/* SPDX-License-Identifier: Apache-2.0 */
/* The four baselines that every ranking is compared with. They count train events only; pop(y) is
 * the number of train events of item y, of any action. With x_{-d} the d-th last item of the
 * history (d = 0 is the last), the score of y is
 *
 *   popularity       pop(y)
 *   last item        x_{-0} comes first, the others by pop(y)
 *   markov           the number of times that y followed x_{-0} immediately; ties by pop(y)
 *   co-occurrence    sum_{d < 20} co[x_{-d}][y] / (1 + d) / sqrt(1 + pop(y)), where each pair of
 *                    events of a train history, y coming g <= 20 events after x, adds 1/g to
 *                    co[x][y] and 1/2 1/g to co[y][x]
 *
 * co-occurrence is the strongest. On Amazon reviews (5-core, leave-one-out, seen items filtered) it
 * ranks better than published neural recommenders: Beauty NDCG@10 .0489, against SASRec .0318 and
 * S3-Rec .0327.
 *
 * Scores are exact over the whole catalogue but sparse: only items with a nonzero count are
 * computed. The other items are all tied (co-occurrence) or in order of popularity (the other
 * baselines), and are counted by their ranks of popularity. An event takes time proportional to the
 * rows of counts that are read and to the history, never to the catalogue.
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
    int32_t *rank;        /* [items] how many items are more popular */
    int32_t *peers;       /* [items] how many items have its popularity, itself included */
    PairTable next, near; /* for markov and co-occurrence */
} Baselines;

Status baselines_fit(Baselines *b, const Histories *h, int threads);
void baselines_close(Baselines *b); /* safe on {0} */

/* Fills out [BASELINES]; `b` must outlive the scorers. */
void baselines_scorers(const Baselines *b, Scorer *out);

#endif

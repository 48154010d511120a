/* SPDX-License-Identifier: Apache-2.0 */
/* What the model's count table (counts/table.h) knows of an item after the items of a history: in
 * the words of a person, "in 312 of the 4,410 events of X, Y came next".
 *
 * Only the last COUNT_HISTORY events of the context count, as for the candidates, and of an item
 * that is among them several times the latest event. Where the table counts the user's own events,
 * they are left out of the numbers, as candidates.h does. The strength of a pair is its share in
 * the prior by which counting proposes items, (F' + B' / 2) / (1 + d), d events before the last.
 */
#ifndef SOUK_EXPLAIN_EVIDENCE_H
#define SOUK_EXPLAIN_EVIDENCE_H

#include "infer/history.h"

enum { EVIDENCE_MOST = 3 };

typedef struct {
    int64_t event;        /* of the history: its number, */
    int32_t item;         /*    its item X, */
    double times;         /*    and how many counted events X has */
    double next;          /* how often Y came directly after X, at most `times` */
    double after, before; /* sums of the weights of the pairs with Y at g <= COUNT_GAP events after,
                             before X (counts/pair.h) */
} ExplainEvidence;

/* The strongest evidence for `item`, by falling strength, into out [EVIDENCE_MOST]. *found is how
 * many there are, 0 for a model without a count table. `recent` are the last events of the history
 * in memory (history_copy); the first of them has the number `first` in the history. */
Status explain_evidence(Session *s, const History *recent, int64_t first, int32_t item,
                        ExplainEvidence out[EVIDENCE_MOST], int *found);

#endif

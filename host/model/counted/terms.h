/* SPDX-License-Identifier: Apache-2.0 */
/* The terms that a candidate's score r by the counted half is the sum of, for people who ask why an
 * item has its score. With the names of model/counted/scores.h, calibrated where the states are:
 *
 *   TERM_STATE        b[i]: how much is left to counts in this state, for all candidates alike
 *   TERM_TASTE        beta <u[i], E[S_j]>: the dense half's opinion of the item
 *   TERM_TOGETHER     <linear, f> over features 0 to 4, 6 and 7: what other histories have around
 *                     the items of this one
 *   TERM_POPULARITY   the same of feature 5
 *   TERM_SEEN         the same of features 8 to 12: the item is in the history
 *   TERM_NETWORK      <out, max(0, n[i, j])>: all features together, and with the state
 *   TERM_POINTER      ptr[i, j]: attention to the events of the item in the history
 *
 * The terms are sums in double of the f32 numbers that r is made of. So they add up to r but for
 * the rounding of r itself, which is a sum of some 70 products in f32.
 */
#ifndef SOUK_COUNTED_TERMS_H
#define SOUK_COUNTED_TERMS_H

#include "model/counted/scores.h"

typedef enum {
    TERM_STATE,
    TERM_TASTE,
    TERM_TOGETHER,
    TERM_POPULARITY,
    TERM_SEEN,
    TERM_NETWORK,
    TERM_POINTER,
    COUNTED_TERMS,
} CountedTerm;
extern const char *const counted_term_names[COUNTED_TERMS]; /* "state", "taste", … */

/* The terms of candidate j of row i of counted_scores(). Waits for the device; where it has failed
 * the terms mean nothing. */
void counted_terms(Device *dev, const Model *m, Weights w, const StateRows *s,
                   const CountedScores *c, int64_t i, int64_t j, double term[COUNTED_TERMS]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The shares of the kinds of events in the train split, of all items together and of each: what a
 * model of answers has to beat (evaluate/outcome/measure.h has the formula).
 */
#ifndef SOUK_OUTCOME_RATES_H
#define SOUK_OUTCOME_RATES_H

#include "evaluate/outcome/shown.h"

typedef struct {
    int64_t items, kinds;
    int64_t *count;  /* [items, kinds] events of the train split */
    int64_t *of_all; /* [kinds] */
    int64_t total;
    double strength;
} Rates;

/* Counts the train split, and chooses the strength by the validation split. */
Status rates_open(Rates *r, const Behaviour *b);
void rates_close(Rates *r); /* safe on {0} */

double rates_of_all(const Rates *r, int64_t kind);
double rates_of_item(const Rates *r, int32_t item, int64_t kind);

#endif

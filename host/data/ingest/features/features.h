/* SPDX-License-Identifier: Apache-2.0 */
/* Features of items, users and events: their values, and the constants that normalise them. */
#ifndef SOUK_INGEST_FEATURES_H
#define SOUK_INGEST_FEATURES_H

#include "data/ingest/stage.h"

/* Finds item_value, user_value and stats of the stage, and the report's counts of users, items,
 * events and episodes. Constants come from the train split only, or from a known catalogue; a scale
 * is 1 where all values are (nearly) equal. */
Status features_measure(Stage *stage);
/* (t(x) - center) / scale of a feature, where t is the identity or the signed logarithm
 * sign(x) log(1 + |x|). A missing x (NaN) has the result of the train median; with a known
 * catalogue, the result that a missing x has there. */
float features_normal(const Stage *stage, int feature, float x);

#endif

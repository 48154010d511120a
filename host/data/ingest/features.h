/* SPDX-License-Identifier: Apache-2.0 */
/* Features of items, users and events: their values, and the constants that normalise them. */
#ifndef SOUK_INGEST_FEATURES_H
#define SOUK_INGEST_FEATURES_H

#include "data/ingest/stage.h"

/* Finds item_value, user_value and stats of the stage, and the report's counts of users, items,
 * events and episodes. Constants come from the train split only. */
Status features_measure(Stage *stage);
/* (t(x) - mean) / std of a feature, where t is the identity or the signed logarithm
 * sign(x) log(1 + |x|). A missing x (NaN) counts as the train median. */
float features_normal(const Stage *stage, int feature, float x);
double features_mean(const Stage *stage, int feature);
double features_std(const Stage *stage, int feature); /* 1 where all values are (nearly) equal */
/* The table of all items' (or users') features; freed by features_free, also after a failure. */
Status features_table(const Stage *stage, Owner owner, FeatureSet *set);
void features_free(FeatureSet *set); /* safe on {0} */

#endif

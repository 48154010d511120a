/* SPDX-License-Identifier: Apache-2.0 */
/* The features of all items, or of all users, as the behaviour file has them. */
#ifndef SOUK_INGEST_FEATURES_TABLE_H
#define SOUK_INGEST_FEATURES_TABLE_H

#include "data/ingest/stage.h"

/* After features_measure, and with the key of pseudonyms. The names of categories in it live as
 * long as the stage. features_table_free frees it, also after a failure. */
Status features_table(const Stage *stage, Owner owner, FeatureSet *set);
void features_table_free(FeatureSet *set); /* safe on {0} */

#endif

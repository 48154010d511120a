/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a catalogue: the items' keys, features with their names and constants, and texts, in
 * the order of the rows. Files with the same hash share one catalogue, so that a model of one can
 * be used with the other. BLAKE2b, as identity/hash.h.
 */
#ifndef SOUK_BEHAVIOUR_CATALOGUE_HASH_H
#define SOUK_BEHAVIOUR_CATALOGUE_HASH_H

#include "data/behaviour/identity/hash.h"

/* item_key [items]; of the features, categories and numbers have their values. */
Status catalogue_hash(int64_t items, const char *const *item_key, const FeatureSet *features,
                      const ItemTexts *texts, char hex[HASH_TEXT]);
/* The same of an open file, from its data. */
Status catalogue_hash_of(Behaviour *b, char hex[HASH_TEXT]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The items' texts as sets of n-grams, for the behaviour file. The texts themselves are not stored.
 *
 * The n-grams of all text columns of an item are one set. They are hashed into 2^b buckets, four
 * for each item (b from 16 to 20); n-grams that fall into one bucket are one. An n-gram that only
 * one item has, or that more than half of the items have, says nothing about what items have in
 * common and is dropped. Of the others an item keeps at most BAG_MOST: first words, then pairs of
 * words, then runs of characters, each in the order of the texts.
 */
#ifndef SOUK_INGEST_BAGS_H
#define SOUK_INGEST_BAGS_H

#include "data/ingest/stage.h"

enum { BAG_MOST = 128 };

/* What the mapping calls texts, as sets: *texts is {0} where it has none, or no n-gram is left. The
 * report receives the counts. texts_close frees the result, also after a failure. */
Status bags_make(const Stage *stage, ItemTexts *texts);

#endif

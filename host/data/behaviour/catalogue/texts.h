/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of items in a behaviour file, as sets of n-grams: /catalogue/text_offset,
 * /catalogue/text and /catalogue/text_bucket (datasets/README.md). */
#ifndef SOUK_BEHAVIOUR_TEXTS_H
#define SOUK_BEHAVIOUR_TEXTS_H

#include <sodium.h>

#include "base/status.h"
#include "data/behaviour/put.h"
#include "data/behaviour/schema.h"

/* Reads, checks and indexes the texts of `items` items; *t is {0} where the file has none. `path`
 * names the file in messages. */
Status texts_read(ItemTexts *t, const char *path, hid_t file, int64_t items);
/* Makes row_offset and item from offset and row. */
Status texts_index(ItemTexts *t, const char *path, int64_t items);
/* The datasets, in the group /catalogue that there is; nothing where there are no texts. */
Status texts_put(const ItemTexts *t, PutFile *f, int64_t items);
/* Adds the texts to the hash of a catalogue; nothing where there are none. */
void texts_hash(const ItemTexts *t, int64_t items, crypto_generichash_state *state);
void texts_close(ItemTexts *t); /* safe on {0} */

#endif

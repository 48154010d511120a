/* SPDX-License-Identifier: Apache-2.0 */
/* The known catalogue: that of a model or of an earlier log, into which a later log is read
 * (souk ingest --catalogue). The file then has a catalogue that has grown: every item, kind of
 * event, category and n-gram keeps its row, whatever this log has of it, and what is new comes
 * behind. So a model of the known catalogue finds its rows again.
 *
 *   items       are found by their keys; they are not subject to the least number of events
 *   kinds       must be known, with the same reward, and be impressions or not as before: a model
 *               has weights for each, and a rule for what was taken
 *   features    must be the same, by name; a category's values are found by their names
 *   numbers     are scaled as before: the scales are frozen, and so is what a missing value means
 *   values      of an item are the newest of the train split of this log; else those known
 *   n-grams     are found by their hashes; those of an item stay while its texts say the same
 */
#ifndef SOUK_INGEST_KNOWN_H
#define SOUK_INGEST_KNOWN_H

#include "data/ingest/stage.h"

typedef struct Known {
    Behaviour file;                 /* with the names of its categories */
    int16_t action_of[ACTIONS_MAX]; /* of each kind of the log; -1: not known */
    /* Of each feature of the mapping: its kind, or the place of its number; of a number the place
     * of the column that flags missing values, -1: there is none. */
    int at[CELLS_MAX], flag[CELLS_MAX];
    int order[CELLS_MAX]; /* the features of the mapping, in the order of the file */
    uint8_t *changed;     /* [items] 1: the log has newer features of the item */
} Known;

/* Opens the catalogue, and gives its items the first ids of the dictionary. */
Status known_open(Stage *stage);
void known_close(Stage *stage);
/* Finds the kinds and features of the mapping, which is complete, in the catalogue. Fails, naming
 * it, where one is missing, or is another one. Only reads the mapping. */
Status known_agree(Stage *stage);
/* The kind that a row of the log at `path` has in the catalogue. */
Status known_action(const Stage *stage, const char *path, uint8_t action, uint8_t *known);
/* Gives the mapping the kinds of the catalogue, and puts its features in the catalogue's order.
 * Nothing may read the log by the mapping any more. */
void known_adopt(Stage *stage);

/* The catalogue's features of the owner. */
const FeatureSet *known_features(const Stage *stage, Owner owner);
/* Whether the catalogue knows a value of the feature of a known item. */
bool known_has(const Stage *stage, int feature, int64_t item);
/* The row of a known item in the categories of a feature, counted from the first row of its kind;
 * 0: unknown. */
int32_t known_category(const Stage *stage, int feature, int64_t item);
/* The number of a known item, normalised. */
float known_number(const Stage *stage, int feature, int64_t item);
/* Whether an item keeps the value of the catalogue, as the log has no newer one. */
bool known_stays(const Stage *stage, int feature, int64_t item, const KnownValue *value);
/* Notes that the log has another value of a known item. */
void known_note_change(const Stage *stage, int feature, int64_t item);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a training that begins with a model (train.from) gives the rows of its tables that the model
 * does not have, as the catalogue has grown since. Known rows are those of the model.
 *
 *   item.id, and the biases of heads over items, of a new item a: the mean of those of its known
 *     neighbours y in the count table, weighted by F(a, y) + B(a, y) / 2 (counts/table.h). Of an
 *     item without such a neighbour: where its features stand for it (model/cold.h), item.id is 0;
 *     else the mean over its categories of the mean of the known items of the category; without a
 *     category that known items have, the mean of all known items
 *   policy.bias, where there is a count table: log(popularity[a] + 1/2), which it starts at, and
 *     the mean over known items of how far theirs is from that
 *   item.category, user.category of a new value: the mean of the known values of the same kind
 *   item.text of a new n-gram: 0
 */
#ifndef SOUK_START_GROWN_H
#define SOUK_START_GROWN_H

#include "data/behaviour/catalogue/match.h"
#include "train/trainer.h"

/* Writes new rows of PARAM_VALUE. The count table must be that of the trainer's file. Memory of the
 * host: the table of item vectors, twice, and the count table on CUDA. */
Status grown_start(Trainer *t, const CatalogueMatch *match);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The item encoder: item id -> vector. The catalogue head scores against the same vectors.
 *
 *   E[a, :] = kept[a] id[a, :] + text[a, :] + sum_k category_table[category[a, k], :]
 *                              + sum_f numeric[a, f] numeric_weight[f, :]
 *
 * E is never stored when the catalogue has features: ops compute the rows they need. The gradient
 * of every use accumulates in did, which is dE so far (dE/did is kept). One call at the end of the
 * backward pass, items_features_backward, then gives the gradients of the shared parameters; where
 * ids were left out, the caller multiplies the rows of did by kept after it. The vectors of the
 * items' texts are stored, because a text has many n-grams: bag.h computes them from the table of
 * n-grams, and bag_backward gives the gradient of that table from did, before the rows of did are
 * multiplied.
 *
 *   id              [items, dim]       f32
 *   text            [items, dim]       f32                              optional (data NULL)
 *   category        [items, kinds]     i32, rows of category_table      optional
 *   category_table  [categories, dim]  f32                              with category
 *   numeric         [items, features]  f32, normalised                  optional
 *   numeric_weight  [features, dim]    f32                              with numeric
 *   kept            [items]            f32, 1 or 0: the id is left out  optional; only where there
 *                                                                       are features
 *
 * Shards. Ranks may share a catalogue by its rows. The table of a rank then has the rows of the
 * items first .. first + items - 1, in id, text, category and numeric, and so have did and a head's
 * bias; there are `total` items in all. What ops take or return as an item is its id in the whole
 * catalogue, on every shard. The functions below treat an item of another shard as they treat an
 * absent one, with an id below 0; an id of `total` or more is a broken contract.
 */
#ifndef SOUK_ITEMS_H
#define SOUK_ITEMS_H

#include <inttypes.h>
#include <stdbool.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    Tensor id, text;
    Tensor category, category_table;
    Tensor numeric, numeric_weight;
    Tensor kept;          /* id_dropout.h makes it */
    int64_t first, total; /* the shard's first item, and all items; both 0: the table is whole */
} ItemTable;

static inline int64_t items_total(const ItemTable *t) { return t->total ? t->total : t->id.dim[0]; }
/* Whether the vectors are `id` itself: the items have no features. */
static inline bool items_are_ids(const ItemTable *t)
{
    return !t->text.data && !t->category.data && !t->numeric.data;
}
static inline bool items_are_all(const ItemTable *t) { return items_total(t) == t->id.dim[0]; }

/* Ops that need all items to finish a row abort on a shard: catalogue/merge.h has their partial
 * results. */
#define ITEMS_REQUIRE_ALL(t)                                                                       \
    REQUIRE(items_are_all(t), "the table has %" PRId64 " of %" PRId64 " items, want all of them",  \
            (t)->id.dim[0], (t)->total)

/* row[i] = ids[i] - first, and -1 where the item is absent or on another shard; i32 [rows]. On a
 * whole table the result is `ids` itself; on a shard it is in the caller's scratch. */
Tensor items_rows(Device *dev, const ItemTable *table, Tensor ids);
/* x[i] = 0 where item ids[i] is on another shard; x f32 [rows], in place. Does nothing on a whole
 * table. */
void items_mask(Device *dev, Tensor x, const ItemTable *table, Tensor ids);

/* y[i, :] = E[ids[i], :], 0 where there is no such item. y [rows, dim] f32 or bf16, overwritten;
 * ids [rows] i32. */
void items_gather(Device *dev, Tensor y, const ItemTable *table, Tensor ids);

/* The vectors of the table's rows first .. first+rows-1: a view of table->id where the catalogue
 * has no features, else computed into `space` [>= rows, dim], of which a view is returned. CPU
 * only, in the calling thread: the catalogue head asks for tiles inside its own parallel loops. */
Tensor items_range(const ItemTable *table, int64_t first, int64_t rows, Tensor space);

/* did[ids[i] - table->first, :] += dy[i, :], in order of i for each id: deterministic. Rows without
 * such an item are skipped. */
void items_gather_backward(Device *dev, Tensor did, Tensor dy, const ItemTable *table, Tensor ids);

/* dcategory_table += segment sums of did by category; dnumeric_weight += numeric^T did. Call it
 * once, when did is complete. Absent features are skipped. The gradients of the catalogue are the
 * sums of those of its shards. */
void items_features_backward(Device *dev, Tensor dcategory_table, Tensor dnumeric_weight,
                             Tensor did, const ItemTable *table);

/* The CUDA half, in items.cu. Call the functions above instead: they check shapes. items_range_cuda
 * is items_range into y [rows, dim], f32 or bf16; items_column_cuda: to [items] = category[:,
 * kind]. */
void items_rows_cuda(Device *dev, Tensor row, const ItemTable *table, Tensor ids);
void items_mask_cuda(Device *dev, Tensor x, const ItemTable *table, Tensor ids);
void items_gather_cuda(Device *dev, Tensor y, const ItemTable *table, Tensor row);
void items_range_cuda(Device *dev, Tensor y, const ItemTable *table, int64_t first);
void items_column_cuda(Device *dev, Tensor to, Tensor category, int64_t kind);

#ifdef __cplusplus
}
#endif
#endif

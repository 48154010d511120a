/* The item encoder: item id -> vector. The catalogue head scores against the same vectors.
 *
 *   E[a, :] = id[a, :] + sum_k category_table[category[a, k], :] + sum_f numeric[a, f]
 * numeric_weight[f, :]
 *
 * E is never stored when the catalogue has features: ops ask for the rows they need, and the
 * gradient of every use accumulates in did (since dE/did = 1, did is dE). One call at the end of
 * the backward pass, items_features_backward, then gives the gradients of the shared parameters.
 *
 *   id              [items, dim]       f32
 *   category        [items, kinds]     i32, rows of category_table      optional (data NULL)
 *   category_table  [categories, dim]  f32                              with category
 *   numeric         [items, features]  f32, normalised                  optional
 *   numeric_weight  [features, dim]    f32                              with numeric
 */
#ifndef SOUK_ITEMS_H
#define SOUK_ITEMS_H

#include <stdbool.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    Tensor id;
    Tensor category, category_table;
    Tensor numeric, numeric_weight;
} ItemTable;

/* y[i, :] = E[ids[i], :], 0 where ids[i] < 0. y [rows, dim] f32 or bf16, overwritten; ids [rows] i32, each
 * below items. */
void items_gather(Device *dev, Tensor y, const ItemTable *table, Tensor ids);

/* E[first .. first+rows-1, :]: a view of table->id where the catalogue has no features, else
 * computed into `space` [>= rows, dim], of which a view is returned. CPU only, in the calling
 * thread: the catalogue head asks for tiles inside its own parallel loops. */
Tensor items_range(const ItemTable *table, int64_t first, int64_t rows, Tensor space);

/* did[ids[i], :] += dy[i, :], in order of i for each id: deterministic. Rows with ids[i] < 0 are
 * skipped. */
void items_gather_backward(Device *dev, Tensor did, Tensor dy, Tensor ids);

/* dcategory_table += segment sums of did by category; dnumeric_weight += numeric^T did. Call once,
 * when did is complete. Absent features are skipped. */
void items_features_backward(Device *dev, Tensor dcategory_table, Tensor dnumeric_weight,
                             Tensor did, const ItemTable *table);

/* The CUDA half, in items.cu. Call the functions above instead: they check shapes. items_range_cuda is
 * items_range into y [rows, dim], f32 or bf16; items_column_cuda: to [items] = category[:, kind]. */
void items_gather_cuda(Device *dev, Tensor y, const ItemTable *table, Tensor ids);
void items_range_cuda(Device *dev, Tensor y, const ItemTable *table, int64_t first);
void items_column_cuda(Device *dev, Tensor to, Tensor category, int64_t kind);

#ifdef __cplusplus
}
#endif
#endif

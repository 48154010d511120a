/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over bags of rows of a table: the text of an item is a bag of n-grams.
 *
 *   m[b] = offset[b + 1] - offset[b]
 *   bag_forward    y[b, :] = 1 / sqrt(m[b]) sum_{offset[b] <= j < offset[b + 1]} table[row[j], :]
 *                  overwrites; 0 where the bag is empty
 *   bag_backward   dtable[r, :] += sum_{at[r] <= j < at[r + 1]} dy[bag[j], :] / sqrt(m[bag[j]])
 *                  accumulates
 *
 *   table, dtable   [rows, dim]   f32
 *   y, dy           [bags, dim]   f32
 *   offset          [bags + 1]    i64, ascending from 0 to the number of entries
 *   row             [entries]     i32, < rows; those of a bag ascend
 *   at              [rows + 1]    i64 \ the same entries by row: the bags of a row ascend
 *   bag             [entries]     i32 /
 *
 * With rows of independent numbers of one variance, y has this variance, whatever the size of the
 * bag.
 *
 * Deterministic: no sum has an order that depends on threads. On the CPU forward adds in f32 in the
 * order of the bag, backward in f64 in the order of the bags. On CUDA backward adds in f32, eight
 * strands of every eighth bag, then the strands in order. Scratch: on the CPU 8 dim bytes a thread.
 */
#ifndef SOUK_BAG_H
#define SOUK_BAG_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    Tensor offset, row; /* data NULL: there are no bags */
    Tensor at, bag;
} Bags;

void bag_forward(Device *dev, Tensor y, Tensor table, const Bags *bags);
void bag_backward(Device *dev, Tensor dtable, Tensor dy, const Bags *bags);

/* The CUDA half, in bag.cu. Call the functions above instead: they check shapes. */
void bag_forward_cuda(Device *dev, Tensor y, Tensor table, const Bags *bags);
void bag_backward_cuda(Device *dev, Tensor dtable, Tensor dy, const Bags *bags);

#ifdef __cplusplus
}
#endif
#endif

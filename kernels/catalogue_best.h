/* The best item of every row on the CPU: the part of catalogue_stats that asks for a maximum alone, without
 * which TD targets would spend more time on scores in the cache than on the products that make them.
 *
 *   max[i] = max_a z[i, a], argmax[i] the lowest item that has it        z: catalogue.h
 *
 * Scores never leave the registers: ROWS rows meet a panel of items, and the products are compared where
 * they were summed, each lane with the best it has seen. A score is the sum over dim in order, by fused
 * multiply-adds, plus the bias.
 *
 *   max   [rows]  f32, optional        argmax   [rows]  i32, optional        u   [rows, dim]  f32 or bf16
 *
 * Scores that are NaN never are the maximum; argmax is a valid item whatever the scores. Temporary memory
 * does not depend on rows or items. Deterministic for any number of threads.
 */
#ifndef SOUK_CATALOGUE_BEST_H
#define SOUK_CATALOGUE_BEST_H

#include "items.h"

void catalogue_best(Device *dev, Tensor max, Tensor argmax, Tensor u, const ItemTable *table,
                    Tensor bias);

#endif

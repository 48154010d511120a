/* The best item of every row on the CPU: the part of catalogue_stats that asks for a maximum alone, without
 * which TD targets would spend more time on scores in the cache than on the products that make them.
 *
 *   max[i] = max_a z[i, a], argmax[i] the lowest item that has it        z: catalogue.h
 *
 * Scores never leave the registers: ROWS rows meet a panel of items, and the products are compared where
 * they were summed, each lane with the best it has seen. A score is the sum over dim in order, by fused
 * multiply-adds where the processor has them, plus the bias. Items are laid out in panels once for up to 1024
 * rows: made for batches, not for a row at a time.
 *
 *   max   [rows]  f32, optional        argmax   [rows]  i32, optional        u   [rows, dim]  f32 or bf16
 *
 * Both overwrite. Scores that are NaN never are the maximum, which is -FLT_MAX where none is above that; argmax
 * is a valid item whatever the scores. Temporary memory does not depend on rows or items, but for a widened copy
 * of u where that is bf16; there the vectors of items are rounded to bf16 too. Deterministic for any number of
 * threads. Shapes are checked by catalogue_stats, which calls this.
 */
#ifndef SOUK_CATALOGUE_BEST_H
#define SOUK_CATALOGUE_BEST_H

#include "items.h"

void catalogue_best(Device *dev, Tensor max, Tensor argmax, Tensor u, const ItemTable *table,
                    Tensor bias);

#endif

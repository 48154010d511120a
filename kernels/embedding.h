/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table by id, and the gradient of the table.
 *
 *   embedding_add        y[i, :] += table[ids[i], :]                          accumulates
 *   embedding_backward   dtable[ids[i], :] += dy[i, :]                        accumulates
 *
 *   y, dy           [rows, dim]        f32 or bf16; rows may be 0
 *   table, dtable   [entries, dim]     f32
 *   ids             [rows]             i32, < entries; rows with ids[i] < 0 are skipped
 *
 * Backward sorts the rows by id (stable radix sort), so its cost is O(rows), whatever the number of
 * entries. The rows of one id are added in order of i. Where an id has more than 256 rows, the
 * first 256 go to dtable in order; each further 256 are summed by themselves in order, and then
 * these sums are added in order. So the bits do not depend on the number of threads. Scratch: 40
 * bytes a row, and 4 dim (rows / 256 + 1) bytes; for a y or dy in bf16 also a widened copy.
 *
 * On CUDA: the same sort. Windows of 32 sorted rows are summed in order, then the windows of one id
 * in order, without atomics. Scratch: 17 bytes a row, and 4 dim bytes for every 32 rows.
 */
#ifndef SOUK_EMBEDDING_H
#define SOUK_EMBEDDING_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void embedding_add(Device *dev, Tensor y, Tensor table, Tensor ids);
void embedding_backward(Device *dev, Tensor dtable, Tensor dy, Tensor ids);

/* The CUDA half, in embedding.cu. Call the functions above instead: they check shapes. */
void embedding_add_cuda(Device *dev, Tensor y, Tensor table, Tensor ids);
void embedding_backward_cuda(Device *dev, Tensor dtable, Tensor dy, Tensor ids);

#ifdef __cplusplus
}
#endif
#endif

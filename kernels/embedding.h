/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table by id, and the gradient of the table.
 *
 *   embedding_add        y[i, :] += table[ids[i], :]                          accumulates
 *   embedding_backward   dtable[ids[i], :] += dy[i, :]                        accumulates
 *   embedding_scatter    dtable[ids[i, j], :] += g[i, j] y[i, :]              accumulates
 *                        dbias[ids[i, j]] += g[i, j], optional                accumulates
 *
 *   y, dy           [rows, dim]        f32 or bf16; rows may be 0
 *   table, dtable   [entries, dim]     f32
 *   dbias           [entries]          f32
 *   ids             [rows]             i32, < entries; rows with ids[i] < 0 are skipped
 *   ids of scatter  [rows, k]          i32, likewise
 *   g               [rows, k]          f32
 *
 * Backward is scatter with k = 1 and g = 1. Below, n is the number of ids, rows or rows k.
 *
 * Both sort the ids (stable radix sort), so their cost is O(n), whatever the number of entries. The
 * terms of one id are added in order of i and j. Where an id has more than 256 terms, the first 256
 * go to dtable in order; each further 256 are summed by themselves in order, and then these sums
 * are added in order. So the bits do not depend on the number of threads. Scratch: 40 n bytes, and
 * 4 (dim + 1) (n / 256 + 1) bytes; for a y or dy in bf16 also a widened copy.
 *
 * On CUDA: the same sort. Windows of 32 sorted terms are summed in order, then the windows of one
 * id in order, without atomics. Scratch: 17 n bytes, and 4 dim bytes for every 32 terms.
 */
#ifndef SOUK_EMBEDDING_H
#define SOUK_EMBEDDING_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void embedding_add(Device *dev, Tensor y, Tensor table, Tensor ids);
void embedding_backward(Device *dev, Tensor dtable, Tensor dy, Tensor ids);
void embedding_scatter(Device *dev, Tensor dtable, Tensor dbias, Tensor y, Tensor g, Tensor ids);

/* The CUDA half, in embedding.cu. Call the functions above instead: they check shapes. Where g is
 * absent, it is 1, and there is no dbias. */
void embedding_add_cuda(Device *dev, Tensor y, Tensor table, Tensor ids);
void embedding_scatter_cuda(Device *dev, Tensor dtable, Tensor dbias, Tensor y, Tensor g,
                            Tensor ids);

#ifdef __cplusplus
}
#endif
#endif

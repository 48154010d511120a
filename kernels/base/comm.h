/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks: the processes that train one model together, each with a device of its own. An
 * implementation moves data between them and never adds it: sums are made here, by tree_sum, so
 * that they have the same bits under every implementation.
 *
 *   comm_all_gather      to = (from of rank 0; from of rank 1; ...), on every rank
 *       from   [n, ...]                   the same shape on all ranks; may be its own place in `to`
 *       to     [ranks n, ...]             overwritten
 *
 *   comm_all_to_all      every rank sends rows to every rank, itself included
 *       from   [sum from_rows, ...]       first the rows for rank 0, then those for rank 1, ...
 *       to     [sum to_rows, ...]         overwritten: first the rows from rank 0, ...
 *       from_rows, to_rows   [ranks]      host memory; may hold 0. to_rows[s] on rank r is
 *                                         from_rows[r] on rank s. Both NULL: equal shares
 *
 *   comm_all_reduce      t = tree_sum over the ranks' t in the order of ranks, on every rank
 *       t      any shape                  f32 or f64; the same shape on all ranks; in place
 *                                         Scratch: ranks times t
 *
 *   comm_reduce_scatter  to on rank r = tree_sum over the ranks' from[r]
 *       from   [ranks, ...]               f32 or f64; the same shape on all ranks
 *       to     [...]                      overwritten. Scratch: the size of `from`
 *
 *   comm_broadcast       the bytes of rank `root` become the bytes of all ranks; host memory
 *   comm_barrier         returns when all ranks have called it; does not wait for a device
 *
 * Tensors are in the memory of the device. `to` and `from` have one dtype, any that exists, and
 * rows of one length on all ranks; they do not overlap, except where stated above. A tensor may
 * be empty.
 *
 * Order. All ranks call the same operations in the same order, with shapes that agree. Where they
 * do not, an implementation that notices fails on all ranks; it must not hang. The first four
 * operations are ops like any other (base/device.h): they run in the order of the ops, do not make
 * the host wait for a CUDA device, and can be recorded in a graph, which keeps the row counts it
 * was recorded with. The last two are for opening and closing; the host waits in them.
 *
 * Errors. The device keeps the first failure of an op, with the code ERR_COMM; comm_broadcast and
 * comm_barrier return theirs. A rank that cannot go on closes its Comm. That, and an operation on a
 * device that has failed, makes the other ranks' operations fail: no rank waits for ever.
 *
 * One rank. Under comm_single the gather and the exchange copy, unless `from` is `to` already;
 * all_reduce, broadcast and barrier do nothing, so that a step pays nothing for having them.
 *
 * To add an implementation is to write one file that fills a CommOps and returns a Comm: comm_mpi.c
 * for processors, comm_nccl.c for GPUs. The functions of CommOps are called after shapes have been
 * checked. tests/kernels/base/test_comm.c checks this contract on any Comm.
 */
#ifndef SOUK_COMM_H
#define SOUK_COMM_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Comm Comm;

typedef struct {
    const char *name; /* "single"; for messages and reports */
    void (*all_gather)(Comm *c, Device *dev, Tensor to, Tensor from);
    void (*all_to_all)(Comm *c, Device *dev, Tensor to, const int64_t *to_rows, Tensor from,
                       const int64_t *from_rows);
    Status (*broadcast)(Comm *c, void *bytes, size_t size, int root);
    Status (*barrier)(Comm *c);
    void (*close)(Comm *c);
} CommOps;

struct Comm {
    int rank, ranks; /* rank is 0 .. ranks-1 */
    const CommOps *ops;
    void *state; /* the implementation's */
};

Comm comm_single(void);
void comm_close(Comm *c); /* safe on {0} and twice */

void comm_all_gather(Comm *c, Device *dev, Tensor to, Tensor from);
void comm_all_to_all(Comm *c, Device *dev, Tensor to, const int64_t *to_rows, Tensor from,
                     const int64_t *from_rows);
void comm_all_reduce(Comm *c, Device *dev, Tensor t);
void comm_reduce_scatter(Comm *c, Device *dev, Tensor to, Tensor from);
Status comm_broadcast(Comm *c, void *bytes, size_t size, int root);
Status comm_barrier(Comm *c);

#ifdef __cplusplus
}
#endif
#endif

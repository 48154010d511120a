/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of every Comm: shapes, and sums out of what is moved. And the Comm of one rank. */
#include "base/comm.h"

#include <inttypes.h>

#include "base/scratch.h"
#include "base/tree.h"

/* ---- One rank -------------------------------------------------------------------------------- */

static void single_all_gather(Comm *c, Device *dev, Tensor to, Tensor from)
{
    (void)c;
    if (to.data != from.data) device_copy(dev, to.data, from.data, tensor_bytes(from));
}

static void single_all_to_all(Comm *c, Device *dev, Tensor to, const int64_t *to_rows, Tensor from,
                              const int64_t *from_rows)
{
    (void)c, (void)to_rows, (void)from_rows;
    device_copy(dev, to.data, from.data, tensor_bytes(from));
}

static Status single_broadcast(Comm *c, void *bytes, size_t size, int root)
{
    (void)c, (void)bytes, (void)size, (void)root;
    return OK;
}

static Status single_barrier(Comm *c)
{
    (void)c;
    return OK;
}

static void single_close(Comm *c) { (void)c; }

Comm comm_single(void)
{
    static const CommOps ops = {
        .name = "single",
        .all_gather = single_all_gather,
        .all_to_all = single_all_to_all,
        .broadcast = single_broadcast,
        .barrier = single_barrier,
        .close = single_close,
    };
    return (Comm){.ranks = 1, .ops = &ops};
}

/* ---- Every Comm ------------------------------------------------------------------------------ */

void comm_close(Comm *c)
{
    if (c->ops) c->ops->close(c);
    *c = (Comm){0};
}

static size_t row_bytes(Tensor t)
{
    t.dim[0] = 1;
    return tensor_bytes(t);
}

static void require_rows(Tensor to, int64_t to_rows, Tensor from, int64_t from_rows)
{
    REQUIRE(to.rank >= 1 && from.rank >= 1 && to.dtype == from.dtype &&
                row_bytes(to) == row_bytes(from),
            "ranks exchange rows of %zu bytes (%s) for rows of %zu bytes (%s)", row_bytes(from),
            tensor_dtype_name(from.dtype), row_bytes(to), tensor_dtype_name(to.dtype));
    REQUIRE(from.dim[0] == from_rows && to.dim[0] == to_rows,
            "ranks exchange %" PRId64 " rows for %" PRId64 ", want %" PRId64 " for %" PRId64,
            from.dim[0], to.dim[0], from_rows, to_rows);
}

void comm_all_gather(Comm *c, Device *dev, Tensor to, Tensor from)
{
    require_rows(to, c->ranks * from.dim[0], from, from.dim[0]);
    if (dev->measures) return;
    c->ops->all_gather(c, dev, to, from);
}

/* All of a tensor's rows, where a rank says how many go where, or come from where. */
static int64_t sum_rows(const Comm *c, const int64_t *rows, Tensor t)
{
    int64_t sum = 0;
    if (!rows) {
        REQUIRE(t.dim[0] % c->ranks == 0, "%" PRId64 " rows in equal shares for %d ranks", t.dim[0],
                c->ranks);
        return t.dim[0];
    }
    for (int r = 0; r < c->ranks; r++) sum += rows[r];
    return sum;
}

void comm_all_to_all(Comm *c, Device *dev, Tensor to, const int64_t *to_rows, Tensor from,
                     const int64_t *from_rows)
{
    REQUIRE(!to_rows == !from_rows, "row counts of one side of an exchange, want both or none");
    require_rows(to, sum_rows(c, to_rows, to), from, sum_rows(c, from_rows, from));
    if (dev->measures) return;
    c->ops->all_to_all(c, dev, to, to_rows, from, from_rows);
}

void comm_all_reduce(Comm *c, Device *dev, Tensor t)
{
    if (c->ranks == 1) return;
    const size_t mark = scratch_mark(dev);
    const int64_t count = tensor_count(t);
    const Tensor parts = SCRATCH(dev, t.dtype, c->ranks, count);
    comm_all_gather(c, dev, parts, TENSOR(t.data, t.dtype, 1, count));
    tree_sum(dev, t, parts);
    scratch_release(dev, mark);
}

void comm_reduce_scatter(Comm *c, Device *dev, Tensor to, Tensor from)
{
    const int64_t count = tensor_count(to);
    REQUIRE(tensor_count(from) == c->ranks * count,
            "%" PRId64 " elements are scattered to %d ranks, want %" PRId64, tensor_count(from),
            c->ranks, c->ranks * count);
    const size_t mark = scratch_mark(dev);
    const Tensor rows = TENSOR(from.data, from.dtype, c->ranks, count);
    const Tensor parts = SCRATCH(dev, from.dtype, c->ranks, count);
    comm_all_to_all(c, dev, parts, NULL, rows, NULL);
    tree_sum(dev, to, parts);
    scratch_release(dev, mark);
}

Status comm_broadcast(Comm *c, void *bytes, size_t size, int root)
{
    REQUIRE(0 <= root && root < c->ranks, "rank %d of %d is to broadcast", root, c->ranks);
    return c->ops->broadcast(c, bytes, size, root);
}

Status comm_barrier(Comm *c) { return c->ops->barrier(c); }

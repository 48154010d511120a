/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tensor.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [F32] = {"f32", 4}, [F64] = {"f64", 8}, [BF16] = {"bf16", 2},
    [I32] = {"i32", 4}, [I64] = {"i64", 8}, [U8] = {"u8", 1},
};

size_t tensor_dtype_size(Dtype dtype) { return dtypes[dtype].size; }
const char *tensor_dtype_name(Dtype dtype) { return dtypes[dtype].name; }

int64_t tensor_count(Tensor t)
{
    int64_t count = 1;
    for (int i = 0; i < t.rank; i++) count *= t.dim[i];
    return count;
}

size_t tensor_bytes(Tensor t) { return (size_t)tensor_count(t) * tensor_dtype_size(t.dtype); }

Tensor tensor_rows(Tensor t, int64_t first, int64_t rows)
{
    REQUIRE(t.rank >= 1 && first >= 0 && rows >= 0 && first + rows <= t.dim[0],
            "rows %" PRId64 "+%" PRId64 " of a tensor with %" PRId64 " rows", first, rows,
            t.rank ? t.dim[0] : 0);
    Tensor row = t;
    row.dim[0] = 1;
    t.data = (char *)t.data + (size_t)first * tensor_bytes(row);
    t.dim[0] = rows;
    return t;
}

Tensor tensor_view(void *data, Dtype dtype, int rank, const int64_t *dim)
{
    REQUIRE(rank <= TENSOR_RANK_MAX, "a tensor has at most %d axes, not %d", TENSOR_RANK_MAX, rank);
    Tensor t = {.data = data, .dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++) t.dim[i] = dim[i];
    return t;
}

const char *tensor_describe(char *text, size_t size, Tensor t)
{
    int n = snprintf(text, size, "%s[", tensor_dtype_name(t.dtype));
    for (int i = 0; i < t.rank; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%" PRId64, i ? "," : "", t.dim[i]);
    snprintf(text + n, size - (size_t)n, "]");
    return text;
}

void tensor_expect(Tensor t, const char *name, const char *file, int line, Dtype dtype, int rank,
                   const int64_t *dim)
{
    int same = t.data && t.dtype == dtype && t.rank == rank;
    for (int i = 0; same && i < rank; i++) same = t.dim[i] == dim[i];
    if (same) return;

    char have[128], want[128];
    status_abort(file, line, "%s is %s%s, want %s", name, t.data ? "" : "absent, ",
                 tensor_describe(have, sizeof have, t),
                 tensor_describe(want, sizeof want, tensor_view(NULL, dtype, rank, dim)));
}

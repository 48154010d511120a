/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor: a typed view of memory that it does not own. Dense, row-major, passed by value. */
#ifndef SOUK_TENSOR_H
#define SOUK_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { F32, F64, BF16, I32, I64, U8 } Dtype;
enum { TENSOR_RANK_MAX = 4 };

typedef struct {
    void *data; /* NULL: absent, where a contract calls the tensor optional */
    Dtype dtype;
    int rank;
    int64_t dim[TENSOR_RANK_MAX];
} Tensor;

size_t tensor_dtype_size(Dtype dtype);
const char *tensor_dtype_name(Dtype dtype);
/* The number of elements of the whole view (1 for rank 0), and its bytes. */
int64_t tensor_count(Tensor t);
size_t tensor_bytes(Tensor t);
/* Rows first .. first+rows-1 of axis 0. */
Tensor tensor_rows(Tensor t, int64_t first, int64_t rows);

static inline float *f32(Tensor t) { return (float *)t.data; }
static inline int32_t *i32(Tensor t) { return (int32_t *)t.data; }

#define TENSOR_DIMS(...)                                                                           \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }

Tensor tensor_view(void *data, Dtype dtype, int rank, const int64_t *dim);
#define TENSOR(data, dtype, ...) tensor_view((data), (dtype), TENSOR_DIMS(__VA_ARGS__))

/* "f32[64,32]" into `text`, which is returned. */
const char *tensor_describe(char *text, size_t size, Tensor t);

/* Abort unless `t` is present and has this dtype and exactly these dims. */
void tensor_expect(Tensor t, const char *name, const char *file, int line, Dtype dtype, int rank,
                   const int64_t *dim);
#define EXPECT(t, dtype, ...)                                                                      \
    tensor_expect((t), #t, __FILE__, __LINE__, (dtype), TENSOR_DIMS(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* cuBLASLt in plain loops: column-major matrices, sums in f32 in rising order of k. Calls that the
 * library would reject, or answer with wrong numbers, end the program: shapes that do not fit, an
 * algorithm that was chosen for another product, a pointer less aligned than was promised, a range
 * outside of an allocation, an element that was never written.
 */
#include "internal.h"

#include "include/cublasLt.h"
#include "include/cuda_bf16.h"

using namespace simt;

struct SimtBlas {
    int id;
};
struct SimtProduct {
    bool transposed[2];
};
struct SimtLayout {
    cudaDataType type;
    int64_t rows, columns, ld;
    size_t size() const { return type == CUDA_R_16BF ? 2 : 4; }
};
struct SimtPreference {
    uint32_t align[4];
    uint64_t workspace;
};

namespace
{

/* The contents of cublasLtMatmulAlgo_t: the product that the algorithm was chosen for. */
struct Algorithm {
    int32_t rows, columns, depth;
    uint16_t align[4];
    uint8_t transposed[2],
        type[2]; /* whether each operand is transposed; types of the operands and of the result */
    uint64_t workspace;
};
static_assert(sizeof(Algorithm) == 32, "compared as bytes: no padding");

struct Shape {
    int64_t rows, columns, depth;
};

Shape shape_of(const SimtProduct *p, const SimtLayout *a, const SimtLayout *b, const SimtLayout *d)
{
    const Shape s = {d->rows, d->columns, p->transposed[0] ? a->rows : a->columns};
    const SimtLayout *all[] = {a, b, d};
    for (const SimtLayout *m : all)
        if (m->ld < m->rows)
            fail("cuBLASLt: leading dimension", "%ld, the matrix has %ld rows", (long)m->ld,
                 (long)m->rows);
    if ((p->transposed[0] ? a->columns : a->rows) != s.rows ||
        (p->transposed[1] ? b->columns : b->rows) != s.depth ||
        (p->transposed[1] ? b->rows : b->columns) != s.columns || a->type != b->type)
        fail("cuBLASLt: matrices do not fit", "%ldx%ld and %ldx%ld to %ldx%ld", (long)a->rows,
             (long)a->columns, (long)b->rows, (long)b->columns, (long)d->rows, (long)d->columns);
    return s;
}

Algorithm algorithm_for(const SimtProduct *p, const SimtLayout *a, const SimtLayout *b,
                        const SimtLayout *d)
{
    const Shape s = shape_of(p, a, b, d);
    Algorithm it = {};
    it.rows = (int32_t)s.rows;
    it.columns = (int32_t)s.columns;
    it.depth = (int32_t)s.depth;
    for (int i = 0; i < 2; i++) it.transposed[i] = p->transposed[i];
    it.type[0] = (uint8_t)a->type;
    it.type[1] = (uint8_t)d->type;
    return it;
}

float element(const SimtLayout *m, const void *data, int64_t row, int64_t column)
{
    const int64_t at = column * m->ld + row;
    if (m->type == CUDA_R_32F) return ((const float *)data)[at];
    return __bfloat162float(((const __nv_bfloat16 *)data)[at]);
}

void set_element(const SimtLayout *m, void *data, int64_t row, int64_t column, float value)
{
    const int64_t at = column * m->ld + row;
    if (m->type == CUDA_R_32F)
        ((float *)data)[at] = value;
    else
        ((__nv_bfloat16 *)data)[at] = __float2bfloat16_rn(value);
}

const char *column_of(const SimtLayout *m, const void *data, int64_t column)
{
    return (const char *)data + (size_t)(column * m->ld) * m->size();
}

void check_operand(const SimtLayout *m, const void *data, unsigned align, const char *what)
{
    if ((uintptr_t)data % align != 0)
        fail("cuBLASLt: alignment", "%s: %p, promised %u bytes", what, data, align);
    for (int64_t c = 0; c < m->columns; c++) {
        const size_t bytes = (size_t)m->rows * m->size();
        check_range(column_of(m, data, c), bytes, what);
        if (SIMT_CHECK && !check_initialised(column_of(m, data, c), bytes))
            fail("uninitialised read", "cuBLASLt: %s, column %ld", what, (long)c);
    }
}

/* d = scale a b + keep d, a task of a stream. */
struct Matmul {
    SimtProduct product;
    SimtLayout left, right, result;
    Algorithm chosen;
    const void *a, *b;
    void *d;
    float scale, keep;

    float sum(int64_t row, int64_t column, int64_t depth) const
    {
        float sum = 0.0f;
        for (int64_t k = 0; k < depth; k++)
            sum += (product.transposed[0] ? element(&left, a, k, row) : element(&left, a, row, k)) *
                   (product.transposed[1] ? element(&right, b, column, k)
                                          : element(&right, b, k, column));
        return sum;
    }

    void run() const
    {
        const Shape s = shape_of(&product, &left, &right, &result);
        memory_unlock(true);
        check_operand(&left, a, chosen.align[0], "left operand");
        check_operand(&right, b, chosen.align[1], "right operand");
        if ((uintptr_t)d % chosen.align[3] != 0) fail("cuBLASLt: alignment", "result %p", d);
        if (keep != 0.0f) check_operand(&result, d, chosen.align[2], "result to add to");
        for (int64_t column = 0; column < s.columns; column++) {
            const char *at = column_of(&result, d, column);
            check_range(at, (size_t)s.rows * result.size(), "cuBLASLt: result");
            for (int64_t row = 0; row < s.rows; row++) {
                const float before = keep != 0.0f ? keep * element(&result, d, row, column) : 0.0f;
                set_element(&result, d, row, column, scale * sum(row, column, s.depth) + before);
            }
            if (SIMT_CHECK) check_written(at, (size_t)s.rows * result.size());
        }
        memory_unlock(false);
    }
};

} // namespace

extern "C" {

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS ? "no error" : "invalid value";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    *handle = new SimtBlas{0};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *product, cublasComputeType_t compute,
                                        cudaDataType_t scale)
{
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    *product = new SimtProduct{};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product)
{
    delete product;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                              cublasLtMatmulDescAttributes_t which,
                                              const void *value, size_t bytes)
{
    if (bytes != sizeof(cublasOperation_t)) return CUBLAS_STATUS_INVALID_VALUE;
    product->transposed[which == CUBLASLT_MATMUL_DESC_TRANSB] =
        *(const cublasOperation_t *)value == CUBLAS_OP_T;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t ld)
{
    *layout = new SimtLayout{type, (int64_t)rows, (int64_t)columns, ld};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    *preference = new SimtPreference{{256, 256, 256, 256}, 0};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t which,
                                                    const void *value, size_t bytes)
{
    const bool workspace = which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    if (bytes != (workspace ? 8 : 4)) return CUBLAS_STATUS_INVALID_VALUE;
    if (workspace)
        preference->workspace = *(const uint64_t *)value;
    else if (which >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)
        preference->align[which - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES] =
            *(const uint32_t *)value;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t *results, int *found)
{
    if (wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
    Algorithm it = algorithm_for(product, a, b, d);
    for (int i = 0; i < 4; i++) it.align[i] = (uint16_t)preference->align[i];
    it.workspace = preference->workspace;
    *results = {};
    memcpy(&results->algo, &it, sizeof it);
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                              cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                              cublasLtMatrixLayout_t, void *d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t *algo, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream)
{
    Algorithm chosen, own = algorithm_for(product, a_layout, b_layout, d_layout);
    memcpy(&chosen, algo, sizeof chosen);
    memcpy(own.align, chosen.align, sizeof own.align);
    own.workspace = chosen.workspace;
    if (memcmp(&own, &chosen, sizeof own) != 0 || c != d)
        fail("cuBLASLt: algorithm", "it was chosen for another product");
    if (workspace_bytes < chosen.workspace) fail("cuBLASLt: workspace", "smaller than promised");
    if (workspace_bytes) check_range(workspace, workspace_bytes, "cuBLASLt: workspace");
    const Matmul m = {*product,
                      *a_layout,
                      *b_layout,
                      *d_layout,
                      chosen,
                      a,
                      b,
                      d,
                      *(const float *)alpha,
                      *(const float *)beta};
    enqueue(stream, [m] { m.run(); });
    return CUBLAS_STATUS_SUCCESS;
}
}

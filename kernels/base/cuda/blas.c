/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cuda/blas.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <nvtx3/nvToolsExt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cuda/device.h"

enum { PLANS_MAX = 512, ALIGN_MAX = 256, WORKSPACE_MIB = 4, WORKSPACE_MIB_90 = 32 };

/* What the choice of an algorithm depends on. Keys are compared as bytes, so that a key is zeroed
 * before it is filled. */
typedef struct {
    BlasProduct product; /* alpha is left 0: the algorithm does not depend on it */
    uint32_t align_a, align_b, align_c;
} Key;

typedef struct {
    Key key;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t left, right, result;
    cublasLtMatmulAlgo_t algorithm;
} Plan;

/* What the device keeps for cuBLASLt. */
typedef struct {
    cublasLtHandle_t handle;
    void *workspace;
    size_t workspace_bytes;
    int plans;
    Plan plan[PLANS_MAX];
} Blas;

static bool went_well(Device *dev, cublasStatus_t status, const char *call)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        device_failed_cuda(dev, call, cublasLtGetStatusString(status));
    return status == CUBLAS_STATUS_SUCCESS;
}
#define CALL(dev, call) went_well((dev), (call), #call)

/* ---- The device's state ---------------------------------------------------------------------- */

static void close_plan(Plan *p)
{
    if (p->product) cublasLtMatmulDescDestroy(p->product);
    if (p->left) cublasLtMatrixLayoutDestroy(p->left);
    if (p->right) cublasLtMatrixLayoutDestroy(p->right);
    if (p->result) cublasLtMatrixLayoutDestroy(p->result);
    *p = (Plan){0};
}

static void close_plans(Blas *blas)
{
    while (blas->plans > 0) close_plan(&blas->plan[--blas->plans]);
}

static void close_blas(void *state)
{
    Blas *blas = state;
    close_plans(blas);
    if (blas->handle) cublasLtDestroy(blas->handle);
    free(blas);
}

static const char WORKSPACE[] = "workspace of cuBLASLt";

static size_t workspace_bytes(const Device *dev)
{
    return (size_t)(dev->cuda->capability >= 90 ? WORKSPACE_MIB_90 : WORKSPACE_MIB) << 20;
}

/* The device frees the workspace. */
static bool open_blas(Device *dev, Blas *blas)
{
    blas->workspace_bytes = workspace_bytes(dev);
    blas->workspace = device_alloc_undefined(dev, blas->workspace_bytes, WORKSPACE, NULL);
    if (!blas->workspace) device_fail(dev, ERR_MEMORY);
    return blas->workspace && CALL(dev, cublasLtCreate(&blas->handle));
}

/* NULL: the device has failed. */
static Blas *blas_of(Device *dev)
{
    struct DeviceCuda *c = dev->cuda;
    if (c->blas.state) return c->blas.state;
    Blas *blas = calloc(1, sizeof *blas);
    if (!blas) {
        device_fail(dev, FAIL(ERR_MEMORY, "no memory for the state of cuBLASLt"));
        return NULL;
    }
    c->blas = (DeviceLibrary){blas, close_blas};
    return open_blas(dev, blas) ? blas : NULL;
}

/* What the first product of a device would take. */
static void measure_workspace(Device *dev)
{
    if (!dev->cuda->blas.state && !device_held(dev, WORKSPACE))
        device_alloc_undefined(dev, workspace_bytes(dev), WORKSPACE, NULL);
}

/* ---- Plans ----------------------------------------------------------------------------------- */

static cudaDataType_t type_of(Dtype dtype) { return dtype == BF16 ? CUDA_R_16BF : CUDA_R_32F; }

/* cuBLASLt is column-major: our row-major [rows, columns] is its [columns, rows]. */
static bool make_layout(Device *dev, cublasLtMatrixLayout_t *layout, Dtype dtype, int64_t rows,
                        int64_t columns, int64_t ld)
{
    return CALL(dev, cublasLtMatrixLayoutCreate(layout, type_of(dtype), (uint64_t)columns,
                                                (uint64_t)rows, ld));
}

static bool transpose(Device *dev, cublasLtMatmulDesc_t product,
                      cublasLtMatmulDescAttributes_t which, bool transposed)
{
    const cublasOperation_t op = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    return CALL(dev, cublasLtMatmulDescSetAttribute(product, which, &op, sizeof op));
}

/* A row-major c is a column-major c^T = op(b)^T op(a)^T: b is the left operand, a the right one. */
static bool describe(Device *dev, Plan *plan)
{
    const BlasProduct *p = &plan->key.product;
    return CALL(dev, cublasLtMatmulDescCreate(&plan->product, CUBLAS_COMPUTE_32F, CUDA_R_32F)) &&
           transpose(dev, plan->product, CUBLASLT_MATMUL_DESC_TRANSA, p->trans_b) &&
           transpose(dev, plan->product, CUBLASLT_MATMUL_DESC_TRANSB, p->trans_a) &&
           make_layout(dev, &plan->left, p->in, p->trans_b ? p->n : p->k, p->trans_b ? p->k : p->n,
                       p->ldb) &&
           make_layout(dev, &plan->right, p->in, p->trans_a ? p->k : p->m, p->trans_a ? p->m : p->k,
                       p->lda) &&
           make_layout(dev, &plan->result, p->out, p->m, p->n, p->ldc);
}

typedef struct {
    cublasLtMatmulPreferenceAttributes_t which;
    const void *value;
    size_t bytes;
} Preference;

static bool prefer(Device *dev, cublasLtMatmulPreference_t preference, const Blas *blas,
                   const Key *key)
{
    const uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const Preference all[] = {
        {CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &blas->workspace_bytes, sizeof(uint64_t)},
        {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &key->align_b, sizeof key->align_b},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &key->align_a, sizeof key->align_a},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &key->align_c, sizeof key->align_c},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &key->align_c, sizeof key->align_c},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!CALL(dev, cublasLtMatmulPreferenceSetAttribute(preference, all[i].which, all[i].value,
                                                            all[i].bytes)))
            return false;
    return true;
}

static bool choose(Device *dev, Blas *blas, Plan *plan)
{
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t best;
    int found = 0;
    const bool chosen = CALL(dev, cublasLtMatmulPreferenceCreate(&preference)) &&
                        prefer(dev, preference, blas, &plan->key) &&
                        CALL(dev, cublasLtMatmulAlgoGetHeuristic(
                                      blas->handle, plan->product, plan->left, plan->right,
                                      plan->result, plan->result, preference, 1, &best, &found));
    if (preference) cublasLtMatmulPreferenceDestroy(preference);
    if (chosen && found == 0)
        device_failed_cuda(dev, "cublasLtMatmulAlgoGetHeuristic", "no algorithm for this product");
    if (!chosen || found == 0) return false;
    plan->algorithm = best.algo;
    return true;
}

static const Plan *plan_for(Device *dev, Blas *blas, const Key *key)
{
    for (int i = 0; i < blas->plans; i++)
        if (memcmp(&blas->plan[i].key, key, sizeof *key) == 0) return &blas->plan[i];
    /* No model has so many shapes; only tests and benches come here. */
    if (blas->plans == PLANS_MAX) close_plans(blas);
    Plan *plan = &blas->plan[blas->plans];
    memcpy(&plan->key, key, sizeof *key);
    if (!describe(dev, plan) || !choose(dev, blas, plan)) {
        close_plan(plan);
        return NULL;
    }
    blas->plans++;
    return plan;
}

/* The largest power of two, up to ALIGN_MAX, that divides an address. */
static uint32_t alignment(const void *memory)
{
    const uintptr_t bits = (uintptr_t)memory | ALIGN_MAX;
    return (uint32_t)(bits & -bits);
}

static void make_key(Key *key, const BlasProduct *p, const void *c, const void *a, const void *b)
{
    memset(key, 0, sizeof *key);
    key->product.trans_a = p->trans_a;
    key->product.trans_b = p->trans_b;
    key->product.accumulate = p->accumulate;
    key->product.in = p->in;
    key->product.out = p->out;
    key->product.m = p->m;
    key->product.n = p->n;
    key->product.k = p->k;
    key->product.lda = p->lda;
    key->product.ldb = p->ldb;
    key->product.ldc = p->ldc;
    key->align_a = alignment(a);
    key->align_b = alignment(b);
    key->align_c = alignment(c);
}

/* k = 0: cuBLASLt refuses it, but a sum over nothing is 0. */
static void empty_product(Device *dev, const BlasProduct *p, void *c)
{
    const size_t size = tensor_dtype_size(p->out);
    if (p->accumulate) return;
    for (int64_t i = 0; i < p->m && device_runs(dev); i++) {
        const cudaError_t error = cudaMemsetAsync((char *)c + (size_t)(i * p->ldc) * size, 0,
                                                  (size_t)p->n * size, dev->cuda->compute);
        if (error != cudaSuccess)
            device_failed_cuda(dev, "cudaMemsetAsync", cudaGetErrorString(error));
    }
}

void blas_product(Device *dev, const BlasProduct *p, void *c, const void *a, const void *b)
{
    if (dev->status != OK || p->m == 0 || p->n == 0) return;
    if (p->k == 0) {
        empty_product(dev, p, c);
        return;
    }
    if (dev->measures) {
        measure_workspace(dev);
        return;
    }
    Blas *blas = blas_of(dev);
    Key key;
    if (!blas) return;
    make_key(&key, p, c, a, b);
    const Plan *plan = plan_for(dev, blas, &key);
    if (!plan) return;
    const float alpha = p->alpha, beta = p->accumulate ? 1.0f : 0.0f;
    nvtxRangePushA("gemm");
    CALL(dev, cublasLtMatmul(blas->handle, plan->product, &alpha, b, plan->left, a, plan->right,
                             &beta, c, plan->result, c, plan->result, &plan->algorithm,
                             blas->workspace, blas->workspace_bytes, dev->cuda->compute));
    nvtxRangePop();
}

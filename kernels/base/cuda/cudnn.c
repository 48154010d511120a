/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cuda/cudnn.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

#include "base/cuda/device.h"

enum { CONFIGS_MAX = 16, CAUSE_MAX = 400, ALIGN = 16, FIRST_VIRTUAL = 1000 };

/* What the device keeps for cuDNN. */
typedef struct {
    cudnnHandle_t handle;
    CudnnPlan *plans;
} Library;

/* cuDNN's last error message, on one line. */
static const char *cause_of(cudnnStatus_t status, char text[CAUSE_MAX])
{
    cudnnGetLastErrorString(text, CAUSE_MAX);
    for (char *c = text; *c; c++)
        if (*c == '\n') *c = ' ';
    return text[0] ? text : cudnnGetErrorString(status);
}

/* Record a failed call in the graph. True when the call succeeded. */
static bool went_well(CudnnGraph *g, cudnnStatus_t status, const char *call)
{
    char text[CAUSE_MAX];
    if (status != CUDNN_STATUS_SUCCESS && g->status == OK)
        g->status =
            FAIL(ERR_DEVICE, "cuDNN %zu: %s: %s", cudnnGetVersion(), call, cause_of(status, text));
    return g->status == OK;
}
#define CALL(g, call) went_well((g), (g)->status == OK ? (call) : CUDNN_STATUS_SUCCESS, #call)

/* ---- Descriptors ----------------------------------------------------------------------------- */

static cudnnBackendDescriptor_t make(CudnnGraph *g, cudnnBackendDescriptorType_t type)
{
    cudnnBackendDescriptor_t it = NULL;
    REQUIRE(g->parts < CUDNN_GRAPH_PARTS_MAX, "a graph of more than %d parts",
            CUDNN_GRAPH_PARTS_MAX);
    if (CALL(g, cudnnBackendCreateDescriptor(type, &it))) g->part[g->parts++] = it;
    return it;
}

static void set(CudnnGraph *g, cudnnBackendDescriptor_t it, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *value)
{
    CALL(g, cudnnBackendSetAttribute(it, name, type, count, value));
}

static void set_part(CudnnGraph *g, cudnnBackendDescriptor_t it, cudnnBackendAttributeName_t name,
                     const cudnnBackendDescriptor_t part)
{
    set(g, it, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

static void set_tensor(CudnnGraph *g, cudnnBackendDescriptor_t it, cudnnBackendAttributeName_t name,
                       const CudnnTensor *t)
{
    if (t) set_part(g, it, name, t->it);
}

static void finish(CudnnGraph *g, cudnnBackendDescriptor_t it)
{
    CALL(g, cudnnBackendFinalize(it));
}

static void finish_op(CudnnGraph *g, cudnnBackendDescriptor_t op)
{
    REQUIRE(g->ops < CUDNN_GRAPH_OPS_MAX, "a graph of more than %d ops", CUDNN_GRAPH_OPS_MAX);
    finish(g, op);
    g->op[g->ops++] = op;
}

static void close_graph(CudnnGraph *g)
{
    while (g->parts > 0) cudnnBackendDestroyDescriptor(g->part[--g->parts]);
    g->ops = 0;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

CudnnShape cudnn_dense(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (CudnnShape){{a, b, c, d}, {b * c * d, c * d, d, 1}};
}

static CudnnTensor begin_tensor(CudnnGraph *g, int64_t uid, cudnnDataType_t type, CudnnShape shape)
{
    const int64_t align = ALIGN;
    CudnnTensor t = {.it = make(g, CUDNN_BACKEND_TENSOR_DESCRIPTOR)};
    memcpy(t.dim, shape.dim, sizeof t.dim);
    memcpy(t.stride, shape.stride, sizeof t.stride);
    set(g, t.it, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(g, t.it, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, t.dim);
    set(g, t.it, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, t.stride);
    set(g, t.it, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid);
    set(g, t.it, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align);
    return t;
}

CudnnTensor cudnn_tensor(CudnnGraph *g, int64_t uid, cudnnDataType_t type, CudnnShape shape,
                         const CudnnTensor *offsets)
{
    const CudnnTensor t = begin_tensor(g, uid, type, shape);
    set_tensor(g, t.it, CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC, offsets);
    finish(g, t.it);
    return t;
}

CudnnTensor cudnn_number(CudnnGraph *g, int64_t uid)
{
    const bool by_value = true;
    const CudnnTensor t = begin_tensor(g, uid, CUDNN_DATA_FLOAT, cudnn_dense(1, 1, 1, 1));
    set(g, t.it, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &by_value);
    finish(g, t.it);
    return t;
}

CudnnTensor cudnn_virtual(CudnnGraph *g, cudnnDataType_t type, CudnnShape shape,
                          const CudnnTensor *offsets)
{
    const bool is_virtual = true;
    const CudnnTensor t = begin_tensor(g, FIRST_VIRTUAL + g->next_uid++, type, shape);
    set(g, t.it, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
    set_tensor(g, t.it, CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC, offsets);
    finish(g, t.it);
    return t;
}

/* ---- Ops ------------------------------------------------------------------------------------- */

static cudnnBackendDescriptor_t begin_mode(CudnnGraph *g, cudnnPointwiseMode_t mode,
                                           cudnnDataType_t precision)
{
    const cudnnBackendDescriptor_t it = make(g, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(g, it, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set(g, it, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &precision);
    return it;
}

static void pointwise(CudnnGraph *g, cudnnBackendDescriptor_t mode, const CudnnTensor *x,
                      const CudnnTensor *b, const CudnnTensor *t, const CudnnTensor *y)
{
    finish(g, mode);
    const cudnnBackendDescriptor_t op = make(g, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_part(g, op, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, mode);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_TDESC, t);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    finish_op(g, op);
}

void cudnn_pointwise(CudnnGraph *g, cudnnPointwiseMode_t mode, cudnnDataType_t precision,
                     const CudnnTensor *x, const CudnnTensor *b, const CudnnTensor *t,
                     const CudnnTensor *y)
{
    pointwise(g, begin_mode(g, mode, precision), x, b, t, y);
}

void cudnn_index(CudnnGraph *g, int64_t axis, cudnnDataType_t precision, const CudnnTensor *x,
                 const CudnnTensor *y)
{
    const cudnnBackendDescriptor_t it = begin_mode(g, CUDNN_POINTWISE_GEN_INDEX, precision);
    set(g, it, CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, 1, &axis);
    pointwise(g, it, x, NULL, NULL, y);
}

void cudnn_matmul(CudnnGraph *g, const CudnnTensor *a, const CudnnTensor *b, const CudnnTensor *c,
                  const CudnnTensor *m, const CudnnTensor *n, const CudnnTensor *k)
{
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnBackendDescriptor_t it = make(g, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
    set(g, it, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
    finish(g, it);
    const cudnnBackendDescriptor_t op = make(g, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_MATMUL_ADESC, a);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_MATMUL_BDESC, b);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_MATMUL_CDESC, c);
    set_part(g, op, CUDNN_ATTR_OPERATION_MATMUL_DESC, it);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC, m);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC, n);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC, k);
    finish_op(g, op);
}

void cudnn_reduce(CudnnGraph *g, cudnnReduceTensorOp_t how, const CudnnTensor *x,
                  const CudnnTensor *y)
{
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnBackendDescriptor_t it = make(g, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    set(g, it, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
    set(g, it, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &how);
    finish(g, it);
    const cudnnBackendDescriptor_t op = make(g, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    set_part(g, op, CUDNN_ATTR_OPERATION_REDUCTION_DESC, it);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
    finish_op(g, op);
}

void cudnn_reshape(CudnnGraph *g, const CudnnTensor *x, const CudnnTensor *y)
{
    const cudnnBackendDescriptor_t op = make(g, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x);
    set_tensor(g, op, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y);
    finish_op(g, op);
}

/* ---- Plans ----------------------------------------------------------------------------------- */

/* The engine configurations that cuDNN's heuristic has for the graph on this GPU, best first, and
 * how many there are. */
static void ask_heuristic(CudnnGraph *g, cudnnBackendDescriptor_t gpu,
                          cudnnBackendDescriptor_t config[CONFIGS_MAX], int64_t *found)
{
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    const cudnnBackendDescriptor_t graph = make(g, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(g, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, g->ops, g->op);
    finish(g, graph);
    const cudnnBackendDescriptor_t heuristic = make(g, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_part(g, heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(g, heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    set_part(g, heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, gpu);
    finish(g, heuristic);
    for (int i = 0; i < CONFIGS_MAX; i++) config[i] = make(g, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    *found = 0;
    CALL(g, cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, CONFIGS_MAX, found, config));
    if (g->status == OK && *found == 0) went_well(g, CUDNN_STATUS_NOT_SUPPORTED, "no engine");
}

/* The first configuration that builds. */
static Status build(CudnnPlan *plan, cudnnBackendDescriptor_t gpu)
{
    CudnnGraph *g = &plan->graph;
    cudnnBackendDescriptor_t config[CONFIGS_MAX];
    cudnnStatus_t status = CUDNN_STATUS_NOT_SUPPORTED;
    int64_t found, count;
    ask_heuristic(g, gpu, config, &found);
    for (int64_t i = 0; i < found && g->status == OK && status != CUDNN_STATUS_SUCCESS; i++) {
        plan->it = make(g, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        set_part(g, plan->it, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config[i]);
        if (g->status == OK) status = cudnnBackendFinalize(plan->it);
    }
    went_well(g, status, "no plan could be built");
    CALL(g, cudnnBackendGetAttribute(plan->it, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                     CUDNN_TYPE_INT64, 1, &count, &plan->workspace));
    return g->status;
}

/* A GPU by a handle or by the JSON of its properties. */
static cudnnBackendDescriptor_t describe_gpu(CudnnGraph *g, const cudnnHandle_t *handle,
                                             const char *json)
{
    const cudnnBackendDescriptor_t gpu = make(g, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    if (json)
        set(g, gpu, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
            (int64_t)strlen(json), json);
    else
        set(g, gpu, CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, handle);
    finish(g, gpu);
    return gpu;
}

static Status describe_and_build(CudnnPlan *plan, CudnnDescribe *describe, const int64_t key[8],
                                 const cudnnHandle_t *handle, const char *json)
{
    memcpy(plan->key, key, sizeof plan->key);
    describe(&plan->graph, key);
    return build(plan, describe_gpu(&plan->graph, handle, json));
}

Status cudnn_plan_without_device(CudnnPlan *plan, CudnnDescribe *describe, const int64_t key[8],
                                 const char *json)
{
    *plan = (CudnnPlan){0};
    return describe_and_build(plan, describe, key, NULL, json);
}

void cudnn_plan_close(CudnnPlan *plan) { close_graph(&plan->graph); }

/* ---- The device's plans ---------------------------------------------------------------------- */

/* Record a failed call on the device. True when the call succeeded. */
static bool device_went_well(Device *dev, cudnnStatus_t status, const char *call)
{
    char text[CAUSE_MAX];
    if (status != CUDNN_STATUS_SUCCESS) device_failed_cuda(dev, call, cause_of(status, text));
    return status == CUDNN_STATUS_SUCCESS;
}

static void close_library(void *state)
{
    Library *library = state;
    for (CudnnPlan *plan = library->plans, *next; plan; plan = next) {
        next = plan->next;
        cudnn_plan_close(plan);
        free(plan);
    }
    if (library->handle) cudnnDestroy(library->handle);
    free(library);
}

static Library *library_of(Device *dev)
{
    struct DeviceCuda *c = dev->cuda;
    if (c->cudnn.state) return c->cudnn.state;
    Library *library = calloc(1, sizeof *library);
    if (!library) {
        device_fail(dev, FAIL(ERR_MEMORY, "no memory for the state of cuDNN"));
        return NULL;
    }
    c->cudnn = (DeviceLibrary){library, close_library};
    if (device_went_well(dev, cudnnCreate(&library->handle), "cudnnCreate"))
        device_went_well(dev, cudnnSetStream(library->handle, c->compute), "cudnnSetStream");
    return library;
}

static bool capturing(Device *dev)
{
    enum cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    return cudaStreamIsCapturing(dev->cuda->compute, &status) == cudaSuccess &&
           status != cudaStreamCaptureStatusNone;
}

const CudnnPlan *cudnn_plan(Device *dev, CudnnDescribe *describe, const int64_t key[8])
{
    if (!device_runs(dev)) return NULL;
    const Library *before = dev->cuda->cudnn.state;
    for (CudnnPlan *p = before ? before->plans : NULL; p; p = p->next)
        if (memcmp(p->key, key, sizeof p->key) == 0) return p;
    if (capturing(dev)) {
        device_failed_cuda(dev, "cuDNN", "a capture can not build a plan: run the step once first");
        return NULL;
    }
    Library *library = library_of(dev);
    if (dev->status != OK) return NULL;
    CudnnPlan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        device_fail(dev, FAIL(ERR_MEMORY, "no memory for a plan of cuDNN"));
        return NULL;
    }
    device_fail(dev, describe_and_build(plan, describe, key, &library->handle, NULL));
    if (dev->status != OK) {
        cudnn_plan_close(plan);
        free(plan);
        return NULL;
    }
    plan->next = library->plans;
    return library->plans = plan;
}

void cudnn_execute(Device *dev, const CudnnPlan *plan, const CudnnBinding *binding, int bindings,
                   void *workspace)
{
    int64_t uid[CUDNN_GRAPH_BINDINGS_MAX];
    const void *at[CUDNN_GRAPH_BINDINGS_MAX];
    if (!device_runs(dev)) return;
    REQUIRE(bindings <= CUDNN_GRAPH_BINDINGS_MAX, "%d bindings", bindings);
    for (int i = 0; i < bindings; i++) {
        uid[i] = binding[i].uid;
        at[i] = binding[i].at;
    }
    CudnnGraph pack = {0};
    const cudnnBackendDescriptor_t it = make(&pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&pack, it, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, bindings, uid);
    set(&pack, it, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, bindings, at);
    set(&pack, it, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    finish(&pack, it);
    CALL(&pack, cudnnBackendExecute(library_of(dev)->handle, plan->it, it));
    close_graph(&pack);
    device_fail(dev, pack.status);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Operation graphs of cuDNN through its C backend: the few kinds of ops that attention needs. For
 * kernels/ only.
 *
 * A graph is described op by op. The first error is recorded in the graph, and later calls on it do
 * nothing. The plan of a graph is the first engine that cuDNN's heuristic (mode A) names for the
 * GPU and that builds. Building compiles code at run time, which takes about a second, so a device
 * keeps its plans. A plan is deterministic only if the caller describes a graph whose engines are.
 */
#ifndef SOUK_DEVICE_CUDNN_H
#define SOUK_DEVICE_CUDNN_H

#include <cudnn.h>

#include "base/device.h"

enum { CUDNN_GRAPH_OPS_MAX = 32, CUDNN_GRAPH_PARTS_MAX = 192, CUDNN_GRAPH_BINDINGS_MAX = 24 };

typedef struct {
    cudnnBackendDescriptor_t op[CUDNN_GRAPH_OPS_MAX];
    cudnnBackendDescriptor_t part[CUDNN_GRAPH_PARTS_MAX]; /* every descriptor, including the ops */
    int ops, parts;
    int64_t next_uid; /* for tensors that are never in memory */
    Status status;
} CudnnGraph;

/* A tensor of rank 4. */
typedef struct {
    cudnnBackendDescriptor_t it;
    int64_t dim[4], stride[4];
} CudnnTensor;

typedef struct {
    int64_t dim[4], stride[4];
} CudnnShape;

/* A tensor in memory, aligned to 16 bytes, whose address is bound to `uid` (from 1) when the plan
 * runs. `offsets`, where it is not NULL, is an i64 tensor [batch + 1]: entry b of the batch begins
 * offsets[b] elements after the address. */
CudnnTensor cudnn_tensor(CudnnGraph *g, int64_t uid, cudnnDataType_t type, CudnnShape shape,
                         const CudnnTensor *offsets);
/* An f32 number that cuDNN reads from host memory when the plan runs. */
CudnnTensor cudnn_number(CudnnGraph *g, int64_t uid);
/* An intermediate result between ops, which stays in registers or shared memory. */
CudnnTensor cudnn_virtual(CudnnGraph *g, cudnnDataType_t type, CudnnShape shape,
                          const CudnnTensor *offsets);
/* The shape [a, b, c, d], dense and row-major. */
CudnnShape cudnn_dense(int64_t a, int64_t b, int64_t c, int64_t d);

/* y = mode(x, b), or mode(x, b, t) where the booleans t select x or b. Absent operands are NULL. */
void cudnn_pointwise(CudnnGraph *g, cudnnPointwiseMode_t mode, cudnnDataType_t precision,
                     const CudnnTensor *x, const CudnnTensor *b, const CudnnTensor *t,
                     const CudnnTensor *y);
/* Each element of y is its own index along `axis`. */
void cudnn_index(CudnnGraph *g, int64_t axis, cudnnDataType_t precision, const CudnnTensor *x,
                 const CudnnTensor *y);
/* c[m, n] = a[m, k] b[k, n]. Of entry e of the batch only the first m[e], n[e], k[e] rows and
 * columns take part; where m, n or k is NULL, all do. */
void cudnn_matmul(CudnnGraph *g, const CudnnTensor *a, const CudnnTensor *b, const CudnnTensor *c,
                  const CudnnTensor *m, const CudnnTensor *n, const CudnnTensor *k);
void cudnn_reduce(CudnnGraph *g, cudnnReduceTensorOp_t op, const CudnnTensor *x,
                  const CudnnTensor *y);
void cudnn_reshape(CudnnGraph *g, const CudnnTensor *x, const CudnnTensor *y);

typedef struct CudnnPlan CudnnPlan;
struct CudnnPlan {
    CudnnPlan *next;
    int64_t key[8];
    CudnnGraph graph;
    cudnnBackendDescriptor_t it; /* the execution plan */
    int64_t workspace;           /* bytes that it needs */
};

/* A function that describes the graph of a key. */
typedef void CudnnDescribe(CudnnGraph *g, const int64_t *key);
/* The plan of a key on a device. The first call with a key builds the plan; the device keeps it
 * until it is closed, because recorded CUDA graphs may use it. NULL when building failed, which the
 * device records. No plan can be built while a graph is being recorded: run the step once
 * before. */
const CudnnPlan *cudnn_plan(Device *dev, CudnnDescribe *describe, const int64_t key[8]);
/* Build the plan of a key for a GPU that need not be in this machine; `json` has its properties.
 * The caller closes the plan. */
Status cudnn_plan_without_device(CudnnPlan *plan, CudnnDescribe *describe, const int64_t key[8],
                                 const char *json);
void cudnn_plan_close(CudnnPlan *plan);

typedef struct {
    int64_t uid;
    const void *at; /* on the device; for cudnn_number, on the host */
} CudnnBinding;
/* Enqueue the plan on the compute stream. `workspace` has plan->workspace bytes. */
void cudnn_execute(Device *dev, const CudnnPlan *plan, const CudnnBinding *binding, int bindings,
                   void *workspace);

#endif

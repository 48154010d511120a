/* Operation graphs of cuDNN through its C backend, in as few words as attention needs. For kernels/ only.
 *
 * A graph is described op by op; the first refusal is recorded in it and later calls do nothing. Its plan
 * is the first that cuDNN's heuristic (mode A) names for the GPU and that it can build: code compiled at
 * run time, about a second, so a device keeps its plans. Deterministic where the kernel is that the graph
 * asks for: the caller's concern.
 */
#ifndef SOUK_DEVICE_CUDNN_H
#define SOUK_DEVICE_CUDNN_H

#include <cudnn.h>

#include "base/device.h"

enum { DNN_OPS_MAX = 32, DNN_PARTS_MAX = 192, DNN_BINDINGS_MAX = 24 };

typedef struct {
    cudnnBackendDescriptor_t op[DNN_OPS_MAX];
    cudnnBackendDescriptor_t part[DNN_PARTS_MAX]; /* every descriptor made, ops too */
    int ops, parts;
    int64_t next_uid; /* of tensors that never reach memory */
    Status status;
} DnnGraph;

/* A tensor of rank 4. */
typedef struct {
    cudnnBackendDescriptor_t it;
    int64_t dim[4], stride[4];
} DnnTensor;

typedef struct {
    int64_t dim[4], stride[4];
} DnnShape;

/* In memory, bound to `uid` (from 1) when the plan runs, aligned to 16 bytes. With `offsets` (NULL: none),
 * an i64 tensor of batch + 1, batch entry b begins offsets[b] elements after the pointer. */
DnnTensor dnn_tensor(DnnGraph *g, int64_t uid, cudnnDataType_t type, DnnShape shape,
                     const DnnTensor *offsets);
/* An f32 that is read on the host when the plan runs. */
DnnTensor dnn_number(DnnGraph *g, int64_t uid);
/* A step between ops that stays in registers or shared memory. */
DnnTensor dnn_virtual(DnnGraph *g, cudnnDataType_t type, DnnShape shape, const DnnTensor *offsets);
/* dim, dense and row-major. */
DnnShape dnn_dense(int64_t a, int64_t b, int64_t c, int64_t d);

/* y = mode(x, b), or mode(x, b, t) where t, of booleans, selects; NULL: absent. */
void dnn_pointwise(DnnGraph *g, cudnnPointwiseMode_t mode, cudnnDataType_t precision,
                   const DnnTensor *x, const DnnTensor *b, const DnnTensor *t, const DnnTensor *y);
/* y[...] = its own index along `axis`. */
void dnn_index(DnnGraph *g, int64_t axis, cudnnDataType_t precision, const DnnTensor *x,
               const DnnTensor *y);
/* c[m, n] = a[m, k] b[k, n]; of batch entry b only the first m[b], n[b], k[b]: NULL, all. */
void dnn_matmul(DnnGraph *g, const DnnTensor *a, const DnnTensor *b, const DnnTensor *c,
                const DnnTensor *m, const DnnTensor *n, const DnnTensor *k);
void dnn_reduce(DnnGraph *g, cudnnReduceTensorOp_t op, const DnnTensor *x, const DnnTensor *y);
void dnn_reshape(DnnGraph *g, const DnnTensor *x, const DnnTensor *y);

typedef struct DnnPlan DnnPlan;
struct DnnPlan {
    DnnPlan *next;
    int64_t key[8];
    DnnGraph graph;
    cudnnBackendDescriptor_t it; /* an execution plan */
    int64_t workspace;           /* bytes */
};

/* Describe the graph of a key. */
typedef void DnnDescribe(DnnGraph *g, const int64_t *key);
/* The plan of a key on a device: described and built the first time. NULL when that failed, which the
 * device records. Never dropped, as captured graphs may hold it. A capture can not build one: run the
 * step once before. */
const DnnPlan *dnn_plan(Device *dev, DnnDescribe *describe, const int64_t key[8]);
/* The same for a GPU that need not be here, by the JSON of its properties; close it after use. */
Status dnn_plan_without_device(DnnPlan *plan, DnnDescribe *describe, const int64_t key[8],
                               const char *json);
void dnn_plan_close(DnnPlan *plan);

typedef struct {
    int64_t uid;
    const void *at; /* on the device; of a number, on the host */
} DnnBinding;
/* Enqueue on the compute stream. `workspace` holds plan->workspace bytes. */
void dnn_execute(Device *dev, const DnnPlan *plan, const DnnBinding *binding, int bindings,
                 void *workspace);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The operation graphs of attention for cuDNN (cudnn.h), and the names of the tensors that a call
 * binds to them. */
#ifndef SOUK_ATTENTION_CUDNN_GRAPH_H
#define SOUK_ATTENTION_CUDNN_GRAPH_H

#include "attention/choice.h"
#include "base/cuda/cudnn.h"

enum {
    UID_Q = 1, /* q, k, v and their gradients: columns of [tokens, 3 dim] */
    UID_K,
    UID_V,
    UID_O,
    UID_LSE,
    UID_QUERIES, /* lengths of sequences, once as the queries' and once as the keys' */
    UID_KEYS,
    UID_OFFSETS_QKV,
    UID_OFFSETS_O,
    UID_OFFSETS_LSE,
    UID_SCALE,  /* number: 1 / sqrt(head_dim) */
    UID_ABSENT, /* number: -inf, the score of a pair past the sequence's end */
    UID_FUTURE, /* number: -inf, the score of a later key */
    UID_DO,     /* the names from here on are for backward only */
    UID_DQ,
    UID_DK,
    UID_DV,
    UID_DELTA, /* f32 [tokens, heads], written: do . o */
    UID_ONE    /* number: 1 */
};

/* The key by which a device keeps the plan of `shape`. */
void attention_cudnn_graph_key(int64_t key[8], const AttentionShape *shape);
/* Describe the graph of a key, forward or backward. A CudnnDescribe. */
void attention_cudnn_graph(CudnnGraph *g, const int64_t *key);

/* Build the plan of `shape` for a GPU that need not be in this machine; `json` has its properties.
 * *workspace: the bytes that the plan needs. */
Status attention_cudnn_graph_plan(const AttentionShape *shape, const char *json,
                                  int64_t *workspace);

#endif

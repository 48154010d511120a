/* The operation graphs of attention_cudnn.h and the names of the tensors that are bound to them. */
#ifndef SOUK_ATTENTION_GRAPH_CUDNN_H
#define SOUK_ATTENTION_GRAPH_CUDNN_H

#include "attention/cudnn.h"
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
    UID_DO,     /* from here on backward only */
    UID_DQ,
    UID_DK,
    UID_DV,
    UID_DELTA, /* f32 [tokens, heads], written: do . o */
    UID_ONE    /* number: 1 */
};

void attention_key_cudnn(int64_t key[8], const AttentionShape *shape);
/* Describe the graph of a key, forward or backward: a DnnDescribe. */
void attention_graph_cudnn(DnnGraph *g, const int64_t *key);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A packed batch as the model reads it: tensors of the device. They have the batch's own sizes
 * (model_input_set) or constant ones (model_input_pack).
 */
#ifndef SOUK_INPUT_H
#define SOUK_INPUT_H

#include "data/stream/stream.h"
#include "model/model.h"

typedef struct {
    Device *dev;
    int64_t user_kinds;
    int64_t tokens, windows;            /* the sizes of the tensors below */
    int64_t longest;                    /* an upper bound on the tokens of a window */
    bool ties;                          /* the log has events of equal times (model/ties.h) */
    Tensor item, action, gap, position; /* i32 [tokens] */
    Tensor time;                        /* i64 [tokens] ms */
    Tensor state;                       /* i32 [tokens] as in Batch */
    Tensor cu_seqlens, own_offset;      /* i32 [windows+1] */
    Tensor user;                        /* i64 [windows] */
    Tensor first_event;           /* i64 [windows] the row of the window's first event in the log */
    Tensor feature;               /* f32 [tokens, event numbers]; absent where the file has none */
    Tensor *user_category;        /* one tensor i32 [tokens] for each kind of category of users */
    Tensor user_number;           /* f32 [tokens, user numbers]; absent where the file has none */
    Tensor target, target_action; /* i32 [tokens] */
    Tensor taken;                 /* i32 [tokens] as in Batch; `target` itself where the log has no
                                     impressions */
    Tensor reward;                /* f32 [tokens] */
    Tensor end;                   /* u8 [tokens] */
    Tensor propensity;            /* f32 [tokens]; absent where the file has none */
    Tensor own;                   /* i32 [at least own_offset[windows], 2]: PairEvent */

    /* On the host: the users' profiles, repeated for each token. */
    int32_t *user_row; /* [kinds, tokens] */
    float *user_value; /* [tokens, numbers] */
    void *staging;     /* the device memory of all tensors above; NULL on the CPU */
    size_t used;       /* bytes used so far in `staging` or in `packed` */
    char *packed;      /* host memory to write instead; NULL: copy to the device at once */
} ModelInput;

/* Sizes to which batches are padded, so that the tensors of all steps have the same shapes. */
typedef struct {
    int64_t tokens, windows, longest;
    int64_t own; /* own events, of a shape that is measured */
} InputShape;

/* Take the memory for batches of up to `tokens` tokens and `own` own events. */
Status model_input_open(ModelInput *in, const Model *m, int64_t tokens, int64_t own, Device *dev);
void model_input_close(ModelInput *in); /* safe on {0} */

/* Let ops read `batch`, which must stay valid until they are done. Repeats the profile of each user
 * for the tokens of its windows; user -1 has no profile: its categories are unknown and its numbers
 * are at their mean. */
void model_input_set(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b);

/* The same in constant sizes, for a device with memory of its own. Writes in->used bytes, at most
 * model_input_bytes, into `packed`; the caller copies them to in->staging before ops read the
 * tensors. The batch must fit `shape`. Windows that are added are empty. Tokens that are added
 * belong to no window; their ids, states and targets are -1, so that no embedding, loss, gradient
 * or sum over tokens reads them. */
size_t model_input_bytes(const Model *m, int64_t tokens, int64_t own);
void model_input_pack(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b,
                      InputShape shape, void *packed);

/* The tensors of a batch of this shape, of the log `b`, without their data, on a device that
 * measures. */
void model_input_measure(ModelInput *in, const Model *m, InputShape shape, const Behaviour *b);

#endif

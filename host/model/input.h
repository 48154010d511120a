/* A packed batch as the model reads it: device tensors over the used tokens, or, in constant shapes, over
 * all of the budget. */
#ifndef SOUK_INPUT_H
#define SOUK_INPUT_H

#include "data/stream/stream.h"
#include "model/model.h"

typedef struct {
    Device *dev;
    int64_t user_kinds;
    int64_t tokens, windows;            /* of the tensors below */
    int64_t longest;                    /* no window has more tokens */
    Tensor item, action, gap, position; /* i32 [tokens] */
    Tensor cu_seqlens;                  /* i32 [windows+1] */
    Tensor first_event;           /* i64 [windows] row of the window's first event in the log */
    Tensor feature;               /* f32 [tokens, event numbers]; absent without */
    Tensor *user_category;        /* user_kinds times i32 [tokens] */
    Tensor user_number;           /* f32 [tokens, user numbers]; absent without */
    Tensor target, target_action; /* i32 [tokens] */
    Tensor reward;                /* f32 [tokens] */
    Tensor end;                   /* u8 [tokens] */
    Tensor propensity;            /* f32 [tokens]; absent without */

    int32_t *user_row; /* [kinds, tokens] and [tokens, numbers] of the host: the spread profiles */
    float *user_value;
    void *room; /* of all of it, where the device has memory of its own */
    size_t used;
    char
        *packed; /* host memory that takes the room's contents; NULL: they go to the room at once */
} ModelInput;

/* Shapes that batches are filled up to, so that every step has the same. */
typedef struct {
    int64_t tokens, windows, longest;
} InputShape;

/* Room for batches of up to `tokens`. */
Status model_input_open(ModelInput *in, const Model *m, int64_t tokens, Device *dev);
void model_input_close(ModelInput *in); /* safe on {0} */

/* Let ops see `batch` (which must stay valid until they are done) and spread its users' profiles over their tokens;
 * user -1 has none: categories unknown, numbers at their mean. */
void model_input_set(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b);

/* The same in constant shapes, for a device with memory of its own, whose room the caller fills with
 * `packed` (model_input_bytes of it) before ops read it. Windows that are added are empty; tokens that
 * are added lie in none, have ids of -1, so that they enter no embedding and no gradient, and target
 * -1: all that is summed over tokens is what it was. */
size_t model_input_bytes(const Model *m, int64_t tokens);
void model_input_pack(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b,
                      InputShape shape, void *packed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all parameters. Initialisation, decay, gradients, moments, the target network,
 * checkpoints and printing iterate this list; a parameter exists nowhere else.
 */
#ifndef SOUK_PARAMS_H
#define SOUK_PARAMS_H

#include <stdbool.h>

#include "bag.h"
#include "base/arena.h"
#include "data/behaviour/catalogue/match.h"

typedef enum { INIT_NORMAL, INIT_ONE, INIT_ZERO, INIT_IDENTITY } Init;
typedef enum { DECAY_NONE, DECAY_MATRIX, DECAY_EMBEDDING } Decay;

typedef struct {
    char name[64];
    Init init;
    float std; /* standard deviation of INIT_NORMAL */
    Decay decay;
    float rate;   /* the learning rate is multiplied by it */
    bool later;   /* files of earlier versions do not have it; then it keeps its initial value */
    RowKind rows; /* what its rows stand for, which a catalogue that grows has more of */
    bool product; /* a matrix that products read, in bf16 where activations are bf16 */
    Tensor shape; /* dtype and dims; data is NULL */
} ParamInfo;

/* The copies of all parameters; each is one arena. */
typedef enum {
    PARAM_VALUE,
    PARAM_GRAD,
    PARAM_MOMENT1,
    PARAM_MOMENT2,
    PARAM_TARGET,      /* the values of the target network */
    PARAM_VALUE_BF16,  /* PARAM_VALUE as products read it: see params_open_bf16 */
    PARAM_TARGET_BF16, /* PARAM_TARGET as products read it */
    PARAM_COPIES,
} ParamCopy;

/* The tensors of one copy, indexed as `info`; behind the last one the sums of params_sum, whose
 * data is NULL where there are none. The encoder and the heads read weights in this form. */
typedef const Tensor *Weights;

typedef struct {
    int count, capacity;
    int aside;       /* the parameters from this number on stand aside (params_aside); 0: none */
    ParamInfo *info; /* [count] */
    Tensor *copy[PARAM_COPIES]; /* [count] each; NULL: not allocated */
    Arena arena[PARAM_COPIES];
    int summed; /* the parameter of params_sum; read where sums.row has data */
    Bags sums;
    Arena sums_arena[PARAM_COPIES]; /* of PARAM_VALUE and PARAM_TARGET */
    Status status;                  /* of declaring: ERR_MEMORY when the list could not grow */
} Params;

/* Declare a parameter; returns its index. Aborts when the name is taken. Where there is no memory,
 * p->status says so, later calls do nothing, and the caller asks once after the last one. */
int params_add(Params *p, const char *name, Init init, float std, Decay decay, int rank,
               const int64_t *dim);
#define PARAM(p, name, init, std, decay, ...)                                                      \
    params_add((p), (name), (init), (std), (decay), TENSOR_DIMS(__VA_ARGS__))

/* Say that products read parameter i, which must be a matrix; returns i. */
int params_product(Params *p, int i);

/* Say what the rows of parameter i stand for; returns i. */
int params_rows(Params *p, int i, RowKind rows);

/* Say that files of earlier versions do not have parameter i; returns i. */
int params_later(Params *p, int i);

/* Say that all parameters which are declared from now on stand aside: nothing else reads them,
 * files of earlier versions do not have them, and their gradients do not count in the norm by
 * which gradients are clipped. So the other parameters learn what they would learn without them. */
void params_aside(Params *p);

/* Let parameter i learn at `rate` times the learning rate; returns i. */
int params_rate(Params *p, int i, float rate);

/* Let PARAM_VALUE and PARAM_TARGET have, beside their tensors, the sums of parameter i, a table,
 * over bags of its rows (kernels/bag.h). To be called before the copies are opened; `bags` must
 * outlive them. */
void params_sum(Params *p, int i, Bags bags);

/* Allocate a copy and set it to 0. */
Status params_open(Params *p, ParamCopy copy, Device *dev);
/* Allocate the bf16 copy of PARAM_VALUE or PARAM_TARGET, which is allocated already. It has memory
 * for the parameters from the first to the last that products read, at the same distances in
 * elements; the tensors of parameters that products do not read are those of the f32 copy. */
Status params_open_bf16(Params *p, ParamCopy copy, Device *dev);
/* Compute what follows from the values of `copy`, PARAM_VALUE or PARAM_TARGET: its bf16 copy, by
 * one conversion, and its sums. To be called whenever these values have changed. Does nothing where
 * there is neither. */
void params_refresh(Device *dev, Params *p, ParamCopy copy);
/* The weights of PARAM_VALUE or PARAM_TARGET: the bf16 copy where there is one. */
Weights params_weights(const Params *p, ParamCopy copy);
/* The sums of params_sum in these weights; data is NULL where there are none. */
static inline Tensor params_sums(const Params *p, Weights w) { return w[p->count]; }

/* Fill PARAM_VALUE. The numbers are a pure function of the seed and the parameter's index. The
 * device fails where the host has no memory for them. */
void params_init(Params *p, uint64_t seed);
void params_close(Params *p); /* safe on {0} */

/* An allocated copy as one flat buffer. Parameter i begins at element params_first(p, i) of every
 * f32 copy. Elements between parameters are 0 and stay 0. */
Tensor params_flat(const Params *p, ParamCopy copy);
int64_t params_first(const Params *p, int i);

int params_find(const Params *p, const char *name); /* -1: none */
int64_t params_elements(const Params *p);
size_t params_bytes(const Params *p);      /* the size of an f32 copy */
size_t params_bytes_bf16(const Params *p); /* an upper bound on the size of a bf16 copy */

#endif

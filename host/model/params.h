/* The parameters, by name, in one list. Initialisation, decay, gradients, moments, the target network,
 * checkpoints and printing all iterate it; a parameter exists nowhere else.
 */
#ifndef SOUK_PARAMS_H
#define SOUK_PARAMS_H

#include <stdbool.h>

#include "base/arena.h"

typedef enum { INIT_NORMAL, INIT_ONE, INIT_ZERO, INIT_IDENTITY } Init;
typedef enum { DECAY_NONE, DECAY_MATRIX, DECAY_EMBEDDING } Decay;

typedef struct {
    char name[64];
    Init init;
    float std; /* INIT_NORMAL */
    Decay decay;
    bool product; /* read by matrix products: in bf16 where activations are */
    Tensor shape; /* dtype and dims; data NULL */
} ParamInfo;

/* Copies of all parameters, each one arena: */
typedef enum {
    PARAM_VALUE,
    PARAM_GRAD,
    PARAM_MOMENT1,
    PARAM_MOMENT2,
    PARAM_TARGET,     /* the target network's values */
    PARAM_VALUE_BF16, /* of these two, what products read: see params_open_bf16 */
    PARAM_TARGET_BF16,
    PARAM_COPIES,
} ParamCopy;

/* A list of the tensors of one copy, indexed as `info`: what the encoder and the heads read. */
typedef const Tensor *Weights;

typedef struct {
    int count, room;
    ParamInfo *info;
    Tensor *copy[PARAM_COPIES]; /* NULL: not allocated */
    Arena arena[PARAM_COPIES];
} Params;

/* Declare a parameter; its index. Aborts on a name twice. */
int params_add(Params *p, const char *name, Init init, float std, Decay decay, int rank,
               const int64_t *dim);
#define PARAM(p, name, init, std, decay, ...)                                                      \
    params_add((p), (name), (init), (std), (decay), TENSOR_DIMS(__VA_ARGS__))

/* Products read parameter i, a matrix. */
int params_product(Params *p, int i);

/* Allocate a copy, zeroed. */
Status params_open(Params *p, ParamCopy copy, Device *dev);
/* Allocate the bf16 copy of an allocated PARAM_VALUE or PARAM_TARGET. It stands on the same elements, but
 * only from the first parameter to the last that products read; the tensors of all others are those of
 * the f32 copy. params_round fills those that are allocated, with one conversion each. */
Status params_open_bf16(Params *p, ParamCopy copy, Device *dev);
void params_round(Device *dev, Params *p, ParamCopy copy);
/* What the encoder and the heads read of PARAM_VALUE or PARAM_TARGET: the bf16 copy where there is one. */
Weights params_weights(const Params *p, ParamCopy copy);

/* Fill PARAM_VALUE: a pure function of the seed and the parameter's place in the list. */
void params_init(Params *p, uint64_t seed);
void params_close(Params *p); /* safe on {0} */

/* All of an allocated copy as one flat buffer; parameter i begins at the same element of every copy.
 * What lies between parameters is 0 and stays so. */
Tensor params_flat(const Params *p, ParamCopy copy);
int64_t params_first(const Params *p, int i);

int params_find(const Params *p, const char *name); /* -1: none */
int64_t params_elements(const Params *p);
size_t params_bytes(const Params *p);
size_t params_bytes_bf16(const Params *p); /* at most, of a copy in bf16 */

#endif

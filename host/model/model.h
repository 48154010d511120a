/* SPDX-License-Identifier: Apache-2.0 */
/* The model: its sizes, its heads, its parameters and the static features of its catalogue.
 * host/model/README.md has the mathematics and the names of all parameters.
 */
#ifndef SOUK_MODEL_H
#define SOUK_MODEL_H

#include "counts/table.h"
#include "data/behaviour/behaviour.h"
#include "items.h"
#include "model/acting/acting.h"
#include "model/counted/params.h"
#include "model/heads.h"
#include "model/outcome/params.h"
#include "model/retired/retired.h"

typedef struct {
    int64_t dim, layers, heads, ff; /* heads: of attention; ff 0: 8/3 dim, rounded up to 32 */
    Dtype activation; /* F32 or BF16: of activations, and of the matrices that products read */
    float dropout, id_dropout, init_std;
    HeadSet head_set; /* the heads that exist (model/heads.h) */
    bool log_values;  /* Q is exp(score) */
    /* Of the policy's half that scores by counts. candidates 0: there is none, as without a policy
     * head. */
    int64_t candidates, neighbours;
    /* What follows comes from the behaviour file: model_shape_of_file. */
    int64_t items, actions;
    int64_t item_kinds, item_categories, item_numbers;
    int64_t item_ngrams; /* of the items' texts */
    int64_t user_kinds, user_categories, user_numbers;
    int64_t event_numbers;
} ModelShape;

typedef struct {
    int attention_norm, qkv, out, mlp_norm, gate_up, down;
} BlockParams;

/* Indices into Params; -1: the parameter does not exist. */
typedef struct {
    int item_id, item_text, item_category, item_number;
    int action, gap, user_category, user_number, event_number;
    BlockParams *block; /* [layers] */
    int final_norm;
    HeadParams head[HEADS];
    OutcomeParams outcome; /* only where the model has HEAD_OUTCOME */
    CountedParams counted; /* only where shape.candidates > 0 */
} ModelParams;

typedef struct {
    ModelShape shape;
    Params params;
    ModelParams at;
    Tensor item_category; /* i32 [items, kinds]; absent where the file has none */
    Tensor item_number;   /* f32 [items, numbers]; absent where the file has none */
    Bags item_text;       /* the n-grams of the items' texts; absent where the file has none */
    CountTable counts;    /* absent where shape.candidates is 0 */
    int counted;          /* the first splits of the file in use whose events the table counts
                             (data/counts/events.h); 0: none, as there is no table or it counts
                             another log */
    ActingRule acting;    /* how it acts, unless its user chooses another rule */
    int known;            /* the first splits whose events the table or the weights contain */
    /* Of a model in use with a catalogue that has grown since: */
    bool *unknown; /* [items] of the host: items that the model does not have; NULL: none */
    int64_t unknowns;
    Retired retired; /* items that are no longer sold */
    /* The items that must not be chosen (model_shut), ascending, in memory of the host; and f32
     * [items], CATALOGUE_NEVER for each of them, else 0, which scores get beside the bias; data
     * NULL: there are none. */
    int32_t *shut;
    int64_t shuts;
    Tensor closed;
    Arena closed_memory;
    Arena counts_memory;
    Device *dev;   /* where ops read the item features */
    void *staging; /* their copy in device memory; NULL on the CPU */
} Model;

/* Whether items have features beside their ids. */
static inline bool model_has_features(const ModelShape *s)
{
    return s->item_categories > 0 || s->item_numbers > 0 || s->item_ngrams > 0;
}

/* Set the sizes that follow from the file. */
void model_shape_of_file(ModelShape *shape, const Behaviour *b);
/* Declare the parameters of `shape` and let ops on `dev` read the item features of `b`. `b` and
 * `dev` must outlive the model. Takes no memory for parameters: open the copies with params_open.
 * Fails when sizes do not fit one another. A head of kinds of events is left out of the model where
 * the file has a single kind. */
Status model_open(Model *m, const ModelShape *shape, const Behaviour *b, Device *dev);
void model_close(Model *m); /* safe on {0} */

/* Let no use of the model choose the items of which shut [items] says so, once at most: they have
 * no probability, and the lowest score by every head. Not for models that learn. */
Status model_shut(Model *m, const bool *shut);

static inline bool model_has(const Model *m, HeadId head)
{
    return m->shape.head_set & HEAD_BIT(head);
}

/* The item vectors E of one copy of the weights, as ops take them. `kept` says whose ids are in
 * them (model/cold.h); data NULL: all. */
ItemTable model_items(const Model *m, Weights w, Tensor kept);

#endif

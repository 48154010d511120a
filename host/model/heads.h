/* SPDX-License-Identifier: Apache-2.0 */
/* The heads that a model can have, one row of a table each. The names of parameters and of
 * settings, the declaration of parameters, checkpoints and the choice of a head by its name all
 * read this table. model/scores.h has the formulas. host/model/README.md, "How to add a head",
 * lists the places.
 *
 * What a head of each kind gives, and its parameters:
 *
 *   HEAD_OF_ITEMS     a score of each item of the catalogue, <W h, E[a]> + b[a]; with a state term
 *                     v . h + c is added, the same number for all items
 *                         weight [dim, dim], bias [items], state_weight [1, dim], state_bias [1]
 *   HEAD_OF_STATE     one number of the state, v . h + c
 *                         weight [1, dim], bias [1]
 *   HEAD_OF_ACTIONS   a logit of each kind of event, <h, N[k]> + b[k]
 *                         weight [actions, dim], bias [actions]
 *   HEAD_OF_ANSWERS   two logits of each kind of event that may come of showing an item
 *                         those of model/outcome/params.h
 */
#ifndef SOUK_HEADS_H
#define SOUK_HEADS_H

#include <stdio.h>

#include "model/params.h"

/* The order is that of the parameters in checkpoints. */
typedef enum {
    HEAD_POLICY,
    HEAD_Q,
    HEAD_NEXT_ACTION,
    HEAD_CRITIC,
    HEAD_BEHAVIOUR,
    HEAD_SECOND_Q,
    HEAD_OUTCOME,
    HEADS,
} HeadId;

typedef unsigned HeadSet; /* the bits HEAD_BIT(head) of its heads */
#define HEAD_BIT(head) (1u << (head))

typedef enum { HEAD_OF_ITEMS, HEAD_OF_STATE, HEAD_OF_ACTIONS, HEAD_OF_ANSWERS } HeadKind;

typedef struct {
    const char *name; /* the name in settings, options and messages */
    const char *help; /* what the head computes, in words for --help */
    const char *weight, *bias, *state_weight, *state_bias; /* parameters; NULL: there is none */
    HeadKind kind;
    bool chooses;       /* items can be chosen by it */
    bool aside;         /* its parameters stand aside (params_aside), and its weight begins at
                           random numbers, not at the identity */
    bool estimates_log; /* replaces the log's propensities: not opened where the log has them */
} HeadInfo;

extern const HeadInfo heads_table[HEADS];

/* Indices of a head's parameters in Params; -1: the parameter does not exist. */
typedef struct {
    int weight, bias, state_weight, state_bias;
} HeadParams;

/* Declare the parameters of the heads in `set`, in the order of the table; all others get -1. Those
 * that stand aside are declared by the second function, behind all other parameters. Those of
 * HEAD_OF_ANSWERS are declared by outcome_params_declare (model/outcome/params.h). */
void heads_declare(Params *p, HeadSet set, int64_t dim, int64_t items, int64_t actions,
                   HeadParams at[HEADS]);
void heads_declare_aside(Params *p, HeadSet set, int64_t dim, int64_t items, int64_t actions,
                         HeadParams at[HEADS]);

/* `set`; where the log has propensities, without the heads that estimate the log's policy. */
HeadSet heads_of_log(HeadSet set, bool has_propensity);
/* The heads of `set` that items can be chosen by. */
HeadSet heads_choosing(HeadSet set);
/* The head that a model with the heads `set` recommends by: the first of the table that items can
 * be chosen by. `set` must have one. */
HeadId heads_default(HeadSet set);
/* The names of `set`, with `between` between them: "policy or q". */
enum { HEADS_LIST_MAX = 128 };
void heads_list(char list[HEADS_LIST_MAX], HeadSet set, const char *between);
#endif

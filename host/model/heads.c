/* SPDX-License-Identifier: Apache-2.0 */
#include "model/heads.h"

#include <math.h>
#include <string.h>

const HeadInfo heads_table[HEADS] = {
    [HEAD_POLICY] = {.name = "policy",
                     .help = "how good each item is to choose, as logits of a policy",
                     .weight = "policy.weight",
                     .bias = "policy.bias",
                     .kind = HEAD_OF_ITEMS,
                     .chooses = true},
    [HEAD_Q] = {.name = "q",
                .help = "the value of choosing each item",
                .weight = "q.weight",
                .bias = "q.bias",
                .state_weight = "value.weight",
                .state_bias = "value.bias",
                .kind = HEAD_OF_ITEMS,
                .chooses = true},
    [HEAD_NEXT_ACTION] = {.name = "next_action",
                          .help = "the kind of the next event",
                          .weight = "next.weight",
                          .bias = "next.bias",
                          .kind = HEAD_OF_ACTIONS},
    [HEAD_CRITIC] = {.name = "critic",
                     .help = "the value of the state",
                     .weight = "critic.weight",
                     .bias = "critic.bias",
                     .kind = HEAD_OF_STATE},
    [HEAD_BEHAVIOUR] = {.name = "behaviour",
                        .help = "what the policy that made the log chooses",
                        .weight = "behaviour.weight",
                        .bias = "behaviour.bias",
                        .kind = HEAD_OF_ITEMS,
                        .estimates_log = true},
    [HEAD_SECOND_Q] = {.name = "second_q",
                       .help = "Q again, from another start and half of the users",
                       .weight = "second_q.weight",
                       .bias = "second_q.bias",
                       .state_weight = "second_value.weight",
                       .state_bias = "second_value.bias",
                       .kind = HEAD_OF_ITEMS,
                       .aside = true},
    [HEAD_OUTCOME] = {.name = "outcome",
                      .help = "what comes of showing an item: the kind of event, and whether the "
                              "episode ends",
                      .weight = "outcome.weight",
                      .bias = "outcome.bias",
                      .kind = HEAD_OF_ANSWERS},
};

/* ---- Parameters ------------------------------------------------------------------------------ */

/* Declares the vector that turns a state into one number. */
static int state_weight(Params *p, const char *name, int64_t dim)
{
    return params_product(p, PARAM(p, name, INIT_ZERO, 0, DECAY_MATRIX, 1, dim));
}

static int bias(Params *p, const char *name, int64_t count)
{
    return PARAM(p, name, INIT_ZERO, 0, DECAY_NONE, count);
}

/* Declares the matrix that turns a state into the query of a head over items. */
static int item_queries(Params *p, const HeadInfo *head, int64_t dim)
{
    const float std = head->aside ? 1.0f / sqrtf((float)dim) : 0.0f;
    const Init init = head->aside ? INIT_NORMAL : INIT_IDENTITY;
    return PARAM(p, head->weight, init, std, DECAY_MATRIX, dim, dim);
}

static HeadParams declare(Params *p, const HeadInfo *head, int64_t dim, int64_t items,
                          int64_t actions)
{
    HeadParams at = {-1, -1, -1, -1};
    switch (head->kind) {
    case HEAD_OF_ITEMS:
        at.weight = params_product(p, item_queries(p, head, dim));
        at.bias = params_rows(p, bias(p, head->bias, items), ROWS_ITEM);
        break;
    case HEAD_OF_STATE:
        at.weight = state_weight(p, head->weight, dim);
        at.bias = bias(p, head->bias, 1);
        break;
    case HEAD_OF_ACTIONS:
        at.weight = PARAM(p, head->weight, INIT_ZERO, 0, DECAY_MATRIX, actions, dim);
        at.bias = bias(p, head->bias, actions);
        break;
    case HEAD_OF_ANSWERS: break; /* outcome_params_declare */
    }
    if (head->state_weight) {
        at.state_weight = state_weight(p, head->state_weight, dim);
        at.state_bias = bias(p, head->state_bias, 1);
    }
    return at;
}

void heads_declare(Params *p, HeadSet set, int64_t dim, int64_t items, int64_t actions,
                   HeadParams at[HEADS])
{
    for (HeadId h = 0; h < HEADS; h++)
        at[h] = set & HEAD_BIT(h) && !heads_table[h].aside
                    ? declare(p, &heads_table[h], dim, items, actions)
                    : (HeadParams){-1, -1, -1, -1};
}

void heads_declare_aside(Params *p, HeadSet set, int64_t dim, int64_t items, int64_t actions,
                         HeadParams at[HEADS])
{
    params_aside(p);
    for (HeadId h = 0; h < HEADS; h++)
        if (set & HEAD_BIT(h) && heads_table[h].aside)
            at[h] = declare(p, &heads_table[h], dim, items, actions);
}

/* ---- Names ----------------------------------------------------------------------------------- */

HeadSet heads_of_log(HeadSet set, bool has_propensity)
{
    for (HeadId h = 0; h < HEADS; h++)
        if (heads_table[h].estimates_log && has_propensity) set &= ~HEAD_BIT(h);
    return set;
}

HeadSet heads_choosing(HeadSet set)
{
    for (HeadId h = 0; h < HEADS; h++)
        if (!heads_table[h].chooses) set &= ~HEAD_BIT(h);
    return set;
}

HeadId heads_default(HeadSet set)
{
    HeadId h = 0;
    REQUIRE(heads_choosing(set), "a model without a head that items can be chosen by");
    while (!(heads_choosing(set) & HEAD_BIT(h))) h++;
    return h;
}

void heads_list(char list[HEADS_LIST_MAX], HeadSet set, const char *between)
{
    size_t used = 0;
    list[0] = '\0';
    for (HeadId h = 0; h < HEADS; h++)
        if (set & HEAD_BIT(h))
            used += (size_t)snprintf(list + used, HEADS_LIST_MAX - used, "%s%s",
                                     used ? between : "", heads_table[h].name);
}

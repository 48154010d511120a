/* SPDX-License-Identifier: Apache-2.0 */
/* How a model acts: the rule by which it chooses items. The rule is a part of the model. Training
 * finds it, its file keeps it, and recommend, eval, ope, simulate, training in a world and the C
 * API obey it (infer/acting.h); --acting and --exclude-last choose another one.
 *
 *   policy         score(s, a) = log pi(a|s): the model imitates, or its policy was improved
 *   q              score(s, a) = Q(s, a)
 *   mixed:BETA     score(s, a) = log pi(a|s) + Q(s, a) / BETA, whose softmax is the policy that
 *                  maximises E[Q] - BETA KL(. || pi); BETA in the unit of Q. 0 is q, inf is policy
 *   candidates:N   Q among the N items that the policy ranks best, of those not excluded: two
 *                  stages
 *   allowed:SHARE  Q among the items with more than SHARE of the probability of the likeliest one
 *                  that is not excluded, as discrete BCQ acts (Fujimoto et al. 2019)
 *
 * pi is the policy with both of its halves, and every score may lack a number that is the same for
 * all items. Each rule leaves out the items of the last `exclude_last` events of a history, as far
 * as they are known.
 */
#ifndef SOUK_MODEL_ACTING_H
#define SOUK_MODEL_ACTING_H

#include "model/heads.h"

typedef enum {
    ACTING_POLICY,
    ACTING_Q,
    ACTING_MIXED,
    ACTING_CANDIDATES,
    ACTING_ALLOWED,
    ACTING_KINDS,
} ActingKind;

typedef struct {
    ActingKind kind;
    double number; /* BETA, N or SHARE */
    int64_t exclude_last;
} ActingRule;

/* Another rule than the model's. */
typedef struct {
    const char *rule;     /* as above; "mixed": with the model's BETA; NULL or "": the model's */
    int64_t exclude_last; /* below 0: the model's */
} ActingChoice;

/* The rule that takes the best items of a head. */
ActingRule acting_by_head(HeadId head);

/* Read a rule. `own` is the model's rule, `has` are the heads of the model, `setting` is what the
 * text was given for, in messages. Fails on another text than those above, a number out of range,
 * and where the model lacks a head. */
Status acting_read(ActingRule *rule, const char *text, const ActingRule *own, HeadSet has,
                   const char *setting);
/* Fails where the rule could leave out every one of `items` items. */
Status acting_check(const ActingRule *rule, int64_t items);
/* The text that acting_read reads. */
enum { ACTING_TEXT_MAX = 48 };
const char *acting_text(char text[ACTING_TEXT_MAX], const ActingRule *rule);
/* What the rule does, in words: "log pi + Q / 0.42". */
enum { ACTING_WORDS_MAX = 128 };
const char *acting_words(char words[ACTING_WORDS_MAX], const ActingRule *rule);
/* Whether the rule reads the policy, and the logarithm of a probability is its score. */
bool acting_is_stochastic(const ActingRule *rule);
/* Print a line for each rule. */
void acting_help(FILE *out);

#endif

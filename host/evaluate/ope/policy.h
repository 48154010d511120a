/* SPDX-License-Identifier: Apache-2.0 */
/* The policies whose earnings off-policy evaluation can estimate.
 *
 * For each decision a policy gives the exact probability, over the full catalogue, of the item that
 * was shown. A policy that knows its whole distribution also gives the sums over it that the reward
 * model needs. No array of decisions x items is ever stored.
 */
#ifndef SOUK_OPE_POLICY_H
#define SOUK_OPE_POLICY_H

#include "evaluate/ope/log.h"

/* Decision i is in fold[i], which is below `folds`; worth[k, a] is the value of item a under the
 * reward model of fold k. */
typedef struct {
    int folds;
    const uint8_t *fold;
    const double *worth; /* [folds, items] */
} OpeQuestion;

typedef struct {
    double *chosen; /* [count] pi(item[i] | x_i) */
    double *mean;   /* [count] sum_a pi(a | x_i) worth[fold[i], a] */
    /* [folds, items] sum of pi(a | x_i) over the decisions of the fold; zero before. */
    double *mass;
} OpeAnswer;

typedef struct OpePolicy {
    const char *name;
    bool history;                       /* it needs the events before a decision */
    bool distribution;                  /* it fills more than .chosen */
    bool fitted;                        /* it was fitted to the train split, so use another split */
    const struct OpeModelPolicy *model; /* a policy with states that Q can be fitted on, or NULL */
    void *state;
    /* Fills the answer; `mean` and `mass` only with .distribution, and where they are not NULL. */
    Status (*answer)(const struct OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                     const OpeAnswer *answer);
} OpePolicy;

/* Every item that could be shown (OpeLog.choices) with the same probability. Items that the file
 * does not have are worth what the reward model says of an item without features: its constant. */
OpePolicy ope_policy_uniform(void);
/* The logging policy itself: the probabilities in the log. Its value is the mean reward. */
OpePolicy ope_policy_logged(void);

/* Chooses items in proportion to their number of train events. Where the log has slots, each slot
 * is counted by itself. Items that could not be shown (OpeLog.listed) are left out. */
typedef struct {
    int32_t items;
    int slots;
    double *share; /* [slots, items] the sum of each slot is 1 */
} OpePopularity;
Status ope_policy_popularity_fit(OpePopularity *p, const OpeLog *log, const char *position);
void ope_policy_popularity_close(OpePopularity *p); /* safe on {0} */
OpePolicy ope_policy_popularity(const OpePopularity *p);

#endif

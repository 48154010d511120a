/* The policies that off-policy evaluation can ask: "what would this one have earned?"
 *
 * A policy answers, for each decision, with its exact probability of the item that was shown, over the
 * full catalogue; and, where it knows its whole distribution, with what a reward model needs of it. No
 * array of decisions x items ever exists.
 */
#ifndef SOUK_OPE_POLICY_H
#define SOUK_OPE_POLICY_H

#include "evaluate/ope/log.h"
#include "infer/session.h"
#include "model/heads.h"

/* Decision i belongs to fold[i] in [0, folds); worth[k, a] is what fold k's model gives for item a. */
typedef struct {
    int folds;
    const uint8_t *fold;
    const double *worth; /* [folds, items] */
} OpeQuestion;

typedef struct {
    double *chosen; /* [count] pi(item[i] | x_i) */
    double *mean;   /* [count] sum_a pi(a | x_i) worth[fold[i], a] */
    double *mass;   /* [folds, items] sum over the fold's decisions of pi(a | x_i) */
} OpeAnswer;

typedef struct OpePolicy {
    const char *name;
    bool history;                       /* asks for the events before a decision */
    bool distribution;                  /* knows more than .chosen */
    bool fitted;                        /* on the train split: to be judged on another */
    const struct OpeModelPolicy *model; /* whose states Q can be fitted on; NULL: it has none */
    void *state;
    /* Fill the answer; `mean` and `mass` only with .distribution, and where they are not NULL. */
    Status (*answer)(const struct OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                     const OpeAnswer *answer);
} OpePolicy;

/* Each item of the catalogue with the same probability. */
OpePolicy ope_policy_uniform(void);
/* What the logging policy did: the probabilities in the log. Its value is the mean reward. */
OpePolicy ope_policy_logged(void);

/* By the number of train events of an item, in each slot apart where the log has slots. */
typedef struct {
    int32_t items;
    int slots;
    double *share; /* [slots, items], each slot's sum is 1 */
} OpePopularity;
Status ope_policy_popularity_fit(OpePopularity *p, const OpeLog *log, const char *position);
void ope_policy_popularity_close(OpePopularity *p); /* safe on {0} */
OpePolicy ope_policy_popularity(const OpePopularity *p);

/* A model: softmax of its scores by `head` at a temperature,
 *
 *   pi(a | x) = exp(z(x, a) / temperature) / sum_b exp(z(x, b) / temperature)
 *
 * or, with epsilon >= 0, the best item (of equals the lowest) with 1 - epsilon and else any:
 *
 *   pi(a | x) = epsilon / items + (1 - epsilon) [a = argmax_b z(x, b)] */
typedef struct OpeModelPolicy {
    Session *session;
    HeadId head;
    double temperature, epsilon; /* epsilon < 0: softmax */
    bool quiet;
} OpeModelPolicy;
OpePolicy ope_policy_model(const OpeModelPolicy *p);

#endif

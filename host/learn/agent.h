/* What an agent is: a loss on a packed batch, with its gradients. One file an agent; agents.c lists
 * them. host/model/README.md section 6 has the mathematics.
 *
 * An agent works at all positions of the batch in one pass and over the whole catalogue through the
 * statistics of the catalogue head; it keeps nothing between steps and does not wait for the device.
 */
#ifndef SOUK_AGENT_H
#define SOUK_AGENT_H

#include "model/input.h"

/* Settings that agents share, by their config keys learn.*. */
typedef struct {
    float td_weight, action_weight, critic_weight, entropy, negatives;
    bool log_values; /* Q is exp(score): host/model/README.md, section 6 */
    float reward_scale, gamma, huber, temperature, alpha, lambda, allowed;
    float expectile, weight_max, ratio_max, smooth, clip;
    int64_t n_step, slate;
    uint64_t seed; /* of what agents draw: train.seed */
} AgentOptions;

/* The losses of which a total is made; objective.c has their names and weights. */
enum {
    LOSS_CROSS_ENTROPY, /* of the policy that imitates */
    LOSS_POLICY,        /* of the policy that is improved */
    LOSS_TD,
    LOSS_NEXT_ACTION,
    LOSS_CONSERVATIVE,
    LOSS_NEGATIVES,
    LOSS_CRITIC,
    LOSS_BEHAVIOUR,
    LOSS_ENTROPY,
    LOSSES
};

/* What a step leaves on the device, f64 [SUMS]: so that no loss makes the host wait while there is work to
 * enqueue. A loss is at SUM_LOSS + its place, as it enters the total, so with its weight. */
enum { SUM_TARGETS, SUM_BACKUPS, SUM_LOSS, SUMS = SUM_LOSS + LOSSES };
/* One of them, as the [1] that ops write. */
static inline Tensor sum_at(Tensor sums, int place)
{
    return TENSOR((double *)sums.data + place, F64, 1);
}
static inline Tensor loss_at(Tensor sums, int loss) { return sum_at(sums, SUM_LOSS + loss); }

/* One pass over a batch: what is read, and where gradients go. */
typedef struct {
    const AgentOptions *options;
    const Model *m;
    Weights w, grad; /* of the online network; gradients accumulate */
    Tensor h, dh;    /* [tokens, dim] its states; their gradient accumulates */
    Weights target;  /* the target network, */
    Tensor target_h; /* its states; both absent unless a term of the objective reads them */
    const ModelInput *in;
    Tensor reward; /* f32 [tokens]: the logged rewards, times learn.reward_scale */
    Tensor share;  /* f32 [tokens]: 1 / |A| at tokens with a target, else 0 */
    Tensor sums;
} AgentPass;

typedef struct {
    const char *name, *help;
    HeadSet trains;          /* in an objective each head is trained by at most one term */
    bool imitates;           /* the policy it trains is what the log does, not what to do */
    bool target;             /* reads the target network */
    bool needs_propensities; /* reads the propensities of the log, which must have them */
    bool single_backups;   /* backs up single values of Q, so that it works with learn.log_values */
    bool changes_per_step; /* its launches or their host arguments differ from step to step, so that
                                no step can be recorded as a graph */
    void (*backward)(Device *dev, const AgentPass *pass);
} Agent;

/* All of them, in the order in which the terms of an objective run; NULL ends the list. */
extern const Agent *const agents[];

extern const Agent cross_entropy_agent;
extern const Agent q_learning_agent, double_q_agent, sarsa_agent, expected_sarsa_agent;
extern const Agent soft_q_agent, cql_agent, sqn_agent, snqn_agent, sa2c_agent;
extern const Agent sarsa_lambda_agent, retrace_agent;
extern const Agent bcq_agent, iql_agent, crr_agent;
extern const Agent reinforce_agent, vtrace_agent, ppo_agent;
extern const Agent aux_random_agent, aux_length_agent;

#endif

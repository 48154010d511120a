/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent is: a loss on a packed batch, with its gradient. One file an agent; agents.h lists
 * them. host/model/README.md section 6 has the mathematics.
 *
 * An agent computes the losses of all positions of a batch in one pass, and takes expectations over
 * the whole catalogue through the statistics of the heads' scores. It keeps nothing from step to
 * step and never waits for the device.
 */
#ifndef SOUK_AGENT_H
#define SOUK_AGENT_H

#include "base/comm.h"
#include "base/config.h"
#include "model/heads.h"
#include "model/state_rows.h"

/* The numbers and flags among the settings learn.*, with the names of their keys, in single
 * precision as ops take them. A line of config.def makes both the field here and its copy in
 * agent_options(). */
#define AGENT_OF_learn(field, name) field(name)
#define AGENT_OF_data(field, name)
#define AGENT_OF_model(field, name)
#define AGENT_OF_optim(field, name)
#define AGENT_OF_train(field, name)
#define AGENT_OF_acting(field, name)
#define AGENT_OF_world(field, name)
typedef struct {
#define AGENT_real(name)  float name;
#define AGENT_count(name) int64_t name;
#define AGENT_flag(name)  bool name;
#define AGENT_text(name)
#define SETTING(type, role, section, name, ...) AGENT_OF_##section(AGENT_##type, name)
#include "base/config.def"
#undef SETTING
#undef AGENT_real
#undef AGENT_count
#undef AGENT_flag
#undef AGENT_text
    uint64_t seed; /* train.seed, for agents that draw random numbers */
} AgentOptions;

AgentOptions agent_options(const Config *c);

/* The losses that make up the total; objective.c has their names and weights. */
enum {
    LOSS_CROSS_ENTROPY, /* the policy's, where it imitates the log */
    LOSS_POLICY,        /* the policy's, where it is improved */
    LOSS_TD,            /* Q's, on TD targets */
    LOSS_NEXT_ACTION,
    LOSS_CONSERVATIVE, /* Q's, over all items */
    LOSS_NEGATIVES,    /* Q's, over the items that were not logged */
    LOSS_CRITIC,       /* the critic's */
    LOSS_BEHAVIOUR,
    LOSS_ENTROPY,
    LOSS_OUTCOME,
    LOSSES
};

/* The numbers that a step writes on the device, f64 [SUMS]: counts, and from SUM_LOSS on each loss
 * times its weight in the total. The host reads them after the step, so no loss makes it wait. */
enum { SUM_TARGETS, SUM_TAKEN, SUM_BACKUPS, SUM_LOSS, SUMS = SUM_LOSS + LOSSES };
/* A view [1] of one of these numbers, for an op to write. */
static inline Tensor sum_at(Tensor sums, int place)
{
    return TENSOR((double *)sums.data + place, F64, 1);
}
static inline Tensor loss_at(Tensor sums, int loss) { return sum_at(sums, SUM_LOSS + loss); }

/* One pass over a batch: what an agent reads, and where it adds gradients. Where ranks share the
 * batch, `in`, `h` and all that is computed from them belong to this rank's part. Counts are those
 * of the whole batch, so that the losses and gradients of the ranks add up to those of the
 * batch. */
typedef struct {
    const AgentOptions *options;
    Comm *comm;
    const Model *m;
    Weights w, grad; /* the online network's weights, and their gradients, which accumulate */
    StateRows rows;  /* the states in which the next events were chosen (s of model/ties.h), of the
                        online network, a row for each token of the batch, */
    Tensor dh;       /* [tokens, dim] dL/dh of them, which accumulates, */
    Tensor dall;     /* and dL/d of the encoder's outputs, which accumulates; may be dh */
    /* The target network and its states; absent unless the objective reads it. */
    Weights target;
    StateRows target_rows;
    const ModelInput *in;
    Tensor reward; /* f32 [tokens]: the logged rewards times learn.reward_scale */
    Tensor share;  /* f32 [tokens]: 1 / |A| at the tokens with a target (A), else 0 */
    Tensor sums;   /* f64 [SUMS] */
} AgentPass;

typedef struct {
    const char *name, *help;
    HeadSet trains;          /* the heads it trains; no two agents of an objective share one */
    bool imitates;           /* the policy it trains predicts what the log does, not what is best */
    bool constrained;        /* its Q is to choose only among items that its policy allows
                                (learn.allowed) */
    bool control;            /* what its Q learns is no value of items */
    bool target;             /* reads the target network */
    bool needs_propensities; /* reads the propensities of the log, which must have them */
    bool single_backups;     /* backs up single values of Q: it works with learn.log_values too */
    /* Its Q learns from the logged actions alone, and is read at others: nothing keeps down the
     * values of what the log does not show in a state. */
    bool guesses;
    /* Its launches or their host arguments differ from step to step, so its steps are not recorded
     * as a graph. */
    bool changes_per_step;
    void (*backward)(Device *dev, const AgentPass *pass);
} Agent;

extern const Agent cross_entropy_agent;
extern const Agent q_learning_agent, double_q_agent, sarsa_agent, expected_sarsa_agent;
extern const Agent soft_q_agent, cql_agent, sqn_agent, snqn_agent, sa2c_agent;
extern const Agent sarsa_lambda_agent, retrace_agent;
extern const Agent bcq_agent, iql_agent, crr_agent;
extern const Agent reinforce_agent, vtrace_agent, ppo_agent;
extern const Agent aux_random_agent, aux_length_agent;

#endif

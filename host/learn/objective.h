/* SPDX-License-Identifier: Apache-2.0 */
/* An objective: a sum of agents' losses, and the prediction of the next event's kind. From the
 * states of a batch to losses and gradients; host/model/README.md sections 5 and 6.
 */
#ifndef SOUK_OBJECTIVE_H
#define SOUK_OBJECTIVE_H

#include <stdio.h>

#include "learn/agent.h"

typedef struct {
    AgentOptions options;
    const Agent *term[HEADS]; /* in the order of agents[]; no two train the same head */
    int terms;
    HeadSet trains; /* the heads that are trained, by an agent or here */
    bool second_q;  /* Q is trained beside a policy that imitates: acting weighs one against
                                the other, by what a second Q says (learn/second_q.h) */
    bool target;    /* an agent reads the target network, */
    bool guesses;   /* has values of Q that are guesses (learn/agent.h), */
    bool needs_propensities; /* reads the propensities of the log, */
    bool changes_per_step;   /* or has launches that change from step to step */
} Objective;

/* Read "cross_entropy", "double_q", "cross_entropy+sarsa", …. Sets all but the options, which the
 * caller has set before. */
Status objective_parse(Objective *o, const char *terms);
/* Fails where the options do not suit the agents. `terms` is the text that was parsed, for
 * messages. */
Status objective_check(const Objective *o, const char *terms);
/* Print a line for each agent. */
void objective_help(FILE *out);

typedef struct {
    int64_t targets;     /* tokens with a next event: |A| */
    int64_t taken;       /* those of them whose next event was taken, where a loss counts them */
    int64_t backups;     /* tokens with a TD target: |V| */
    double mean[LOSSES]; /* without their weights; 0 where the loss is absent */
    double total;        /* the sum of all, with their weights */
} Losses;

/* "cross_entropy", "td", …: the names in metrics and traces. */
extern const char *const objective_loss_name[LOSSES];

/* Write the losses of pass->h into pass->sums and their gradients into pass->dh, which is
 * overwritten, and into the parameters and item vectors of pass->grad, which accumulate. Sets
 * options, reward and share of the pass. */
void objective_backward(Device *dev, const Objective *o, AgentPass pass);
/* The losses from the sums of a step, once the host has read them. */
Losses objective_losses(const Objective *o, const double sum[SUMS]);

#endif

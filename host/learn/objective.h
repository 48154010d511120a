/* Objectives: a sum of agents' losses, and the prediction of the next event's action. From the states
 * of a batch to losses and gradients. host/model/README.md sections 5 and 6.
 */
#ifndef SOUK_OBJECTIVE_H
#define SOUK_OBJECTIVE_H

#include <stdio.h>

#include "learn/agent.h"

enum { TERMS_MAX = 4 };

typedef struct {
    AgentOptions options;
    const Agent *term[TERMS_MAX]; /* in the order of agents[] */
    int terms;
    HeadSet trains;          /* by any term */
    bool target;             /* a term reads the target network, */
    bool needs_propensities; /* the propensities of the log */
    bool changes_per_step;   /* the launches of a term change from step to step */
} Objective;

/* "cross_entropy", "double_q", "cross_entropy+sarsa", …: sets all but the options. */
Status objective_parse(Objective *o, const char *terms);
/* Do the options suit the terms? `terms` as above. */
Status objective_check(const Objective *o, const char *terms);
/* A line for each agent. */
void objective_help(FILE *out);

typedef struct {
    int64_t targets;     /* tokens with a next event: |A| */
    int64_t backups;     /* tokens with a TD target: |V| */
    double mean[LOSSES]; /* unweighted; 0 where the loss is absent */
    double total;
} Losses;

/* "cross_entropy", "td", … */
extern const char *const objective_loss_name[LOSSES];

/* Losses of pass->h, in pass->sums, and their gradients: pass->dh is overwritten, parameters and item
 * vectors accumulate. The options and share of the pass are set here. */
void objective_backward(Device *dev, const Objective *o, AgentPass pass);
/* The losses that `sums`, read from the device, say. */
Losses objective_losses(const Objective *o, const double sum[SUMS]);

#endif

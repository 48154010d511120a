/* Objectives: from the states of a batch to losses and their gradients, over the whole catalogue, at
 * all positions of the packed batch in one pass. host/model/README.md sections 5 and 6.
 */
#ifndef SOUK_OBJECTIVE_H
#define SOUK_OBJECTIVE_H

#include "model/input.h"

/* Which state value a TD target bootstraps from. Q-learning (Watkins & Dayan 1992), Double DQN (van
 * Hasselt et al. 2016), SARSA (Rummery & Niranjan 1994), expected SARSA (van Seijen et al. 2009). */
typedef enum { BACKUP_NONE, BACKUP_Q, BACKUP_DOUBLE_Q, BACKUP_SARSA, BACKUP_EXPECTED_SARSA } Backup;

typedef struct {
    bool cross_entropy;
    Backup backup;
    float td_weight, action_weight;
    float gamma, huber, temperature;
    int64_t n_step;
} Objective;

/* "cross_entropy", "double_q", "cross_entropy+sarsa", …: sets cross_entropy and backup. */
Status objective_parse(Objective *o, const char *terms);

typedef struct {
    int64_t targets;                       /* tokens with a next event: |A| */
    int64_t backups;                       /* tokens with a TD target: |V| */
    double cross_entropy, td, next_action; /* means, unweighted; 0 where the term is absent */
    double total;
} Losses;

/* What a step leaves on the device for the losses, f64 [SUMS]: so that no loss makes the host wait
 * while there is work to enqueue. */
enum { SUM_TARGETS, SUM_BACKUPS, SUM_CROSS_ENTROPY, SUM_TD, SUM_NEXT_ACTION, SUMS };

/* Losses of the states h [tokens, dim], in `sums`, and their gradients. dh [tokens, dim] is
 * overwritten, head parameters and item vectors accumulate. `target_h` are the states of the target
 * network with weights `target`; both unused (NULL, absent) without a TD term. */
void objective_backward(Device *dev, const Objective *o, const Model *m, Weights w, Weights grad,
                        Tensor dh, Tensor h, Weights target, Tensor target_h, const ModelInput *in,
                        Tensor sums);
/* The losses that `sums`, read from the device, say. */
Losses objective_losses(const Objective *o, const Model *m, const double sum[SUMS]);

#endif

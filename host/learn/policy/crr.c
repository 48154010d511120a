/* Critic-regularised regression (Wang et al. 2020): Q is that of the policy, whose expectations run over the
 * whole catalogue instead of a few draws, and the policy imitates the log by its advantage. */
#include "elementwise.h"
#include "learn/heads.h"
#include "losses/policy_gradient.h"

static void backward(Device *dev, const AgentPass *p)
{
    const AgentOptions *o = p->options;
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p), policy = policy_scores(dev, p);
    const ActionValues lagged = target_values(dev, p), follower = target_policy_scores(dev, p);
    Tensor advantage = SCRATCH(dev, F32, p->in->tokens);
    values_of(dev, &q, advantage, p->in->target);
    elementwise_axpy(dev, advantage, -1.0f, expected_values(dev, &policy, &q));
    policy_gradient_advantage(dev, advantage, advantage, p->share, o->temperature, o->weight_max);
    policy_loss(dev, p, advantage, LOSS_POLICY);
    backup_loss(dev, p, &q, expected_values(dev, &follower, &lagged), true);
    scratch_release(dev, mark);
}

const Agent crr_agent = {
    .name = "crr",
    .help = "Q of the policy, which follows exp(advantage / T)",
    .trains = TRAINS_POLICY | TRAINS_Q,
    .target = true,
    .backward = backward,
};

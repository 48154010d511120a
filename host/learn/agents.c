#include <stddef.h>

#include "learn/agent.h"

const Agent *const agents[] = {
    &agent_cross_entropy,
    &agent_q_learning,
    &agent_double_q,
    &agent_sarsa,
    &agent_expected_sarsa,
    &agent_soft_q,
    &agent_cql,
    &agent_sqn,
    &agent_snqn,
    &agent_sa2c,
    &agent_sarsa_lambda,
    &agent_retrace,
    &agent_bcq,
    &agent_iql,
    &agent_crr,
    &agent_reinforce,
    &agent_vtrace,
    &agent_ppo,
    &agent_aux_random,
    &agent_aux_length,
    NULL,
};

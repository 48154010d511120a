/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/agents.h"

#include <string.h>

const Agent *const agents[] = {
    &cross_entropy_agent,
    &q_learning_agent,
    &double_q_agent,
    &sarsa_agent,
    &expected_sarsa_agent,
    &soft_q_agent,
    &cql_agent,
    &sqn_agent,
    &snqn_agent,
    &sa2c_agent,
    &sarsa_lambda_agent,
    &retrace_agent,
    &bcq_agent,
    &iql_agent,
    &crr_agent,
    &reinforce_agent,
    &vtrace_agent,
    &ppo_agent,
    &aux_random_agent,
    &aux_length_agent,
    NULL,
};

const Agent *agents_find(const char *name)
{
    for (int i = 0; agents[i]; i++)
        if (!strcmp(name, agents[i]->name)) return agents[i];
    return NULL;
}

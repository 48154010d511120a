/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/agent.h"

AgentOptions agent_options(const Config *c)
{
    AgentOptions o = {.seed = (uint64_t)c->train_seed};
#define AGENT_real(name)  o.name = (float)c->learn_##name;
#define AGENT_count(name) o.name = c->learn_##name;
#define AGENT_flag(name)  o.name = c->learn_##name != 0;
#define AGENT_text(name)
#define SETTING(type, role, section, name, ...) AGENT_OF_##section(AGENT_##type, name)
#include "base/config.def"
#undef SETTING
#undef AGENT_real
#undef AGENT_count
#undef AGENT_flag
#undef AGENT_text
    return o;
}

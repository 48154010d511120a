/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all agents. */
#ifndef SOUK_AGENTS_H
#define SOUK_AGENTS_H

#include "learn/agent.h"

/* In the order in which the terms of an objective run; NULL ends the list. */
extern const Agent *const agents[];

/* The agent called `name`; NULL: there is none. */
const Agent *agents_find(const char *name);

#endif

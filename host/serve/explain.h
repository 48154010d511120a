/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a request for an explanation (serve/asks.h). */
#ifndef SOUK_SERVE_EXPLAIN_H
#define SOUK_SERVE_EXPLAIN_H

#include "serve/asks.h"

/* "items" as in recommendations, with "why" (infer/explain/json.h) in place of the propensity. */
void serve_explain(Ask *ask);

#endif

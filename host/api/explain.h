/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations of a model of the public API, as infer/ makes them. */
#ifndef SOUK_API_EXPLAIN_H
#define SOUK_API_EXPLAIN_H

#include "api/model.h"
#include "infer/explain/explain.h"

/* As explain_open: the effects of at most `events` last events on item [k]; 0: of none. */
Status api_explain(Explanation *e, souk_model *model, const souk_history *history,
                   const int32_t *item, int64_t k, int64_t events);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as JSON, for programs, of an item that a list gives a score and a probability:
 *
 *   {"log_probability": -2.81,
 *    "taste": {"probability": 0.04, "score": 3.1, "terms": {"history": 4.2, "item": -1.1}},
 *    "counts": {"probability": 0.02, "score": 2.4, "seen": false,
 *               "terms": {"state": -1.2, "taste": 0.3, "together": 2.9, "popularity": 0.1,
 *                         "seen": 0.0, "network": 0.3, "pointer": 0.0}},
 *    "answers": [{"action": "purchase", "probability": 0.03, "reward": 0.3}, …],
 *    "events": [{"event": 0, "item": "998", "action": "cart", "score": 0.83,
 *                "log_probability": 0.83, "q": null}, …],
 *    "items": [{"item": "998", "events": 2, "score": 1.61, "log_probability": 1.61, "q": null}, …],
 *    "evidence": [{"event": 0, "item": "998", "times": 4410, "next": 312, "after": 561.2,
 *                  "before": 87.5}, …]}
 *
 * `log_probability` is that of the policy, which is the list's unless the model acts by a mixture
 * with Q. The probabilities of taste and counts add up to the policy's, the terms of each to its
 * score. `events` are the effects of the last events, oldest first: `score` is the change of the
 * logarithm of the list's probability or, where the model acts by Q alone, of Q. `event` is the
 * number of an event in the history, from 0. `items` are the effects of all events of an item
 * together, in the order of their last events. A reward is the probability times the log's reward
 * of the kind of answer, and they add up to the expected reward.
 *
 * `taste` and `log_probability` are null without a policy, `counts` is null where the item is no
 * candidate, `answers` without an outcome head; numbers that the model does not have are null, and
 * so are the effects of the only event of a history.
 */
#ifndef SOUK_EXPLAIN_JSON_H
#define SOUK_EXPLAIN_JSON_H

#include <jansson.h>

#include "infer/explain/explain.h"

/* Of item number i of the explanation. *json, which the caller frees, is NULL on failure. */
Status explain_json(const Explanation *e, int64_t i, Behaviour *catalogue, json_t **json);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Why a model says of an item what it says: the effect of each event of the history, and of all
 * events of an item together (explain/effects.h), the parts of the policy's probability
 * (explain/parts.h), what was counted of the items of the history (explain/evidence.h), and the
 * answers that are foretold.
 *
 * All events of an item are those among the last 2 model.length events of the history: where some
 * are left out, older events come into the context. Of an unknown item it is the event alone.
 *
 * Cost: one state for each event that is left out, and for each item that has several events, each
 * of a history of up to model.length events. They are computed in batches of the session's size,
 * between which other threads may use the session.
 */
#ifndef SOUK_EXPLAIN_H
#define SOUK_EXPLAIN_H

#include "infer/explain/effects.h"
#include "infer/explain/evidence.h"
#include "infer/explain/parts.h"

typedef struct {
    int32_t item;
    ExplainValues values;
    ExplainParts parts; /* of exp(values.log_probability); only where the model has a policy */
    ExplainEvidence evidence[EVIDENCE_MOST];
    int evidences;
} ExplainedItem;

typedef struct {
    int64_t items, events;   /* events first .. first+events-1 of the history are left out, */
    int64_t first;           /*    one at a time: */
    int32_t *event_item;     /* [events] their items, -1 for an unknown one, */
    uint8_t *event_action;   /* [events] and actions */
    ExplainedItem *item;     /* [items] */
    ExplainValues *effect;   /* [items, events] of each event on each item, */
    ExplainValues *together; /*    and of all events that have the item of the event */
    int64_t *same;           /* [events] how many events these are */
    ActingRule rule;         /* that scores are by */
    bool has_policy;
    /* [items, actions] of a model with an outcome head, else NULL: the probability that showing the
       item is answered by an event of the kind (infer/answers.h). */
    float *answer;
    int64_t actions;
} Explanation;

/* Explains item [k] after one history, with the effects of its last `events` events, 0 or more, as
 * far as a state reads them. Fails where an item does not exist, or k or `events` is out of
 * range. */
Status explain_open(Explanation *e, Session *s, const History *history, const int32_t *item,
                    int64_t k, int64_t events);
void explain_close(Explanation *e); /* safe on {0} */

/* Whether event number n of those that are explained is the last one of its item. */
bool explain_is_last(const Explanation *e, int64_t n);

#endif

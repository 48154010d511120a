/* SPDX-License-Identifier: Apache-2.0 */
/* A model's outcome head predicts how a shopper answers when an item is shown in a state. These
 * functions give its probabilities and the reward that they make the shop expect.
 *
 * The answer to a shown item is a kind of event, and whether the episode ends with this event. For
 * K kinds of events an answer has 2 K numbers, p[k] the probability of the kind k, and p[K + k]
 * that the episode ends, given this kind.
 *
 * The expected reward of showing item x is
 *
 *   sum_k p[k] of_kind[k] times[x] - cost
 *
 * with a reward of each kind, the price or the margin of the item, and the cost of showing it.
 */
#ifndef SOUK_ANSWERS_H
#define SOUK_ANSWERS_H

#include "infer/states.h"

/* Whether the session's model has an outcome head; the functions below need one. */
bool answers_known(const Session *s);
/* The numbers of an answer, 2 K. */
static inline int64_t answers_width(const Session *s) { return 2 * s->model->shape.actions; }

typedef enum {
    ANSWERS_CALIBRATED, /* the probabilities above */
    ANSWERS_LOGITS,     /* what the head learned, as logits: for the calibration itself */
} AnswersForm;

/* The answers to item[i] shown in the state before event number i, into p [events, 2 K]. Those of
 * events of a user's first time, which have no state, stay as they are. */
Status answers_before(Session *s, const LogEvents *events, const int32_t *item, AnswersForm form,
                      Listener *listener, float *p);
/* The answers to item[i] shown after all events of history i, into p [count, 2 K]. */
Status answers_after(Session *s, const History *history, int64_t count, const int32_t *item,
                     float *p);

typedef struct {
    int64_t kinds;
    const float *of_kind; /* [kinds] the file's action_reward, or the caller's */
    const float *times;   /* [items] what a reward is multiplied by; NULL: 1 for every item */
    double cost;          /* of showing an item */
} AnswersReward;

/* The rewards of the kinds that the file gives them ([actions] of its mapping). */
AnswersReward answers_reward_of_file(const Behaviour *b);
/* The values of an item number of the file, such as the price, as its log has them: what `times`
 * may be. times [items]. Fails where the file has no such number. (A file that was made before
 * files said which numbers are logarithms gives those as logarithms: ingest the log again.) */
Status answers_times_of_file(const Behaviour *b, const char *number, float *times);
double answers_reward(const AnswersReward *r, const float *p, int32_t item);

#endif

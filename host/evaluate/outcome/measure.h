/* SPDX-License-Identifier: Apache-2.0 */
/* How well the outcome head of a model foretells what comes of the items that a split shows.
 *
 * Its probabilities stand beside two simple bars. Both count the train split: the share of each
 * kind among all events, and that among the events of the item,
 *
 *   P(k | x) = (n[x, k] + strength P(k)) / (n[x] + strength),     P(k) = (n[k] + 1) / (n + K)
 *
 * where `strength` is the one of RATES_STRENGTHS that makes the answers of the validation split
 * likeliest (30 where there are none).
 *
 *   likelihood   the mean of log P(kind) of what came
 *   AUC          of each kind: that P(kind) is higher for an event of this kind than for an
 *                impression or, where the log has no impressions, than for an event of another kind
 *   reliability  the answers in ten groups of equal size, in the order of the probability that the
 *                item is taken; of each group the mean of that probability, and the share that was
 *                taken. The same for the expected reward and the logged one. An item is taken by
 *                every kind that is no impression (where there are none, by every kind but that
 *                with the most events).
 *   ends         the AUC of the probability that the episode ends, and its mean beside the share
 *                that did
 *
 * All intervals are over users.
 */
#ifndef SOUK_OUTCOME_MEASURE_H
#define SOUK_OUTCOME_MEASURE_H

#include "evaluate/outcome/shown.h"
#include "evaluate/statistics/auc.h"

enum { MEASURE_GROUPS = 10 };

typedef struct {
    Estimate foretold, seen;
} MeasurePair;

typedef struct {
    int64_t count, users; /* 0: nothing was measured */
    int kinds;
    bool impressions;
    Estimate likelihood, of_items, of_all; /* of the model, and of the bars */
    Estimate more;                         /* likelihood less of_items, event by event */
    double strength;                       /* of the bar of the items */
    int64_t kind_count[ACTIONS_MAX];
    Auc auc[ACTIONS_MAX];               /* NaN for impressions and for kinds that did not come */
    MeasurePair kind_rate[ACTIONS_MAX]; /* the mean of P(kind), and its share */
    Auc taken;                          /* of the probability that the item is taken */
    MeasurePair taken_group[MEASURE_GROUPS], reward_group[MEASURE_GROUPS];
    MeasurePair reward; /* mean, of the file's rewards of kinds */
    int64_t ends_known;
    Auc ends;
    MeasurePair end_rate;
} OutcomeMeasures;

/* The answers to the items that the split shows to at most `users` users (0: all). The session's
 * model must have an outcome head. */
Status measure_outcome(OutcomeMeasures *m, Session *s, int split, int64_t users, uint64_t seed,
                       Listener *listener);

#endif

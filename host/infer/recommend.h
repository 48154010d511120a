/* Recommendations for one history: the best items of the whole catalogue, with their scores. */
#ifndef SOUK_RECOMMENDER_H
#define SOUK_RECOMMENDER_H

#include "infer/scorer.h"

typedef struct {
    int32_t item;
    float score; /* logit of the ranking head */
    float
        probability; /* softmax of the policy over the whole catalogue; NaN without a policy head */
    float q;         /* action value; NaN without a Q head */
} Recommendation;

/* One event of a history that need not be in any file. */
typedef struct {
    int32_t item, action;
    int64_t time_ms;
} HistoryEvent;

/* Rank the catalogue after `count` >= 1 events (the last model.length of them are the context), by the
 * policy where there is one, else by Q. Without `include_seen`, items of the history are left out.
 * Fills `out` [k], best first; *found is less than k only when fewer items are left. Event features
 * of such a history are taken at their mean; `user` is a row of the file, or -1: profile unknown. */
Status recommend_history(const ModelScorer *s, const HistoryEvent *events, int64_t count,
                         int64_t user, bool include_seen, int64_t k, Recommendation *out,
                         int64_t *found);

/* The same after all events of a user of the file, features included. */
Status recommend_user(const ModelScorer *s, int64_t user, bool include_seen, int64_t k,
                      Recommendation *out, int64_t *found);

#endif

/* The states of a model before events of a log, a batch of windows at a time.
 *
 * The context of an event is its user's history before it, at most model.length events. A longer
 * history is covered by windows that overlap by half, each serving the events of its second half, so
 * every context has at least length/2 events, and exactly the whole history where it fits.
 */
#ifndef SOUK_MODEL_STATES_H
#define SOUK_MODEL_STATES_H

#include "evaluate/ranking/histories.h"
#include "model/encoder.h"

typedef struct {
    const Model *model;
    const Behaviour *file;
    Device *dev;
    int64_t length;   /* model.length */
    Encoder *encoder; /* to borrow for its batches, of at least `length` tokens; NULL: an own one */
} ModelScorer;

/* States of `count` events: row i of h [count, dim], in scratch and in the dtype of the model's
 * activations, is the state before event index[i] of the ScoredEvents. */
typedef struct {
    Tensor h;
    int64_t count;
    const int64_t *index;
} StateBatch;

/* Call use(context, batch) until every event of `events` was in one batch; of `events` only users, user,
 * first and event are read, and each event has one of its user's before it. `label` names the progress
 * bar. */
Status model_states(const ModelScorer *s, const ScoredEvents *events, const char *label, bool quiet,
                    Status (*use)(void *context, const StateBatch *batch), void *context);

/* Rows row[i] of the states `all`, in scratch: [count, dim] of their dtype. */
Tensor states_at(Device *dev, Tensor all, const int32_t *row, int64_t count);
/* An array of the host in scratch of the device. */
Tensor scratch_copy(Device *dev, const void *from, Dtype dtype, int64_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a model. Its encoder turns a context (data/stream/context.h) into a state, a row of
 * `dim` numbers that every head reads. Contexts are packed into batches of at most session->tokens
 * tokens.
 *
 * A state does not depend on the other contexts in its batch, up to rounding. On the CPU its last
 * bits may: the matrix products of oneDNN sum in another order where a batch has fewer than 16
 * rows, and where an inner dimension is 1000 or more. So equal batches give equal bits, and so does
 * a request with a single history, whatever the session did before; the state of the same history
 * in a larger batch may differ in the last bits.
 */
#ifndef SOUK_STATES_H
#define SOUK_STATES_H

#include "base/listener.h"
#include "base/scratch.h"
#include "data/stream/context.h"
#include "infer/history.h"
#include "model/state_rows.h"

/* A batch of states, in the order of the request. Row i of `rows`, in scratch, is state number
 * index[i] of the request. */
typedef struct {
    StateRows rows;
    int64_t count;
    const int64_t *index; /* [count] rising */
} StateBatch;

/* The function that gets each batch of states. A failure ends the request. It runs under the
 * session's lock. */
typedef struct {
    Status (*use)(void *context, const StateBatch *batch);
    void *context;
} StateSink;

/* Hands a batch to the sink in parts of at most `most` states; scratch of each part is released. */
Status states_in_parts(Session *s, const StateBatch *batch, int64_t most, StateSink sink);

/* Events of the session's file, by user: event[first[u] .. first[u+1]-1] are rows of /events of
 * user[u], ascending. Events of a user's first time have no state before them and are skipped. */
typedef struct {
    int64_t users;
    const int64_t *user, *first, *event;
} LogEvents;

/* The states before logged events. `label` names the progress bar. */
Status states_before(Session *s, const LogEvents *events, const char *label, Listener *listener,
                     StateSink sink);

/* The states after all events of each history. */
Status states_after(Session *s, const History *history, int64_t count, StateSink sink);

#endif

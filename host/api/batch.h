/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of histories as the public API takes them, as infer/ takes them. */
#ifndef SOUK_API_BATCH_H
#define SOUK_API_BATCH_H

#include "api/model.h"
#include "infer/history.h"

typedef struct {
    History *history; /* [count] */
    void *events;     /* items, actions and times of all events that were given */
} ApiBatch;

/* Fails, naming the history and the event, where something given does not exist. */
Status api_batch_open(ApiBatch *b, souk_model *model, const souk_history *given, int64_t count);
void api_batch_close(ApiBatch *b); /* safe on {0} */

#endif

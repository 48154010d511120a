/* SPDX-License-Identifier: Apache-2.0 */
/* A listener (base/listener.h) that calls the callbacks of a user of the API. */
#ifndef SOUK_FOLLOW_H
#define SOUK_FOLLOW_H

#include "base/listener.h"
#include "souk.h"

typedef struct {
    Listener listener; /* first, so that a listener is its Follow */
    souk_progress_callback progress;
    souk_message_callback message;
    void *context;
    const char *stage; /* the only one that the callback hears of; NULL: all */
    bool stop;         /* a callback asked for it */
} Follow;

/* Either callback may be NULL. */
Follow follow(souk_progress_callback progress, souk_message_callback message, void *context,
              const char *stage);

#endif

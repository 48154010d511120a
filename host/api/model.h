/* SPDX-License-Identifier: Apache-2.0 */
/* The model of the public API: a session, and the keys of its behaviour file or catalogue. */
#ifndef SOUK_API_MODEL_H
#define SOUK_API_MODEL_H

#include <pthread.h>

#include "api/call.h"
#include "infer/session.h"

struct souk_model {
    Session *session;
    char *checkpoint;      /* for messages */
    pthread_mutex_t users; /* guards the look-up of users, whose index is made at the first one */
};

/* Fails where the model was opened without data. */
Status model_needs_users(const souk_model *model);
/* The user of a key; fails where there is none. Thread-safe. */
Status model_find_user(souk_model *model, const char *key, int64_t *user);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The models that a server answers with. Each has a name, a share of the users, and a version,
 * which is the hash of its weights. A set of models is opened as a whole and never changes. Whoever
 * uses one holds it, so a new set can take its place while answers are still made with the old one.
 */
#ifndef SOUK_SERVE_MODELS_H
#define SOUK_SERVE_MODELS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/listener.h"
#include "souk.h"

enum { MODELS_MAX = 16, MODELS_NAME = 64, MODELS_PATH = 4096, MODELS_VERSION = 17 };

/* What the user of the server asked for. */
typedef struct {
    char name[MODELS_NAME];
    char path[MODELS_PATH]; /* the folder of a run */
    double share;           /* of the users; the shares of all models add up to 1 */
} ModelWanted;

/* Reads "NAME=PATH:SHARE". NAME= and :SHARE may be left out: then the name is the last part of the
 * path, and the share is 0 until models_share() sets it. */
Status models_read(ModelWanted *wanted, const char *text);
/* Gives equal shares where no model has one. Fails where the shares do not add up to 1, or where
 * two models have one name. */
Status models_share(ModelWanted *wanted, int count);

typedef struct {
    char name[MODELS_NAME], version[MODELS_VERSION]; /* version: 16 hexadecimal digits */
    double share;
    souk_model *model;
} ServedModel;

typedef struct {
    atomic_int holders;
    int count;
    ServedModel served[MODELS_MAX];
} Models;

/* Opens all models. `threads` 0: all processors. The caller holds the set. The listener is warned
 * of what a user of a model should know (infer/session.h). */
Status models_open(Models **models, const ModelWanted *wanted, int count, const char *device,
                   int64_t threads, Listener *listener);
Models *models_hold(Models *m);
void models_release(Models *m); /* the last one closes the models; NULL is allowed */

/* The model of a name; NULL: there is none. */
const ServedModel *models_find(const Models *m, const char *name);
/* The model of a user: the same one for the same key as long as the shares stay. A user without a
 * key (NULL) gets the first. */
const ServedModel *models_of_user(const Models *m, const char *user);

/* The place of the set that is in use. */
typedef struct {
    pthread_mutex_t lock;
    Models *now;
} ModelsPlace;

Models *models_now(ModelsPlace *place); /* which the caller then holds */
/* Puts `next`, which the caller held, in the place of the set before, which is released. */
void models_replace(ModelsPlace *place, Models *next);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A session: a model that is ready to be used, with its device, the behaviour file that it was
 * trained on, or the catalogue that it keeps, and its working memory. It is opened once and used
 * for many requests; states, actions and recommendations (infer/states.h, infer/act.h,
 * infer/recommend.h) all take a session.
 *
 * Threads: several threads may use one session at a time. Requests take its lock and run one after
 * the other, each on all threads of the device, so a result does not depend on the requests of
 * other threads. Sessions with a device of their own do not wait for each other. Sessions that were
 * given the same open device must not be used at the same time, nor while other code uses that
 * device.
 *
 * Memory: the working memory grows when a larger batch comes than any before. A request of a size
 * that the session has served before allocates nothing on the CPU (libraries may, and so may the
 * reading of a compressed file); on CUDA results are read through memory of the host that is taken
 * each time. Nor does this hold where the policy has candidates, or the rule acts among a few items
 * or by a table: infer/ranked.c and infer/acting.c take memory for them in each batch.
 */
#ifndef SOUK_SESSION_H
#define SOUK_SESSION_H

#include <pthread.h>

#include "base/listener.h"
#include "infer/exclude.h"
#include "model/encoder.h"

/* The model, the file and the device are each either named or given open. The session opens and
 * closes what is named; what is given open must outlive the session. */
typedef struct {
    const char *checkpoint; /* a model: a file or a run's folder */
    const Model *model; /* or this open one, with the weights that it has when a request comes, */
    int64_t length;     /*    with windows of this length (model.length) */
    Encoder *encoder;   /*    and, unless NULL, with the memory of this encoder */
    const char *data;   /* path of the behaviour file; NULL: the catalogue of the checkpoint, which
                           has no users and no events */
    Behaviour *file;    /* or this open one */
    const char *device; /* "cpu", "cuda" or "cuda:N" */
    int threads;        /*    with so many threads; 0: all processors */
    Device *dev;        /* or this one */
    const ActingChoice *acting; /* how to act; NULL: as the model says */
    int64_t tokens; /* most tokens of a batch; 0: 4096, or `length` where that is more. Not read
                       with an `encoder`, whose capacity it is then */
} SessionOptions;

/* Working memory of batches. Only the functions of infer/ use it, and only under the lock. */
typedef struct {
    int64_t capacity;     /* tokens of batch, input and encoder */
    int64_t own_capacity; /* own events (data/stream/batch.h) of batch and input */
    Batch batch;
    ModelInput input;
    Encoder own;
    Window *window;   /* [tokens] windows of the open batch */
    int32_t *row;     /* [tokens] the rows of the encoder's output that are wanted, */
    int64_t *index;   /* [tokens] and which states of the request they are */
    Exclude exclude;  /* items that are left out of a batch's choices */
    Exclude proposed; /* these and the policy's candidates (infer/ranked.h) */
    int32_t *item;    /* [items] items, or rows, on their way to the device */
    int64_t items;
} SessionMemory;

typedef struct {
    const Model *model;
    Behaviour *file; /* only one thread at a time may look up keys: behaviour_keys_* take no lock */
    Device *dev;
    bool acts; /* by `acting`, else by the model's rule: session_acting */
    ActingRule acting;
    int64_t length; /* model.length: the most events that a state sees */
    int64_t tokens; /* the most tokens of a batch, */
    int64_t own;    /*    and the most own events, where it has more than one window */
    SessionMemory memory;
    Encoder *encoder; /* the one that was given, or memory.own */
    pthread_mutex_t lock;
    Model own_model;
    Behaviour own_file;
    Device own_dev;
} Session;

/* Fails where something named cannot be opened, or the model was trained on another catalogue. */
Status session_open(Session **s, const SessionOptions *options);
void session_close(Session *s); /* safe on NULL */

/* The rule that the session acts by: the model's, which may change while a training has the
 * model, or the one that was chosen. */
ActingRule session_acting(const Session *s);
/* Act by another rule than the model's. Fails where it could leave out every item. */
Status session_act_by(Session *s, const ActingRule *rule);

/* The weights that requests use: those that products read (params_weights). */
Weights session_weights(const Session *s);

/* Warn of the items of the file that the model does not have, and of listed keys of retired items
 * that no item has, if there are some. */
void session_warn(const Session *s, Listener *listener);

/* Requests lock the session; a thread that holds the lock may lock it again. A caller whose several
 * requests must not be interrupted by other threads locks the session around them. */
void session_lock(Session *s);
void session_unlock(Session *s);

/* Make batch, input and encoder hold `tokens` <= s->tokens, and `own` own events; what they held is
 * lost. */
Status session_reserve(Session *s, int64_t tokens, int64_t own);
/* Make memory.item hold `items`; what it held stays. */
Status session_reserve_items(Session *s, int64_t items);

#endif

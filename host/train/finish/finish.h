/* SPDX-License-Identifier: Apache-2.0 */
/* What a training on a log does after its last step, where the settings ask for it: the refit
 * (train.refit), then the refresh (train.refresh), both of best.safetensors. last.safetensors stays
 * as it is, so that the training can be resumed; at its end the resumed training finishes anew.
 */
#ifndef SOUK_FINISH_H
#define SOUK_FINISH_H

#include "base/config.h"
#include "base/listener.h"
#include "model/model.h"

typedef struct {
    bool refit;
    int counted; /* the splits that the refresh counts; 0: no refresh */
} Finish;

/* Whether the settings ask for it. Fails on another word than they may have. */
Status finish_read(Finish *f, const Config *c);
static inline bool finish_wanted(Finish f) { return f.refit || f.counted; }
/* Fails, before the first step, where the model or the log cannot be finished so: without a count
 * table to refresh, or without validation events. */
Status finish_check(Finish f, const Model *m, int64_t validation_events, const char *data);

/* Finish the run in the folder train.out, whose trainer is closed. No setting of `c` is auto.
 * *interrupted: the listener asked to stop the refit; then best.safetensors is the training's. */
Status finish_run(Finish f, const Config *c, Listener *listener, bool *interrupted);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule a model acts by (model/acting/acting.h). Training decides it:
 *
 *   acting.rule is given               that one
 *   no Q, or Q of a control task       policy
 *   a policy that Q has improved       policy: it would count Q twice (iql, crr, …)
 *   no policy                          q
 *   bcq                                allowed:learn.allowed, the constraint of its targets
 *   Q beside a policy that imitates    mixed:BETA, BETA = ACTING_BETA noise / min(kept, 1), in four
 *                                      digits; policy where kept <= 0, q where noise = 0
 *
 * So Q counts with the share of it that a second Q confirms, against its noise (noise.h). Both are
 * measured at the end of a training, on states before validation events or, where there are none,
 * train events. Until then such a model acts by its policy.
 */
#ifndef SOUK_TRAIN_ACTING_H
#define SOUK_TRAIN_ACTING_H

#include "base/listener.h"
#include "train/acting/noise.h"
#include "train/trainer.h"

/* A smaller factor lets the errors of Q choose, a larger one leaves more of what Q knows unused:
 * bench/README.md, "Acting", has the returns. */
static const double ACTING_BETA = 3.0;
/* The users and the states by which the noise is measured, at most. */
enum { ACTING_USERS = 2000, ACTING_STATES = 1000 };

/* What was measured; noise.states is 0 where nothing was. */
typedef struct {
    QNoise noise;
    bool of_train; /* on train events, for want of validation events */
} ActingMeasured;

/* Set the rule of an open trainer's model, and the setting acting.rule. Fails where the model
 * cannot act by the rule that is given. t->measures_acting: the noise decides later. */
Status acting_begin(Trainer *t);
/* Act by the rule of train.from, where that has one, until the noise is measured: a training in a
 * world begins with what that model shows. */
Status acting_begin_from(Trainer *t);
/* Measure the noise for the model of the session on its file, and choose the rule, whose text
 * goes to `rule`. */
Status acting_measure(Session *s, uint64_t seed, ActingRule *rule, ActingMeasured *measured);
/* What was found, in plain words. */
void acting_report(Listener *listener, const ActingRule *rule, const ActingMeasured *measured);

/* Of a training on a log, whose trainer is closed: measure the model that its folder is used as,
 * and set acting.rule of *c. */
Status acting_find(Config *c, ActingMeasured *measured, Listener *listener);
/* Write the rule of *c, and what was measured, into that model and into checkpoint.json. */
Status acting_store(const Config *c, const ActingMeasured *measured);

#endif

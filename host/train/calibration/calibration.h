/* SPDX-License-Identifier: Apache-2.0 */
/* Calibrating the policy of a model on validation events (train/calibration/fit.h).
 */
#ifndef SOUK_CALIBRATION_H
#define SOUK_CALIBRATION_H

#include "train/calibration/fit.h"

/* Users whose events are calibrated by, at most. A dozen numbers need no more. */
enum { CALIBRATION_USERS = 2000 };

/* Whether the model has what can be calibrated: a policy with a counted half. */
bool calibration_wanted(const Model *m);

/* Fit the calibration of the session's model to the scored events of `h`, of at most
 * CALIBRATION_USERS users drawn by `seed`, and write it into `model`, which must be the session's.
 * Without events the calibration changes nothing. */
Status calibration_run(Session *s, Model *model, const Histories *h, uint64_t seed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Calibrating the outcome head of a model on the answers of the validation (train/outcome/fit.h).
 */
#ifndef SOUK_OUTCOME_CALIBRATE_H
#define SOUK_OUTCOME_CALIBRATE_H

#include "infer/session.h"

/* At most so many users and answers. A few numbers need no more. */
enum { CALIBRATE_USERS = 2000, CALIBRATE_ANSWERS = 20000 };

/* Fit the calibration of the session's model to answers of the validation split, and write it into
 * `model`, which must be the session's. Does nothing where the model has no outcome head; without
 * answers the calibration changes nothing. */
Status calibrate_outcome(Session *s, Model *model, uint64_t seed);

#endif

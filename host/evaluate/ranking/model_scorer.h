/* SPDX-License-Identifier: Apache-2.0 */
/* A model as a scorer beside the baselines. */
#ifndef SOUK_MODEL_SCORER_H
#define SOUK_MODEL_SCORER_H

#include "evaluate/ranking/scorer.h"
#include "infer/session.h"
#include "model/heads.h"

/* A scorer that ranks by one head of the session's model; the session must outlive it. The scorer
 * of the head that the model recommends by also predicts purchases, with the next-action head. */
Scorer model_scorer(Session *session, HeadId head);

#endif

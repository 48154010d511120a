/* SPDX-License-Identifier: Apache-2.0 */
/* A model as a scorer beside the baselines. */
#ifndef SOUK_MODEL_SCORER_H
#define SOUK_MODEL_SCORER_H

#include "evaluate/ranking/scorer.h"
#include "infer/session.h"
#include "model/acting/acting.h"

/* A scorer that ranks by the rule that the session acts by, where that is of this kind; else by a
 * rule of this kind, policy or q, that leaves nothing out. The session must outlive it. The scorer
 * of the session's own rule also predicts purchases, with the next-action head. Where items of the
 * history stay candidates, those that the rule leaves out do not, but for the target. */
Scorer model_scorer(Session *session, ActingKind kind);

/* What the scorer is called where it is that of model number `model` of several: "B: policy". */
enum { MODEL_SCORER_NAME = 24 };
void model_scorer_name(char out[MODEL_SCORER_NAME], int model, ActingKind kind);

#endif

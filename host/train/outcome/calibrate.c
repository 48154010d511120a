/* SPDX-License-Identifier: Apache-2.0 */
#include "train/outcome/calibrate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "evaluate/outcome/shown.h"
#include "infer/answers.h"
#include "train/outcome/fit.h"

static Status fit_and_write(Session *s, Model *model, const Shown *shown, float *logits)
{
    const LogEvents events = shown_events(shown);
    const OutcomeParams *at = &model->at.outcome;
    const Tensor *value = model->params.copy[PARAM_VALUE];
    float factor[2], shift[2 * ACTIONS_MAX];
    TRY(answers_before(s, &events, shown->item, ANSWERS_LOGITS, NULL, logits));
    TRY(fit_answers(&(FitAnswers){.count = shown->count,
                                  .kinds = model->shape.actions,
                                  .logits = logits,
                                  .kind = shown->kind,
                                  .left = shown->left},
                    factor, shift));
    device_copy_in(model->dev, value[at->factor].data, factor, sizeof factor);
    device_copy_in(model->dev, value[at->shift].data, shift, tensor_bytes(value[at->shift]));
    return device_sync(model->dev);
}

Status calibrate_outcome(Session *s, Model *model, uint64_t seed)
{
    Shown shown;
    if (!answers_known(s)) return OK;
    TRY(shown_read(&shown, s->file,
                   &(ShownOptions){.split = SPLIT_VALID,
                                   .users = CALIBRATE_USERS,
                                   .most = CALIBRATE_ANSWERS,
                                   .seed = seed}));
    float *logits = malloc((size_t)(shown.count * answers_width(s)) * sizeof *logits + 1);
    const Status st = logits ? fit_and_write(s, model, &shown, logits)
                             : FAIL(ERR_MEMORY, "no memory for %" PRId64 " answers", shown.count);
    free(logits);
    shown_close(&shown);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "souk.h"

#include <inttypes.h>

#include "api/call.h"
#include "api/follow.h"
#include "api/lines.h"
#include "train/train.h"

static Status assign(void *config, const char *line) { return config_assign(config, line); }

static Status hand_out(const LoopEnd *end, souk_train_result *result)
{
    const souk_train_result r = {
        .steps = end->steps, .seconds = end->seconds, .validation = end->best};
    return call_result(result, &r, sizeof r, CALL_LEAST(souk_train_result, validation), "result");
}

static Status train(const souk_train_options *given, souk_train_result *result)
{
    souk_train_options o = SOUK_TRAIN_OPTIONS_INIT;
    Config config = config_default();
    LoopEnd end = {0};
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_train_options, context), given, "options"));
    TRY(hand_out(&end, result)); /* its size is checked before the work, not after */
    TRY(lines_each(o.settings, assign, &config));
    /* A training reports its steps alone: what comes before them cannot be stopped and resumed. */
    Follow listener = follow(o.progress, o.message, o.context, "train");
    const LoopOptions how = {
        .resume = o.resume, .overwrite = o.force, .listener = &listener.listener};
    TRY(train_run(&config, how, &end));
    TRY(hand_out(&end, result));
    if (!end.interrupted) return OK;
    return FAIL(ERR_CANCELLED,
                "stopped on request at step %" PRId64 "; a call with resume goes on from %s",
                end.steps, config.train_out);
}

souk_status souk_train(const souk_train_options *options, souk_train_result *result,
                       souk_error *error)
{
    call_begin();
    return call_end(train(options, result), error);
}

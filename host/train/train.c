/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"

#include <string.h>

#include "train/rounds/rounds.h"

Status train_check(const Config *config)
{
    const bool log = config->data_path[0], world = config->world_name[0];
    if (log && world)
        return FAIL(ERR_USAGE, "data.path and world.name exclude each other: a world makes its own "
                               "log");
    return log || world ? OK
                        : FAIL(ERR_USAGE, "want data.path=FILE to train on a behaviour file, or "
                                          "world.name=WORLD to train in a world");
}

Status train_run(const Config *config, LoopOptions options, LoopEnd *end)
{
    const RoundsOptions rounds = {.overwrite = options.overwrite, .listener = options.listener};
    MeasuredRound last;
    TRY(train_check(config));
    if (!config->world_name[0]) return loop_run(config, options, end);
    if (config->train_refit || strcmp(config->train_refresh, "none") != 0)
        return FAIL(ERR_USAGE, "train.refit and train.refresh finish a training on a log, and a "
                               "world makes its own");
    if (options.resume)
        return FAIL(ERR_USAGE, "a training in a world cannot be resumed, its rounds start anew");
    TRY(rounds_run(config, rounds, &last, NULL));
    *end = (LoopEnd){.steps = last.steps, .seconds = last.seconds, .best = last.greedy.mean};
    return OK;
}

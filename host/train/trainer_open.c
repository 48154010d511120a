/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer_open.h"

#include "base/scratch.h"
#include "train/acting/acting.h"
#include "train/plan.h"
#include "train/start/start.h"

static Status take_and_begin(Trainer *t, TrainerOptions options)
{
    TRY(trainer_take(t));
    TRY(scratch_reserve(&t->dev, t->plan.part[PLAN_SCRATCH]));
    params_init(&t->model.params, (uint64_t)t->config.train_seed);
    TRY(acting_begin(t));
    if (!options.restored) TRY(start_fresh(t, options.listener));
    trainer_begin(t);
    return device_sync(&t->dev);
}

Status trainer_open_on(Trainer *t, const Config *config, Behaviour file, TrainerOptions options)
{
    Status st;
    TRY(trainer_prepare(t, config, file));
    TRY_OR_FAIL(st, plan_measure(&t->plan, t));
    TRY_OR_FAIL(st, plan_check(&t->plan, &t->dev));
    TRY_OR_FAIL(st, take_and_begin(t, options));
    return OK;
fail:
    trainer_close(t);
    return st;
}

Status trainer_open(Trainer *t, const Config *config)
{
    Behaviour file;
    *t = (Trainer){0};
    TRY(behaviour_open(&file, config->data_path));
    return trainer_open_on(t, config, file, (TrainerOptions){0});
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "train/finish/finish.h"

#include <stdio.h>
#include <string.h>

#include "base/parallel.h"
#include "data/counts/events.h"
#include "train/finish/refit.h"
#include "train/finish/refresh.h"

static const struct {
    const char *word, *counts;
    int counted;
} refreshes[] = {{"none", NULL, 0},
                 {"valid", "the train and the validation split", COUNTED_VALID},
                 {"all", "the train, the validation and the test split", COUNTED_ALL}};
enum { REFRESHES = sizeof refreshes / sizeof *refreshes };

Status finish_read(Finish *f, const Config *c)
{
    *f = (Finish){.refit = c->train_refit};
    for (int i = 0; i < REFRESHES; i++)
        if (!strcmp(c->train_refresh, refreshes[i].word))
            return f->counted = refreshes[i].counted, OK;
    return FAIL(ERR_USAGE, "train.refresh = \"%s\", want none, valid or all", c->train_refresh);
}

Status finish_check(Finish f, const Model *m, int64_t validation_events, const char *data)
{
    if (f.counted && !m->shape.candidates)
        return FAIL(ERR_USAGE, "train.refresh is for a model with a count table, want a "
                               "learn.objective with a policy and model.candidates > 0");
    if (f.refit && !validation_events)
        return FAIL(ERR_USAGE,
                    "train.refit = 1: %s has no validation events, want some, which choose the "
                    "length of the training",
                    data);
    return OK;
}

static Status refresh_best(int counted, const Config *c, const char *path, Listener *listener)
{
    Behaviour file;
    const RefreshOptions options = {.counted = counted,
                                    .threads = parallel_threads((int)c->train_threads),
                                    .listener = listener};
    TRY(behaviour_open(&file, c->data_path));
    const Status st = refresh(path, &file, &options);
    behaviour_close(&file);
    if (st == OK)
        listener_remark(listener, "refreshed: %s counts the events of %s", path,
                        refreshes[counted - 1].counts);
    return st;
}

Status finish_run(Finish f, const Config *c, Listener *listener, bool *interrupted)
{
    char path[sizeof(Config_text) + 32];
    snprintf(path, sizeof path, "%s/best.safetensors", c->train_out);
    if (f.refit) TRY(refit(c, path, listener, interrupted));
    if (!f.counted || *interrupted) return OK;
    return refresh_best(f.counted, c, path, listener);
}

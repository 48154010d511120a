/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/policy.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Uniform, logged ------------------------------------------------------------------------- */

static bool could_be_shown(const OpeLog *log, int32_t item)
{
    return !log->listed || log->listed[item];
}

static Status answer_uniform(const OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                             const OpeAnswer *answer)
{
    (void)self;
    const int32_t items = log->items;
    const double share = 1.0 / (double)log->choices;
    for (int64_t i = 0; i < log->count; i++) answer->chosen[i] = share;
    for (int k = 0; answer->mean && k < question->folds; k++) {
        double sum = 0.0, decisions = 0.0;
        for (int32_t a = 0; a < items; a++)
            if (could_be_shown(log, a)) sum += question->worth[(int64_t)k * items + a];
        for (int64_t i = 0; i < log->count; i++)
            if (question->fold[i] == k) answer->mean[i] = share * sum, decisions += 1.0;
        for (int32_t a = 0; a < items; a++)
            if (could_be_shown(log, a)) answer->mass[(int64_t)k * items + a] = share * decisions;
    }
    return OK;
}

OpePolicy ope_policy_uniform(void)
{
    return (OpePolicy){.name = "uniform", .distribution = true, .answer = answer_uniform};
}

static Status answer_logged(const OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                            const OpeAnswer *answer)
{
    (void)self;
    (void)question;
    for (int64_t i = 0; i < log->count; i++) answer->chosen[i] = (double)log->propensity[i];
    return OK;
}

OpePolicy ope_policy_logged(void) { return (OpePolicy){.name = "logged", .answer = answer_logged}; }

/* ---- Popularity ------------------------------------------------------------------------------ */

/* The slot of `log` that has the value of slot s of `train`; -1: there is none. */
static int same_slot(const OpeLog *log, const OpeLog *train, int s)
{
    for (int k = 0; k < log->slots; k++)
        if (log->slot_value[k] == train->slot_value[s]) return k;
    return -1;
}

/* Counts the train events of each slot and item, and divides by the total of the slot. */
static Status count(OpePopularity *p, const OpeLog *log, const OpeLog *train)
{
    double total[OPE_SLOTS_MAX] = {0};
    for (int64_t i = 0; i < train->count; i++) {
        const int s = same_slot(log, train, train->slot[i]);
        if (s < 0 || !could_be_shown(log, train->item[i])) continue;
        p->share[(int64_t)s * p->items + train->item[i]] += 1.0;
        total[s] += 1.0;
    }
    for (int s = 0; s < p->slots; s++) {
        if (total[s] == 0.0)
            return FAIL(ERR_FORMAT,
                        "%s: no event of the train split has position %g and an item that could be "
                        "shown, want at least one",
                        log->file->path, (double)log->slot_value[s]);
        for (int32_t a = 0; a < p->items; a++) p->share[(int64_t)s * p->items + a] /= total[s];
    }
    return OK;
}

Status ope_policy_popularity_fit(OpePopularity *p, const OpeLog *log, const char *position)
{
    const OpeLogOptions options = {.split = SPLIT_TRAIN, .position = position};
    OpeLog train = {0};
    Status st;
    *p = (OpePopularity){.items = log->items, .slots = log->slots};
    p->share = calloc((size_t)p->slots * (size_t)p->items, sizeof *p->share);
    if (!p->share)
        TRY_OR_FAIL(
            st, FAIL(ERR_MEMORY, "no memory for the popularity of %" PRId32 " items", p->items));
    TRY_OR_FAIL(st, ope_log_open(&train, log->file, &options));
    TRY_OR_FAIL(st, count(p, log, &train));
fail:
    ope_log_close(&train);
    if (st != OK) ope_policy_popularity_close(p);
    return st;
}

void ope_policy_popularity_close(OpePopularity *p)
{
    free(p->share);
    *p = (OpePopularity){0};
}

static Status answer_popularity(const OpePolicy *self, const OpeLog *log,
                                const OpeQuestion *question, const OpeAnswer *answer)
{
    const OpePopularity *p = self->state;
    const int32_t items = p->items;
    for (int64_t i = 0; i < log->count; i++)
        answer->chosen[i] = p->share[(int64_t)log->slot[i] * items + log->item[i]];
    if (!answer->mean) return OK;
    for (int k = 0; k < question->folds; k++)
        for (int s = 0; s < p->slots; s++) {
            const double *share = p->share + (int64_t)s * items,
                         *worth = question->worth + (int64_t)k * items;
            double mean = 0.0, decisions = 0.0;
            for (int32_t a = 0; a < items; a++) mean += share[a] * worth[a];
            for (int64_t i = 0; i < log->count; i++)
                if (question->fold[i] == k && log->slot[i] == s)
                    answer->mean[i] = mean, decisions += 1.0;
            for (int32_t a = 0; a < items; a++)
                answer->mass[(int64_t)k * items + a] += decisions * share[a];
        }
    return OK;
}

OpePolicy ope_policy_popularity(const OpePopularity *p)
{
    return (OpePolicy){.name = "popularity",
                       .distribution = true,
                       .fitted = true,
                       .state = (void *)p,
                       .answer = answer_popularity};
}

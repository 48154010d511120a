/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of an ablation: its arms, and their measures by group of events. */
#ifndef SOUK_ABLATION_TABLE_H
#define SOUK_ABLATION_TABLE_H

#include "base/config.h"
#include "evaluate/ranking/evaluation.h"
#include "evaluate/statistics/paired.h"

enum { ABLATION_ARMS_MAX = 5, ABLATION_SEEDS_MAX = 64 };

typedef enum { ARM_NO_RL, ARM_CONTROL, ARM_AGENT } AblationRole;

typedef struct {
    Config_text objective;
    AblationRole role;
    int64_t steps[ABLATION_SEEDS_MAX]; /* of the training under each seed */
} AblationArm;

/* Events of one kind, or the episodes of a world. */
typedef struct {
    const char *name;
    int64_t events, users; /* 0 in a world */
    /* On a log, each measure of each arm under each seed. */
    double value[MEASURES][ABLATION_ARMS_MAX][ABLATION_SEEDS_MAX];
    PairedEstimate arm[ABLATION_ARMS_MAX];
    /* [arms, arms] of the row less the column. */
    PairedEstimate difference[ABLATION_ARMS_MAX * ABLATION_ARMS_MAX];
    const char *baseline; /* name of the best bar, chosen on validation; NULL: there is none */
    RankingSummary best;  /* of that bar */
} AblationGroup;

typedef struct {
    const Config *config;
    const char *judged; /* name of the measure that decides: "NDCG@10", "return" */
    int64_t items;
    int64_t left_out; /* events that are not ranked, as their target was seen before */
    int arms, seeds, groups;
    AblationArm arm[ABLATION_ARMS_MAX];
    AblationGroup *group; /* [groups] the first has all events */
    double optimum;       /* of the world; NaN where it is not known */
} AblationTable;

#endif

/* An ablation: does reinforcement learning do more than an auxiliary loss would?
 *
 * On tables of next items the gain of a Q head may be that of any second head which shapes the
 * representation: predicting how long a history is gained as much as SQN did (Silva et al. 2024). So the
 * same model is trained, with the same settings, budget and seeds, as each of these arms:
 *
 *   cross_entropy                no RL
 *   cross_entropy+aux_random     a control: Q regresses on noise
 *   cross_entropy+aux_length     a control: Q regresses on the length of the history
 *   cross_entropy+sarsa          an agent, with the simplest target
 *   learn.objective              the chosen agent
 *
 * and all are judged alike: on a log by the ranking of the whole catalogue at each event of the test split,
 * with the best weights of the validation, as `souk eval` does; in a world by the return of the greedy
 * policy after the last round (train/rounds.h), where the controls act by their policy, since their Q is no
 * value. Every two are compared, paired over users and seeds (evaluate/paired.h). An agent does more than an
 * auxiliary loss would where it beats both controls and no RL too: to harm less than noise is no gain.
 *
 * Folder train.out afterwards: OBJECTIVE-seed-N, a run each, with its arm.json, which an ablation with another
 * chosen agent finds and keeps; ablation.json, the figures; ablation.dat and ablation.gp, and where gnuplot is
 * installed ablation.svg, the plot.
 */
#ifndef SOUK_ABLATION_H
#define SOUK_ABLATION_H

#include <stdio.h>

#include "base/config.h"
#include "evaluate/ranking/evaluation.h"
#include "evaluate/statistics/paired.h"
#include "world/play.h"

enum { ABLATION_ARMS_MAX = 5, ABLATION_SEEDS_MAX = 64 };

typedef struct {
    int64_t seeds;     /* 2 .. ABLATION_SEEDS_MAX: train.seed, train.seed + 1, ... */
    int64_t users;     /* of the test split, drawn; 0: all */
    bool include_seen; /* items of the history stay candidates */
    bool overwrite;    /* train all arms anew; else those that are complete stay, others go on */
} AblationOptions;

/* Run it; the table to standard output. Results do not depend on the number of threads, nor on how often
 * the ablation was killed in between, unless train.seconds is the budget. Fails when an arm of another
 * settings or data is in the folder, naming what differs. */
Status ablation_run(const Config *config, const AblationOptions *options);

/* ---- An arm under one seed: its arm.json -------------------------------------------------------------- */

typedef struct {
    bool complete; /* else its training began */
    int64_t steps;
    double seconds;      /* of the training, since it last went on */
    PlayInterval greedy; /* in a world: the return */
    double optimum;      /* NaN where it is not known */
} ArmRecord;

/* That of folder train.out; *there: is there one? Fails when it was made with other settings (but those of
 * place and pace; train.seconds counts) or from another file; `file` NULL in a world. */
Status ablation_record_read(ArmRecord *r, bool *there, const Config *c, const Behaviour *file);
Status ablation_record_write(const ArmRecord *r, const Config *c, const Behaviour *file);

/* ---- What the report shows ------------------------------------------------------------------------------ */

typedef enum { ARM_NO_RL, ARM_CONTROL, ARM_AGENT } ArmRole;

typedef struct {
    Config_text objective;
    ArmRole role;
    int64_t steps[ABLATION_SEEDS_MAX]; /* made under each seed */
} AblationArm;

/* Events of one kind, or a world's episodes. */
typedef struct {
    const char *name;
    int64_t events, users;                                         /* 0 in a world */
    double value[MEASURES][ABLATION_ARMS_MAX][ABLATION_SEEDS_MAX]; /* a log's */
    PairedEstimate arm[ABLATION_ARMS_MAX];
    PairedEstimate
        difference[ABLATION_ARMS_MAX * ABLATION_ARMS_MAX]; /* [arms, arms] row - column */
    const char *baseline;                                  /* the best; NULL: none */
    RankingSummary best;                                   /* of it */
} AblationGroup;

typedef struct {
    const Config *config;
    const char *judged; /* "NDCG@10", "return" */
    int64_t items;
    int64_t
        flattered; /* scored events whose target was seen before, while seen items are no candidates */
    int arms, seeds, groups;
    AblationArm arm[ABLATION_ARMS_MAX];
    AblationGroup *group; /* [groups] the first is of all events */
    double optimum;       /* NaN where it is not known */
} AblationTable;

/* At most 100 columns: by group the arms, and a sentence for each agent and each arm before it. */
void ablation_report_print(FILE *out, const AblationTable *table);
/* ablation.json, ablation.dat, ablation.gp in the folder; the plot where there is gnuplot. */
Status ablation_report_write(const AblationTable *table);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An ablation: does reinforcement learning do more than an auxiliary loss would?
 *
 * On tables of next items the gain of a Q head may be that of any second head which shapes the
 * representation: to predict the length of a history gained as much as SQN did (Silva et al. 2024).
 * So the same model is trained, with the same settings, budget and seeds, as each of these arms:
 *
 *   cross_entropy                no RL
 *   cross_entropy+aux_random     a control: Q regresses on noise
 *   cross_entropy+aux_length     a control: Q regresses on the length of the history
 *   cross_entropy+sarsa          an agent, with the simplest target
 *   learn.objective              the chosen agent
 *
 * All arms are measured alike. On a log the measure is the ranking of the whole catalogue at each
 * event of the test split, with the best weights of the validation, as `souk eval` does. In a world
 * it is the return of the greedy policy after the last round (train/rounds/rounds.h); there the
 * controls act by their policy, since their Q is not a value. Every two arms are compared, paired
 * over users and seeds (evaluate/statistics/paired.h). An agent does more than an auxiliary loss
 * would if it beats both controls and also no RL: to harm less than noise does is not a gain.
 *
 * The folder train.out then has a run OBJECTIVE-seed-N for each arm and seed, with its arm.json,
 * which an ablation with another chosen agent finds and keeps; ablation.json, the figures;
 * ablation.dat and ablation.gp; and, where gnuplot is installed, the plot ablation.svg.
 */
#ifndef SOUK_ABLATION_H
#define SOUK_ABLATION_H

#include "base/listener.h"
#include "train/ablation/table.h"

typedef struct {
    int64_t seeds; /* 2 .. ABLATION_SEEDS_MAX: train.seed, train.seed + 1, … */
    int64_t users; /* so many users of the test split are drawn; 0: all */
    /* Items of the history stay candidates, or are none; neither: the rule of
     * evaluate/ranking/repeats.h decides. */
    bool include_seen, exclude_seen;
    bool overwrite;     /* train all arms again; else keep complete arms and continue the others */
    Listener *listener; /* NULL: nobody */
} AblationOptions;

/* Runs it and prints the table to standard output. Results do not depend on the number of threads,
 * nor on how often the ablation was killed and started again, unless train.seconds is the budget.
 * Fails where an arm in the folder has other settings or other data; the message names what
 * differs. */
Status ablation_run(const Config *config, const AblationOptions *options);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Acting and training by turns: in each round the policy plays episodes of a world, and the model
 * is trained on the log of these episodes and of earlier rounds.
 *
 *   round 0      a policy of the world plays (world.first, world.first_episodes), and a model is
 *                made; with train.from, that model plays instead
 *   every round  world.steps optimizer steps (in round 0 world.first_steps) on the rounds of the
 *                window, each step with a batch from one of them, drawn uniformly; then the greedy
 *                policy is measured
 *   round r > 0  begins with the model playing world.episodes episodes, by softmax or with epsilon;
 *                both fall geometrically to `cooling` times their first value
 *
 * One Trainer does all rounds: weights, moments and target network continue, and the learning rate
 * follows one schedule over all rounds. All measurements play the same episodes, so that the
 * policies of all rounds, the world's own policies and the optimum meet the same random numbers.
 *
 * The folder train.out then has round-N.h5, the log of each round; last.safetensors and
 * checkpoint.json, written after each round; best.safetensors, the model of the round whose greedy
 * return was the highest; metrics.jsonl; rounds.json, the table; rounds.dat and rounds.gp; and,
 * where gnuplot is installed, the plot rounds.svg.
 */
#ifndef SOUK_ROUNDS_H
#define SOUK_ROUNDS_H

#include "base/config.h"
#include "base/listener.h"
#include "train/rounds/table.h"

typedef struct {
    bool overwrite;     /* the folder may hold another run */
    Listener *listener; /* hears of each step, and of the table as it grows; NULL: nobody */
} RoundsOptions;

/* Runs world.rounds rounds. *last is the last round, *optimum that of the world, NaN where it is
 * not known; both may be NULL. Where the listener asks to stop it fails with ERR_CANCELLED, and the
 * folder has the checkpoint of the last whole round. */
Status rounds_run(const Config *config, RoundsOptions options, MeasuredRound *last,
                  double *optimum);

#endif

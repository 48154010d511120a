/* Acting and training by turns: each round the policy plays episodes of a world, and the model is
 * trained on what it saw, beside the rounds before.
 *
 *   round 0      a policy of the world plays (world.first), world.first_episodes; a model is made; or, with
 *                train.from, the model plays
 *   every round  world.steps optimizer steps (world.first_steps in the first) on the rounds of the window,
 *                each step a batch of one of them, drawn uniformly; then the greedy policy is measured
 *   round r > 0  begins with the model playing world.episodes episodes, by softmax or with epsilon,
 *                which fall geometrically to `cooling` times their first value
 *
 * One Trainer throughout: weights, moments and target network go on, the learning rate follows one
 * schedule over all rounds. All measurements play the same episodes, so the policies of all rounds, the
 * world's own policies and the optimum meet the same luck.
 *
 * Folder train.out afterwards: round-N.h5, the log of each round; last.safetensors and checkpoint.json,
 * after each round; metrics.jsonl; rounds.json, the table; rounds.dat and rounds.gp, and where gnuplot is
 * installed rounds.svg, the plot.
 */
#ifndef SOUK_ROUNDS_H
#define SOUK_ROUNDS_H

#include <stdbool.h>

#include "base/config.h"
#include "world/play.h"

enum { ROUNDS_BASELINES_MAX = 16 };

/* What was measured, as the table shows it. */
typedef struct {
    const char *name;
    bool oracle;
    PlayInterval value;
} MeasuredPolicy;
typedef struct {
    PlayInterval played; /* the log's: with exploration */
    PlayInterval greedy; /* measured after training */
    PlayInterval lost;   /* by the greedy policy, of the optimum; 0 where that is not known */
    double td, seconds;  /* mean TD loss of the round's steps; since the start */
    int64_t events;      /* seen by the model so far */
} MeasuredRound;
typedef struct {
    const char *world, *objective, *folder;
    int baselines;
    MeasuredPolicy baseline[ROUNDS_BASELINES_MAX];
    bool known; /* the optimum */
    double optimum;
    int64_t rounds;
    MeasuredRound *round; /* [rounds] */
} RoundsTable;

/* Run config's world.rounds; prints the table as it grows unless train.quiet. `overwrite`: in a folder
 * that holds a run. `last` (may be NULL) gets the last round, `optimum` too (NaN where it is not
 * known). */
Status rounds_run(const Config *config, bool overwrite, MeasuredRound *last, double *optimum);

/* rounds.json, rounds.dat, rounds.gp in the folder; the plot where there is gnuplot. */
Status rounds_report_write(const RoundsTable *table);

#endif

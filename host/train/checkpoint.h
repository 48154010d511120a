/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: one safetensors file holds all that a bit-exact resume needs.
 *
 *   <name>              parameters, by the names of host/model/README.md
 *   adamw.m.<name>, adamw.v.<name>, target.<name>
 *   validation.ranks    i32: the rankings that later validations are compared with
 *   counts.<name>       the count table, where the model has one (model/counts.h)
 *   __metadata__        the settings that config.h calls stored ("model.dim", …); step, epoch,
 *                       batch, best, worse, anneal_from, anneal_steps (learn/optimizer.h; 0: it
 *                       does not anneal), moments_steps (steps of other trainings whose moments
 *                       this one began with; not where it is 0), catalogue_hash; best_error and
 *                       best_hr10, where they are known of the best validation; inputs, the names
 *                       of the features and actions (data/behaviour/identity/inputs.h); souk, the
 *                       version of souk that wrote the file; fingerprint, of the events of the log
 *                       that it was trained on (identity/hash.h), not in a world, whose logs are
 *                       many; counted, with a count table or after a refit: the number of the first
 *                       splits whose events the table, after a refit the weights too, contain, 1:
 *                       the train split; pairs, with a count table: the version of the weights of
 *                       pairs (counts/pair.h)
 *
 * The file appears whole or not at all, so whatever happens the last one survives. Beside it,
 * catalogue.h5 has what a use of the model needs of the behaviour file (model/saved.h), and
 * checkpoint.json says the same as the metadata for people and scripts. Random numbers need no
 * state (they are functions of seed and step), nor does the stream (its cursor is epoch and batch).
 */
#ifndef SOUK_CHECKPOINT_H
#define SOUK_CHECKPOINT_H

#include "base/listener.h"
#include "model/safetensors.h"
#include "train/trainer.h"

typedef struct {
    StreamCursor cursor; /* the next batch */
    double best;         /* best validation so far; negative: none */
    double error, hr10;  /* its standard error, and its HR@10; NaN: not known */
    int64_t worse;       /* validations since the last improvement */
    Tensor ranks;        /* i32 on the host, what Validation keeps; its owner outlives this */
} Progression;

/* `all`: moments and target network too, for resuming. */
Status checkpoint_write(const Trainer *t, const Progression *p, const char *path, bool all);
/* checkpoint.json in folder train.out. */
Status checkpoint_describe(const Trainer *t, const Progression *p);

/* Whether the checkpoint `path` was trained on the events that `fingerprint` stands for; true where
 * it does not say. */
Status checkpoint_same_events(const char *path, const char *fingerprint, bool *same);

/* A counter of the metadata: "step", "best", ... */
Status checkpoint_number(const Safetensors *file, const char *key, double *value);

/* The best validation: best, error and hr10. */
Status checkpoint_best(const Safetensors *file, Progression *p);

/* Restore an open trainer. Fails, naming both values, when the checkpoint was made with another
 * model, objective, batch or catalogue; settings of place and pace, and of when to stop, may
 * change. */
Status checkpoint_resume(Trainer *t, Progression *p, const char *path);

/* Give the settings that are auto in *c the values that they have in the checkpoint `path`. */
Status checkpoint_settings(Config *c, const char *path);
/* Give the sizes of the weights that are auto in *c those of train.from. Nothing where train.from
 * is empty. */
Status checkpoint_sizes(Config *c);

/* Begin with the weights of train.from, a checkpoint or the folder of a run on the same catalogue
 * or one that has grown since (train/start/grown.h), instead of those of the seed: encoder and
 * items, and of the heads those that it has. The model's sizes must be the same. The step and the
 * schedule begin anew, and the moments too, unless train.moments is 1. Nothing where train.from is
 * empty. */
Status checkpoint_begin(Trainer *t, Listener *listener);
/* After checkpoint_begin, for logs that come later: take the count table of train.from too, with
 * its fingerprint, in place of one of the trainer's file. Of that file and of those to come, no
 * event is counted. Nothing where train.from is empty. */
Status checkpoint_begin_counts(Trainer *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A trainer: a model, its optimizer, and everything else that its steps need in memory.
 * train/trainer_open.h opens one, train/step.h runs its steps, train/loop.h is the loop around
 * them.
 */
#ifndef SOUK_TRAINER_H
#define SOUK_TRAINER_H

#include "base/comm.h"
#include "base/config.h"
#include "base/device/graph.h"
#include "data/behaviour/identity/hash.h"
#include "infer/session.h"
#include "learn/objective.h"
#include "learn/optimizer.h"
#include "model/encoder.h"
#include "train/defaults.h"
#include "train/feed.h"

/* The memory of a training, in bytes; train/plan.h measures it. */
typedef enum {
    PLAN_PARAMETERS, /* with the bf16 copies that products read */
    PLAN_GRADIENTS,  /* of the parameters */
    PLAN_MOMENTS,    /* of AdamW, both */
    PLAN_TARGET_NETWORK,
    PLAN_ACTIVATIONS,   /* of the encoders, and the gradient of the states */
    PLAN_OPTIMIZER,     /* what AdamW keeps beside the moments */
    PLAN_ITEM_FEATURES, /* on CUDA */
    PLAN_COUNTS,        /* the model's count table */
    PLAN_INPUTS,        /* staging buffers for batches, on CUDA */
    PLAN_USER_PROFILES, /* repeated for each token of a batch, on the host */
    PLAN_INPUT_SLOTS,   /* pinned memory of the host, on CUDA */
    PLAN_REPORTS,       /* pinned memory of the host */
    PLAN_SCRATCH,       /* of the largest step */
    PLAN_WORKSPACES,    /* of libraries, on CUDA */
    PLAN_PARTS,
} PlanPart;
typedef struct {
    int64_t parameters; /* their number */
    size_t part[PLAN_PARTS];
} MemoryPlan;

typedef struct {
    int64_t step; /* from 1 */
    Losses losses;
    double gradient_norm, lr;
    int64_t tokens;      /* of the batch, without padding */
    StreamCursor cursor; /* of the batch */
} StepReport;

enum { STEPS_AHEAD = 2 }; /* the largest number of steps that are enqueued and not reported */

/* A step that is enqueued and not reported. The device writes `found` while the host goes on. */
typedef struct {
    StepReport report;
    struct {
        double sums[SUMS], state[ADAMW_STATE];
    } * found;
    DeviceEvent *found_event; /* marked behind the copy into `found` */
} PendingStep;

typedef struct {
    Config config; /* no setting of the weights and of the steps is auto */
    Chosen chosen; /* what the size of the log decided */
    Device dev;
    Comm comm; /* the ranks that train together: one */
    Behaviour file;
    char fingerprint[HASH_TEXT]; /* of its events; "": nobody asked */
    Objective objective;
    Optimizer optimizer;
    MemoryPlan plan; /* what opening and the steps take */
    Model model;
    bool measures_acting;   /* the rule by which it acts is found by what is measured later */
    Encoder online, target; /* target: only where an agent reads the target network */
    ModelInput input;       /* of step_gradients */
    Feed feed;              /* of the steps */
    Arena gradient_arena;
    Tensor dh;     /* [tokens, dim] of the activations' dtype */
    Tensor sums;   /* the step's losses: learn/agent.h */
    Tensor number; /* i64 [1]: the step, for step_gradients */

    PendingStep pending[STEPS_AHEAD];             /* step n of this trainer is in n % STEPS_AHEAD */
    int64_t enqueued, reported;                   /* the number of steps of this trainer */
    DeviceGraph *graph[FEED_INPUTS][FEED_SHAPES]; /* of a step on this input; NULL: not recorded */
    bool computed[FEED_SHAPES]; /* a step of this shape has run launch by launch */
    int64_t replayed;           /* the number of steps of this trainer that ran as a graph */
    int64_t step; /* of the optimizer: steps enqueued; after a failed step, those before it */
} Trainer;

/* The first half of opening: read the settings, choose those that are auto, and open the device.
 * Takes no memory of the plan.
 * The trainer closes `file`, also on failure. */
Status trainer_prepare(Trainer *t, const Config *config, Behaviour file);
/* A trainer like `like`, prepared, on a device that measures. It uses the file and the ranks of
 * `like`, which must stay open. */
void trainer_open_measuring(Trainer *t, const Trainer *like);
/* The second half: take the memory of a prepared trainer. Parameters are 0. */
Status trainer_take(Trainer *t);
void trainer_close(Trainer *t); /* safe on {0} */

/* Begin training with the weights that PARAM_VALUE has now: copy them to the target network, and
 * round them to the bf16 copies that products read. Opening does this with the weights of
 * train.seed. */
void trainer_begin(Trainer *t);

/* A session on the trainer's weights, which a request reads as they are at that time. It computes
 * in the memory of t->online, so do not use it between the forward and the backward pass of a
 * step. Close it before the trainer. */
Status trainer_session(Trainer *t, Session **session);

/* The stream of batches that the settings ask for. */
StreamOptions trainer_stream(const Trainer *t);
/* Set the number of steps of the learning-rate schedule. */
void trainer_schedule(Trainer *t, int64_t steps);

/* The number of steps that are enqueued and not reported. */
static inline int64_t trainer_unreported(const Trainer *t) { return t->enqueued - t->reported; }
/* How many steps should stay unreported while the next one is enqueued: on the CPU none, because
 * there a step has run when step_enqueue returns. */
static inline int64_t trainer_ahead(const Trainer *t)
{
    return ON_CUDA(&t->dev) ? STEPS_AHEAD - 1 : 0;
}

#endif

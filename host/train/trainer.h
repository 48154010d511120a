/* One training step, and everything it needs in memory. The loop around it is train/loop.h. */
#ifndef SOUK_TRAINER_H
#define SOUK_TRAINER_H

#include "base/config.h"
#include "learn/objective.h"
#include "learn/optimizer.h"
#include "model/encoder.h"

typedef struct {
    Config config;
    Device dev;
    Behaviour file;
    Objective objective;
    Optimizer optimizer;
    Model model;
    Encoder online, target; /* target: only where an agent reads the target network */
    ModelInput input;
    Arena gradient_arena;
    Tensor dh;               /* [tokens, dim] of the activations' dtype */
    Tensor sums;             /* the step's losses: learn/agent.h */
    Tensor number, schedule; /* i64 [1], f64 [ADAMW_SCHEDULE]: what changes from step to step */
    int64_t step;            /* optimizer steps done */
} Trainer;

typedef struct {
    Losses losses;
    double gradient_norm, lr;
    int64_t tokens; /* used */
} StepReport;

/* Open the file, plan the memory, refuse early what does not fit, take it, initialise the weights.
 * `steps` of the schedule come from config (train.steps, or epochs times the batches of an epoch). */
Status trainer_open(Trainer *t, const Config *config);
/* The same on an open file, which the trainer closes, also on failure. */
Status trainer_open_on(Trainer *t, const Config *config, Behaviour file);
/* Its first half: all that a plan needs, before any memory of the plan is taken. */
Status trainer_prepare(Trainer *t, const Config *config, Behaviour file);
void trainer_close(Trainer *t); /* safe on {0} */

/* The stream that config asks for. */
StreamOptions trainer_stream(const Trainer *t);
/* Set the length of the learning-rate schedule. */
void trainer_schedule(Trainer *t, int64_t steps);

/* Forward, losses, backward: gradients of `batch` in PARAM_GRAD, not yet applied. */
Losses trainer_gradients(Trainer *t, const Batch *batch);
/* The whole step: gradients, clip, AdamW, target network. Fails, weights unchanged, when a loss or the
 * gradient is not finite. */
Status trainer_step(Trainer *t, const Batch *batch, StepReport *report);

/* Bytes of each part, before anything is taken. */
typedef struct {
    size_t parameters, gradients, moments, target_network, activations;
} MemoryPlan;
MemoryPlan trainer_plan(const Trainer *t);
size_t memory_plan_bytes(const MemoryPlan *p); /* of all parts */

#endif

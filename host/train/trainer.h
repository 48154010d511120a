/* One training step, and everything it needs in memory. The loop around it is train/loop.h. */
#ifndef SOUK_TRAINER_H
#define SOUK_TRAINER_H

#include "base/comm.h"
#include "base/config.h"
#include "base/device_graph.h"
#include "infer/session.h"
#include "learn/objective.h"
#include "learn/optimizer.h"
#include "model/encoder.h"
#include "train/feed.h"

typedef struct {
    int64_t step; /* from 1 */
    Losses losses;
    double gradient_norm, lr;
    int64_t tokens;      /* used */
    StreamCursor cursor; /* of the batch */
} StepReport;

enum { STEPS_AHEAD = 2 }; /* that may be enqueued and not reported */

/* A step between the two, and what it finds: in memory that the device writes while the host goes on. */
typedef struct {
    StepReport report;
    struct {
        double sums[SUMS], state[ADAMW_STATE];
    } * found;
    DeviceEvent *found_event;
} PendingStep;

typedef struct {
    Config config;
    Device dev;
    Comm comm; /* the ranks that train together: one */
    Behaviour file;
    Objective objective;
    Optimizer optimizer;
    Model model;
    Encoder online, target; /* target: only where an agent reads the target network */
    ModelInput input;       /* of step_gradients */
    Feed feed;              /* of steps */
    Arena gradient_arena;
    Tensor dh;     /* [tokens, dim] of the activations' dtype */
    Tensor sums;   /* the step's losses: learn/agent.h */
    Tensor number; /* i64 [1]: the step, for step_gradients */

    PendingStep pending[STEPS_AHEAD];            /* step n of this trainer is in n % STEPS_AHEAD */
    int64_t enqueued, reported;                  /* steps of this trainer */
    DeviceGraph *graph[FEED_ROOMS][FEED_SHAPES]; /* a step on such a batch; NULL: not recorded */
    bool computed[FEED_SHAPES];                  /* one was, launch by launch */
    int64_t replayed;                            /* steps of this trainer, from a graph */
    int64_t step; /* optimizer steps enqueued; after a failed one, those before it */
} Trainer;

/* Open the file, plan the memory, refuse early what does not fit, take it, initialise the weights.
 * `steps` of the schedule come from config (train.steps, or epochs times the batches of an epoch). */
Status trainer_open(Trainer *t, const Config *config);
/* The same on an open file, which the trainer closes, also on failure. */
Status trainer_open_on(Trainer *t, const Config *config, Behaviour file);
/* Its first half: all that a plan needs, before any memory of the plan is taken. */
Status trainer_prepare(Trainer *t, const Config *config, Behaviour file);
void trainer_close(Trainer *t); /* safe on {0} */
/* The weights in PARAM_VALUE are the first ones: the target network and what products read become theirs.
 * Opening does so with the weights of the seed. */
void trainer_begin(Trainer *t);

/* A session over the trainer's weights, as they are at each request, and in the memory of its online
 * encoder: not to be used between the forward and the backward pass of a step. Close it before the
 * trainer. */
Status trainer_session(Trainer *t, Session **session);

/* The stream that config asks for. */
StreamOptions trainer_stream(const Trainer *t);
/* Set the length of the learning-rate schedule. */
void trainer_schedule(Trainer *t, int64_t steps);

/* Forward, losses, backward: gradients of `batch`, of all ranks, in PARAM_GRAD, not yet applied. */
Losses step_gradients(Trainer *t, const Batch *batch);
/* The whole step: gradients, clip, AdamW, target network, and its report; it waits for the step. Fails,
 * weights unchanged, when a loss or the gradient is not finite. */
Status step_run(Trainer *t, const Batch *batch, StepReport *report);

/* The same apart, so that the host need not wait for a device: enqueue the next step, at most STEPS_AHEAD
 * before the oldest is reported; report the oldest, which waits for that one alone. From a step on that
 * is not finite weights and target network stay as they are, also in those enqueued behind it, which
 * its report takes back. `batch` must stay until the report on the CPU; elsewhere it may change at once.
 *
 * On CUDA batches are fed as train/feed.h says, and with train.graph = 1 a step is recorded once for a room
 * and shape of batches, and replayed (base/device.h): the same launches, the same bits. */
Status step_enqueue(Trainer *t, const Batch *batch);
Status step_report(Trainer *t, StepReport *report);
static inline int64_t trainer_unreported(const Trainer *t) { return t->enqueued - t->reported; }
/* Steps that are best left unreported while the next is enqueued: on the CPU none. */
static inline int64_t trainer_ahead(const Trainer *t)
{
    return ON_CUDA(&t->dev) ? STEPS_AHEAD - 1 : 0;
}

/* Bytes of each part, before anything is taken. */
typedef struct {
    size_t parameters, gradients, moments, target_network, activations;
} MemoryPlan;
MemoryPlan trainer_plan(const Trainer *t);
size_t trainer_plan_bytes(const MemoryPlan *p); /* of all parts */

#endif

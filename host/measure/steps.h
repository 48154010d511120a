/* SPDX-License-Identifier: Apache-2.0 */
/* Whole training steps, timed. */
#ifndef SOUK_MEASURE_STEPS_H
#define SOUK_MEASURE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/listener.h"
#include "base/status.h"

typedef struct {
    int64_t parameters, encoder_parameters, items, steps;
    double tokens, seconds; /* the tokens that a step uses, and its median time */
    double p10, p90;        /* seconds of a step */
    double waited;          /* share of the time in which the host waited for the stream */
    double flops;           /* the FLOPs of a step (measure_steps_flops) */
    size_t parameter_bytes, gradient_bytes, moment_bytes, target_bytes, activation_bytes,
        scratch_bytes;
} BenchStep;

typedef struct {
    int64_t warmup, steps;
    int64_t items;      /* items of the synthetic histories */
    Listener *listener; /* NULL: progress is not reported */
} BenchStepOptions;

/* Steps on the data and with the settings of `config`, without validation or checkpoints. Without
 * data.path the data are synthetic histories of full windows. */
Status measure_steps(const Config *config, const BenchStepOptions *options, BenchStep *result);

/* Model FLOPs of a training step, forward and backward (3 times forward), without recomputation:
 *
 *   6 tokens encoder_parameters
 *   + 6 tokens length dim layers      attention: causal, so half of the pairs; length is the mean
 *                                     number of tokens in a token's window
 *   + 6 tokens items dim              the catalogue head
 */
double measure_steps_flops(double tokens, double encoder_parameters, double length, double dim,
                           double layers, double items);

#endif

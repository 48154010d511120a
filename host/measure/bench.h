/* What `souk bench` measures: ceilings of the machine, ops beside them, whole training steps.
 *
 * A call of an op is measured as the model makes it, through its public function. On CUDA calls are recorded
 * into a graph, so that launching costs the host nothing, and timed by events on the device, which the host does
 * not wait for in between; on the CPU they are made one by one. A sample is the time of a run of calls that
 * takes some milliseconds, divided by their number. Inputs are random, in as many sets (up to 32) as make the
 * calls of a turn move twice the last cache's bytes; warm-up is not counted. All rows are gone through in
 * rounds, so that a slow moment of the machine shows in p10 and p90 and not in one row alone.
 *
 * bytes are those that must move between memory and the processor (each input read once, each output written
 * once), flops the operations that must be done (a product of [m, k] and [k, n] is 2 m n k). floor is the time
 * that the larger of bytes / copy and flops / gemm takes: no version of the op can be much faster.
 */
#ifndef SOUK_BENCH_H
#define SOUK_BENCH_H

#include "base/config.h"
#include "base/device.h"

/* Measured in the same run. */
typedef struct {
    /* In the best tenth of the samples: */
    double
        copy; /* bytes/s, read and written, of a copy in the device's memory: the driver's or souk's own */
    double gemm_f32, gemm_bf16; /* FLOP/s of a large square product */
} BenchCeilings;

typedef struct {
    char op[32], shape[64];
    Dtype dtype;
    double bytes, flops; /* of a call */
    int samples;
    double median, p10, p90; /* seconds of a call */
    double floor;            /* seconds */
    const char *why;         /* what the time above the floor is lost to */
} BenchRow;

enum { BENCH_ONLY_MAX = 16 };
typedef struct {
    const char *only[BENCH_ONLY_MAX + 1]; /* ops whose names begin so, until NULL; none: all */
    bool ceilings_only;
    bool quick; /* fewer shapes and samples */
    bool tiny;  /* shapes that take no time, for tests: the figures mean nothing */
    bool quiet;
} BenchOptions;

enum { BENCH_ROWS_MAX = 256, BENCH_SAMPLES_MAX = 16, BENCH_CEILINGS = 4 };
typedef struct {
    BenchCeilings ceilings;
    int rows;
    BenchRow row[BENCH_ROWS_MAX];
} BenchReport;

/* Ceilings, then ops. Catalogues that the device's memory does not hold are left out. */
Status measure_ops(Device *dev, const BenchOptions *options, BenchReport *report);

/* Training steps on the data and with the settings of a config, without validation or checkpoints. Without
 * data.path, on synthetic histories. */
typedef struct {
    int64_t parameters, encoder_parameters, items, steps;
    double tokens, seconds; /* of a step: tokens used, median time */
    double p10, p90;        /* seconds of a step */
    double waited;          /* share of the time in which the host waited for the stream */
    double flops;           /* of a step: see measure_steps_flops */
    size_t parameter_bytes, gradient_bytes, moment_bytes, target_bytes, activation_bytes,
        scratch_bytes;
} BenchStep;
typedef struct {
    int64_t warmup, steps;
    int64_t items; /* of synthetic histories */
    bool quiet;
} BenchStepOptions;
Status measure_steps(const Config *config, const BenchStepOptions *options, BenchStep *result);
/* Model FLOPs of a training step, forward and backward (3 times forward), recomputation not counted:
 * 6 encoder_parameters tokens  +  6 tokens length dim layers (attention, causal: half of the pairs; length:
 * mean tokens that a token's window has)  +  6 tokens items dim (the catalogue head). */
double measure_steps_flops(double tokens, double encoder_parameters, double length, double dim,
                           double layers, double items);

#endif

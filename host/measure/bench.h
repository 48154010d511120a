/* SPDX-License-Identifier: Apache-2.0 */
/* How `souk bench` measures ops, and what it reports.
 *
 * An op is measured as the model calls it, through its public function. On CUDA, calls are recorded
 * into a graph, so that launches cost the host nothing, and timed by events on the device, between
 * which the host does not wait. On the CPU they are made one by one. A sample is the time of a run
 * of calls that takes some milliseconds, divided by their number. Inputs are random. There are so
 * many sets of them (up to 32) that one call of each set moves twice the bytes of the last cache.
 * Warm-up does not count. A run measures all rows in several rounds. So a slow moment of the
 * machine widens p10 and p90 of many rows a little, and does not spoil one row.
 *
 * bytes: what must move between memory and the processor, each input read once and each output
 * written once. flops: the operations that must be done; a product of [m, k] and [k, n] takes 2 m n
 * k. floor: the larger of bytes / copy and flops / gemm, which no version of the op can beat by
 * much.
 */
#ifndef SOUK_BENCH_H
#define SOUK_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/listener.h"
#include "base/tensor.h"

/* The machine's own limits, measured in the same run: the best tenth of the samples. */
typedef struct {
    double copy; /* bytes/s, read and written, of the faster copy in the device's memory */
    double gemm_f32, gemm_bf16; /* FLOP/s of a large square product */
} BenchCeilings;

typedef struct {
    char op[32], shape[64];
    Dtype dtype;
    double bytes, flops; /* for one call */
    int samples;
    double median, p10, p90; /* seconds of a call */
    double floor;            /* seconds */
    const char *why;         /* what takes the time above the floor */
} BenchRow;

enum { BENCH_ONLY_MAX = 16 };
typedef struct {
    /* Measure the ops whose names begin with one of these, up to NULL; where it is empty, all. */
    const char *only[BENCH_ONLY_MAX + 1];
    bool ceilings_only;
    bool quick;         /* fewer shapes and samples */
    bool tiny;          /* shapes that take no time, for tests: the figures mean nothing */
    Listener *listener; /* NULL: progress is not reported */
} BenchOptions;

enum { BENCH_ROWS_MAX = 256, BENCH_SAMPLES_MAX = 16, BENCH_CEILINGS = 4 };
typedef struct {
    BenchCeilings ceilings;
    int rows;
    BenchRow row[BENCH_ROWS_MAX];
} BenchReport;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One case of an op, and how it is measured. */
#ifndef SOUK_MEASURE_H
#define SOUK_MEASURE_H

#include "base/device.h"
#include "base/progress.h"
#include "measure/bench.h"

enum { CASE_TENSORS = 20, CASE_SETS = 32 };

/* The shape of a call. An op leaves the fields that it does not use 0. */
typedef struct {
    Dtype dtype;
    int64_t rows, dim, items, length, heads;
} Shape;

typedef struct Case Case;
typedef struct {
    const char *op; /* begins with the stem of the op's files, with spaces for its underscores */
    /* Make the tensors of one set, by the functions below. */
    void (*fill)(Case *c, Tensor *t);
    void (*call)(Case *c, const Tensor *t);
    /* Bytes and flops of a call; `size` is that of an element of the dtype. */
    void (*cost)(const Shape *shape, double size, double *bytes, double *flops);
    /* What takes the time above the floor, on a GPU and on a processor. */
    const char *why, *why_cpu;
} Op;

struct Case {
    Device *dev;
    const Op *op;
    Shape shape;
    int sets;
    Tensor t[CASE_SETS][CASE_TENSORS];
    int taken; /* entries of `memory`, over all sets */
    void *memory[CASE_SETS * CASE_TENSORS];
};

/* Tensors on the device, which the case frees; [rows] where columns is 0. Numbers in [-scale,
 * scale); zeros; i32 in [0, below). On failure their data is NULL and the device has failed. */
Tensor measure_tensor(Case *c, Dtype dtype, int64_t rows, int64_t columns, float scale);
Tensor measure_zeros(Case *c, Dtype dtype, int64_t rows, int64_t columns);
Tensor measure_ids(Case *c, int64_t count, int64_t below);
/* i32 [count, 2]: ids in [0, below), and seconds, each one above that of the row before. */
Tensor measure_events(Case *c, int64_t count, int64_t below);
/* i64 [count + 1]: offsets from 0 to `last`, in equal steps. */
Tensor measure_offsets(Case *c, int64_t count, int64_t last);
/* Numbers in [low, high). */
Tensor measure_between(Case *c, Dtype dtype, int64_t rows, int64_t columns, float low, float high);
/* i32 [items, width]: rows of ascending ids below `items`, which is at least `width`. */
Tensor measure_neighbours(Case *c, int64_t items, int64_t width);
/* i32 [windows + 1]: `rows` rows cut into windows of `length`, of which the last may be shorter,
 * and `empty` windows without a row after them. */
Tensor measure_windows(Case *c, int64_t rows, int64_t length, int64_t empty);

/* The samples of a row, over all rounds. */
typedef struct {
    int count;
    double seconds[BENCH_SAMPLES_MAX]; /* of a call */
} Samples;

/* The state of a run. It measures all rows in each of several rounds, so that the samples of a row
 * are spread over the whole time of the run. */
typedef struct {
    Device *dev;
    const BenchOptions *options;
    BenchReport *report;
    double cache;               /* bytes that one call of each set must move together */
    double memory;              /* bytes that a case's sets may take together, beyond the first */
    int rounds, round, samples; /* samples: of a row in a round */
    int next;                   /* the round's next row */
    Progress progress;
    int64_t done;  /* cases, of all rounds */
    bool ceilings; /* ceilings are being measured, which options never leave out */
    Samples of_row[BENCH_ROWS_MAX];
} Bench;

/* Measure the case as the round's next row, unless the options leave the op out. `text` is the
 * shape as the report shows it. */
Status measure_case(Bench *b, const Op *op, Shape shape, const char *text);
/* Measure the first rows of a round, BENCH_CEILINGS of them. */
Status measure_ceilings(Bench *b);
/* After all rounds: fill in the report's times, ceilings and floors. */
void measure_summarise(Bench *b);

/* The value at a share (0 to 1) of an ascending array. */
double measure_quantile(const double *ascending, int count, double share);
/* Compare two doubles, for qsort. */
int measure_ascending(const void *a, const void *b);

#endif

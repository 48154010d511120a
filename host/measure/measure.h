/* One case of an op, and how it is measured. */
#ifndef SOUK_BENCH_MEASURE_H
#define SOUK_BENCH_MEASURE_H

#include "measure/bench.h"

enum { CASE_TENSORS = 10, CASE_SETS = 32 };

/* A shape of an op. Fields that an op does not speak of are 0. */
typedef struct {
    Dtype dtype;
    int64_t rows, dim, items, length, heads;
} Shape;

typedef struct Case Case;
typedef struct {
    const char *op;
    /* Take the tensors of one set: measure_tensor. */
    void (*fill)(Case *c, Tensor *t);
    void (*call)(Case *c, const Tensor *t);
    /* Of a call; s is the element's size. */
    void (*cost)(const Shape *shape, double s, double *bytes, double *flops);
    const char *why,
        *why_cpu; /* what the time above the floor is lost to, on a GPU and on a processor */
} Op;

struct Case {
    Device *dev;
    const Op *op;
    Shape shape;
    int sets;
    Tensor t[CASE_SETS][CASE_TENSORS];
    int taken; /* memory of all sets */
    void *memory[CASE_SETS * CASE_TENSORS];
};

/* Room of the device, filled with numbers in [-scale, scale), or for I32 in [0, below). */
Tensor measure_tensor(Case *c, Dtype dtype, int64_t rows, int64_t columns, float scale);
Tensor measure_ids(Case *c, int64_t count, int64_t below);
/* i32 [windows + 1]: rows cut into windows of `length`; the last may be shorter, and `empty` more have no row. */
Tensor measure_windows(Case *c, int64_t rows, int64_t length, int64_t empty);

/* Of a row: BENCH_SAMPLES_MAX over all rounds. */
typedef struct {
    int count;
    double seconds[BENCH_SAMPLES_MAX]; /* of a call */
} Samples;

/* What all measurements of a run share. A run goes through all rows in some rounds, so that the samples of a
 * row lie apart in time, between those of others. */
typedef struct {
    Device *dev;
    const BenchOptions *options;
    BenchReport *report;
    double cache;               /* bytes that the calls of a turn through the sets must move */
    double memory;              /* bytes that a case's sets may take together, beyond the first */
    int rounds, round, samples; /* of a row in a round */
    int next;                   /* row of the round */
    bool ceilings;              /* being measured: always wanted */
    Samples of_row[BENCH_ROWS_MAX];
} Bench;

/* Sample the case into the round's next row; nothing where options leave the op out. */
Status measure_case(Bench *b, const Op *op, Shape shape, const char *text);
/* The first rows: BENCH_CEILINGS of them. */
Status measure_ceilings(Bench *b);
/* After all rounds: times, ceilings and floors of the report. */
void measure_summarise(Bench *b);

/* The tables of cases. */
Status measure_ops_layers(Bench *b);
Status measure_ops_catalogue(Bench *b);

/* A behaviour file of full windows: `tokens` tokens, at least, in histories of `length` transitions over
 * random items; one action, rewards 0 and 1. */
Status histories_bench(const char *path, int64_t items, int64_t length, int64_t tokens);

/* Ascending; the value at a share of the way, 0 to 1. */
double measure_quantile(const double *ascending, int count, double share);
int measure_ascending(const void *a, const void *b); /* doubles, for qsort */

#endif

/* One case of an op, and how it is measured. */
#ifndef SOUK_BENCH_MEASURE_H
#define SOUK_BENCH_MEASURE_H

#include "bench/bench.h"

enum { CASE_TENSORS = 10, CASE_SETS = 8 };

/* A shape of an op. Fields that an op does not speak of are 0. */
typedef struct {
    Dtype dtype;
    int64_t rows, dim, items, length, heads;
} Shape;

typedef struct Case Case;
typedef struct {
    const char *op;
    /* Take the tensors of one set: case_tensor. */
    void (*fill)(Case *c, Tensor *t);
    void (*call)(Case *c, const Tensor *t);
    /* Of a call; s is the element's size. */
    void (*cost)(const Shape *shape, double s, double *bytes, double *flops);
    const char *why;
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
Tensor case_tensor(Case *c, Dtype dtype, int64_t rows, int64_t columns, float scale);
Tensor case_ids(Case *c, int64_t count, int64_t below);
/* i32 [windows + 1]: rows cut into windows of `length`; the last may be shorter. */
Tensor case_windows(Case *c, int64_t rows, int64_t length);

/* What all measurements of a run share. */
typedef struct {
    Device *dev;
    const BenchOptions *options;
    BenchReport *report;
    double cache; /* bytes that inputs must exceed */
} Bench;

/* Measure the case and append its row, with the floor that the ceilings give; nothing where options leave the
 * op out. */
Status bench_case(Bench *b, const Op *op, Shape shape, const char *text);
Status bench_ceilings(Bench *b);

/* The tables of cases. */
Status bench_layers(Bench *b);
Status bench_catalogue(Bench *b);

/* Ascending; the value at a share of the way, 0 to 1. */
double bench_quantile(const double *ascending, int count, double share);

#endif

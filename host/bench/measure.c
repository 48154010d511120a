#include "bench/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bf16.h"
#include "base/progress.h"
#include "gemm.h"

enum { FILL = 1 << 20, SAMPLES = 15, SAMPLES_QUICK = 7, SAMPLES_LONG = 3 };

/* ---- Tensors -------------------------------------------------------------------------------------- */

/* The same numbers in every run: a linear congruence (Knuth 1998, 3.3.4). */
static uint64_t next_bits(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static Tensor take(Case *c, Dtype dtype, int64_t rows, int64_t columns)
{
    Tensor t = columns > 0 ? TENSOR(NULL, dtype, rows, columns) : TENSOR(NULL, dtype, rows);
    t.data = device_alloc(c->dev, tensor_bytes(t));
    if (t.data) c->memory[c->taken++] = t.data;
    return t;
}

/* The first bytes of t repeated to its end, by copies that double. */
static void repeat(Case *c, Tensor t, size_t have)
{
    const size_t all = tensor_bytes(t);
    while (have < all) {
        const size_t more = have < all - have ? have : all - have;
        device_copy(c->dev, (char *)t.data + have, t.data, more);
        have += more;
    }
}

Tensor case_tensor(Case *c, Dtype dtype, int64_t rows, int64_t columns, float scale)
{
    const Tensor t = take(c, dtype, rows, columns);
    const int64_t count = tensor_count(t), own = count < FILL ? count : FILL;
    float *numbers = malloc((size_t)own * sizeof *numbers);
    uint64_t state = 1 + (uint64_t)c->taken;
    if (!t.data || !numbers) return free(numbers), t;
    for (int64_t i = 0; i < own; i++)
        numbers[i] = scale * ((float)(next_bits(&state) >> 7) / (float)(1 << 23) - 1.0f);
    uint16_t *halves = (uint16_t *)numbers; /* in place, from the front */
    for (int64_t i = 0; i < own && dtype == BF16; i++) {
        const float rounded = bf16_rounded(numbers[i]);
        uint32_t bits;
        memcpy(&bits, &rounded, sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    const size_t bytes = (size_t)own * dtype_size(dtype);
    device_copy_in(c->dev, t.data, numbers, bytes);
    repeat(c, t, bytes);
    free(numbers);
    return t;
}

Tensor case_ids(Case *c, int64_t count, int64_t below)
{
    const Tensor t = take(c, I32, count, 0);
    int32_t *ids = malloc((size_t)count * sizeof *ids);
    uint64_t state = 7 + (uint64_t)c->taken;
    if (!t.data || !ids) return free(ids), t;
    for (int64_t i = 0; i < count; i++) ids[i] = (int32_t)(next_bits(&state) % (uint64_t)below);
    device_copy_in(c->dev, t.data, ids, tensor_bytes(t));
    free(ids);
    return t;
}

Tensor case_windows(Case *c, int64_t rows, int64_t length)
{
    const int64_t windows = (rows + length - 1) / length;
    const Tensor t = take(c, I32, windows + 1, 0);
    int32_t *ends = malloc((size_t)(windows + 1) * sizeof *ends);
    if (!t.data || !ends) return free(ends), t;
    for (int64_t w = 0; w <= windows; w++)
        ends[w] = (int32_t)(w * length < rows ? w * length : rows);
    device_copy_in(c->dev, t.data, ends, tensor_bytes(t));
    free(ends);
    return t;
}

/* ---- Time ----------------------------------------------------------------------------------------- */

static void call_in_turns(Case *c, int calls)
{
    for (int i = 0; i < calls; i++) c->op->call(c, c->t[i % c->sets]);
}

static double seconds_of(Case *c, int calls, DeviceGraph *graph)
{
    const double start = clock_seconds();
    if (graph)
        device_graph_run(c->dev, graph);
    else
        call_in_turns(c, calls);
    device_sync(c->dev);
    return clock_seconds() - start;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(const double *ascending, int count, double share)
{
    return ascending[(int)(share * (count - 1) + 0.5)];
}

/* Calls of a sample: they take `wanted` seconds, and every set has its turn. */
static int calls_for(double each, double wanted, int sets)
{
    const double calls = fmin(wanted / fmax(each, 1e-7), 1000.0);
    return calls > sets ? (int)calls / sets * sets : sets;
}

static void measure(Bench *b, Case *c, BenchRow *row)
{
    double sample[SAMPLES];
    int samples = b->options->quick ? SAMPLES_QUICK : SAMPLES;
    const double wanted = ON_CUDA(c->dev) ? 4e-3 : 5e-2;
    call_in_turns(c, c->sets);
    device_sync(c->dev);
    const double each = seconds_of(c, c->sets, NULL) / c->sets;
    const int calls = calls_for(each, wanted, c->sets);
    if (each > 0.1) samples = SAMPLES_LONG;
    DeviceGraph *graph = NULL;
    if (device_settled(c->dev) && c->dev->status == OK) {
        device_graph_begin(c->dev);
        call_in_turns(c, calls);
        graph = device_graph_end(c->dev);
    }
    seconds_of(c, calls, graph);
    for (int i = 0; i < samples; i++) sample[i] = seconds_of(c, calls, graph) / calls;
    device_graph_close(c->dev, graph);
    qsort(sample, (size_t)samples, sizeof *sample, compare);
    row->median = bench_quantile(sample, samples, 0.5);
    row->p10 = bench_quantile(sample, samples, 0.1);
    row->p90 = bench_quantile(sample, samples, 0.9);
}

static double floor_of(const BenchCeilings *c, const BenchRow *row)
{
    const double gemm = row->dtype == BF16 ? c->gemm_bf16 : c->gemm_f32;
    return fmax(c->copy > 0.0 ? row->bytes / c->copy : 0.0, gemm > 0.0 ? row->flops / gemm : 0.0);
}

/* Sets enough to pass the caches; what a set takes is seen with the first. */
static Status fill(Bench *b, Case *c)
{
    double bytes = 0.0;
    do {
        Tensor *t = c->t[c->sets++];
        c->op->fill(c, t);
        for (int i = 0; i < CASE_TENSORS && c->sets == 1; i++)
            if (t[i].data) bytes += (double)tensor_bytes(t[i]);
    } while (c->dev->status == OK && c->sets < CASE_SETS && c->sets * bytes < b->cache);
    return c->dev->status;
}

Status bench_case(Bench *b, const Op *op, Shape shape, const char *text)
{
    const char *only = b->options->only;
    if (only && strncmp(op->op, only, strlen(only)) != 0) return OK;
    REQUIRE(b->report->rows < BENCH_ROWS_MAX, "more than %d rows", BENCH_ROWS_MAX);
    BenchRow *row = &b->report->row[b->report->rows];
    *row = (BenchRow){.dtype = shape.dtype, .why = op->why};
    snprintf(row->op, sizeof row->op, "%s", op->op);
    snprintf(row->shape, sizeof row->shape, "%s", text);
    Case c = {.dev = b->dev, .op = op, .shape = shape};
    Status st = fill(b, &c);
    if (st == OK) {
        op->cost(&shape, (double)dtype_size(shape.dtype), &row->bytes, &row->flops);
        measure(b, &c, row);
        row->floor = floor_of(&b->report->ceilings, row);
        st = device_sync(b->dev);
    }
    for (int i = 0; i < c.taken; i++) device_free(b->dev, c.memory[i]);
    if (st == OK) b->report->rows++;
    if (st == OK && !b->options->quiet) fprintf(stderr, "\r%-24s %-40s", row->op, row->shape);
    return st;
}

/* ---- Ceilings ------------------------------------------------------------------------------------- */

static void copy_fill(Case *c, Tensor *t)
{
    t[0] = case_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[1] = case_tensor(c, F32, c->shape.rows, 0, 1.0f);
}
/* On the CPU by all threads, as ops copy. */
static void copy_call(Case *c, const Tensor *t)
{
    const int64_t bytes = (int64_t)tensor_bytes(t[0]), pieces = ON_CUDA(c->dev) ? 1 : 64;
#pragma omp parallel for schedule(static) num_threads(c->dev->threads) if (pieces > 1)
    for (int64_t i = 0; i < pieces; i++)
        device_copy(c->dev, (char *)t[1].data + i * bytes / pieces,
                    (char *)t[0].data + i * bytes / pieces, (size_t)(bytes / pieces));
}
static void copy_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * (double)s->rows;
    *flops = 0.0;
}

static void gemm_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 3; i++)
        t[i] = case_tensor(c, c->shape.dtype, c->shape.rows, c->shape.rows, 1.0f);
}
static void gemm_call(Case *c, const Tensor *t)
{
    gemm(c->dev, t[2], t[0], t[1], (GemmOptions){.trans_b = true});
}
static void gemm_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double n = (double)s->rows;
    *bytes = 3.0 * size * n * n;
    *flops = 2.0 * n * n * n;
}

Status bench_ceilings(Bench *b)
{
    static const Op copy = {"ceiling copy", copy_fill, copy_call, copy_cost, ""};
    static const Op product = {"ceiling gemm", gemm_fill, gemm_call, gemm_cost, ""};
    const bool cuda = ON_CUDA(b->dev);
    const int64_t elements = cuda ? 1 << 26 : 1 << 24, side = cuda ? 8192 : 1024;
    const BenchOptions all = {.quick = b->options->quick, .quiet = b->options->quiet};
    Bench own = *b;
    own.options = &all;
    char text[64];
    BenchCeilings *c = &b->report->ceilings;
    const BenchRow *row = b->report->row + b->report->rows;
    snprintf(text, sizeof text, "%lld MB", (long long)(elements * 4 >> 20));
    TRY(bench_case(&own, &copy, (Shape){.dtype = F32, .rows = elements}, text));
    c->copy = row->bytes / row->median;
    snprintf(text, sizeof text, "%lld^3", (long long)side);
    TRY(bench_case(&own, &product, (Shape){.dtype = F32, .rows = side}, text));
    c->gemm_f32 = row[1].flops / row[1].median;
    TRY(bench_case(&own, &product, (Shape){.dtype = BF16, .rows = side}, text));
    c->gemm_bf16 = row[2].flops / row[2].median;
    for (int i = 0; i < 3; i++) b->report->row[b->report->rows - 3 + i].floor = row[i].median;
    return OK;
}

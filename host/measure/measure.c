/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bf16.h"
#include "base/device/clock.h"
#include "base/device/graph.h"
#include "base/progress.h"
#include "elementwise.h"
#include "gemm.h"

enum { FILL = 1 << 18 };

/* ---- Tensors --------------------------------------------------------------------------------- */

/* The same numbers in every run: a linear congruence (Knuth 1998, 3.3.4). */
static uint64_t next_bits(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static Tensor take(Case *c, Dtype dtype, int64_t rows, int64_t columns)
{
    Tensor t = columns > 0 ? TENSOR(NULL, dtype, rows, columns) : TENSOR(NULL, dtype, rows);
    t.data = device_alloc(c->dev, tensor_bytes(t), "a tensor of the bench");
    if (t.data)
        c->memory[c->taken++] = t.data;
    else
        device_fail(c->dev, ERR_MEMORY); /* device_alloc has recorded the message */
    return t;
}

/* Host memory for numbers that are copied to a tensor. */
static void *host_numbers(Case *c, int64_t count)
{
    void *numbers = malloc((size_t)count * sizeof(float));
    if (!numbers) device_fail(c->dev, FAIL(ERR_MEMORY, "no memory for %" PRId64 " numbers", count));
    return numbers;
}

/* Fill t by repeating its first `have` bytes, with copies that double. */
static void repeat(Case *c, Tensor t, size_t have)
{
    const size_t all = tensor_bytes(t);
    while (have < all) {
        const size_t more = have < all - have ? have : all - have;
        device_copy(c->dev, (char *)t.data + have, t.data, more);
        have += more;
    }
}

Tensor measure_tensor(Case *c, Dtype dtype, int64_t rows, int64_t columns, float scale)
{
    return measure_between(c, dtype, rows, columns, -scale, scale);
}

Tensor measure_between(Case *c, Dtype dtype, int64_t rows, int64_t columns, float low, float high)
{
    const Tensor t = take(c, dtype, rows, columns);
    const int64_t count = tensor_count(t), own = count < FILL ? count : FILL;
    float *numbers = host_numbers(c, own);
    uint64_t state = 1 + (uint64_t)c->taken;
    if (!t.data || !numbers) return free(numbers), t;
    for (int64_t i = 0; i < own; i++)
        numbers[i] = low + (high - low) * ((float)(next_bits(&state) >> 7) / (float)(1 << 24));
    uint16_t *halves = (uint16_t *)numbers; /* converted in place, from the front */
    for (int64_t i = 0; i < own && dtype == BF16; i++) {
        const float rounded = bf16_rounded(numbers[i]);
        uint32_t bits;
        memcpy(&bits, &rounded, sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    const size_t bytes = (size_t)own * tensor_dtype_size(dtype);
    device_copy_in(c->dev, t.data, numbers, bytes);
    repeat(c, t, bytes);
    free(numbers);
    return t;
}

Tensor measure_zeros(Case *c, Dtype dtype, int64_t rows, int64_t columns)
{
    return take(c, dtype, rows, columns); /* device_alloc zeroes */
}

Tensor measure_ids(Case *c, int64_t count, int64_t below)
{
    const Tensor t = take(c, I32, count, 0);
    int32_t *ids = host_numbers(c, count);
    uint64_t state = 7 + (uint64_t)c->taken;
    if (!t.data || !ids) return free(ids), t;
    for (int64_t i = 0; i < count; i++) ids[i] = (int32_t)(next_bits(&state) % (uint64_t)below);
    device_copy_in(c->dev, t.data, ids, tensor_bytes(t));
    free(ids);
    return t;
}

Tensor measure_events(Case *c, int64_t count, int64_t below)
{
    const Tensor t = take(c, I32, count, 2);
    int32_t *events = host_numbers(c, 2 * count);
    uint64_t state = 7 + (uint64_t)c->taken;
    if (!t.data || !events) return free(events), t;
    for (int64_t i = 0; i < count; i++) {
        events[2 * i] = (int32_t)(next_bits(&state) % (uint64_t)below);
        events[2 * i + 1] = (int32_t)i;
    }
    device_copy_in(c->dev, t.data, events, tensor_bytes(t));
    free(events);
    return t;
}

Tensor measure_offsets(Case *c, int64_t count, int64_t last)
{
    const Tensor t = take(c, I64, count + 1, 0);
    int64_t *steps = host_numbers(c, 2 * (count + 1));
    if (!t.data || !steps) return free(steps), t;
    for (int64_t i = 0; i <= count; i++) steps[i] = i * last / count;
    device_copy_in(c->dev, t.data, steps, tensor_bytes(t));
    free(steps);
    return t;
}

Tensor measure_windows(Case *c, int64_t rows, int64_t length, int64_t empty)
{
    const int64_t windows = (rows + length - 1) / length + empty;
    const Tensor t = take(c, I32, windows + 1, 0);
    int32_t *ends = host_numbers(c, windows + 1);
    if (!t.data || !ends) return free(ends), t;
    for (int64_t w = 0; w <= windows; w++)
        ends[w] = (int32_t)(w * length < rows ? w * length : rows);
    device_copy_in(c->dev, t.data, ends, tensor_bytes(t));
    free(ends);
    return t;
}

Tensor measure_neighbours(Case *c, int64_t items, int64_t width)
{
    const Tensor t = take(c, I32, items, width);
    const int64_t apart = items / width;
    int32_t *ids = host_numbers(c, items * width);
    uint64_t state = 7;
    if (!t.data || !ids) return free(ids), t;
    for (int64_t i = 0; i < items * width; i++)
        ids[i] = (int32_t)(i % width * apart + (int64_t)(next_bits(&state) % (uint64_t)apart));
    device_copy_in(c->dev, t.data, ids, tensor_bytes(t));
    free(ids);
    return t;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void call_in_turns(Case *c, int calls)
{
    for (int i = 0; i < calls; i++) c->op->call(c, c->t[i % c->sets]);
}

static void run_sample(Case *c, int calls, DeviceGraph *graph)
{
    if (graph)
        device_graph_run(c->dev, graph);
    else
        call_in_turns(c, calls);
}

int measure_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double measure_quantile(const double *ascending, int count, double share)
{
    return ascending[(int)(share * (count - 1) + 0.5)];
}

/* How many calls a sample has: they take about `wanted` seconds, and every set gets the same
 * number. */
static int calls_for(double each, double wanted, int sets)
{
    const double calls = fmin(wanted / fmax(each, 1e-7), 1000.0);
    return calls > sets ? (int)calls / sets * sets : sets;
}

/* A first guess at the seconds of a call, from which the number of calls of a sample follows. */
static double estimate(Case *c)
{
    call_in_turns(c, c->sets);
    device_sync(c->dev);
    const double start = progress_seconds();
    call_in_turns(c, c->sets);
    device_sync(c->dev);
    return (progress_seconds() - start) / c->sets;
}

/* One sample warms up and fills the queue. The samples that count follow without a wait of the host
 * between them. */
static void sample(Bench *b, Case *c, Samples *s, DeviceClock *clock)
{
    const double each = estimate(c);
    const double wanted = b->options->tiny ? 0.0 : ON_CUDA(c->dev) ? 4e-3 : 5e-2;
    const int calls = calls_for(each, wanted, c->sets);
    const int samples = each > 0.1 && b->samples > 3 ? 3 : b->samples;
    DeviceGraph *graph = NULL;
    if (device_graph_possible(c->dev) && c->dev->status == OK) {
        device_graph_begin(c->dev);
        call_in_turns(c, calls);
        graph = device_graph_end(c->dev);
    }
    run_sample(c, calls, graph);
    for (int i = 0; i <= samples; i++) {
        device_clock_mark(c->dev, clock, i);
        if (i < samples) run_sample(c, calls, graph);
    }
    for (int i = 0; i < samples; i++)
        s->seconds[s->count++] = device_clock_seconds(c->dev, clock, i, i + 1) / calls;
    device_graph_close(c->dev, graph);
}

static Status measure(Bench *b, Case *c, Samples *s)
{
    DeviceClock *clock;
    Status st;
    TRY_OR_FAIL(st, device_clock_open(c->dev, b->samples + 1, &clock));
    sample(b, c, s, clock);
    st = device_sync(c->dev);
fail:
    device_clock_close(c->dev, clock);
    return st;
}

/* Add sets until their calls move more than the caches hold. The bytes that a call moves are what
 * counts: a call may read only a few rows of a large table, and then only these rows are in the
 * cache. */
static Status fill(Bench *b, Case *c, double moved)
{
    double bytes = 0.0;
    do {
        Tensor *t = c->t[c->sets++];
        c->op->fill(c, t);
        for (int i = 0; i < CASE_TENSORS && c->sets == 1; i++)
            if (t[i].data) bytes += (double)tensor_bytes(t[i]);
    } while (c->dev->status == OK && c->sets < CASE_SETS && c->sets * moved < b->cache &&
             (c->sets + 1) * bytes < b->memory);
    return c->dev->status;
}

static Status run_case(Bench *b, const Op *op, Shape shape, BenchRow *row, Samples *samples)
{
    Case c = {.dev = b->dev, .op = op, .shape = shape};
    op->cost(&shape, (double)tensor_dtype_size(shape.dtype), &row->bytes, &row->flops);
    Status st;
    TRY_OR_FAIL(st, fill(b, &c, row->bytes));
    st = measure(b, &c, samples);
fail:
    device_sync(b->dev);
    for (int i = 0; i < c.taken; i++) device_free(b->dev, c.memory[i]);
    return st;
}

Status measure_case(Bench *b, const Op *op, Shape shape, const char *text)
{
    const char *const *only = b->options->only;
    bool wanted = !only[0];
    for (int i = 0; only[i]; i++) wanted |= !strncmp(op->op, only[i], strlen(only[i]));
    if (!wanted && !b->ceilings) return OK;
    REQUIRE(b->next < BENCH_ROWS_MAX, "more than %d rows", BENCH_ROWS_MAX);
    BenchRow *row = &b->report->row[b->next];
    Samples *samples = &b->of_row[b->next++];
    if (b->round == 0) {
        const char *why = ON_CUDA(b->dev) ? op->why : op->why_cpu;
        *row = (BenchRow){.dtype = shape.dtype, .why = why};
        snprintf(row->op, sizeof row->op, "%s", op->op);
        snprintf(row->shape, sizeof row->shape, "%s", text);
        b->report->rows = b->next;
    }
    if (b->round > 0 && samples->seconds[0] > 0.1) return OK; /* long calls: one round is enough */
    char extra[sizeof row->op + sizeof row->shape];
    snprintf(extra, sizeof extra, "%s %s", row->op, row->shape);
    TRY(progress_update(&b->progress, b->done++, extra));
    return run_case(b, op, shape, row, samples);
}

/* ---- Summary ------------------------------------------------------------------------- */

static double floor_of(const BenchCeilings *c, const BenchRow *row)
{
    const double gemm = row->dtype == BF16 ? c->gemm_bf16 : c->gemm_f32;
    return fmax(row->bytes / c->copy, row->flops / gemm);
}

/* A ceiling is the highest rate that was reached, so only the fastest tenth of its samples
 * counts. */
void measure_summarise(Bench *b)
{
    BenchReport *r = b->report;
    for (int i = 0; i < r->rows; i++) {
        Samples *s = &b->of_row[i];
        qsort(s->seconds, (size_t)s->count, sizeof *s->seconds, measure_ascending);
        r->row[i].samples = s->count;
        r->row[i].median = measure_quantile(s->seconds, s->count, 0.5);
        r->row[i].p10 = measure_quantile(s->seconds, s->count, 0.1);
        r->row[i].p90 = measure_quantile(s->seconds, s->count, 0.9);
    }
    r->ceilings.copy = r->row[0].bytes / fmin(r->row[0].p10, r->row[1].p10);
    r->ceilings.gemm_f32 = r->row[2].flops / r->row[2].p10;
    r->ceilings.gemm_bf16 = r->row[3].flops / r->row[3].p10;
    for (int i = 0; i < r->rows; i++)
        r->row[i].floor = i < BENCH_CEILINGS ? r->row[i].p10 : floor_of(&r->ceilings, &r->row[i]);
}

/* ---- Ceilings -------------------------------------------------------------------------------- */

static void copy_fill(Case *c, Tensor *t)
{
    t[0] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[1] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
}
/* On the CPU all threads copy, as in ops. */
static void copy_call(Case *c, const Tensor *t)
{
    const int64_t bytes = (int64_t)tensor_bytes(t[0]), pieces = ON_CUDA(c->dev) ? 1 : 64;
#pragma omp parallel for schedule(static) num_threads(c->dev->threads) if (pieces > 1)
    for (int64_t i = 0; i < pieces; i++)
        device_copy(c->dev, (char *)t[1].data + i * bytes / pieces,
                    (char *)t[0].data + i * bytes / pieces, (size_t)(bytes / pieces));
}
/* The rate that kernels reach; on some GPUs it is above that of the driver's copy. */
static void copy_kernel_call(Case *c, const Tensor *t) { elementwise_copy(c->dev, t[1], t[0]); }
static void copy_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * (double)s->rows;
    *flops = 0.0;
}

static void gemm_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 3; i++)
        t[i] = measure_tensor(c, c->shape.dtype, c->shape.rows, c->shape.rows, 1.0f);
}
static void gemm_call(Case *c, const Tensor *t) { gemm(c->dev, t[2], t[0], t[1], GEMM_NT); }
static void gemm_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double n = (double)s->rows;
    *bytes = 3.0 * size * n * n;
    *flops = 2.0 * n * n * n;
}

Status measure_ceilings(Bench *b)
{
    static const char why[] = "the ceiling itself";
    static const Op copy = {"ceiling copy", copy_fill, copy_call, copy_cost, why, why};
    static const Op kernel = {
        "ceiling copy, kernel", copy_fill, copy_kernel_call, copy_cost, why, why};
    static const Op product = {"ceiling gemm", gemm_fill, gemm_call, gemm_cost, why, why};
    const bool cuda = ON_CUDA(b->dev), tiny = b->options->tiny;
    const int64_t elements = tiny ? 1 << 14 : cuda ? 1 << 27 : 1 << 25;
    const int64_t side = tiny ? 64 : cuda ? 8192 : 2048;
    const Shape f32 = {.dtype = F32, .rows = side}, bf16 = {.dtype = BF16, .rows = side};
    char text[64];
    snprintf(text, sizeof text, "%" PRId64 " KiB", elements * 4 >> 10);
    TRY(measure_case(b, &copy, (Shape){.dtype = F32, .rows = elements}, text));
    TRY(measure_case(b, &kernel, (Shape){.dtype = F32, .rows = elements}, text));
    snprintf(text, sizeof text, "%" PRId64 "^3", side);
    TRY(measure_case(b, &product, f32, text));
    return measure_case(b, &product, bf16, text);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/device/info.h"
#include "commit.h"
#include "souk.h"

/* ---- For people ------------------------------------------------------------------------------ */

static void print_reasons(const BenchReport *r)
{
    printf("\nwhat the time above the floor is lost to:\n");
    for (int i = BENCH_CEILINGS; i < r->rows; i++) {
        bool said = false;
        for (int j = BENCH_CEILINGS; j < i && !said; j++)
            said = !strcmp(r->row[i].op, r->row[j].op);
        if (!said) printf("  %-24s %s\n", r->row[i].op, r->row[i].why);
    }
}

void bench_report_print_ops(const BenchReport *r)
{
    printf("ceilings: copy %.0f GB/s, gemm %.2f TFLOP/s in f32, %.2f in bf16\n\n",
           r->ceilings.copy * 1e-9, r->ceilings.gemm_f32 * 1e-12, r->ceilings.gemm_bf16 * 1e-12);
    printf("%-24s %-38s %-5s %10s %10s %10s %9s %9s %10s %10s %9s\n", "op", "shape", "dtype",
           "median us", "p10", "p90", "GB/s", "TFLOP/s", "floor us", "gap us", "of floor");
    for (int i = 0; i < r->rows; i++) {
        const BenchRow *row = &r->row[i];
        printf("%-24s %-38s %-5s %10.1f %10.1f %10.1f %9.1f %9.2f %10.1f %10.1f %8.0f%%\n", row->op,
               row->shape, tensor_dtype_name(row->dtype), row->median * 1e6, row->p10 * 1e6,
               row->p90 * 1e6, row->bytes / row->median * 1e-9, row->flops / row->median * 1e-12,
               row->floor * 1e6, (row->median - row->floor) * 1e6,
               100.0 * row->floor / row->median);
    }
    if (r->rows > BENCH_CEILINGS) print_reasons(r);
}

void bench_report_print_steps(const BenchStep *s, double ceiling)
{
    printf("%.1f M parameters (%.1f M in the encoder), %" PRId64 " steps of %.0f tokens\n"
           "step %.3f ms (p10 %.3f, p90 %.3f): %.0f tokens/s, waited for data %.2f %%\n"
           "%.2f TFLOP/s of the model, %.1f %% of a large product's %.2f\n"
           "memory: parameters %.0f MB, gradients %.0f, moments %.0f, target network %.0f, "
           "activations %.0f, scratch %.0f\n",
           (double)s->parameters * 1e-6, (double)s->encoder_parameters * 1e-6, s->steps, s->tokens,
           s->seconds * 1e3, s->p10 * 1e3, s->p90 * 1e3, s->tokens / s->seconds, 100.0 * s->waited,
           s->flops / s->seconds * 1e-12, 100.0 * s->flops / s->seconds / ceiling, ceiling * 1e-12,
           (double)s->parameter_bytes * 1e-6, (double)s->gradient_bytes * 1e-6,
           (double)s->moment_bytes * 1e-6, (double)s->target_bytes * 1e-6,
           (double)s->activation_bytes * 1e-6, (double)s->scratch_bytes * 1e-6);
}

/* ---- For programs ---------------------------------------------------------------------------- */

/* SOUK_COMMIT in the environment says it where the build could not know. */
static const char *commit_of(void)
{
    const char *said = getenv("SOUK_COMMIT");
    return said && said[0] ? said : SOUK_COMMIT;
}

static json_t *header(Device *dev)
{
    DeviceInfo info;
    device_info(dev, &info);
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:I}}", "schema",
                     BENCH_SCHEMA, "version", souk_version(), "commit", commit_of(), "machine",
                     "device", ON_CUDA(dev) ? "cuda" : "cpu", "name", info.name, "driver",
                     info.driver, "processor", info.processor, "units", info.units, "threads",
                     dev->threads, "cache", (json_int_t)info.cache, "memory",
                     (json_int_t)info.memory);
}

static json_t *row_json(const BenchRow *row)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}",
                     "op", row->op, "shape", row->shape, "dtype", tensor_dtype_name(row->dtype),
                     "samples", row->samples, "median", row->median, "p10", row->p10, "p90",
                     row->p90, "bytes", row->bytes, "flops", row->flops, "bytes_per_s",
                     row->bytes / row->median, "flops_per_s", row->flops / row->median, "floor",
                     row->floor, "gap", row->median - row->floor, "of_floor",
                     row->floor / row->median, "why", row->why);
}

json_t *bench_report_ops_json(const BenchReport *r, Device *dev)
{
    json_t *report = header(dev), *rows = json_array();
    for (int i = 0; i < r->rows; i++) json_array_append_new(rows, row_json(&r->row[i]));
    json_object_set_new(report, "ceilings",
                        json_pack("{s:f, s:f, s:f}", "copy", r->ceilings.copy, "gemm_f32",
                                  r->ceilings.gemm_f32, "gemm_bf16", r->ceilings.gemm_bf16));
    json_object_set_new(report, "ops", rows);
    return report;
}

/* What decides how much work a step is. */
static json_t *model_json(const Config *c)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "dim", (json_int_t)c->model_dim,
                     "layers", (json_int_t)c->model_layers, "heads", (json_int_t)c->model_heads,
                     "length", (json_int_t)c->model_length, "tokens", (json_int_t)c->train_tokens,
                     "precision", c->train_precision, "objective", c->learn_objective);
}

json_t *bench_report_steps_json(const BenchStep *s, double ceiling, const Config *config,
                                Device *dev)
{
    json_t *report = header(dev);
    json_t *memory = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "parameters", (json_int_t)s->parameter_bytes, "gradients",
        (json_int_t)s->gradient_bytes, "moments", (json_int_t)s->moment_bytes, "target_network",
        (json_int_t)s->target_bytes, "activations", (json_int_t)s->activation_bytes, "scratch",
        (json_int_t)s->scratch_bytes);
    json_t *steps = json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}",
                              "parameters", (json_int_t)s->parameters, "encoder_parameters",
                              (json_int_t)s->encoder_parameters, "items", (json_int_t)s->items,
                              "steps", (json_int_t)s->steps, "tokens", s->tokens, "median",
                              s->seconds, "p10", s->p10, "p90", s->p90, "tokens_per_s",
                              s->tokens / s->seconds, "waited", s->waited, "flops", s->flops,
                              "of_ceiling", s->flops / s->seconds / ceiling, "memory", memory);
    json_object_set_new(report, "ceiling", json_real(ceiling));
    json_object_set_new(report, "model", model_json(config));
    json_object_set_new(report, "steps", steps);
    return report;
}

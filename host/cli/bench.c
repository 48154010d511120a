/* souk bench: how fast are the ops, and whole training steps, beside what this machine can do? */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "bench/bench.h"
#include "cli/cli.h"
#include "souk.h"

typedef struct {
    const char *json, *op;
    bool quick, quiet, compare;
    int64_t steps, warmup; /* steps 0: ops */
} Arguments;

static void usage(FILE *out)
{
    fputs("usage: souk bench [OPTION...]                             ops\n"
          "       souk bench --steps N [OPTION...] SECTION.KEY=VALUE...   whole training steps\n"
          "       souk bench --compare A.json B.json                 two reports, row by row\n\n"
          "Ops are timed beside the machine's ceilings, measured in the same run: a copy in the "
          "device's memory\n"
          "and a large product. floor is the time that the bytes which must move, or the "
          "operations which must\n"
          "be done, take at these; \"of floor\" is its share of the median. Steps are those of "
          "souk train with\n"
          "the same settings (data.path must be there), without validation and checkpoints.\n\n"
          "  --device D         cpu (default), cuda, cuda:N\n"
          "  --op NAME          only ops whose names begin so, e.g. \"attention\"\n"
          "  --quick            fewer shapes and samples\n"
          "  --steps N          time N training steps instead\n"
          "  --warmup N         steps before (default 10)\n"
          "  --config FILE      read settings from an INI file\n"
          "  --json FILE        write the report as JSON too\n"
          "  --quiet            no progress\n"
          "  --help             this text\n\n"
          "example: souk bench --device cuda --op catalogue\n",
          out);
}

/* ---- Reports -------------------------------------------------------------------------------------- */

static void print_ops(const BenchReport *r)
{
    printf("ceilings: copy %.0f GB/s, gemm %.1f TFLOP/s in f32, %.1f in bf16\n\n",
           r->ceilings.copy * 1e-9, r->ceilings.gemm_f32 * 1e-12, r->ceilings.gemm_bf16 * 1e-12);
    printf("%-22s %-36s %-5s %10s %10s %10s %9s %9s %9s\n", "op", "shape", "dtype", "median us",
           "p10", "p90", "GB/s", "TFLOP/s", "of floor");
    for (int i = 0; i < r->rows; i++) {
        const BenchRow *row = &r->row[i];
        printf("%-22s %-36s %-5s %10.1f %10.1f %10.1f %9.1f %9.2f %8.0f%%\n", row->op, row->shape,
               dtype_name(row->dtype), row->median * 1e6, row->p10 * 1e6, row->p90 * 1e6,
               row->bytes / row->median * 1e-9, row->flops / row->median * 1e-12,
               100.0 * row->floor / row->median);
    }
}

static json_t *ops_json(const BenchReport *r)
{
    json_t *rows = json_array();
    for (int i = 0; i < r->rows; i++) {
        const BenchRow *row = &r->row[i];
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "op", row->op,
                            "shape", row->shape, "dtype", dtype_name(row->dtype), "median",
                            row->median, "p10", row->p10, "p90", row->p90, "bytes", row->bytes,
                            "flops", row->flops, "floor", row->floor, "why", row->why));
    }
    return json_pack("{s:{s:f, s:f, s:f}, s:o}", "ceilings", "copy", r->ceilings.copy, "gemm_f32",
                     r->ceilings.gemm_f32, "gemm_bf16", r->ceilings.gemm_bf16, "ops", rows);
}

/* The rate of the product that a step's FLOPs are held against; 0: not measured. */
static void print_steps(const BenchStep *s, double ceiling)
{
    printf("%.1f M parameters (%.1f M in the encoder), %" PRId64 " steps of %.0f tokens\n"
           "step %.3f ms (p10 %.3f, p90 %.3f): %.0f tokens/s, waited for data %.2f %%\n"
           "%.2f TFLOP/s of the model",
           (double)s->parameters * 1e-6, (double)s->encoder_parameters * 1e-6, s->steps, s->tokens,
           s->seconds * 1e3, s->p10 * 1e3, s->p90 * 1e3, s->tokens / s->seconds, 100.0 * s->waited,
           s->flops / s->seconds * 1e-12);
    if (ceiling > 0.0)
        printf(", %.1f %% of a large product's %.1f", 100.0 * s->flops / s->seconds / ceiling,
               ceiling * 1e-12);
    printf("\nmemory: parameters %.0f MB, gradients %.0f, moments %.0f, activations %.0f\n",
           (double)s->parameter_bytes * 1e-6, (double)s->gradient_bytes * 1e-6,
           (double)s->moment_bytes * 1e-6, (double)s->activation_bytes * 1e-6);
}

static json_t *steps_json(const BenchStep *s, double ceiling)
{
    return json_pack("{s:f, s:{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I}}",
                     "ceiling", ceiling, "steps", "parameters", (json_int_t)s->parameters,
                     "encoder_parameters", (json_int_t)s->encoder_parameters, "steps",
                     (json_int_t)s->steps, "tokens", s->tokens, "median", s->seconds, "p10", s->p10,
                     "p90", s->p90, "waited", s->waited, "flops", s->flops, "parameter_bytes",
                     (json_int_t)s->parameter_bytes, "gradient_bytes",
                     (json_int_t)s->gradient_bytes, "moment_bytes", (json_int_t)s->moment_bytes,
                     "activation_bytes", (json_int_t)s->activation_bytes);
}

/* What the processor calls itself. */
static void find_processor(char *name, size_t size)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f) fclose(f);
}

/* Takes `report`. */
static Status write_json(const char *path, const Config *config, const Device *dev, json_t *report)
{
    char processor[160];
    find_processor(processor, sizeof processor);
    json_object_set_new(report, "schema", json_string("souk-bench-1"));
    json_object_set_new(report, "version", json_string(souk_version()));
    json_object_set_new(report, "device", json_string(config->train_device));
    json_object_set_new(report, "processor", json_string(processor));
    json_object_set_new(report, "threads", json_integer(dev->threads));
    AtomicFile file = {0};
    Status st = atomic_file_open(&file, path);
    if (st == OK) {
        json_dumpf(report, file.stream, JSON_INDENT(1));
        fputc('\n', file.stream);
        st = atomic_file_commit(&file);
    }
    atomic_file_close(&file);
    json_decref(report);
    return st;
}

/* ---- Running -------------------------------------------------------------------------------------- */

static Status run_on(Device *dev, const Config *config, const Arguments *a)
{
    static BenchReport report;
    /* The ceiling that a step is held against is measured before it, on the same device. */
    const BenchOptions options = {
        .only = a->steps ? "ceiling" : a->op, .quick = a->quick, .quiet = a->quiet};
    TRY(bench_ops(dev, &options, &report));
    if (!a->quiet) fprintf(stderr, "\r%-66s\r", "");
    if (a->steps == 0) {
        print_ops(&report);
        return a->json ? write_json(a->json, config, dev, ops_json(&report)) : OK;
    }
    BenchStep step;
    const bool bf16 = !strcmp(config->train_precision, "bf16");
    const double ceiling = bf16 ? report.ceilings.gemm_bf16 : report.ceilings.gemm_f32;
    TRY(bench_steps(config, a->warmup, a->steps, a->quiet, &step));
    print_steps(&step, ceiling);
    return a->json ? write_json(a->json, config, dev, steps_json(&step, ceiling)) : OK;
}

static Status run(const Config *config, const Arguments *a)
{
    Device dev = {0};
    TRY(device_open(&dev, config->train_device, (int)config->train_threads));
    const Status st = run_on(&dev, config, a);
    device_close(&dev);
    return st;
}

/* ---- Comparing ------------------------------------------------------------------------------------ */

static Status read_report(const char *path, json_t **report)
{
    json_error_t error;
    *report = json_load_file(path, 0, &error);
    if (!*report) return FAIL(ERR_FORMAT, "%s: %s (line %d)", path, error.text, error.line);
    const char *schema = json_string_value(json_object_get(*report, "schema"));
    if (schema && !strcmp(schema, "souk-bench-1") && json_object_get(*report, "ops")) return OK;
    return FAIL(ERR_FORMAT, "%s: no report of ops by souk bench (schema \"%s\", want souk-bench-1)",
                path, schema ? schema : "none");
}

static const char *text(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s ? s : "";
}

static const json_t *same_row(const json_t *rows, const json_t *as)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) if (!strcmp(text(row, "op"), text(as, "op")) &&
                                         !strcmp(text(row, "shape"), text(as, "shape")) &&
                                         !strcmp(text(row, "dtype"), text(as, "dtype"))) return row;
    return NULL;
}

static double median_of(const json_t *row)
{
    return json_number_value(json_object_get(row, "median"));
}

static void print_comparison(const json_t *a, const json_t *b)
{
    size_t i;
    json_t *row;
    printf("%-22s %-36s %-5s %10s %10s %7s\n", "op", "shape", "dtype", "A us", "B us", "A / B");
    json_array_foreach(json_object_get(a, "ops"), i, row)
    {
        const json_t *other = same_row(json_object_get(b, "ops"), row);
        printf("%-22s %-36s %-5s %10.1f ", text(row, "op"), text(row, "shape"), text(row, "dtype"),
               median_of(row) * 1e6);
        if (other)
            printf("%10.1f %7.2f\n", median_of(other) * 1e6, median_of(row) / median_of(other));
        else
            printf("%10s\n", "missing");
    }
}

static Status compare(const char *path_a, const char *path_b)
{
    json_t *a = NULL, *b = NULL;
    Status st = read_report(path_a, &a);
    if (st == OK) st = read_report(path_b, &b);
    if (st == OK) print_comparison(a, b);
    json_decref(a);
    json_decref(b);
    return st;
}

/* ---- Arguments ------------------------------------------------------------------------------------ */

static Status parse(int argc, char **argv, Config *config, Arguments *a, int *exit_code)
{
    static const struct option options[] = {
        {"device", required_argument, NULL, 'D'},
        {"op", required_argument, NULL, 'o'},
        {"quick", no_argument, NULL, 'k'},
        {"steps", required_argument, NULL, 's'},
        {"warmup", required_argument, NULL, 'w'},
        {"config", required_argument, NULL, 'c'},
        {"json", required_argument, NULL, 'j'},
        {"quiet", no_argument, NULL, 'q'},
        {"compare", no_argument, NULL, 'C'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1 && st == OK;) {
        switch (option) {
        case 'D': st = config_set(config, "train.device", optarg); break;
        case 'o': a->op = optarg; break;
        case 'k': a->quick = true; break;
        case 's': st = cli_number("steps", optarg, 1, 1000000, &a->steps); break;
        case 'w': st = cli_number("warmup", optarg, 1, 1000000, &a->warmup); break;
        case 'c': st = config_read(config, optarg); break;
        case 'j': a->json = optarg; break;
        case 'q': a->quiet = true; break;
        case 'C': a->compare = true; break;
        case 'h': return usage(stdout), *exit_code = 0, OK;
        default: return *exit_code = 2, OK;
        }
    }
    if (st == OK && a->compare && argc - optind != 2)
        st = FAIL(ERR_USAGE, "--compare takes two files, there are %d", argc - optind);
    for (int i = optind; i < argc && st == OK && !a->compare; i++)
        st = config_assign(config, argv[i]);
    if (st == OK && a->steps && !config->data_path[0])
        st = FAIL(ERR_USAGE, "data.path=FILE is missing (souk bench --help)");
    return st;
}

int cli_bench(int argc, char **argv)
{
    Config config = config_default();
    Arguments a = {.warmup = 10};
    int exit_code = -1;
    Status st = parse(argc, argv, &config, &a, &exit_code);
    if (exit_code >= 0) return exit_code;
    if (st == OK) st = a.compare ? compare(argv[argc - 2], argv[argc - 1]) : run(&config, &a);
    return st == OK ? 0 : cli_fail("bench", st);
}

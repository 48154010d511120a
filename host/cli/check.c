/* souk check: does this machine's GPU compute what its CPU computes? */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/progress.h"
#include "base/report.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "train/check.h"

enum { NO_DEVICE = 3, SHOWN = 12 };

typedef struct {
    const char *json;
    bool f32, bf16, all, quiet;
    int64_t steps;
} Arguments;

static void usage(FILE *out)
{
    fputs("usage: souk check [OPTION...] [--config FILE] SECTION.KEY=VALUE...\n\n"
          "Trains a few steps on the CPU and on the GPU side by side, with the same seed and "
          "batches, and\n"
          "says tensor by tensor how far apart they are: parameters after the steps, then "
          "gradients and\n"
          "losses of one more batch at the same parameters. Settings are those of souk train "
          "(data.path\n"
          "must be there).\n\n"
          "  f32    relative L2 error at most 1e-5; of parameters, also what AdamW makes of that\n"
          "  bf16   error at most 1.5 times that of a CPU run that rounds at the same places;\n"
          "         tensors too small for that are judged as one (pooled)\n\n"
          "  --steps N          steps before the comparison (default 3)\n"
          "  --precision P      f32, bf16 or both (default)\n"
          "  --device D         which GPU: cuda (default), cuda:N\n"
          "  --config FILE      read settings from an INI file\n"
          "  --all              show every tensor, not only the worst\n"
          "  --json FILE        write the report as JSON too\n"
          "  --quiet            no progress bar\n"
          "  --help             this text\n\n"
          "exit code: 0 passed, 1 failed, 2 wrong usage, 3 there is no such GPU\n\n"
          "example: souk check data.path=shop.h5 learn.objective=cross_entropy+double_q\n",
          out);
}

/* ---- The report ---------------------------------------------------------------------------------- */

static int failures(const CheckReport *r)
{
    int failed = 0;
    for (int i = 0; i < r->count; i++) failed += !r->row[i].passed;
    return failed;
}

static void print_report(const CheckReport *r, bool all)
{
    const int failed = failures(r), shown = all || r->count < SHOWN ? r->count : SHOWN;
    printf("%s: %s, %d of %d comparisons beyond their bound\n\n", tensor_dtype_name(r->precision),
           r->passed ? "passed" : "FAILED", failed, r->count);
    printf("  %-15s %-28s %12s %11s %11s %11s\n", "", "", "elements", "relative L2", "bound",
           "max error");
    for (int i = 0; i < r->count; i++) {
        const CheckRow *row = &r->row[i];
        if (i >= shown && row->passed) continue;
        printf("  %-15s %-28s %12" PRId64 " %11.2e %11.2e %11.2e%s\n", check_kind_name(row->kind),
               row->name, row->elements, row->relative, row->bound, row->largest,
               row->pooled   ? "  pooled"
               : row->passed ? ""
                             : "  FAILED");
    }
    if (shown < r->count) printf("  the worst of %d (--all shows every one)\n", r->count);
    printf("\n");
}

static json_t *report_json(const CheckReport *r)
{
    json_t *rows = json_array();
    for (int i = 0; i < r->count; i++) {
        const CheckRow *row = &r->row[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:b, s:b}", "kind",
                                              check_kind_name(row->kind), "tensor", row->name,
                                              "elements", (json_int_t)row->elements, "relative_l2",
                                              report_number(row->relative), "bound",
                                              report_number(row->bound), "max_error",
                                              report_number(row->largest), "pooled", row->pooled,
                                              "passed", row->passed));
    }
    return json_pack("{s:s, s:I, s:b, s:o}", "precision", tensor_dtype_name(r->precision), "steps",
                     (json_int_t)r->steps, "passed", r->passed, "tensors", rows);
}

static Status write_json(const char *path, const char *device, json_t *reports, bool passed)
{
    json_t *root = json_pack("{s:s, s:s, s:b, s:O}", "schema", "souk-check-1", "device", device,
                             "passed", passed, "precisions", reports);
    return report_write(path, root, REPORT_WIDE);
}

/* ---- The check ------------------------------------------------------------------------------------ */

static Status compare(const Config *config, const Arguments *a, Dtype precision,
                      CheckReport *report)
{
    Check check;
    Progress bar;
    TRY(check_open(&check, config, precision));
    Status st = OK;
    progress_begin(&bar, tensor_dtype_name(precision), a->steps + 1,
                   terminal_listener(stderr, a->quiet));
    for (int64_t step = 0; step < a->steps && st == OK; step++) {
        st = check_step(&check);
        if (st == OK) st = progress_update(&bar, step + 1, NULL);
    }
    if (st == OK) st = check_compare(&check, report);
    if (st == OK) progress_end(&bar, NULL);
    check_close(&check);
    return st;
}

static Status run(const Config *config, const Arguments *a, bool *passed)
{
    const Dtype precisions[] = {F32, BF16};
    const bool wanted[] = {a->f32, a->bf16};
    json_t *reports = json_array();
    Status st = reports ? OK : FAIL(ERR_MEMORY, "no memory for a report");
    *passed = true;
    for (int i = 0; i < 2 && st == OK; i++) {
        CheckReport report = {0};
        if (wanted[i]) st = compare(config, a, precisions[i], &report);
        if (wanted[i] && st == OK) {
            print_report(&report, a->all);
            json_array_append_new(reports, report_json(&report));
            *passed &= report.passed;
        }
        check_report_close(&report);
    }
    if (st == OK && a->json) st = write_json(a->json, config->train_device, reports, *passed);
    json_decref(reports);
    return st;
}

static Status parse_precision(const char *value, Arguments *a)
{
    const bool both = !strcmp(value, "both");
    a->f32 = both || !strcmp(value, "f32");
    a->bf16 = both || !strcmp(value, "bf16");
    if (a->f32 || a->bf16) return OK;
    return FAIL(ERR_USAGE, "--precision \"%s\": want f32, bf16 or both", value);
}

static Status parse(int argc, char **argv, Config *config, Arguments *a, int *exit_code)
{
    static const struct option options[] = {
        {"steps", required_argument, NULL, 's'},
        {"precision", required_argument, NULL, 'p'},
        {"config", required_argument, NULL, 'c'},
        {"all", no_argument, NULL, 'a'},
        {"json", required_argument, NULL, 'j'},
        {"quiet", no_argument, NULL, 'q'},
        {"device", required_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1 && st == OK;) {
        switch (option) {
        case 's': st = cli_number("steps", optarg, 1, 100000, &a->steps); break;
        case 'p': st = parse_precision(optarg, a); break;
        case 'c': st = config_read(config, optarg); break;
        case 'D': st = config_set(config, "train.device", optarg); break;
        case 'a': a->all = true; break;
        case 'j': a->json = optarg; break;
        case 'q': a->quiet = true; break;
        case 'h': return usage(stdout), *exit_code = 0, OK;
        default: return *exit_code = 2, OK;
        }
    }
    for (int i = optind; i < argc && st == OK; i++) st = config_assign(config, argv[i]);
    if (st == OK && !config->data_path[0])
        st = FAIL(ERR_USAGE, "data.path=FILE is missing (souk check --help)");
    return st;
}

/* "cpu", the default of souk train, is the first GPU here. */
static Status find_device(Config *config)
{
    Device dev;
    if (!strcmp(config->train_device, "cpu"))
        snprintf(config->train_device, sizeof config->train_device, "cuda");
    TRY(device_open(&dev, config->train_device, (int)config->train_threads));
    device_close(&dev);
    return OK;
}

int cli_check(int argc, char **argv)
{
    Config config = config_default();
    Arguments a = {.f32 = true, .bf16 = true, .steps = 3};
    int exit_code = -1;
    bool passed;
    Status st = parse(argc, argv, &config, &a, &exit_code);
    if (exit_code >= 0) return exit_code;
    if (st != OK) return cli_fail("check", st);
    if (find_device(&config) != OK) return cli_fail("check", ERR_DEVICE), NO_DEVICE;
    st = run(&config, &a, &passed);
    if (st != OK) return cli_fail("check", st);
    printf("%s: %s\n", config.train_device, passed ? "passed" : "FAILED");
    return passed ? 0 : 1;
}

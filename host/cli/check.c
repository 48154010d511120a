/* SPDX-License-Identifier: Apache-2.0 */
/* souk check: does this machine's GPU compute what its CPU computes? */
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
    Config config;
    const char *json;
    bool all;
    int precision;
    int64_t steps;
} Arguments;

enum { CHECK_F32, CHECK_BF16, CHECK_BOTH };
static const char *const precisions[] = {"f32", "bf16", "both", NULL};

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(.required = true),
    {.name = "steps",
     .value = "N",
     FIELD(steps),
     .low = 1,
     .high = 100000,
     .initial = "3",
     .help = "training steps before the comparison"},
    {.name = "precision",
     .value = "NAME",
     FIELD(precision),
     .choices = precisions,
     .initial = "both",
     .help = "the precision that is checked"},
    {.name = "all", FIELD(all), .help = "show every tensor, not only the worst"},
    CLI_JSON,
    {.heading = "General options"},
    CLI_CONFIG,
    CLI_DEVICE(.initial = "cuda", .help = "which GPU: cuda, or cuda:N"),
    CLI_THREADS,
    CLI_SEED(),
    CLI_QUIET,
    {0},
};

/* ---- The report ------------------------------------------------------------------------------ */

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

/* ---- The check ------------------------------------------------------------------------------- */

static Status compare(const Arguments *a, Dtype precision, CheckReport *report)
{
    Check check;
    Progress bar;
    TRY(check_open(&check, &a->config, precision));
    Status st = OK;
    progress_begin(&bar, tensor_dtype_name(precision), a->steps + 1,
                   terminal_listener(stderr, a->config.train_quiet));
    for (int64_t step = 0; step < a->steps && st == OK; step++) {
        st = check_step(&check);
        if (st == OK) st = progress_update(&bar, step + 1, NULL);
    }
    if (st == OK) st = check_compare(&check, report);
    if (st == OK) progress_end(&bar, NULL);
    check_close(&check);
    return st;
}

static Status check(const Arguments *a, bool *passed)
{
    const Dtype dtype[] = {[CHECK_F32] = F32, [CHECK_BF16] = BF16};
    json_t *reports = json_array();
    Status st = OK;
    *passed = true;
    for (int i = CHECK_F32; i < CHECK_BOTH; i++) {
        CheckReport report = {0};
        if (a->precision != CHECK_BOTH && a->precision != i) continue;
        TRY_OR_FAIL(st, compare(a, dtype[i], &report));
        print_report(&report, a->all);
        json_array_append_new(reports, report_json(&report));
        *passed &= report.passed;
        check_report_close(&report);
    }
    if (a->json) st = write_json(a->json, a->config.train_device, reports, *passed);
fail:
    json_decref(reports);
    return st;
}

/* A file of settings for the CPU serves too: the first GPU is checked then. */
static Status find_device(Config *config)
{
    Device dev;
    if (!strcmp(config->train_device, "cpu"))
        snprintf(config->train_device, sizeof config->train_device, "cuda");
    TRY(device_open(&dev, config->train_device, (int)config->train_threads));
    device_close(&dev);
    return OK;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    bool passed;
    (void)operands;
    if (find_device(&a->config) != OK) return *exit_code = NO_DEVICE, ERR_DEVICE;
    TRY(check(a, &passed));
    printf("%s: %s\n", a->config.train_device, passed ? "passed" : "FAILED");
    *exit_code = passed ? 0 : 1;
    return OK;
}

const Command cli_check = {
    .table =
        {.name = "check",
         .summary = "Compare what the GPU computes with the CPU, tensor by tensor",
         .usage = {"--data FILE [OPTION]... [SECTION.KEY=VALUE]..."},
         .description =
             "Trains a few steps on the CPU and on the GPU, with the same seed and batches. Shows "
             "tensor by tensor how far apart they are: the parameters after the steps, then the "
             "gradients and losses of one more batch at the same parameters. A tensor passes:\n\n"
             "  f32    where the relative L2 error is at most 1e-5; the bound of parameters\n"
             "         includes what AdamW can make of such an error\n"
             "  bf16   where the error is at most 1.5 times that of a CPU run that rounds at\n"
             "         the same places; small tensors are judged together (pooled)\n",
         .options = options,
         .all_settings = true,
         .examples = {"souk check --data shop.h5 learn.objective=cross_entropy+double_q"},
         .exits = {[1] = "a comparison failed, or the check itself", [3] = "there is no such GPU"}},
    .arguments = sizeof(Arguments),
    .run = run,
};

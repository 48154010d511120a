/* SPDX-License-Identifier: Apache-2.0 */
/* souk bench: how fast are the ops, and whole training steps, beside what this machine can do? */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/bench/compare.h"
#include "cli/bench/report.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "measure/ops.h"
#include "train/defaults.h"

typedef struct {
    Config config;
    BenchOptions ops;
    const char *json;
    bool compare;
    int64_t steps, warmup, items; /* steps 0: ops */
} Arguments;

/* ---- Options --------------------------------------------------------------------------------- */

static Status add_op(void *arguments, const Option *o, const char *name)
{
    BenchOptions *ops = &((Arguments *)arguments)->ops;
    int count = 0;
    (void)o;
    while (ops->only[count]) count++;
    if (count == BENCH_ONLY_MAX)
        return FAIL(ERR_USAGE, "--op is given more than %d times, want at most %d", BENCH_ONLY_MAX,
                    BENCH_ONLY_MAX);
    ops->only[count] = name;
    return OK;
}

/* Settings, which options and arguments may change wherever they stand. */
static Status take_model(void *arguments, const Option *o, const char *name)
{
    Config *config = arguments;
    Nearest near = nearest_to(name);
    (void)o;
    static const struct {
        const char *name, *dim, *layers, *heads;
    } models[] = {
        {"100m", "1024", "8", "8"}, {"300m", "1024", "24", "8"}, {"1b", "2048", "24", "16"}};
    static const char *const all[][2] = {
        {"train.precision", "bf16"}, {"train.tokens", "32768"},
        {"model.length", "512"},     {"model.dropout", "0"},
        {"train.readers", "4"},      {"learn.objective", "cross_entropy"},
        {"learn.action_weight", "0"}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        nearest_offer(&near, models[i].name);
        if (strcmp(name, models[i].name) != 0) continue;
        TRY(config_set(config, "model.dim", models[i].dim));
        TRY(config_set(config, "model.layers", models[i].layers));
        TRY(config_set(config, "model.heads", models[i].heads));
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            TRY(config_set(config, all[j][0], all[j][1]));
        return OK;
    }
    return FAIL(ERR_USAGE, "--model = \"%s\"%s, want one of 100m, 300m, 1b", name,
                nearest_hint(&near));
}

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    {.name = "op",
     .value = "NAME",
     .take = add_op,
     .help = "time only ops whose names begin so, e.g. attention; may be given again"},
    {.name = "quick", FIELD(ops.quick), .help = "fewer shapes and fewer samples"},
    {.name = "tiny",
     FIELD(ops.tiny),
     .help = "shapes that take no time, for tests: the figures mean nothing"},
    {.name = "compare", FIELD(compare), .help = "print the times of two JSON reports, row by row"},
    CLI_JSON,
    {.heading = "Options of steps"},
    {.name = "steps",
     .value = "N",
     FIELD(steps),
     .high = 1000000,
     .initial = "0",
     .help = "time N training steps; 0: time ops"},
    {.name = "warmup",
     .value = "N",
     FIELD(warmup),
     .low = 1,
     .high = 1000000,
     .initial = "10",
     .help = "steps before those that are timed"},
    CLI_DATA(.help = "behaviour file; without one the data are synthetic histories of model.length "
                     "events"),
    {.name = "items",
     .value = "N",
     FIELD(items),
     .low = 1,
     .high = 100000000,
     .initial = "50000",
     .help = "items of the synthetic histories"},
    {.name = "model",
     .value = "SIZE",
     .take = take_model,
     .early = true,
     .help = "settings of a bf16 model with 100m, 300m or 1b (1.2 billion) parameters in the "
             "encoder"},
    {.heading = "General options"},
    CLI_CONFIG,
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_SEED(),
    CLI_QUIET,
    {0},
};

/* ---- Running --------------------------------------------------------------------------------- */

/* Takes `report`. */
static Status finish(const Arguments *a, json_t *report)
{
    if (a->json) return report_write(a->json, report, REPORT_NARROW);
    json_decref(report);
    return OK;
}

static Status run_on(Device *dev, const Config *config, const Arguments *a)
{
    static BenchReport report;
    TRY(measure_ops(dev, &a->ops, &report));
    if (a->steps == 0) {
        bench_report_print_ops(&report);
        return finish(a, bench_report_ops_json(&report, dev));
    }
    BenchStep step;
    const bool bf16 = !strcmp(config->train_precision, "bf16");
    const double ceiling = bf16 ? report.ceilings.gemm_bf16 : report.ceilings.gemm_f32;
    const BenchStepOptions how = {a->warmup, a->steps, a->items, a->ops.listener};
    TRY(measure_steps(config, &how, &step));
    bench_report_print_steps(&step, ceiling);
    return finish(a, bench_report_steps_json(&step, ceiling, config, dev));
}

static Status measure(const Config *config, const Arguments *a)
{
    Device dev = {0};
    TRY(device_open(&dev, config->train_device, (int)config->train_threads));
    const Status st = run_on(&dev, config, a);
    device_close(&dev);
    return st;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    (void)exit_code;
    if (a->compare && operands.count == 2) return bench_compare(operands.text[0], operands.text[1]);
    if (a->compare)
        return FAIL(ERR_USAGE, "--compare with %d files, want two reports of souk bench --json",
                    operands.count);
    for (int i = 0; i < operands.count; i++) TRY(config_assign(&a->config, operands.text[i]));
    defaults_without_log(&a->config);
    a->ops.ceilings_only = a->steps > 0;
    a->ops.listener = terminal_listener(stderr, a->config.train_quiet);
    return measure(&a->config, a);
}

const Command cli_bench = {
    .table =
        {.name = "bench",
         .summary = "Time ops or whole training steps, beside what this machine can do",
         .usage = {"[OPTION]...", "--steps N [OPTION]... [SECTION.KEY=VALUE]...",
                   "--compare A.json B.json"},
         .description =
             "Ops are timed beside two ceilings of the machine, which are measured in the same "
             "run: "
             "a copy in the memory of the device, and a large product. The column \"floor\" is the "
             "time of the bytes that must move, or of the operations that must be done, at these "
             "ceilings; \"of floor\" is its share of the median.\n\n"
             "Steps are those of souk train with the same settings, without validation and "
             "checkpoints.\n",
         .options = options,
         .operands = true,
         .all_settings = true,
         .examples = {"souk bench --device cuda --op catalogue",
                      "souk bench --device cuda --steps 20 --model 1b"}},
    .arguments = sizeof(Arguments),
    .run = run,
};

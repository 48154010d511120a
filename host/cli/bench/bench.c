/* souk bench: how fast are the ops, and whole training steps, beside what this machine can do? */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench/report.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "measure/ops.h"

typedef struct {
    BenchOptions ops;
    const char *json;
    bool compare;
    int64_t steps, warmup, items; /* steps 0: ops */
} Arguments;

static void usage(FILE *out)
{
    fputs("usage: souk bench [OPTION...]                             ops\n"
          "       souk bench --steps N [OPTION...] [SECTION.KEY=VALUE...]   whole training steps\n"
          "       souk bench --compare A.json B.json                 two reports, row by row\n\n"
          "Ops are timed beside the machine's ceilings, measured in the same run: a copy in the "
          "device's memory\n"
          "and a large product. floor is the time that the bytes which must move, or the "
          "operations which must\n"
          "be done, take at these; \"of floor\" is its share of the median. Steps are those of "
          "souk train with\n"
          "the same settings, without validation and checkpoints, on data.path or else on "
          "synthetic histories\n"
          "of model.length events.\n\n"
          "  --device D         cpu (default), cuda, cuda:N\n"
          "  --op NAME          only ops whose names begin so, e.g. attention (may be repeated)\n"
          "  --quick            fewer shapes and samples\n"
          "  --tiny             shapes that take no time: for tests, the figures mean nothing\n"
          "  --steps N          time N training steps instead\n"
          "  --warmup N         steps before (default 10)\n"
          "  --model M          settings of a model: 100m, 300m or 1b (1.2 billion) parameters in "
          "the "
          "encoder, bf16\n"
          "  --items N          items of the synthetic histories (default 50000)\n"
          "  --config FILE      read settings from an INI file\n"
          "  --json FILE        write the report as JSON too\n"
          "  --quiet            no progress\n"
          "  --help             this text\n\n"
          "example: souk bench --device cuda --op catalogue\n"
          "         souk bench --device cuda --steps 20 --model 1b\n",
          out);
}

/* ---- Running -------------------------------------------------------------------------------------- */

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
    const BenchStepOptions options = {a->warmup, a->steps, a->items, a->ops.listener};
    TRY(measure_steps(config, &options, &step));
    bench_report_print_steps(&step, ceiling);
    return finish(a, bench_report_steps_json(&step, ceiling, config, dev));
}

static Status run(const Config *config, const Arguments *a)
{
    Device dev = {0};
    TRY(device_open(&dev, config->train_device, (int)config->train_threads));
    const Status st = run_on(&dev, config, a);
    device_close(&dev);
    return st;
}

/* ---- Arguments ------------------------------------------------------------------------------------ */

static Status add_op(BenchOptions *ops, const char *name)
{
    int count = 0;
    while (ops->only[count]) count++;
    if (count == BENCH_ONLY_MAX) return FAIL(ERR_USAGE, "--op: at most %d times", BENCH_ONLY_MAX);
    ops->only[count] = name;
    return OK;
}

/* Settings that arguments may still change. */
static Status take_model(Config *config, const char *name)
{
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
        if (strcmp(name, models[i].name) != 0) continue;
        TRY(config_set(config, "model.dim", models[i].dim));
        TRY(config_set(config, "model.layers", models[i].layers));
        TRY(config_set(config, "model.heads", models[i].heads));
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            TRY(config_set(config, all[j][0], all[j][1]));
        return OK;
    }
    return FAIL(ERR_USAGE, "--model \"%s\": want 100m, 300m or 1b", name);
}

static Status parse(int argc, char **argv, Config *config, Arguments *a, int *exit_code)
{
    static const struct option options[] = {
        {"device", required_argument, NULL, 'D'}, {"op", required_argument, NULL, 'o'},
        {"quick", no_argument, NULL, 'k'},        {"tiny", no_argument, NULL, 't'},
        {"steps", required_argument, NULL, 's'},  {"warmup", required_argument, NULL, 'w'},
        {"model", required_argument, NULL, 'm'},  {"items", required_argument, NULL, 'i'},
        {"config", required_argument, NULL, 'c'}, {"json", required_argument, NULL, 'j'},
        {"quiet", no_argument, NULL, 'q'},        {"compare", no_argument, NULL, 'C'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    Status st = OK;
    for (int option; st == OK && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'D': st = config_set(config, "train.device", optarg); break;
        case 'o': st = add_op(&a->ops, optarg); break;
        case 'k': a->ops.quick = true; break;
        case 't': a->ops.tiny = true; break;
        case 's': st = cli_number("steps", optarg, 1, 1000000, &a->steps); break;
        case 'w': st = cli_number("warmup", optarg, 1, 1000000, &a->warmup); break;
        case 'm': st = take_model(config, optarg); break;
        case 'i': st = cli_number("items", optarg, 1, 100000000, &a->items); break;
        case 'c': st = config_read(config, optarg); break;
        case 'j': a->json = optarg; break;
        case 'q': a->ops.listener = NULL; break;
        case 'C': a->compare = true; break;
        case 'h': return usage(stdout), *exit_code = 0, OK;
        default: return *exit_code = 2, OK;
        }
    }
    a->ops.ceilings_only = a->steps > 0;
    if (st == OK && a->compare && argc - optind != 2)
        st = FAIL(ERR_USAGE, "--compare takes two files, there are %d", argc - optind);
    for (int i = optind; i < argc && st == OK && !a->compare; i++)
        st = config_assign(config, argv[i]);
    return st;
}

int cli_bench(int argc, char **argv)
{
    Config config = config_default();
    Arguments a = {.warmup = 10, .items = 50000, .ops.listener = terminal_listener(stderr, false)};
    int exit_code = -1;
    Status st = parse(argc, argv, &config, &a, &exit_code);
    if (exit_code >= 0) return exit_code;
    if (st == OK) st = a.compare ? bench_compare(argv[argc - 2], argv[argc - 1]) : run(&config, &a);
    return st == OK ? 0 : cli_fail("bench", st);
}

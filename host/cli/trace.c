/* souk trace */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "train/trace.h"

static void usage(FILE *out)
{
    fputs(
        "usage: souk trace --checkpoint C --data FILE --batch N --out T.safetensors [OPTION...]\n\n"
        "Write one training batch laid open: inputs, parameters, activations, losses and "
        "gradients by\n"
        "name, in one safetensors file, so that the run can be held against another framework\n"
        "(tests/golden/check_trace.py holds it against PyTorch).\n\n"
        "  --checkpoint C   folder of a run, or its last.safetensors\n"
        "  --data FILE      the behaviour file it was trained on\n"
        "  --batch N        which batch of the first epoch (default 0)\n"
        "  --out T          the file to write\n" CLI_DEVICE_HELP "  --help           this text\n",
        out);
}

int cli_trace(int argc, char **argv)
{
    static const struct option options[] = {
        {"checkpoint", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"batch", required_argument, NULL, 'b'},
        {"out", required_argument, NULL, 'o'},
        {"device", required_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *checkpoint = NULL, *data = NULL, *out = NULL, *device = "cpu";
    int64_t batch = 0;
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c': checkpoint = optarg; break;
        case 'd': data = optarg; break;
        case 'o': out = optarg; break;
        case 'D': device = optarg; break;
        case 'b':
            if (st == OK) st = cli_number("batch", optarg, 0, INT64_MAX, &batch);
            break;
        case 'h': return usage(stdout), 0;
        default: return 2;
        }
    }
    if (st == OK && optind < argc) st = FAIL(ERR_USAGE, "unexpected argument \"%s\"", argv[optind]);
    if (st == OK && (!checkpoint || !data || !out))
        st = FAIL(ERR_USAGE, "want --checkpoint, --data and --out (--help)");
    if (st == OK) st = trace_write(checkpoint, data, device, batch, out);
    return st == OK ? 0 : cli_fail("trace", st);
}

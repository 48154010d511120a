/* SPDX-License-Identifier: Apache-2.0 */
/* souk trace: one training batch laid open. */
#include "train/trace.h"

#include "cli/cli.h"

typedef struct {
    Config config;
    const char *checkpoint;
    int64_t batch;
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_CHECKPOINT(.required = true, .help = "the model: a file or the folder of a run"),
    CLI_DATA(.required = true, .help = "the behaviour file that the model was trained on"),
    {.name = "batch",
     .value = "N",
     FIELD(batch),
     .high = (double)INT64_MAX,
     .initial = "0",
     .help = "the number of the batch in the first epoch"},
    CLI_OUT("FILE", .initial = "", .required = true, .help = "the safetensors file to write"),
    CLI_DEVICE(),
    {0},
};

static Status run(void *arguments, Operands operands, int *exit_code)
{
    const Arguments *a = arguments;
    (void)operands, (void)exit_code;
    return trace_write(a->checkpoint, a->config.data_path, a->config.train_device, a->batch,
                       a->config.train_out);
}

const Command cli_trace = {
    .table =
        {.name = "trace",
         .summary = "Write all that a training step computes for one batch",
         .usage = {"--checkpoint PATH --data FILE --out FILE [OPTION]..."},
         .description =
             "Writes the inputs, the parameters, the activations, the losses and the gradients "
             "of one batch, by name, into one safetensors file, so that another framework can "
             "be compared with souk. tests/golden/check_trace.py compares PyTorch.\n",
         .options = options,
         .examples = {"souk trace --checkpoint run --data shop.h5 --batch 3 --out "
                      "trace.safetensors"}},
    .arguments = sizeof(Arguments),
    .run = run,
};

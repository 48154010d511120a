/* SPDX-License-Identifier: Apache-2.0 */
/* souk info: a behaviour file or a model at a glance. */
#include "cli/cli.h"
#include "cli/info/model.h"
#include "cli/info/print.h"
#include "data/behaviour/behaviour.h"
#include "data/behaviour/identity/verify.h"

typedef struct {
    Config config;
    bool json, verify;
    int64_t top;
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(.help = "the behaviour file, which may also stand alone: souk info FILE"),
    {.name = "top",
     .value = "N",
     FIELD(top),
     .high = 1000000,
     .initial = "10",
     .help = "show so many of the most frequent items"},
    {.name = "verify",
     FIELD(verify),
     .help = "also compute the checksums of the columns, the fingerprint and the hash of the "
             "catalogue again, and fail where the file says another one"},
    {.name = "json", FIELD(json), .help = "print one JSON object instead"},
    {0},
};

static Status verify(Behaviour *b, bool json)
{
    Verified v;
    TRY(verify_file(&v, b));
    FILE *out = json ? stderr : stdout;
    fprintf(out, "verified: %d checksums%s and the hash of the catalogue are those of the data\n",
            v.checksums, v.fingerprint ? ", the fingerprint" : "");
    if (v.without)
        fprintf(out, "  %d columns have no checksum: an earlier version wrote the file\n",
                v.without);
    return OK;
}

static Status show(const char *path, const Arguments *a)
{
    const bool json = a->json;
    Behaviour b;
    Summary s = {0};
    Status st;
    TRY(behaviour_open(&b, path));
    TRY_OR_FAIL(st, summary_read(&s, &b, (int)a->top));
    TRY_OR_FAIL(st, json ? info_print_json(&b, &s) : info_print(&b, &s));
    if (a->verify) TRY_OR_FAIL(st, verify(&b, json));
    if (fflush(stdout) != 0 || ferror(stdout)) st = FAIL(ERR_IO, "cannot write to standard output");
fail:
    summary_close(&s);
    behaviour_close(&b);
    return st;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    const Arguments *a = arguments;
    const char *path = operands.count ? operands.text[0] : a->config.data_path;
    (void)exit_code;
    if (operands.count + (*a->config.data_path != '\0') != 1)
        return FAIL(ERR_USAGE, "want one behaviour file or model; souk info --help says more");
    if (!info_model_is(path)) return show(path, a);
    if (a->verify) return FAIL(ERR_USAGE, "--verify is for a behaviour file, %s is a model", path);
    return info_model_print(path, a->json);
}

const Command cli_info = {
    .table =
        {.name = "info",
         .summary = "Show what is in a behaviour file or a model",
         .usage = {"FILE [OPTION]..."},
         .description =
             "Prints counts, actions, times, history lengths, splits, features, storage, the "
             "most frequent items and the report of the cleaning. The whole file is checked "
             "when it is opened: a file that is printed can be trained on.\n\n"
             "Of a model, a file *.safetensors or the folder of a run, it prints the sizes, "
             "the best validation, the heads, the rule by which it acts, the count table by which "
             "the policy proposes candidates, the "
             "calibration, which weighs scores by vectors against scores by counts, the items, "
             "actions and features that it knows, and of what data it was made by which version.\n",
         .options = options,
         .operands = true,
         .examples = {"souk info shop.h5", "souk info shop.h5 --top 100 --json",
                      "souk info shop.h5 --verify", "souk info run"}},
    .arguments = sizeof(Arguments),
    .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* souk serve: recommendations over HTTP. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "serve/server.h"

enum { TOKEN_MAX = 1024 };

typedef struct {
    Config config;
    ModelWanted model[MODELS_MAX];
    int models;
    const char *bind, *token_file, *log;
    int64_t port, max_body, max_history, max_k, max_requests, max_effects, connections, timeout,
        batch;
    double epsilon;
} Arguments;

static Status take_model(void *arguments, const Option *o, const char *value)
{
    Arguments *a = arguments;
    if (a->models == MODELS_MAX)
        return FAIL(ERR_USAGE, "more than %d times --%s, want at most as many", MODELS_MAX,
                    o->name);
    return models_read(&a->model[a->models++], value);
}

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    {.name = "checkpoint",
     .value = "[NAME=]PATH[:SHARE]",
     .take = take_model,
     .help = "a model: the folder of a run, which needs no other file. With several models a user "
             "always gets the same one. NAME is by default the last part of PATH, SHARE the share "
             "of the users that the model answers, by default an equal one"},
    {.name = "port",
     .letter = 'p',
     .value = "N",
     FIELD(port),
     .high = 65535,
     .initial = "8080",
     .help = "the port; 0: one that is free, which is printed"},
    {.name = "bind",
     .value = "ADDRESS",
     FIELD(bind),
     .initial = "127.0.0.1",
     .help = "the address to listen at, IPv4 or IPv6; 0.0.0.0: all of this machine. There is no "
             "TLS: put a proxy before a server that others reach"},
    {.name = "log",
     .value = "FILE",
     FIELD(log),
     .help = "append what was shown, with propensities, and the events of POST /v1/events: JSON "
             "lines that souk ingest reads without a map"},
    {.name = "epsilon",
     .value = "P",
     FIELD(epsilon),
     .high = 1,
     .initial = "0",
     .help = "with this probability the first item of a list is drawn from all that may be "
             "recommended, so that souk ope can judge other policies from the log"},
    {.name = "token-file",
     .value = "FILE",
     FIELD(token_file),
     .help = "the first line of FILE is the bearer token that clients have to send"},
    {.heading = "Limits"},
    {.name = "max-body",
     .value = "BYTES",
     FIELD(max_body),
     .low = 1,
     .high = 1 << 30,
     .initial = "1048576",
     .help = "of a request"},
    {.name = "max-history",
     .value = "N",
     FIELD(max_history),
     .low = 1,
     .high = 1 << 24,
     .initial = "10000",
     .help = "events of a history"},
    {.name = "max-k",
     .value = "N",
     FIELD(max_k),
     .low = 1,
     .high = 100000,
     .initial = "1000",
     .help = "items of an answer"},
    {.name = "max-requests",
     .value = "N",
     FIELD(max_requests),
     .low = 1,
     .high = 1 << 20,
     .initial = "1000",
     .help = "requests of a body"},
    {.name = "max-effects",
     .value = "N",
     FIELD(max_effects),
     .high = 1 << 20,
     .initial = "100",
     .help = "events that an explanation leaves out, one at a time, which costs about as much as "
             "so many recommendations"},
    {.name = "connections",
     .value = "N",
     FIELD(connections),
     .low = 1,
     .high = 1 << 20,
     .initial = "1000",
     .help = "open connections"},
    {.name = "timeout",
     .value = "SECONDS",
     FIELD(timeout),
     .low = 1,
     .high = 86400,
     .initial = "30",
     .help = "close a connection that is silent for so long"},
    {.name = "batch",
     .value = "N",
     FIELD(batch),
     .low = 1,
     .high = 1 << 16,
     .initial = "256",
     .help = "histories that the model answers at once"},
    {.heading = "General options"},
    CLI_DEVICE(),
    CLI_THREADS,
    {0},
};

static Status read_token(const char *path, char token[TOKEN_MAX])
{
    FILE *in = fopen(path, "r");
    if (!in) return FAIL(ERR_IO, "--token-file %s: %s", path, strerror(errno));
    const bool got = fgets(token, TOKEN_MAX, in);
    fclose(in);
    if (got) token[strcspn(token, "\r\n")] = '\0';
    return got && *token ? OK : FAIL(ERR_FORMAT, "--token-file %s: its first line is empty", path);
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    (void)operands, (void)exit_code;
    Arguments *a = arguments;
    char token[TOKEN_MAX];
    if (a->models == 0) return FAIL(ERR_USAGE, "want --checkpoint PATH, the folder of a run");
    TRY(models_share(a->model, a->models));
    if (a->token_file) TRY(read_token(a->token_file, token));
    return server_run(&(ServerOptions){
        .model = a->model,
        .models = a->models,
        .device = a->config.train_device,
        .threads = a->config.train_threads,
        .address = a->bind,
        .port = a->port,
        .token = a->token_file ? token : NULL,
        .log = a->log,
        .epsilon = a->epsilon,
        .limits = {.history = a->max_history,
                   .k = a->max_k,
                   .requests = a->max_requests,
                   .effects = a->max_effects},
        .body = a->max_body,
        .connections = a->connections,
        .seconds = a->timeout,
        .batch = a->batch,
    });
}

const Command cli_serve = {
    .table =
        {.name = "serve",
         .summary = "Answer requests for recommendations over HTTP",
         .usage = {"--checkpoint PATH [OPTION]..."},
         .description =
             "Answers requests over HTTP/1.1 with one model or several. The page at / shows "
             "two models side by side, /openapi.json describes all paths, /metrics is for "
             "Prometheus.\n"
             "Items whose keys the file retired.txt in a run's folder has, a key a line, are never "
             "answered. SIGHUP opens models, these lists and log anew: requests under way are "
             "answered by the models before. Move the files of a new model into the place of the "
             "old ones (mv), as souk train does; do not copy over files that the server reads. "
             "SIGTERM and SIGINT answer what was asked, then end the server.\n",
         .options = options,
         .examples = {"souk serve --checkpoint run --log shown.jsonl",
                      "souk serve --checkpoint run-1:0.9 --checkpoint run-2:0.1 --epsilon 0.05",
                      "curl -d '{\"history\": [\"1004\", \"998\"], \"k\": 5}' "
                      "localhost:8080/v1/recommend"}},
    .arguments = sizeof(Arguments),
    .run = run,
};

/* souk ope: what a policy would have earned, from the log of another. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/ope/policy_model.h"
#include "evaluate/ope/report.h"

enum { EXIT_REFUSED = 3 };

typedef struct {
    const char *data, *policy, *checkpoint, *head, *position, *kind, *split, *json, *device;
    double temperature, epsilon; /* epsilon < 0: softmax */
    bool force, quiet;
    OpeOptions options;
} Arguments;

/* What one evaluation holds open. */
typedef struct {
    Behaviour file;
    OpeLog log;
    Session *session; /* of the checkpoint */
    OpeModelPolicy model_policy;
    OpePopularity popularity;
    OpePolicy policy;
    char described[256];
} Job;

static void usage(FILE *out)
{
    fputs(
        "usage: souk ope --data FILE [--policy NAME | --checkpoint C] [OPTION...]\n\n"
        "Off-policy evaluation: what a policy would have earned, from a log that says with which\n"
        "probability its items were shown (/events/propensity). Several estimators, each with a\n"
        "bootstrap and an empirical Bernstein interval. Where the log overlaps too little with "
        "the\n"
        "policy nothing is estimated, and the exit code is 3.\n\n"
        "  --data FILE        behaviour file\n"
        "  --policy NAME      uniform (default), popularity (of train events), logged\n"
        "  --checkpoint C     a model instead: a file or a run's folder\n"
        "  --head NAME        the head it acts by, one of souk train --help (default: the head it\n"
        "                     recommends by)\n"
        "  --temperature T    softmax of the head's scores at T (default 1)\n"
        "  --epsilon E        instead of a softmax: the best item, with probability E any\n"
        "  --split NAME       all, train, valid or test (default: test for what was fitted on "
        "train,\n"
        "                     else all)\n"
        "  --log KIND         bandit: each event for itself; sequential: users' episodes "
        "(default:\n"
        "                     sequential where a user has several events)\n"
        "  --position NAME    the event feature that says in which slot the item stood (default:\n"
        "                     position where there is one; none: no slots)\n"
        "  --clip M           where weights are cut or switched (default: root of the sample "
        "size)\n"
        "  --gamma G          discount of a sequential log (default 1)\n"
        "  --ridge R          penalty of the reward model and of the fitted Q, in events "
        "(default 10)\n"
        "  --channels         the fitted Q's value by what the rewards are for (kinds of action)\n"
        "  --min-ess N        effective sample size below which to refuse (default 100)\n"
        "  --force            estimate all the same\n"
        "  --replicates N     of the bootstrap (default 1000)\n"
        "  --seed N           of the bootstrap (default 1)\n"
        "  --json FILE        write the report as JSON too\n" CLI_DEVICE_HELP
        "  --threads N        default: one a core; results do not depend on it\n"
        "  --quiet            no progress bar\n"
        "  --help\n\n"
        "estimators:\n",
        out);
    estimators_list_help(out);
}

static const struct option long_options[] = {{"data", required_argument, NULL, 'd'},
                                             {"policy", required_argument, NULL, 'p'},
                                             {"checkpoint", required_argument, NULL, 'c'},
                                             {"head", required_argument, NULL, 'H'},
                                             {"temperature", required_argument, NULL, 'T'},
                                             {"epsilon", required_argument, NULL, 'e'},
                                             {"split", required_argument, NULL, 's'},
                                             {"log", required_argument, NULL, 'l'},
                                             {"position", required_argument, NULL, 'P'},
                                             {"clip", required_argument, NULL, 'm'},
                                             {"gamma", required_argument, NULL, 'g'},
                                             {"ridge", required_argument, NULL, 'R'},
                                             {"channels", no_argument, NULL, 'C'},
                                             {"min-ess", required_argument, NULL, 'E'},
                                             {"force", no_argument, NULL, 'f'},
                                             {"replicates", required_argument, NULL, 'b'},
                                             {"seed", required_argument, NULL, 'r'},
                                             {"json", required_argument, NULL, 'j'},
                                             {"device", required_argument, NULL, 'D'},
                                             {"threads", required_argument, NULL, 't'},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static Status real(const char *option, const char *value, double low, double high, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(value, &end);
    if (errno || end == value || *end || !(*out >= low && *out <= high))
        return FAIL(ERR_USAGE, "--%s \"%s\": expected a number from %g to %g", option, value, low,
                    high);
    return OK;
}

/* Takes one option; 'h' and '?' are the caller's. */
static Status take(Arguments *a, int option, const char *value)
{
    int64_t number = 0;
    switch (option) {
    case 'd': a->data = value; break;
    case 'p': a->policy = value; break;
    case 'c': a->checkpoint = value; break;
    case 'H': a->head = value; break;
    case 'T': return real("temperature", value, 1e-6, 1e6, &a->temperature);
    case 'e': return real("epsilon", value, 0, 1, &a->epsilon);
    case 's': a->split = value; break;
    case 'l': a->kind = value; break;
    case 'P': a->position = value; break;
    case 'm': return real("clip", value, 1e-6, 1e12, &a->options.clip);
    case 'g': return real("gamma", value, 0, 1, &a->options.gamma);
    case 'R': return real("ridge", value, 1e-6, 1e12, &a->options.ridge);
    case 'E': return real("min-ess", value, 0, 1e18, &a->options.ess_wanted);
    case 'f': a->force = true; break;
    case 'C': a->options.channels = true; break;
    case 'b':
        TRY(cli_number("replicates", value, 40, 1000000, &number));
        a->options.bootstrap.replicates = (int)number;
        break;
    case 'r':
        TRY(cli_number("seed", value, 0, INT64_MAX, &number));
        a->options.bootstrap.seed = (uint64_t)number;
        break;
    case 'j': a->json = value; break;
    case 'D': a->device = value; break;
    case 't':
        TRY(cli_number("threads", value, 1, 1024, &number));
        a->options.bootstrap.threads = (int)number;
        break;
    case 'q': a->quiet = true; break;
    }
    return OK;
}

/* The place of `value` among `count` names; -1 with an error otherwise. */
static Status one_of(const char *option, const char *value, int count, const char *const *name,
                     int *out)
{
    char all[128] = "";
    for (int i = 0; i < count; i++) {
        if (!strcmp(value, name[i])) return *out = i, OK;
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", name[i]);
    }
    return FAIL(ERR_USAGE, "--%s \"%s\": expected one of %s", option, value, all);
}

/* ---- The policy ----------------------------------------------------------------------------------- */

static Status open_model(Job *job, const Arguments *a)
{
    TRY(session_open(&job->session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                      .file = &job->file,
                                                      .device = a->device,
                                                      .threads = a->options.bootstrap.threads}));
    const HeadSet has = job->session->model->shape.head_set;
    HeadId head;
    TRY(heads_find(&head, a->head, has, "--head"));
    job->model_policy = (OpeModelPolicy){.session = job->session,
                                         .head = head,
                                         .temperature = a->temperature,
                                         .epsilon = a->epsilon,
                                         .listener = terminal_listener(stderr, a->quiet)};
    job->policy = ope_policy_model(&job->model_policy);
    if (a->epsilon >= 0.0)
        snprintf(job->described, sizeof job->described, "%s, best by the %s head, %g any item",
                 a->checkpoint, heads_table[head].name, a->epsilon);
    else
        snprintf(job->described, sizeof job->described, "%s, softmax of the %s head at %g",
                 a->checkpoint, heads_table[head].name, a->temperature);
    return OK;
}

static Status open_policy(Job *job, const Arguments *a, int *named)
{
    static const char *const names[] = {"uniform", "popularity", "logged"};
    if (a->checkpoint) return open_model(job, a);
    TRY(one_of("policy", a->policy ? a->policy : "uniform", 3, names, named));
    if (*named == 0)
        job->policy = ope_policy_uniform();
    else if (*named == 1)
        job->policy = ope_policy_popularity(&job->popularity);
    else
        job->policy = ope_policy_logged();
    snprintf(job->described, sizeof job->described, "%s", job->policy.name);
    return OK;
}

/* ---- The log -------------------------------------------------------------------------------------- */

static const char *const split_names[SPLITS + 1] = {"train", "valid", "test", "all"};

/* The event feature of the slots; NULL: none. */
static const char *position_of(const Behaviour *b, const Arguments *a)
{
    if (a->position) return strcmp(a->position, "none") ? a->position : NULL;
    for (int k = 0; k < b->event_features.numbers; k++)
        if (!strcmp(b->event_features.number_name[k], "position")) return "position";
    return NULL;
}

static Status open_log(Job *job, const Arguments *a, OpeReportContext *c)
{
    static const char *const kinds[] = {"bandit", "sequential"};
    int split = job->policy.fitted ? SPLIT_TEST : SPLITS, kind = ope_log_is_sequential(&job->file);
    if (a->split) TRY(one_of("split", a->split, SPLITS + 1, split_names, &split));
    if (a->kind) TRY(one_of("log", a->kind, 2, kinds, &kind));
    c->split = split_names[split];
    c->position = position_of(&job->file, a);
    return ope_log_open(&job->log, &job->file,
                        &(OpeLogOptions){.split = split,
                                         .sequential = kind == 1,
                                         .history = job->policy.history,
                                         .position = c->position});
}

/* ---- All of it ------------------------------------------------------------------------------------ */

static Status evaluate(Job *job, const Arguments *a, bool *refused)
{
    int named = -1;
    char why[256];
    OpeResult result;
    OpeReportContext context = {.data = a->data, .policy = job->described};
    TRY(behaviour_open(&job->file, a->data));
    TRY(open_policy(job, a, &named));
    TRY(open_log(job, a, &context));
    if (named == 1) TRY(ope_policy_popularity_fit(&job->popularity, &job->log, context.position));
    TRY(ope_run(&result, &job->log, &job->policy, &a->options));
    if (!ope_overlaps(&result, &job->log, why, sizeof why)) {
        context.refusal = why;
        *refused = !a->force;
        if (*refused)
            return FAIL(ERR_FORMAT, "%s, policy %s: %s; --force estimates all the same", a->data,
                        job->described, why);
    }
    ope_report_print(stdout, &result, &job->log, &a->options, &context);
    return a->json ? ope_report_json(a->json, &result, &job->log, &a->options, &context) : OK;
}

static void job_close(Job *job)
{
    ope_policy_popularity_close(&job->popularity);
    ope_log_close(&job->log);
    session_close(job->session);
    behaviour_close(&job->file);
}

int cli_ope(int argc, char **argv)
{
    Arguments a = {
        .device = "cpu",
        .temperature = 1.0,
        .epsilon = -1.0,
        .options = {
            .gamma = 1.0,
            .ridge = 10.0,
            .folds = 5,
            .ess_wanted = 100.0,
            .bootstrap = {.replicates = 1000, .seed = 1, .threads = parallel_processors()}}};
    for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (option == 'h') return usage(stdout), 0;
        if (option == '?') return usage(stderr), 2;
        const Status st = take(&a, option, optarg);
        if (st != OK) return cli_fail("ope", st);
    }
    if (!a.data || optind != argc || (a.policy && a.checkpoint)) return usage(stderr), 2;
    bool refused = false;
    Job *job = calloc(1, sizeof *job);
    Status st = job ? evaluate(job, &a, &refused) : FAIL(ERR_MEMORY, "no memory");
    if (job) job_close(job);
    free(job);
    if (st == OK) return 0;
    const int code = cli_fail("ope", st);
    return refused ? EXIT_REFUSED : code;
}

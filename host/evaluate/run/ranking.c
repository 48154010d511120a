/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/run/ranking.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/parallel.h"
#include "infer/answers.h"
#include "model/saved.h"

/* The action to predict: the named one, which must exist; by default "purchase" where it does. */
static Status find_purchase(const Behaviour *b, const char *name, int *action)
{
    Nearest near = nearest_to(name ? name : "");
    *action = -1;
    for (int a = 0; a < b->actions; a++) {
        nearest_offer(&near, b->action_name[a]);
        if (!strcmp(b->action_name[a], name ? name : "purchase")) *action = a;
    }
    if (*action < 0 && name)
        return FAIL(ERR_USAGE, "--purchase = \"%s\"%s, want an action of %s", name,
                    nearest_hint(&near), b->path);
    return OK;
}

/* Targets that the model does not have are ranked last. Of several seeds the numbers are equal. */
static void warn_unknown(RankingRun *run, const Session *s, const char *checkpoint, int number)
{
    const ScoredEvents *e = &run->evaluation.events;
    const bool *unknown = s->model->unknown;
    RankingModel *model = &run->model[number];
    model->unknown_items = s->model->unknowns;
    model->unknown_targets = 0;
    for (int64_t i = 0; i < e->count && unknown; i++)
        model->unknown_targets += unknown[e->target[i]];
    if (unknown)
        listener_warn(run->score.listener,
                      "%s does not have %" PRId64 " of the %" PRId32 " items; they are the targets "
                      "of %" PRId64 " of the %" PRId64 " events, which it ranks last",
                      checkpoint, model->unknown_items, e->items, model->unknown_targets, e->count);
}

static void warn_retired(const RankingRun *run, const Session *s, const char *checkpoint)
{
    const ScoredEvents *e = &run->evaluation.events;
    const bool *retired = s->model->retired.item;
    int64_t targets = 0;
    for (int64_t i = 0; i < e->count && retired; i++) targets += retired[e->target[i]];
    if (targets)
        listener_warn(run->score.listener,
                      "%s: %" PRId64 " items are retired; they are the targets of %" PRId64
                      " of the %" PRId64 " events, which it ranks last, as the bars do not",
                      checkpoint, s->model->retired.count, targets, e->count);
}

static Status add_scorer(RankingRun *run, Session *session, ActingKind kind, int number)
{
    Scorer scorer = model_scorer(session, kind);
    scorer.model = number;
    if (run->options.checkpoints > 1) {
        char *name = run->name[number][kind];
        model_scorer_name(name, number, kind);
        scorer.name = name;
    }
    return evaluation_add(&run->evaluation, &scorer);
}

/* By the rule that the model acts by, and by its policy and its Q, where they are others. */
static Status add_model(RankingRun *run, const char *checkpoint, int number)
{
    const RankingRunOptions *a = &run->options;
    static const struct {
        ActingKind kind;
        HeadId head;
    } alone[] = {{ACTING_POLICY, HEAD_POLICY}, {ACTING_Q, HEAD_Q}};
    Session *session;
    TRY(session_open(&session, &(SessionOptions){.checkpoint = checkpoint,
                                                 .acting = &a->acting,
                                                 .file = &run->file,
                                                 .device = a->device,
                                                 .threads = run->score.threads}));
    warn_unknown(run, session, checkpoint, number);
    warn_retired(run, session, checkpoint);
    const ActingKind own = session_acting(session).kind;
    Status st = add_scorer(run, session, own, number);
    for (int k = 0; k < 2; k++) {
        if (alone[k].kind == own || !model_has(session->model, alone[k].head) || st != OK) continue;
        st = add_scorer(run, session, alone[k].kind, number);
    }
    if (st == OK && answers_known(session) && !run->outcome.count)
        st = measure_outcome(&run->outcome, session, run->split, a->users, a->seed,
                             run->score.listener);
    session_close(session);
    return st;
}

/* Calls `each` with every checkpoint and the number of its model; with --seeds N, with PATH-1 to
 * PATH-N of each PATH. */
static Status each_checkpoint(RankingRun *run,
                              Status (*each)(RankingRun *run, const char *checkpoint, int number))
{
    const RankingRunOptions *a = &run->options;
    for (int k = 0; k < a->checkpoints && a->seeds == 1; k++) TRY(each(run, a->checkpoint[k], k));
    for (int64_t n = 0; n < a->checkpoints * a->seeds && a->seeds > 1; n++) {
        const int k = (int)(n / a->seeds);
        char path[sizeof(Config_text) + 32];
        const int length =
            snprintf(path, sizeof path, "%s-%" PRId64, a->checkpoint[k], 1 + n % a->seeds);
        if (length >= (int)sizeof path)
            return FAIL(ERR_USAGE, "--checkpoint = \"%s\" is too long, want a shorter path",
                        a->checkpoint[k]);
        TRY(each(run, path, k));
    }
    return OK;
}

static Status check_known(RankingRun *run, const char *checkpoint, int number)
{
    const RankingRunOptions *a = &run->options;
    char path[sizeof(Config_text) + 64];
    Safetensors file;
    int known;
    run->model[number].path = a->checkpoint[number];
    TRY(saved_find(path, sizeof path, checkpoint, false));
    TRY(safetensors_open(&file, path));
    const Status st = saved_known(&file, &known);
    safetensors_close(&file);
    TRY(st);
    if (known > run->known) run->known = known;
    if (known <= run->split || a->force) return OK;
    return FAIL(ERR_USAGE,
                "%s counts the events of the %s split or has learned them, so it would know what "
                "it is asked; --force ranks them all the same",
                path, a->split);
}

static Status add_bars(RankingRun *run)
{
    Evaluation *e = &run->evaluation;
    for (int k = 0; k < run->bars.bars; k++) {
        const Scorer scorer = bar_scorer(&run->bars.bar[k].bar);
        if (!run->bars.bar[k].left_out[0]) TRY(evaluation_add(e, &scorer));
    }
    if (run->score.purchase < 0) return OK;
    Scorer rate[RATES];
    TRY(purchase_rates_fit(&run->rates, run->known > 1 ? &run->known_histories : &run->histories,
                           run->score.purchase));
    purchase_rates_scorers(&run->rates, rate);
    for (int k = 0; k < RATES; k++) TRY(evaluation_add(e, &rate[k]));
    return OK;
}

static Status check(const RankingRunOptions *a)
{
    if (a->include_seen && a->exclude_seen)
        return FAIL(ERR_USAGE, "--include-seen and --exclude-seen, want one of them");
    if (a->seeds > 1 && a->checkpoints == 0)
        return FAIL(ERR_USAGE, "--seeds without --checkpoint, want one");
    if (a->checkpoints > RANKING_MODELS_MAX)
        return FAIL(ERR_USAGE, "%d models, want at most %d", a->checkpoints, RANKING_MODELS_MAX);
    return OK;
}

/* Whether seen items are candidates. */
static Status find_rule(RankingRun *run)
{
    const RankingRunOptions *a = &run->options;
    const Histories validation = histories_of_split(&run->histories, SPLIT_VALID);
    TRY(repeats_rule(&run->rule, &validation));
    run->score.include_seen = a->include_seen || (run->rule.include_seen && !a->exclude_seen);
    return OK;
}

/* All bars, with settings that are chosen on validation. */
static Status fit_bars(RankingRun *run)
{
    enum { USERS = 20000 }; /* validation users that decide; more would hardly decide otherwise */
    const Histories validation = histories_of_split(&run->histories, SPLIT_VALID);
    return bars_fit(&run->bars, &validation,
                    &(BarsOptions){.include_seen = run->score.include_seen,
                                   .sample = USERS,
                                   .threads = run->score.threads,
                                   .listener = run->score.listener});
}

/* What the models contain the bars count too; else later events would decide the comparison. */
static Status recount_bars(RankingRun *run)
{
    const RankingRunOptions *a = &run->options;
    if (run->known <= 1) return OK;
    TRY(behaviour_open(&run->known_file, a->data));
    TRY(behaviour_join_splits(&run->known_file, run->known));
    TRY(histories_read(&run->known_histories, &run->known_file, run->split));
    return bars_recount(&run->bars, &run->known_histories, run->score.threads);
}

static Status evaluate(RankingRun *run)
{
    const RankingRunOptions *a = &run->options;
    const char *data = a->data;
    run->score = (ScoreOptions){.threads = parallel_threads(a->threads), .listener = a->listener};
    TRY(check(a));
    TRY(each_checkpoint(run, check_known));
    TRY(behaviour_open(&run->file, data));
    TRY(find_purchase(&run->file, a->purchase, &run->score.purchase));
    TRY(histories_read(&run->histories, &run->file, run->split));
    TRY(find_rule(run));
    TRY(evaluation_open(&run->evaluation, &run->histories, &run->score, a->users, a->seed));
    if (!run->evaluation.events.count)
        return FAIL(ERR_FORMAT, "%s: /splits/%s has no event to rank, want one with a history%s",
                    data, a->split, run->score.include_seen ? "" : " whose target is not in it");
    /* The models come first: a bar may take minutes, a model that cannot be opened takes none. */
    TRY(each_checkpoint(run, add_model));
    TRY(fit_bars(run));
    TRY(recount_bars(run));
    return add_bars(run);
}

Status run_ranking(RankingRun *run, const RankingRunOptions *options)
{
    *run = (RankingRun){.options = *options, .split = -1};
    for (int s = SPLIT_VALID; s <= SPLIT_TEST; s++)
        if (!strcmp(options->split, schema_split_name[s])) run->split = s;
    if (run->split < 0)
        return FAIL(ERR_USAGE, "split = \"%s\", want valid or test", options->split);
    return evaluate(run);
}

RankingReportContext run_ranking_context(const RankingRun *run)
{
    const RankingRunOptions *a = &run->options;
    return (RankingReportContext){.data = a->data,
                                  .split = a->split,
                                  .split_rule = run->file.split_rule,
                                  .action_name = (const char *const *)run->file.action_name,
                                  .items = run->file.items,
                                  .sample = a->users,
                                  .seed = a->seed,
                                  .bars = &run->bars,
                                  .known = run->known,
                                  .models = a->checkpoints,
                                  .model = run->model,
                                  .file = &run->file,
                                  .outcome = &run->outcome,
                                  .rule = run->rule,
                                  .forced = a->include_seen || a->exclude_seen};
}

void run_ranking_close(RankingRun *run)
{
    evaluation_close(&run->evaluation);
    purchase_rates_close(&run->rates);
    bars_close(&run->bars);
    histories_close(&run->known_histories);
    behaviour_close(&run->known_file);
    histories_close(&run->histories);
    behaviour_close(&run->file);
}

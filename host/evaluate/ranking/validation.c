/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/validation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/ranking/bars/bars.h"
#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/repeats.h"

static Status select_events(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed)
{
    RepeatsRule rule;
    TRY(histories_read(&v->histories, file, SPLIT_VALID));
    TRY(repeats_rule(&rule, &v->histories));
    v->include_seen = rule.include_seen;
    const ScoredOptions options = {sample, seed, !v->include_seen};
    TRY(histories_scored_select(&v->events, &v->histories, &options));
    const size_t bytes = (size_t)VALIDATIONS_KEPT * 2 * (size_t)v->events.count * sizeof *v->kept;
    v->kept = malloc(bytes + 1);
    if (!v->kept)
        return FAIL(ERR_MEMORY, "no memory to validate on %" PRId64 " events", v->events.count);
    memset(v->kept, -1, bytes);
    return OK;
}

Status validation_open(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed)
{
    *v = (Validation){0};
    const Status st = select_events(v, file, sample, seed);
    if (st != OK) validation_close(v);
    return st;
}

void validation_close(Validation *v)
{
    free(v->kept);
    ranking_close(&v->now);
    histories_scored_close(&v->events);
    histories_close(&v->histories);
    *v = (Validation){0};
}

static ScoreOptions score_options(const Validation *v, int threads)
{
    return (ScoreOptions){.include_seen = v->include_seen, .threads = threads, .purchase = -1};
}

Status validation_run(Validation *v, ValidationResult *out, Session *session)
{
    const Scorer scorer =
        model_scorer(session, acting_by_head(heads_default(session->model->shape.head_set)).kind);
    const ScoreOptions options = score_options(v, session->dev->threads);
    RankingSummary summary;
    ranking_close(&v->now);
    TRY(ranking_open(&v->now, &v->events));
    TRY(scorer.score(&scorer, &v->histories, &v->events, &options, &v->now, NULL));
    ranking_summary(&v->now, 1, GROUP_ALL, &summary);
    const Estimate *ndcg10 = &summary.measure[NDCG_10];
    *out = (ValidationResult){ndcg10->value, summary.measure[HR_10].value, ndcg10->error};
    return OK;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static int32_t *above_of(const Validation *v, ValidationKept kept)
{
    return v->kept + (int64_t)kept * 2 * v->events.count;
}

void validation_keep(Validation *v, ValidationKept as)
{
    const int64_t count = v->events.count;
    memcpy(above_of(v, as), v->now.above, (size_t)count * sizeof *v->kept);
    memcpy(above_of(v, as) + count, v->now.ties, (size_t)count * sizeof *v->kept);
}

/* a - b of NDCG@10, where b is kept. */
static Estimate difference(const Validation *v, const Ranking *a, ValidationKept b)
{
    int32_t *above = above_of(v, b);
    if (v->events.count == 0 || above[0] < 0) return (Estimate){NAN, NAN, NAN, NAN, NAN};
    const Ranking kept = {.events = &v->events, .above = above, .ties = above + v->events.count};
    return ranking_difference(a, 1, &kept, 1, GROUP_ALL, NDCG_10);
}

Estimate validation_gain(const Validation *v, ValidationKept than)
{
    return difference(v, &v->now, than);
}

/* Ranks by the bar, to be compared with the best validation. */
static Status compare_with(const Validation *v, const Bar *best, ValidationBar *bar, int threads)
{
    const ScoreOptions options = score_options(v, threads);
    const Scorer scorer = bar_scorer(best);
    RankingSummary summary;
    Ranking ranking = {0};
    Status st;
    TRY_OR_FAIL(st, ranking_open(&ranking, &v->events));
    TRY_OR_FAIL(st, scorer.score(&scorer, &v->histories, &v->events, &options, &ranking, NULL));
    ranking_summary(&ranking, 1, GROUP_ALL, &summary);
    const Estimate less = difference(v, &ranking, VALIDATION_BEST);
    *bar = (ValidationBar){.name = best->name,
                           .ndcg10 = summary.measure[NDCG_10].value,
                           .more = {.value = -less.value,
                                    .error = less.error,
                                    .half = less.half,
                                    .low = -less.high,
                                    .high = -less.low}};
fail:
    ranking_close(&ranking);
    return st;
}

Status validation_bar(const Validation *v, ValidationBar *bar, int threads)
{
    Bars bars;
    TRY(bars_fit(&bars, &v->histories,
                 &(BarsOptions){
                     .include_seen = v->include_seen, .counters_only = true, .threads = threads}));
    const Status st = compare_with(v, &bars.bar[bars.best].bar, bar, threads);
    bars_close(&bars);
    return st;
}

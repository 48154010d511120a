/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/validation.h"

#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/repeats.h"

static ScoredOptions scored(const Validation *v)
{
    return (ScoredOptions){v->sample, v->seed, !v->include_seen};
}

Status validation_open(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed)
{
    *v = (Validation){.sample = sample, .seed = seed};
    ScoredEvents events = {0};
    RepeatsRule rule;
    Status st;
    TRY(histories_read(&v->histories, file, SPLIT_VALID));
    TRY_OR_FAIL(st, repeats_rule(&rule, &v->histories));
    v->include_seen = rule.include_seen;
    const ScoredOptions options = scored(v);
    TRY_OR_FAIL(st, histories_scored_select(&events, &v->histories, &options));
    v->events = events.count;
    histories_scored_close(&events);
    return OK;
fail:
    validation_close(v);
    return st;
}

void validation_close(Validation *v)
{
    histories_close(&v->histories);
    *v = (Validation){0};
}

Status validation_run(const Validation *v, ValidationResult *out, Session *session)
{
    const Scorer scorer = model_scorer(session, heads_default(session->model->shape.head_set));
    const ScoreOptions options = {
        .include_seen = v->include_seen, .threads = session->dev->threads, .purchase = -1};
    const ScoredOptions chosen = scored(v);
    ScoredEvents events = {0};
    Ranking ranking = {0};
    RankingSummary summary;
    Status st;
    TRY_OR_FAIL(st, histories_scored_select(&events, &v->histories, &chosen));
    TRY_OR_FAIL(st, ranking_open(&ranking, &events));
    TRY_OR_FAIL(st, scorer.score(&scorer, &v->histories, &events, &options, &ranking, NULL));
    ranking_summary(&ranking, 1, GROUP_ALL, &summary);
    *out = (ValidationResult){summary.measure[NDCG_10].value, summary.measure[HR_10].value};
fail:
    ranking_close(&ranking);
    histories_scored_close(&events);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/report_json.h"

#include <math.h>

#include "base/report.h"
#include "evaluate/outcome/report.h"

static json_t *estimate(Estimate e)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "value", report_number(e.value), "error",
                     report_number(e.error), "low", report_number(e.low), "high",
                     report_number(e.high));
}

static json_t *scorer_json(const Evaluated *k)
{
    return json_pack("{s:s, s:b, s:i}", "name", k->scorer.name, "baseline", k->scorer.baseline,
                     "seeds", k->seeds);
}

static json_t *difference_json(const Evaluation *e, int scorer, int best, int group)
{
    return json_pack("{s:s, s:s, s:s, s:o}", "scorer", e->scorer[scorer].scorer.name, "baseline",
                     e->scorer[best].scorer.name, "measure", ranking_measure_name(NDCG_10),
                     "difference",
                     estimate(evaluation_difference(e, scorer, best, group, NDCG_10)));
}

/* Of each two models, how the later one stands beside the earlier one. */
static json_t *comparisons_json(const Evaluation *e, int group)
{
    json_t *pairs = json_array();
    for (int b = 1, other; (other = ranking_report_model(e, b)) >= 0; b++)
        for (int a = 0; a < b; a++) {
            const int one = ranking_report_model(e, a);
            const Estimate d = evaluation_difference(e, other, one, group, NDCG_10);
            const char name[2][2] = {{(char)('A' + a)}, {(char)('A' + b)}};
            json_array_append_new(
                pairs, json_pack("{s:s, s:s, s:s, s:o, s:s}", "model", name[1], "over", name[0],
                                 "measure", ranking_measure_name(NDCG_10), "difference",
                                 estimate(d), "verdict", ranking_report_verdict(d)));
        }
    return pairs;
}

static json_t *models_json(const Evaluation *e, const RankingReportContext *c)
{
    json_t *models = json_array();
    for (int n = 0; n < c->models; n++) {
        const char name[2] = {(char)('A' + n)};
        const int scorer = ranking_report_model(e, n);
        json_array_append_new(
            models, json_pack("{s:s, s:o, s:s, s:I, s:I}", "model", name, "path",
                              report_string(c->model[n].path), "scorer",
                              scorer < 0 ? "" : e->scorer[scorer].scorer.name, "unknown_items",
                              (json_int_t)c->model[n].unknown_items, "unknown_targets",
                              (json_int_t)c->model[n].unknown_targets));
    }
    return models;
}

static void add_spread(json_t *row, const RankingSpread *s)
{
    json_object_set_new(row, "coverage@20", report_number(s->coverage));
    json_object_set_new(row, "diversity@20", report_number(s->diversity));
    json_object_set_new(row, "novelty@20", report_number(s->novelty));
    json_object_set_new(row, "gini@20", report_number(s->gini));
}

static json_t *group_json(const Evaluation *e, const RankingReportContext *c, int group)
{
    const int best = ranking_report_best(e, c);
    char name[RANKING_REPORT_NAME];
    json_t *scorers = json_array(), *differences = json_array();
    int64_t users = 0, events = 0;
    for (int k = 0; k < e->scorers; k++) {
        if (!e->scorer[k].scorer.ranks) continue;
        const RankingSummary *s = evaluation_summary(e, k, group);
        json_t *row = scorer_json(&e->scorer[k]);
        for (int m = 0; m < MEASURES; m++)
            json_object_set_new(row, ranking_measure_name((RankingMeasure)m),
                                estimate(s->measure[m]));
        if (group == GROUP_ALL) add_spread(row, &e->scorer[k].spread);
        json_array_append_new(scorers, row);
        users = s->users;
        events = s->events;
        if (best >= 0 && !e->scorer[k].scorer.baseline)
            json_array_append_new(differences, difference_json(e, k, best, group));
    }
    ranking_report_group(name, c, group);
    return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "name", name, "events", (json_int_t)events,
                     "users", (json_int_t)users, "scorers", scorers, "differences", differences,
                     "comparisons", comparisons_json(e, group));
}

static json_t *groups_json(const Evaluation *e, const RankingReportContext *c)
{
    json_t *groups = json_array();
    for (int p = 0; p < e->events.groups; p++)
        if (ranking_report_shows(e, ranking_report_group_at(e, p)))
            json_array_append_new(groups, group_json(e, c, ranking_report_group_at(e, p)));
    return groups;
}

static json_t *auc_json(const Evaluation *e, const RankingReportContext *c)
{
    json_t *scorers = json_array();
    const Auc *first = NULL;
    for (int k = 0; k < e->scorers && e->options.purchase >= 0; k++) {
        if (!e->scorer[k].scorer.predicts) continue;
        if (!first) first = &e->scorer[k].auc[0];
        json_t *row = scorer_json(&e->scorer[k]);
        json_object_set_new(row, "auc", estimate(evaluation_auc(e, k)));
        json_array_append_new(scorers, row);
    }
    if (first && isfinite(first->auc.value))
        return json_pack("{s:s, s:I, s:I, s:o}", "action", c->action_name[e->options.purchase],
                         "positives", (json_int_t)first->positives, "negatives",
                         (json_int_t)first->negatives, "scorers", scorers);
    json_decref(scorers);
    return json_null();
}

static json_t *bars_json(const Bars *b)
{
    json_t *bars = json_array();
    for (int k = 0; k < b->bars; k++)
        json_array_append_new(bars, json_pack("{s:s, s:s, s:s, s:o}", "name", b->bar[k].bar.name,
                                              "settings", b->bar[k].settings, "left_out",
                                              b->bar[k].left_out, "validation_NDCG@10",
                                              report_number(b->bar[k].validation)));
    return bars;
}

static json_t *standing_json(const Evaluation *e, const RankingReportContext *c)
{
    const int best = ranking_report_best(e, c), model = ranking_report_model(e, 0);
    if (best < 0 || model < 0) return json_null();
    const Estimate d = evaluation_difference(e, model, best, GROUP_ALL, NDCG_10);
    json_t *standing = difference_json(e, model, best, GROUP_ALL);
    json_object_set_new(standing, "verdict", json_string(ranking_report_verdict(d)));
    return standing;
}

static json_t *repeats_json(const Evaluation *e, const RankingReportContext *c)
{
    return json_pack("{s:I, s:I, s:f, s:b, s:I, s:I}", "validation_events",
                     (json_int_t)c->rule.events, "validation_repeats", (json_int_t)c->rule.repeats,
                     "share_wanted", REPEATS_SHARE, "forced", c->forced, "events",
                     (json_int_t)e->events.repeats, "left_out",
                     (json_int_t)(e->events.left_repeats ? e->events.repeats : 0));
}

json_t *ranking_report_json_value(const Evaluation *e, const RankingReportContext *c)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:i}", "data", c->data,
        "split", c->split, "split_rule", c->split_rule, "known_splits", c->known ? c->known : 1,
        "items", (json_int_t)c->items, "events", (json_int_t)e->events.count, "users",
        (json_int_t)e->events.users, "impressions", (json_int_t)histories_impressions(e->histories),
        "no_history", (json_int_t)e->events.no_history, "sample", (json_int_t)c->sample, "seed",
        (json_int_t)c->seed, "include_seen", e->options.include_seen, "repeats", repeats_json(e, c),
        "top", RANKING_TOP);
    json_object_set_new(root, "models", models_json(e, c));
    json_object_set_new(root, "bars", bars_json(c->bars));
    json_object_set_new(root, "best_bar", json_string(c->bars->bar[c->bars->best].bar.name));
    json_object_set_new(root, "bars_chosen_on",
                        json_pack("{s:I, s:I}", "events", (json_int_t)c->bars->events, "users",
                                  (json_int_t)c->bars->users));
    json_object_set_new(root, "standing", standing_json(e, c));
    json_object_set_new(root, "groups", groups_json(e, c));
    json_object_set_new(root, "next_is_purchase", auc_json(e, c));
    json_object_set_new(root, "outcome",
                        c->outcome && c->outcome->count ? outcome_report_json(c->outcome, c->file)
                                                        : json_null());
    return root;
}

Status ranking_report_json(const char *path, const Evaluation *e, const RankingReportContext *c)
{
    return report_write(path, ranking_report_json_value(e, c), REPORT_9DIGITS);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/outcome/report.h"

#include <inttypes.h>
#include <math.h>

/* ---- Text ------------------------------------------------------------------------------------ */

static void print_kinds(FILE *out, const OutcomeMeasures *m, const Behaviour *b)
{
    fprintf(out, "  %-18s %8s %9s %9s   %s\n", "", "answers", "foretold", "seen",
            m->impressions ? "AUC beside impressions" : "AUC beside other kinds");
    for (int k = 0; k < m->kinds; k++) {
        const Estimate auc = m->auc[k].auc;
        fprintf(out, "  %-18.18s %8" PRId64 " %9.4f %9.4f", b->action_name[k], m->kind_count[k],
                m->kind_rate[k].foretold.value, m->kind_rate[k].seen.value);
        if (isfinite(auc.value))
            fprintf(out, "   %.4f  (%.4f .. %.4f)\n", auc.value, auc.low, auc.high);
        else
            fprintf(out, "   -\n");
    }
    fprintf(out, "  %-18s %8" PRId64 " %9.4f %9.4f\n", "mean reward", m->count,
            m->reward.foretold.value, m->reward.seen.value);
    fprintf(out, "  %-18s %8" PRId64 " %9.4f %9.4f", "end of the episode", m->ends_known,
            m->end_rate.foretold.value, m->end_rate.seen.value);
    if (isfinite(m->ends.auc.value))
        fprintf(out, "   %.4f  (%.4f .. %.4f)\n", m->ends.auc.value, m->ends.auc.low,
                m->ends.auc.high);
    else
        fprintf(out, "   -\n");
}

static void print_groups(FILE *out, const OutcomeMeasures *m)
{
    fprintf(out, "  tenths of the answers by the probability that the item is taken\n  foretold ");
    for (int g = 0; g < MEASURE_GROUPS; g++)
        fprintf(out, " %7.4f", m->taken_group[g].foretold.value);
    fprintf(out, "\n  taken    ");
    for (int g = 0; g < MEASURE_GROUPS; g++) fprintf(out, " %7.4f", m->taken_group[g].seen.value);
    fprintf(out, "\n  +- 95 %%  ");
    for (int g = 0; g < MEASURE_GROUPS; g++) fprintf(out, " %7.4f", m->taken_group[g].seen.half);
    fprintf(out, "\n");
}

/* In how many groups what was foretold is in the interval of what was seen. */
static int groups_inside(const OutcomeMeasures *m)
{
    int inside = 0;
    for (int g = 0; g < MEASURE_GROUPS; g++)
        inside += fabs(m->taken_group[g].foretold.value - m->taken_group[g].seen.value) <=
                  m->taken_group[g].seen.half;
    return inside;
}

void outcome_report_print(FILE *out, const OutcomeMeasures *m, const Behaviour *b)
{
    const char *verdict = m->more.low > 0.0    ? "better than"
                          : m->more.high < 0.0 ? "worse than"
                                               : "not told apart by chance from";
    fprintf(out,
            "\nwhat came of %" PRId64 " items that were shown to %" PRId64
            " users, with the history before them\n",
            m->count, m->users);
    print_kinds(out, m, b);
    print_groups(out, m);
    fprintf(out,
            "\nThe outcome head is %s the rates of each item: a mean log-likelihood of %.4f for "
            "%.4f\n(rates of all items together: %.4f), a difference of %+.4f with the 95 %% "
            "interval %+.4f .. %+.4f.\nIn %d of %d tenths what it foretells is within the 95 %% "
            "interval of what was taken.\n",
            verdict, m->likelihood.value, m->of_items.value, m->of_all.value, m->more.value,
            m->more.low, m->more.high, groups_inside(m), MEASURE_GROUPS);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *estimate(Estimate e)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "value", report_number(e.value), "error",
                     report_number(e.error), "low", report_number(e.low), "high",
                     report_number(e.high));
}

static json_t *pair(MeasurePair p)
{
    return json_pack("{s:o, s:o}", "foretold", estimate(p.foretold), "seen", estimate(p.seen));
}

static json_t *groups(const MeasurePair *group)
{
    json_t *deciles = json_array();
    for (int g = 0; g < MEASURE_GROUPS; g++) json_array_append_new(deciles, pair(group[g]));
    return deciles;
}

static json_t *kinds(const OutcomeMeasures *m, const Behaviour *b)
{
    json_t *all = json_array();
    for (int k = 0; k < m->kinds; k++) {
        json_t *kind = pair(m->kind_rate[k]);
        json_object_set_new(kind, "name", report_string(b->action_name[k]));
        json_object_set_new(kind, "count", json_integer((json_int_t)m->kind_count[k]));
        json_object_set_new(kind, "auc", estimate(m->auc[k].auc));
        json_array_append_new(all, kind);
    }
    return all;
}

json_t *outcome_report_json(const OutcomeMeasures *m, const Behaviour *b)
{
    json_t *reward = pair(m->reward), *ends = pair(m->end_rate);
    json_object_set_new(reward, "deciles", groups(m->reward_group));
    json_object_set_new(ends, "known", json_integer((json_int_t)m->ends_known));
    json_object_set_new(ends, "auc", estimate(m->ends.auc));
    return json_pack("{s:I, s:I, s:b, s:{s:o, s:o, s:o, s:o, s:f}, s:o, s:{s:o, s:o}, s:o, s:o}",
                     "answers", (json_int_t)m->count, "users", (json_int_t)m->users, "impressions",
                     m->impressions, "log_likelihood", "model", estimate(m->likelihood),
                     "rates_of_items", estimate(m->of_items), "rates_of_all", estimate(m->of_all),
                     "model_less_items", estimate(m->more), "strength", m->strength, "kinds",
                     kinds(m, b), "taken", "auc", estimate(m->taken.auc), "deciles",
                     groups(m->taken_group), "reward", reward, "ends", ends);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/report.h"

static const RankingMeasure shown_difference = NDCG_10;

/* ---- Groups ---------------------------------------------------------------------------------- */

static void group_name(char *out, size_t size, const RankingReportContext *c, int group)
{
    static const char *const fixed[GROUP_ACTION] = {"all", "target new to the user",
                                                    "target seen before by the user",
                                                    "target never seen in train"};
    snprintf(out, size, "%s",
             group < GROUP_ACTION ? fixed[group] : c->action_name[group - GROUP_ACTION]);
}

static int64_t group_events(const Evaluation *e, int group)
{
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].ranks) return evaluation_summary(e, k, group)->events;
    return 0;
}

/* The group at a place of the display: all, the actions, then the other fixed groups. */
static int group_at(const Evaluation *e, int place)
{
    const int actions = e->events.groups - GROUP_ACTION;
    if (place == 0) return GROUP_ALL;
    return place <= actions ? GROUP_ACTION + place - 1 : GROUP_NEW + place - 1 - actions;
}

static bool is_reported(const Evaluation *e, int group)
{
    const int64_t events = group_events(e, group);
    return group == GROUP_ALL || (events > 0 && events < group_events(e, GROUP_ALL));
}

/* ---- Screen ---------------------------------------------------------------------------------- */

/* Writes "12,345" and returns it. */
static const char *grouped(char out[32], int64_t value)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    int at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-') out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static void print_value(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, " %6.4f", value);
    else
        fprintf(out, " %6s", "-");
}

/* Prints a text in lines of at most 98 columns, broken at spaces. */
static void print_wrapped(FILE *out, const char *text)
{
    enum { WIDTH = 96 };
    while (*text) {
        size_t length = strlen(text);
        if (length > WIDTH) {
            length = WIDTH;
            while (length && text[length] != ' ') length--;
            if (!length) length = strcspn(text, " ");
        }
        fprintf(out, "  %.*s\n", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static void print_repeats(FILE *out, const Evaluation *e)
{
    int64_t repeats = 0;
    char a[32];
    for (int64_t i = 0; i < e->events.count; i++) repeats += e->events.repeat[i];
    if (!repeats || e->options.include_seen) return;
    fprintf(
        out,
        "  %s targets were seen before by their user: they compete with unseen items only, which\n"
        "  makes every scorer look better than it is; --include-seen ranks them among all items\n",
        grouped(a, repeats));
}

static void print_protocol(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    const ScoredEvents *s = &e->events;
    char a[32], b[32], d[32];
    fprintf(out, "%s, %s split\n", c->data, c->split);
    print_wrapped(out, c->split_rule);
    fprintf(out, "  %s events of %s users, each ranked among the whole catalogue of %s items\n",
            grouped(a, s->count), grouped(b, s->users), grouped(d, c->items));
    if (c->sample)
        fprintf(out, "  a sample of %s users, seed %" PRIu64 "\n", grouped(a, c->sample), c->seed);
    if (s->no_history)
        fprintf(out, "  %s events of a user's first time are left out, as they have no history\n",
                grouped(a, s->no_history));
    fputs(e->options.include_seen
              ? "  items of the history stay candidates\n"
              : "  items of the history are no candidates, except a target that was seen before\n",
          out);
    print_repeats(out, e);
    fputs(
        "  ties: expectation over a random order of the tied items\n"
        "  second lines: +- half of the 95 % interval over users\n"
        "  HR@1 is the accuracy of one step; cover: share of the catalogue that is in any top 20\n",
        out);
}

static void print_scorer(FILE *out, const char *name, const RankingSummary *s)
{
    fprintf(out, "  %-18s", name);
    for (int m = 0; m < MEASURES; m++) print_value(out, s->measure[m].value);
    print_value(out, s->coverage);
    fprintf(out, "\n  %-18s", "  +-");
    for (int m = 0; m < MEASURES; m++) print_value(out, s->measure[m].half);
    fputc('\n', out);
}

static void print_difference(FILE *out, const Evaluation *e, int group, int scorer)
{
    const int best = evaluation_best_baseline(e, group, shown_difference);
    if (best < 0 || e->scorer[scorer].baseline) return;
    const Estimate d =
        ranking_difference(&e->ranking[scorer], &e->ranking[best], group, shown_difference);
    fprintf(out, "  %s - %s: %s %+.4f, 95 %% interval %+.4f .. %+.4f\n", e->scorer[scorer].name,
            e->scorer[best].name, ranking_measure_name(shown_difference), d.value, d.low, d.high);
}

static void print_group(FILE *out, const Evaluation *e, const RankingReportContext *c, int group)
{
    char name[128], a[32], b[32];
    int64_t users = 0;
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].ranks) users = evaluation_summary(e, k, group)->users;
    group_name(name, sizeof name, c, group);
    fprintf(out, "\n%s: %s events of %s users\n", name, grouped(a, group_events(e, group)),
            grouped(b, users));
    fprintf(out, "  %-18s%-28s%-21s%-21s\n", "", " hit rate at", " NDCG at", " MRR at");
    fprintf(out, "  %-18s %6s %6s %6s %6s %6s %6s %6s %6s %6s %6s %6s\n", "", "1", "5", "10", "20",
            "5", "10", "20", "5", "10", "20", "cover");
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].ranks)
            print_scorer(out, e->scorer[k].name, evaluation_summary(e, k, group));
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].ranks) print_difference(out, e, group, k);
}

/* The first scorer that predicts purchases; -1 where none does, or all events are of one kind. */
static int first_auc(const Evaluation *e)
{
    if (e->options.purchase < 0) return -1;
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].predicts) return isfinite(e->auc[k].auc.value) ? k : -1;
    return -1;
}

static void print_auc(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    if (e->options.purchase < 0) return;
    const int first = first_auc(e);
    if (first < 0) {
        fprintf(out, "\nnext event a %s: no AUC, as all scored events are of one kind\n",
                c->action_name[e->options.purchase]);
        return;
    }
    char a[32], b[32];
    fprintf(out, "\nnext event a %s: %s of %s events\n", c->action_name[e->options.purchase],
            grouped(a, e->auc[first].positives), grouped(b, e->events.count));
    fprintf(out, "  %-18s %6s   95 %% interval\n", "", "AUC");
    for (int k = 0; k < e->scorers; k++) {
        if (!e->scorer[k].predicts) continue;
        const Estimate auc = e->auc[k].auc;
        fprintf(out, "  %-18s %6.4f   %.4f .. %.4f\n", e->scorer[k].name, auc.value, auc.low,
                auc.high);
    }
}

void ranking_report_print(FILE *out, const Evaluation *e, const RankingReportContext *context)
{
    print_protocol(out, e, context);
    for (int p = 0; p < e->events.groups; p++)
        if (is_reported(e, group_at(e, p))) print_group(out, e, context, group_at(e, p));
    print_auc(out, e, context);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *estimate(Estimate e)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "value", report_number(e.value), "error",
                     report_number(e.error), "low", report_number(e.low), "high",
                     report_number(e.high));
}

static json_t *scorer_json(const Evaluation *e, int k)
{
    return json_pack("{s:s, s:b}", "name", e->scorer[k].name, "baseline", e->scorer[k].baseline);
}

static json_t *group_json(const Evaluation *e, const RankingReportContext *c, int group)
{
    char name[128];
    json_t *scorers = json_array(), *differences = json_array();
    int64_t users = 0;
    for (int k = 0; k < e->scorers; k++) {
        if (!e->scorer[k].ranks) continue;
        const RankingSummary *s = evaluation_summary(e, k, group);
        json_t *row = scorer_json(e, k);
        for (int m = 0; m < MEASURES; m++)
            json_object_set_new(row, ranking_measure_name((RankingMeasure)m),
                                estimate(s->measure[m]));
        json_object_set_new(row, "coverage@20", report_number(s->coverage));
        json_array_append_new(scorers, row);
        users = s->users;
        const int best = evaluation_best_baseline(e, group, shown_difference);
        if (best < 0 || e->scorer[k].baseline) continue;
        const Estimate d =
            ranking_difference(&e->ranking[k], &e->ranking[best], group, shown_difference);
        json_array_append_new(differences,
                              json_pack("{s:s, s:s, s:s, s:o}", "scorer", e->scorer[k].name,
                                        "baseline", e->scorer[best].name, "measure",
                                        ranking_measure_name(shown_difference), "difference",
                                        estimate(d)));
    }
    group_name(name, sizeof name, c, group);
    return json_pack("{s:s, s:I, s:I, s:o, s:o}", "name", name, "events",
                     (json_int_t)group_events(e, group), "users", (json_int_t)users, "scorers",
                     scorers, "differences", differences);
}

static json_t *auc_json(const Evaluation *e, const RankingReportContext *c)
{
    const int first = first_auc(e);
    if (first < 0) return json_null();
    json_t *scorers = json_array();
    for (int k = 0; k < e->scorers; k++) {
        if (!e->scorer[k].predicts) continue;
        json_t *row = scorer_json(e, k);
        json_object_set_new(row, "auc", estimate(e->auc[k].auc));
        json_array_append_new(scorers, row);
    }
    return json_pack("{s:s, s:I, s:I, s:o}", "action", c->action_name[e->options.purchase],
                     "positives", (json_int_t)e->auc[first].positives, "negatives",
                     (json_int_t)e->auc[first].negatives, "scorers", scorers);
}

Status ranking_report_json(const char *path, const Evaluation *e, const RankingReportContext *c)
{
    json_t *groups = json_array();
    for (int p = 0; p < e->events.groups; p++)
        if (is_reported(e, group_at(e, p)))
            json_array_append_new(groups, group_json(e, c, group_at(e, p)));
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:i, s:o, s:o}", "data", c->data,
        "split", c->split, "split_rule", c->split_rule, "items", (json_int_t)c->items, "events",
        (json_int_t)e->events.count, "users", (json_int_t)e->events.users, "no_history",
        (json_int_t)e->events.no_history, "sample", (json_int_t)c->sample, "seed",
        (json_int_t)c->seed, "include_seen", e->options.include_seen, "top", RANKING_TOP, "groups",
        groups, "next_is_purchase", auc_json(e, c));
    return report_write(path, root, REPORT_9DIGITS);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const RankingMeasure shown_difference = NDCG_10;

/* ---- Groups and scorers ---------------------------------------------------------------------- */

void ranking_report_group(char out[RANKING_REPORT_NAME], const RankingReportContext *c, int group)
{
    static const char *const fixed[GROUP_ACTION] = {[GROUP_ALL] = "all",
                                                    [GROUP_NEW] = "target new to the user",
                                                    [GROUP_REPEAT] =
                                                        "target seen before by the user",
                                                    [GROUP_WARM] = "target seen in train",
                                                    [GROUP_COLD] = "target never seen in train",
                                                    [GROUP_HEAD] = "target popular (head)",
                                                    [GROUP_MIDDLE] = "target of middle popularity",
                                                    [GROUP_TAIL] = "target unpopular (tail)",
                                                    [GROUP_REWARD] = "weighted by reward"};
    snprintf(out, RANKING_REPORT_NAME, "%s",
             group < GROUP_ACTION ? fixed[group] : c->action_name[group - GROUP_ACTION]);
}

static int64_t group_events(const Evaluation *e, int group)
{
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].scorer.ranks) return evaluation_summary(e, k, group)->events;
    return 0;
}

int ranking_report_group_at(const Evaluation *e, int place)
{
    const int actions = e->events.groups - GROUP_ACTION;
    if (place == 0) return GROUP_ALL;
    return place <= actions ? GROUP_ACTION + place - 1 : GROUP_NEW + place - 1 - actions;
}

bool ranking_report_shows(const Evaluation *e, int group)
{
    const int64_t events = group_events(e, group);
    if (group == GROUP_REWARD) return events > 0 && histories_scored_rewards_differ(&e->events);
    return group == GROUP_ALL || (events > 0 && events < group_events(e, GROUP_ALL));
}

int ranking_report_best(const Evaluation *e, const RankingReportContext *c)
{
    return evaluation_find(e, c->bars->bar[c->bars->best].bar.name);
}

int ranking_report_model(const Evaluation *e, int n)
{
    for (int k = 0; k < e->scorers; k++) {
        const Scorer *s = &e->scorer[k].scorer;
        if (!s->baseline && s->ranks && s->model == n) return k;
    }
    return -1;
}

const char *ranking_report_verdict(Estimate d)
{
    if (d.low > 0.0) return "better than";
    if (d.high < 0.0) return "worse than";
    return "not told apart by chance from";
}

/* ---- The first screen ------------------------------------------------------------------------ */

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

/* Prints a text in lines of at most 98 columns, broken at spaces. */
static void print_wrapped(FILE *out, const char *text, const char *indent)
{
    enum { WIDTH = 96 };
    while (*text) {
        size_t length = strlen(text);
        if (length > WIDTH) {
            length = WIDTH;
            while (length && text[length] != ' ') length--;
            if (!length) length = strcspn(text, " ");
        }
        fprintf(out, "%s%.*s\n", indent, (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static void print_candidates(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    const RepeatsRule *r = &c->rule;
    char text[512], reason[256], a[32];
    if (c->forced)
        snprintf(reason, sizeof reason, "as an option says");
    else if (r->events)
        snprintf(reason, sizeof reason,
                 "as %.1f %% of the validation targets had been seen before by their user, %s than "
                 "%.0f %%",
                 100.0 * (double)r->repeats / (double)r->events,
                 r->include_seen ? "no fewer" : "fewer", 100.0 * REPEATS_SHARE);
    else
        snprintf(reason, sizeof reason, "as there are no validation targets that say otherwise");
    if (e->options.include_seen)
        snprintf(text, sizeof text, "Items that the user has seen stay candidates, %s.", reason);
    else
        snprintf(text, sizeof text,
                 "Items that the user has seen are no candidates, %s; %s events whose target was "
                 "seen before are left out.",
                 reason, grouped(a, e->events.repeats));
    print_wrapped(out, text, "  ");
}

static void print_known(FILE *out, const RankingReportContext *c)
{
    if (c->known <= 1) return;
    fprintf(out, "  the model, and so the bars, count the events of the splits train%s%s\n",
            c->known > SPLIT_TEST ? ", valid" : " and valid",
            c->known > SPLIT_TEST ? " and test" : "");
}

static void print_protocol(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    char a[32], b[32], d[32];
    fprintf(out, "%s: split %s, %s events of %s users", c->data, c->split,
            grouped(a, e->events.count), grouped(b, e->events.users));
    if (c->sample) fprintf(out, " (a random sample of users, seed %" PRIu64 ")", c->seed);
    fprintf(out, ", %s items, all ranked\n", grouped(d, c->items));
    for (int n = 0; n < c->models && c->models > 1; n++)
        fprintf(out, "  %c is %s\n", 'A' + n, c->model[n].path);
    print_known(out, c);
    print_wrapped(out, c->split_rule, "  ");
    if (histories_impressions(e->histories))
        fprintf(out, "  %s events are left out, as they were shown and not taken\n",
                grouped(a, histories_impressions(e->histories)));
    if (e->events.no_history)
        fprintf(out, "  %s events of a user's first time are left out, as they have no history\n",
                grouped(a, e->events.no_history));
    print_candidates(out, e, c);
}

static void print_value(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, " %6.4f", value);
    else
        fprintf(out, " %6s", "-");
}

/* The NDCG@10 of a scorer on the validation split, where it is a bar. */
static double validation_of(const RankingReportContext *c, const char *name)
{
    for (int k = 0; k < c->bars->bars; k++)
        if (!strcmp(c->bars->bar[k].bar.name ? c->bars->bar[k].bar.name : "", name))
            return c->bars->bar[k].validation;
    return NAN;
}

static void print_row(FILE *out, const Evaluated *k, double validation)
{
    static const RankingMeasure shown[] = {HR_1, HR_10, HR_20, MRR_20};
    const RankingSummary *s = &k->summary[GROUP_ALL];
    fprintf(out, "  %-18s", k->scorer.name);
    print_value(out, s->measure[NDCG_10].value);
    if (isfinite(s->measure[NDCG_10].half))
        fprintf(out, " +-%6.4f", s->measure[NDCG_10].half);
    else
        fprintf(out, " %8s", "-");
    for (size_t m = 0; m < sizeof shown / sizeof *shown; m++)
        print_value(out, s->measure[shown[m]].value);
    print_value(out, k->spread.coverage);
    print_value(out, k->spread.gini);
    if (isfinite(k->spread.novelty))
        fprintf(out, " %6.2f", k->spread.novelty);
    else
        fprintf(out, " %6s", "-");
    print_value(out, validation);
    fputc('\n', out);
}

static void print_table(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    fprintf(out, "\n  %-18s %6s %8s %6s %6s %6s %6s %6s %6s %6s %6s\n", "", "NDCG@", "95 %", "HR@1",
            "HR@10", "HR@20", "MRR@20", "cover", "gini", "bits", "valid.");
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].scorer.ranks)
            print_row(out, &e->scorer[k], validation_of(c, e->scorer[k].scorer.name));
    for (int k = 0; k < c->bars->bars; k++)
        if (c->bars->bar[k].left_out[0])
            fprintf(out, "  %-18s left out: %s\n", c->bars->bar[k].bar.name,
                    c->bars->bar[k].left_out);
}

/* " and 3 seeds", where a model has several. */
enum { SEEDS_TEXT = 48 };
static const char *seeds_text(char out[SEEDS_TEXT], const Evaluated *k)
{
    *out = '\0';
    if (k->seeds > 1) snprintf(out, SEEDS_TEXT, " and %d seeds", k->seeds);
    return out;
}

static double shown_value(const Evaluation *e, int scorer, int group)
{
    return evaluation_summary(e, scorer, group)->measure[shown_difference].value;
}

static const char *chosen_on(const RankingReportContext *c)
{
    return c->bars->events ? "chosen on validation" : "there is no validation split";
}

static void print_best_bar(FILE *out, const Evaluation *e, const RankingReportContext *c, int best)
{
    const FittedBar *bar = &c->bars->bar[c->bars->best];
    char text[512];
    snprintf(text, sizeof text, "The best bar is %s (%s%s%s): NDCG@10 %.4f.", bar->bar.name,
             bar->settings, bar->settings[0] ? "; " : "", chosen_on(c),
             shown_value(e, best, GROUP_ALL));
    fputc('\n', out);
    print_wrapped(out, text, "");
}

static void print_standing(FILE *out, const Evaluation *e, const RankingReportContext *c, int best,
                           int model)
{
    const FittedBar *bar = &c->bars->bar[c->bars->best];
    const Estimate d = evaluation_difference(e, model, best, GROUP_ALL, shown_difference);
    char text[512], seeds[SEEDS_TEXT];
    snprintf(text, sizeof text,
             "The model (%s) is %s the best bar, %s (%s): NDCG@10 %.4f for %.4f, a difference "
             "of %+.4f with the 95 %% interval %+.4f .. %+.4f over users%s.",
             e->scorer[model].scorer.name, ranking_report_verdict(d), bar->bar.name, chosen_on(c),
             shown_value(e, model, GROUP_ALL), shown_value(e, best, GROUP_ALL), d.value, d.low,
             d.high, seeds_text(seeds, &e->scorer[model]));
    fputc('\n', out);
    print_wrapped(out, text, "");
}

/* The same comparison where an event counts as much as its reward. */
static void print_reward(FILE *out, const Evaluation *e, int best, int model)
{
    if (!ranking_report_shows(e, GROUP_REWARD)) return;
    const RankingSummary *of = evaluation_summary(e, model, GROUP_REWARD);
    const RankingSummary *bar = evaluation_summary(e, best, GROUP_REWARD);
    const Estimate d = evaluation_difference(e, model, best, GROUP_REWARD, shown_difference);
    char text[512];
    snprintf(text, sizeof text,
             "Weighted by reward, the model is %s %s: NDCG@10 %.4f for %.4f, a difference of %+.4f "
             "(%+.4f .. %+.4f). The best 10 of the model have %.1f %% of all reward in them, those "
             "of %s %.1f %%.",
             ranking_report_verdict(d), e->scorer[best].scorer.name,
             of->measure[shown_difference].value, bar->measure[shown_difference].value, d.value,
             d.low, d.high, 100.0 * of->measure[HR_10].value, e->scorer[best].scorer.name,
             100.0 * bar->measure[HR_10].value);
    print_wrapped(out, text, "");
}

/* Which of two models is better, the later one first. */
static void print_pair(FILE *out, const Evaluation *e, const RankingReportContext *c, int a, int b)
{
    const int one = ranking_report_model(e, a), other = ranking_report_model(e, b);
    char text[1024], reward[256] = "", seeds[SEEDS_TEXT];
    const Estimate d = evaluation_difference(e, other, one, GROUP_ALL, shown_difference);
    if (ranking_report_shows(e, GROUP_REWARD)) {
        const Estimate r = evaluation_difference(e, other, one, GROUP_REWARD, shown_difference);
        snprintf(reward, sizeof reward,
                 " Weighted by reward it is %s %c: a difference of %+.4f (%+.4f .. %+.4f).",
                 ranking_report_verdict(r), 'A' + a, r.value, r.low, r.high);
    }
    snprintf(
        text, sizeof text,
        "%c (%.200s) is %s %c (%.200s), event by event: NDCG@10 %.4f for %.4f, a difference of "
        "%+.4f with the 95 %% interval %+.4f .. %+.4f over users%s.%s",
        'A' + b, c->model[b].path, ranking_report_verdict(d), 'A' + a, c->model[a].path,
        shown_value(e, other, GROUP_ALL), shown_value(e, one, GROUP_ALL), d.value, d.low, d.high,
        seeds_text(seeds, &e->scorer[one]), reward);
    fputc('\n', out);
    print_wrapped(out, text, "");
}

/* How models stand beside the best bar, and beside each other. */
static void print_verdicts(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    const int best = ranking_report_best(e, c);
    if (best >= 0 && ranking_report_model(e, 0) < 0) print_best_bar(out, e, c, best);
    for (int n = 0, model; best >= 0 && (model = ranking_report_model(e, n)) >= 0; n++) {
        print_standing(out, e, c, best, model);
        print_reward(out, e, best, model);
    }
    for (int b = 1; b < c->models; b++)
        for (int a = 0; a < b; a++) print_pair(out, e, c, a, b);
}

void ranking_report_print(FILE *out, const Evaluation *e, const RankingReportContext *context)
{
    print_protocol(out, e, context);
    print_table(out, e, context);
    print_verdicts(out, e, context);
}

/* ---- All tables ------------------------------------------------------------------------------ */

static void print_bars(FILE *out, const RankingReportContext *c)
{
    char a[32], b[32];
    fprintf(out, "\nbars, chosen by NDCG@10 on %s validation events of %s users\n",
            grouped(a, c->bars->events), grouped(b, c->bars->users));
    for (int k = 0; k < c->bars->bars; k++) {
        const FittedBar *bar = &c->bars->bar[k];
        fprintf(out, "  %-18s", bar->bar.name);
        print_value(out, bar->validation);
        fprintf(out, "  %s%s\n", bar->settings, k == c->bars->best ? "  <- the best" : "");
    }
}

static void print_spreads(FILE *out, const Evaluation *e)
{
    fprintf(out, "\nspread of the top %d\n  %-18s %9s %9s %9s %9s\n", RANKING_TOP, "", "coverage",
            "diversity", "novelty", "gini");
    for (int k = 0; k < e->scorers; k++) {
        const RankingSpread *s = &e->scorer[k].spread;
        if (!e->scorer[k].scorer.ranks) continue;
        fprintf(out, "  %-18s %9.4f %9.4f %9.4f %9.4f\n", e->scorer[k].scorer.name, s->coverage,
                s->diversity, s->novelty, s->gini);
    }
}

/* The measures of a scorer and, below, half the widths of their 95 % intervals. */
static void print_scorer(FILE *out, const char *name, const RankingSummary *s)
{
    fprintf(out, "  %-18s", name);
    for (int m = 0; m < MEASURES; m++) print_value(out, s->measure[m].value);
    fprintf(out, "\n  %-18s", "    +-");
    for (int m = 0; m < MEASURES; m++) print_value(out, s->measure[m].half);
    fputc('\n', out);
}

static void print_difference(FILE *out, const Evaluation *e, int group, int scorer, int best)
{
    if (best < 0 || e->scorer[scorer].scorer.baseline) return;
    const Estimate d = evaluation_difference(e, scorer, best, group, shown_difference);
    fprintf(out, "  %s - %s: %s %+.4f, 95 %% interval %+.4f .. %+.4f\n",
            e->scorer[scorer].scorer.name, e->scorer[best].scorer.name,
            ranking_measure_name(shown_difference), d.value, d.low, d.high);
}

static void print_group(FILE *out, const Evaluation *e, const RankingReportContext *c, int group)
{
    char name[RANKING_REPORT_NAME], a[32], b[32];
    int64_t users = 0;
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].scorer.ranks) users = evaluation_summary(e, k, group)->users;
    ranking_report_group(name, c, group);
    fprintf(out, "\n%s: %s events of %s users\n", name, grouped(a, group_events(e, group)),
            grouped(b, users));
    fprintf(out, "  %-18s%-28s%-21s%-21s\n", "", " hit rate at", " NDCG at", " MRR at");
    fprintf(out, "  %-18s %6s %6s %6s %6s %6s %6s %6s %6s %6s %6s\n", "", "1", "5", "10", "20", "5",
            "10", "20", "5", "10", "20");
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].scorer.ranks)
            print_scorer(out, e->scorer[k].scorer.name, evaluation_summary(e, k, group));
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].scorer.ranks)
            print_difference(out, e, group, k, ranking_report_best(e, c));
}

static void print_auc(FILE *out, const Evaluation *e, const RankingReportContext *c)
{
    char a[32], b[32];
    bool begun = false;
    for (int k = 0; k < e->scorers && e->options.purchase >= 0; k++) {
        if (!e->scorer[k].scorer.predicts) continue;
        const char *action = c->action_name[e->options.purchase];
        const Estimate auc = evaluation_auc(e, k);
        if (!isfinite(auc.value)) {
            fprintf(out, "\nnext event a %s: no AUC, as all scored events are of one kind\n",
                    action);
            return;
        }
        if (!begun)
            fprintf(out, "\nnext event a %s: %s of %s events\n  %-18s %6s   95 %% interval\n",
                    action, grouped(a, e->scorer[k].auc[0].positives), grouped(b, e->events.count),
                    "", "AUC");
        begun = true;
        fprintf(out, "  %-18s %6.4f   %.4f .. %.4f\n", e->scorer[k].scorer.name, auc.value, auc.low,
                auc.high);
    }
}

void ranking_report_all(FILE *out, const Evaluation *e, const RankingReportContext *context)
{
    print_bars(out, context);
    print_spreads(out, e);
    for (int p = 0; p < e->events.groups; p++)
        if (ranking_report_shows(e, ranking_report_group_at(e, p)))
            print_group(out, e, context, ranking_report_group_at(e, p));
    print_auc(out, e, context);
}

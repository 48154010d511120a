/* SPDX-License-Identifier: Apache-2.0 */
#include "train/ablation/report.h"

#include <inttypes.h>
#include <math.h>

#include "base/files.h"
#include "base/plot.h"
#include "base/report.h"

static bool in_world(const AblationTable *t) { return t->config->world_name[0] != '\0'; }

static const PairedEstimate *difference(const AblationTable *t, int g, int a, int b)
{
    return &t->group[g].difference[a * t->arms + b];
}

static const char *verdict_of(const AblationTable *t, int g, int a, int b)
{
    return paired_verdict_words(paired_verdict(difference(t, g, a, b)));
}

/* How many arms of a role the agent beats, over all events; *of is their number. */
static int beaten(const AblationTable *t, int agent, AblationRole role, int *of)
{
    int count = 0;
    *of = 0;
    for (int b = 0; b < t->arms; b++) {
        if (t->arm[b].role != role) continue;
        ++*of;
        count += paired_verdict(difference(t, 0, agent, b)) == PAIRED_BEATS;
    }
    return count;
}

static bool beats_all(const AblationTable *t, int agent, AblationRole role)
{
    int of;
    return beaten(t, agent, role, &of) == of;
}

static double mean_steps(const AblationTable *t, int arm)
{
    double sum = 0.0;
    for (int s = 0; s < t->seeds; s++) sum += (double)t->arm[arm].steps[s] / t->seeds;
    return sum;
}

/* ---- Screen ---------------------------------------------------------------------------------- */

static void print_range(FILE *out, PairedRange r)
{
    char text[64];
    snprintf(text, sizeof text, "%.4f .. %.4f", r.low, r.high);
    fprintf(out, " %20s", isfinite(r.low) ? text : "-");
}

static void print_arm(FILE *out, const AblationTable *t, const AblationGroup *g, int arm)
{
    const PairedEstimate *e = &g->arm[arm];
    fprintf(out, "  %-28s %8.4f", t->arm[arm].objective, e->value);
    print_range(out, e->both);
    fprintf(out, " %8.4f", e->spread);
    if (!in_world(t)) {
        double hr = 0.0;
        for (int s = 0; s < t->seeds; s++) hr += g->value[HR_10][arm][s] / t->seeds;
        fprintf(out, " %8.4f", hr);
    }
    fprintf(out, " %9.0f\n", mean_steps(t, arm));
}

static void print_baseline(FILE *out, const AblationTable *t, const AblationGroup *g)
{
    if (in_world(t) && !isnan(t->optimum))
        fprintf(out, "  %-28s %8.4f\n", "the optimum", t->optimum);
    if (!g->baseline) return;
    const Estimate *e = &g->best.measure[NDCG_10];
    fprintf(out, "  %-28s %8.4f", g->baseline, e->value);
    print_range(out, (PairedRange){e->low, e->high});
    fprintf(out, " %8s %8.4f\n", "-", g->best.measure[HR_10].value);
}

static void print_sentence(FILE *out, const AblationTable *t, int g, int a, int b)
{
    const PairedEstimate *d = difference(t, g, a, b);
    fprintf(out, "  %s %s %s\n      %+.4f", t->arm[a].objective, verdict_of(t, g, a, b),
            t->arm[b].objective, d->value);
    if (isfinite(d->both.low)) fprintf(out, ", %+.4f .. %+.4f", d->both.low, d->both.high);
    if (isfinite(d->users.low))
        fprintf(out, "; users alone %+.4f .. %+.4f, seeds alone %+.4f .. %+.4f", d->users.low,
                d->users.high, d->seeds.low, d->seeds.high);
    fputc('\n', out);
}

static void print_group(FILE *out, const AblationTable *t, int g)
{
    const AblationGroup *group = &t->group[g];
    fprintf(out, "\n%s", group->name);
    if (group->events)
        fprintf(out, ": %" PRId64 " events of %" PRId64 " users", group->events, group->users);
    fprintf(out, "\n  %-28s %8s %20s %8s%s %9s\n", "", t->judged, "95 % interval", "spread",
            in_world(t) ? "" : "    HR@10", "steps");
    for (int a = 0; a < t->arms; a++) print_arm(out, t, group, a);
    print_baseline(out, t, group);
    if (!isfinite(group->arm[0].both.low)) {
        fprintf(out, "  fewer than %d users: too few to compare arms\n", PAIRED_USERS_MIN);
        return;
    }
    for (int a = 0; a < t->arms; a++)
        for (int b = 0; b < a && t->arm[a].role == ARM_AGENT; b++) print_sentence(out, t, g, a, b);
}

void ablation_report_print(FILE *out, const AblationTable *t)
{
    const Config *c = t->config;
    fprintf(out, "%s, %d arms under seeds %" PRId64 " .. %" PRId64 "\n",
            in_world(t) ? c->world_name : c->data_path, t->arms, c->train_seed,
            c->train_seed + t->seeds - 1);
    fputs(in_world(t)
              ? "  every seed has episodes of its own, the same for all arms: intervals over seeds "
                "have all\n  variation in them\n"
              : "  test split, the whole catalogue ranked at each event; verdicts and 95 % "
                "intervals have the\n"
                "  variation of users and of seeds in them; spread: standard deviation over the "
                "seeds\n",
          out);
    if (t->left_out)
        fprintf(out,
                "  %" PRId64
                " events whose target was seen before by their user are left out, as seen items "
                "are\n  no candidates; --include-seen ranks them among all items\n",
                t->left_out);
    fputs("  each comparison holds by itself; none is corrected because there are several\n", out);
    for (int g = 0; g < t->groups; g++) print_group(out, t, g);
    fputs("\nDoes reinforcement learning do more than an auxiliary loss would?\n", out);
    for (int a = 0; a < t->arms; a++) {
        int of;
        if (t->arm[a].role != ARM_AGENT) continue;
        const int count = beaten(t, a, ARM_CONTROL, &of);
        const bool no_rl = beats_all(t, a, ARM_NO_RL);
        fprintf(out, "  %s: %s (it beats %d of %d controls, and %s no RL)\n", t->arm[a].objective,
                no_rl && count == of ? "yes" : "not shown", count, of, verdict_of(t, 0, a, 0));
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *range(PairedRange r)
{
    return json_pack("{s:o, s:o}", "low", report_number(r.low), "high", report_number(r.high));
}

static json_t *estimate(const PairedEstimate *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "value", report_number(e->value), "spread",
                     report_number(e->spread), "users", range(e->users), "seeds", range(e->seeds),
                     "both", range(e->both));
}

static json_t *by_seed(const AblationTable *t, const AblationGroup *g, int arm)
{
    json_t *all = json_object();
    for (int m = 0; m < MEASURES && !in_world(t); m++) {
        json_t *values = json_array();
        for (int s = 0; s < t->seeds; s++)
            json_array_append_new(values, report_number(g->value[m][arm][s]));
        json_object_set_new(all, ranking_measure_name((RankingMeasure)m), values);
    }
    return all;
}

static json_t *baseline_json(const AblationGroup *g)
{
    if (!g->baseline) return json_null();
    const Estimate *e = &g->best.measure[NDCG_10];
    return json_pack("{s:s, s:o, s:o, s:o}", "name", g->baseline, "value", report_number(e->value),
                     "low", report_number(e->low), "high", report_number(e->high));
}

static json_t *group_json(const AblationTable *t, int g)
{
    const AblationGroup *group = &t->group[g];
    json_t *arms = json_array(), *comparisons = json_array();
    for (int a = 0; a < t->arms; a++) {
        json_array_append_new(arms,
                              json_pack("{s:s, s:o, s:o}", "arm", t->arm[a].objective, t->judged,
                                        estimate(&group->arm[a]), "by_seed", by_seed(t, group, a)));
        for (int b = 0; b < a; b++)
            json_array_append_new(comparisons,
                                  json_pack("{s:s, s:s, s:s, s:o}", "arm", t->arm[a].objective,
                                            "verdict", verdict_of(t, g, a, b), "beside",
                                            t->arm[b].objective, "difference",
                                            estimate(difference(t, g, a, b))));
    }
    return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "name", group->name, "events",
                     (json_int_t)group->events, "users", (json_int_t)group->users, "arms", arms,
                     "comparisons", comparisons, "best_baseline", baseline_json(group));
}

static json_t *arms_json(const AblationTable *t)
{
    static const char *const roles[] = {
        [ARM_NO_RL] = "no RL", [ARM_CONTROL] = "control", [ARM_AGENT] = "agent"};
    json_t *arms = json_array();
    for (int a = 0; a < t->arms; a++) {
        const bool agent = t->arm[a].role == ARM_AGENT;
        json_t *steps = json_array();
        for (int s = 0; s < t->seeds; s++)
            json_array_append_new(steps, json_integer(t->arm[a].steps[s]));
        json_array_append_new(
            arms, json_pack("{s:s, s:s, s:o, s:o, s:o}", "objective", t->arm[a].objective, "role",
                            roles[t->arm[a].role], "steps", steps, "beats_no_rl",
                            agent ? json_boolean(beats_all(t, a, ARM_NO_RL)) : json_null(),
                            "beats_the_controls",
                            agent ? json_boolean(beats_all(t, a, ARM_CONTROL)) : json_null()));
    }
    return arms;
}

static json_t *table_json(const AblationTable *t)
{
    json_t *groups = json_array();
    for (int g = 0; g < t->groups; g++) json_array_append_new(groups, group_json(t, g));
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:o, s:o, s:o, s:o}", "schema", "souk-ablation-1",
        "data", in_world(t) ? t->config->world_name : t->config->data_path, "judged_by", t->judged,
        "items", (json_int_t)t->items, "left_out_events", (json_int_t)t->left_out, "first_seed",
        (json_int_t)t->config->train_seed, "seeds", t->seeds, "optimum", report_number(t->optimum),
        "arms", arms_json(t), "groups", groups, "settings", report_settings(t->config, CONFIG_ARM));
}

/* ---- Plot ------------------------------------------------------------------------------------ */

/* A group whose arms are not compared has no bars to draw. */
static bool is_drawn(const AblationTable *t, int g)
{
    return g == 0 || isfinite(t->group[g].arm[0].both.low);
}

/* One block of lines for each group. */
static Status write_data(const void *content, FILE *out)
{
    const AblationTable *t = content;
    fputs("# place arm value low high\n", out);
    for (int g = 0, block = 0; g < t->groups; g++) {
        if (!is_drawn(t, g)) continue;
        for (int a = 0; a < t->arms; a++) {
            const PairedEstimate *e = &t->group[g].arm[a];
            const bool known = isfinite(e->both.low);
            fprintf(out, "%g %s %.9g %.9g %.9g\n", a + 0.1 * block, t->arm[a].objective, e->value,
                    known ? e->both.low : e->value, known ? e->both.high : e->value);
        }
        fputs("\n\n", out);
        block++;
    }
    return OK;
}

/* File names are relative, as gnuplot runs in the folder. */
static Status write_script(const void *content, FILE *out)
{
    const AblationTable *t = content;
    fputs("set terminal svg size 900,500 background rgb 'white'\n"
          "set output 'ablation.svg'\nset title ",
          out);
    plot_quoted(out, in_world(t) ? t->config->world_name : t->config->data_path);
    fprintf(out,
            " noenhanced\nset ylabel '%s, 95 %% interval over users and seeds' noenhanced\n"
            "set key outside right noenhanced\nset xtics rotate by -20 noenhanced\n"
            "set xrange [-0.4:%d.6]\nplot ",
            t->judged, t->arms - 1);
    for (int g = 0, block = 0; g < t->groups; g++) {
        if (!is_drawn(t, g)) continue;
        fprintf(out, "%s'ablation.dat' index %d using 1:3:4:5%s with yerrorbars lw 2 title ",
                g ? ", \\\n     " : "", block, g ? "" : ":xtic(2)");
        block++;
        plot_quoted(out, t->group[g].name);
    }
    fputc('\n', out);
    return OK;
}

static Status write_file(const AblationTable *t, const char *name, FileWriter write)
{
    char path[sizeof(Config_text) + 32];
    snprintf(path, sizeof path, "%s/%s", t->config->train_out, name);
    return files_atomic_write(path, write, t);
}

Status ablation_report_write(const AblationTable *t)
{
    char path[sizeof(Config_text) + 32];
    snprintf(path, sizeof path, "%s/ablation.json", t->config->train_out);
    TRY(report_write(path, table_json(t), REPORT_9DIGITS));
    TRY(write_file(t, "ablation.dat", write_data));
    TRY(write_file(t, "ablation.gp", write_script));
    plot_draw(t->config->train_out, "ablation.gp");
    return OK;
}

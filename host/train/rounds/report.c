/* SPDX-License-Identifier: Apache-2.0 */
#include "train/rounds/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/files.h"
#include "base/plot.h"
#include "base/report.h"

static json_t *pack(PlayInterval i)
{
    return json_pack("{s:f, s:f}", "mean", i.mean, "half_interval_95", i.half);
}

static json_t *table_json(const RoundsTable *t)
{
    json_t *policies = json_array(), *rounds = json_array();
    for (int i = 0; i < t->baselines; i++)
        json_array_append_new(policies, json_pack("{s:s, s:b, s:o}", "name", t->baseline[i].name,
                                                  "oracle", t->baseline[i].oracle, "return",
                                                  pack(t->baseline[i].value)));
    for (int64_t i = 0; i < t->rounds; i++) {
        const MeasuredRound *m = &t->round[i];
        json_array_append_new(rounds,
                              json_pack("{s:I, s:o, s:o, s:o, s:f, s:I, s:f}", "round",
                                        (json_int_t)i, "played", pack(m->played), "greedy",
                                        pack(m->greedy), "lost_of_the_optimum",
                                        t->known ? pack(m->lost) : json_null(), "td_loss", m->td,
                                        "events", (json_int_t)m->events, "seconds", m->seconds));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "world", t->world, "objective", t->objective,
                     "policies", policies, "optimum",
                     t->known ? json_real(t->optimum) : json_null(), "rounds", rounds);
}

static Status write_data(const void *content, FILE *out)
{
    const RoundsTable *t = content;
    fputs("# round played half_interval greedy half_interval\n", out);
    for (int64_t i = 0; i < t->rounds; i++)
        fprintf(out, "%" PRId64 " %.9g %.9g %.9g %.9g\n", i, t->round[i].played.mean,
                t->round[i].played.half, t->round[i].greedy.mean, t->round[i].greedy.half);
    return OK;
}

/* File names are relative, as gnuplot runs in the folder. */
static Status write_script(const void *content, FILE *out)
{
    const RoundsTable *t = content;
    fputs("set terminal svg size 800,500 background rgb 'white'\n"
          "set output 'rounds.svg'\nset title ",
          out);
    plot_quoted(out, t->world);
    fprintf(out,
            ".', %s' noenhanced\n"
            "set xlabel 'round'\nset ylabel 'return of an episode, 95 %% interval'\n"
            "set key outside right noenhanced\nset xrange [-0.3:%" PRId64 ".3]\n"
            "plot 'rounds.dat' using 1:4:5 with yerrorlines lw 2 title 'greedy', \\\n"
            "     'rounds.dat' using 1:2:3 with yerrorlines title 'played'",
            t->objective, t->rounds - 1);
    for (int i = 0; i < t->baselines; i++)
        fprintf(out, ", \\\n     %.9g with lines dashtype 2 title '%s%s'",
                t->baseline[i].value.mean, t->baseline[i].name,
                t->baseline[i].oracle ? " (sees all)" : "");
    if (t->known) fprintf(out, ", \\\n     %.9g with lines lw 2 title 'the optimum'", t->optimum);
    fputc('\n', out);
    return OK;
}

static Status write_file(const RoundsTable *t, const char *name, FileWriter write)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", t->folder, name);
    return files_atomic_write(path, write, t);
}

Status rounds_report_write(const RoundsTable *t)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/rounds.json", t->folder);
    TRY(report_write(path, table_json(t), REPORT_WIDE | REPORT_UNENDED));
    TRY(write_file(t, "rounds.dat", write_data));
    TRY(write_file(t, "rounds.gp", write_script));
    plot_draw(t->folder, "rounds.gp");
    return OK;
}

/* The table of rounds as files, and its plot. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/plot.h"
#include "train/rounds.h"

static FILE *create(const RoundsTable *t, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", t->folder, name);
    return fopen(path, "we");
}

static Status complete(FILE *out, const char *path)
{
    const bool failed = ferror(out);
    if (fclose(out) || failed) return FAIL(ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    return OK;
}

static json_t *pack(Interval i)
{
    return json_pack("{s:f, s:f}", "mean", i.mean, "half_interval_95", i.half);
}

static Status write_json(const RoundsTable *t)
{
    char path[4096];
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
    json_t *root = json_pack("{s:s, s:s, s:o, s:o, s:o}", "world", t->world, "objective",
                             t->objective, "policies", policies, "optimum",
                             t->known ? json_real(t->optimum) : json_null(), "rounds", rounds);
    FILE *out = create(t, "rounds.json", path, sizeof path);
    if (out) json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    return out ? complete(out, path)
               : FAIL(ERR_IO, "%s: cannot make it: %s", path, strerror(errno));
}

static Status write_data(const RoundsTable *t)
{
    char path[4096];
    FILE *out = create(t, "rounds.dat", path, sizeof path);
    if (!out) return FAIL(ERR_IO, "%s: cannot make it: %s", path, strerror(errno));
    fputs("# round played half_interval greedy half_interval\n", out);
    for (int64_t i = 0; i < t->rounds; i++)
        fprintf(out, "%" PRId64 " %.9g %.9g %.9g %.9g\n", i, t->round[i].played.mean,
                t->round[i].played.half, t->round[i].greedy.mean, t->round[i].greedy.half);
    return complete(out, path);
}

/* gnuplot runs in the folder. */
static Status write_script(const RoundsTable *t)
{
    char path[4096];
    FILE *out = create(t, "rounds.gp", path, sizeof path);
    if (!out) return FAIL(ERR_IO, "%s: cannot make it: %s", path, strerror(errno));
    fprintf(out,
            "set terminal svg size 800,500 background rgb 'white'\n"
            "set output 'rounds.svg'\n"
            "set title '%s, %s' noenhanced\n"
            "set xlabel 'round'\nset ylabel 'return of an episode, 95 %% interval'\n"
            "set key outside right noenhanced\nset xrange [-0.3:%" PRId64 ".3]\n"
            "plot 'rounds.dat' using 1:4:5 with yerrorlines lw 2 title 'greedy', \\\n"
            "     'rounds.dat' using 1:2:3 with yerrorlines title 'played'",
            t->world, t->objective, t->rounds - 1);
    for (int i = 0; i < t->baselines; i++)
        fprintf(out, ", \\\n     %.9g with lines dashtype 2 title '%s%s'",
                t->baseline[i].value.mean, t->baseline[i].name,
                t->baseline[i].oracle ? " (sees all)" : "");
    if (t->known) fprintf(out, ", \\\n     %.9g with lines lw 2 title 'the optimum'", t->optimum);
    fputc('\n', out);
    return complete(out, path);
}

Status rounds_write(const RoundsTable *t)
{
    TRY(write_json(t));
    TRY(write_data(t));
    TRY(write_script(t));
    plot_draw(t->folder, "rounds.gp");
    return OK;
}

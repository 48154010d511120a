/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/ingest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "data/ingest/clean.h"
#include "data/ingest/features/features.h"
#include "data/ingest/known/known.h"
#include "data/ingest/split.h"
#include "data/ingest/stage.h"
#include "data/ingest/write.h"
#include "data/rawlog/detect/fit.h"
#include "data/rawlog/input.h"
#include "data/rawlog/pipe.h"

enum { AHEAD = 8, MEMORY_MIN = 1 << 20 };
#define WORTH_A_WARNING       0.01 /* share of rows that are lost */
#define BOTS_WORTH_A_WARNING  0.05
#define KNOWN_WORTH_A_WARNING 0.1 /* share of a later log's items that the catalogue has */

/* Adds the bad rows of a piece to the report, which keeps the first one of each kind in order of
 * the input. */
static Status take_bad(Stage *g, const LogRows *rows, const LogPiece *piece)
{
    int first = -1;
    for (int k = 0; k < BAD_KINDS; k++) {
        if (!rows->bad[k].count) continue;
        if (first < 0 || rows->bad[k].line < rows->bad[first].line) first = k;
        BadRow *all = &g->report->bad[k];
        const int64_t count = all->count;
        if (!count) {
            *all = rows->bad[k];
            g->report->bad_path[k] = piece->path;
        } else {
            all->count = count + rows->bad[k].count;
        }
    }
    rows_add_unknown(&g->report->unknown, &rows->unknown);
    if (first < 0 || !g->options->strict) return OK;
    return FAIL(ERR_FORMAT, "%s:%" PRId64 ": %s", piece->path, rows->bad[first].line,
                rows->bad[first].why);
}

static Status take_cells(Stage *g, const LogCell *from, CellValue *to)
{
    for (int c = 0; c < g->m->cells; c++) {
        if (!g->m->cell[c].category) {
            to[c].number = from[c].number;
            continue;
        }
        to[c].category = 0;
        if (from[c].category.length == 0) continue;
        TRY(keys_add(&g->category[c], from[c].category, text_hash(from[c].category),
                     &to[c].category));
        to[c].category++;
    }
    return OK;
}

static void note_time(Stage *g, int64_t time)
{
    if (!g->timed) g->first_time = time;
    g->timed = true;
    int64_t a = time > g->first_time ? time - g->first_time : g->first_time - time, b = g->stamp;
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    g->stamp = a;
}

static Status take_rows(Stage *g, Sorter *sorter, const LogRows *rows, const char *path)
{
    for (int64_t i = 0; i < rows->count; i++) {
        const LogRow *row = &rows->row[i];
        if (i + AHEAD < rows->count) {
            keys_prefetch(&g->users, row[AHEAD].user_hash);
            keys_prefetch(&g->items, row[AHEAD].item_hash);
        }
        Record *r = sort_push(sorter);
        if (!r) return ERR_IO;
        *r = (Record){.time = row->time,
                      .hash = row->hash,
                      .session = row->session,
                      .end = row->end,
                      .part = row->part};
        TRY(known_action(g, path, row->action, &r->action));
        TRY(keys_add(&g->users, row->user, row->user_hash, &r->user));
        TRY(keys_add(&g->items, row->item, row->item_hash, &r->item));
        if (g->stamp == 0 || g->stamp > STAGE_MINUTE_MS) note_time(g, row->time);
        TRY(take_cells(g, rows->cell + i * g->m->cells, r->cell));
    }
    return OK;
}

/* The dictionaries may take two fifths of the memory; the sort takes a quarter, and so do the
 * tables. */
static Status check_keys(const Stage *g)
{
    int64_t bytes = g->users.bytes + g->items.bytes;
    for (int c = 0; c < g->m->cells; c++) bytes += g->category[c].bytes;
    const int64_t most = g->memory / 5 * 2, least = INT64_C(16) << 20;
    if (bytes <= (most > least ? most : least)) return OK;
    return FAIL(ERR_MEMORY,
                "%" PRId64 " users and %" PRId64 " items need %" PRId64
                " MiB of dictionaries, want at most two fifths of --memory (%" PRId64 " MiB)",
                g->users.count, g->items.count, bytes >> 20, g->memory >> 20);
}

static Status read_pieces(Stage *g, Pipe *pipe, Sorter *sorter, int64_t bytes)
{
    Progress progress;
    char extra[64] = "";
    const LogRows *rows;
    const LogPiece *piece;
    progress_begin(&progress, "reading", bytes, g->options->listener);
    for (;;) {
        TRY(pipe_next(pipe, &rows, &piece));
        if (!rows) break;
        g->report->rows += rows->seen;
        g->report->outside_time += rows->outside_time;
        g->report->outside_limits += rows->outside_limits;
        TRY(take_bad(g, rows, piece));
        TRY(take_rows(g, sorter, rows, piece->path));
        TRY(check_keys(g));
        snprintf(extra, sizeof extra, "%.1f M rows", 1e-6 * (double)g->report->rows);
        TRY(progress_update(&progress, pipe_position(pipe), extra));
    }
    g->report->bytes = pipe_position(pipe);
    progress_end(&progress, extra);
    return OK;
}

/* The texts of unknown actions with their counts, the most frequent first. */
static void list_unknown(UnknownActions u, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (int shown = 0; shown < u.texts && used < size; shown++) {
        int most = 0;
        for (int t = 1; t < u.texts; t++)
            if (u.text[t].rows > u.text[most].rows) most = t;
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\" %" PRId64, shown ? ", " : "",
                                 u.text[most].text, u.text[most].rows);
        u.text[most].rows = 0;
    }
}

/* Times in two units are two clocks, and no rule tells which rows are right. A few rows may be
 * damaged, such as the last one of a file that was cut. */
static Status check_units(const Stage *g)
{
    const IngestReport *r = g->report;
    const BadRow *bad = &r->bad[BAD_UNIT];
    if (bad->count > 1 && bad->count > r->rows / 1000)
        return FAIL(ERR_FORMAT, "%s:%" PRId64 ": %s; %" PRId64 " rows are so, want one unit",
                    r->bad_path[BAD_UNIT], bad->line, bad->why, bad->count);
    if (bad->count)
        listener_warn(g->options->listener,
                      "%s: %" PRId64 " rows are lost, first line %" PRId64 ": %s",
                      r->bad_path[BAD_UNIT], bad->count, bad->line, bad->why);
    return OK;
}

/* Says what was lost, and fails where that is more than the mapping allows. */
static Status check_losses(const Stage *g)
{
    const IngestReport *r = g->report;
    const int64_t lost = ingest_report_lost(r);
    const double share = (double)lost / (double)(r->rows ? r->rows : 1);
    char actions[400], all[80];
    int most = 0;
    for (int k = 1; k < BAD_KINDS; k++)
        if (r->bad[k].count > r->bad[most].count) most = k;
    if (r->unknown.rows && g->m->unknown_at < 0) {
        list_unknown(r->unknown, actions, sizeof actions);
        listener_warn(g->options->listener,
                      "%" PRId64 " rows with unknown actions are lost: %s; [action_values] or "
                      "clean.unknown_action = NAME keeps them",
                      r->unknown.rows, actions);
    }
    TRY(check_units(g));
    if (share <= WORTH_A_WARNING && share <= g->m->max_lost) return OK;
    snprintf(all, sizeof all, "%" PRId64 " of %" PRId64 " rows are lost (%.3g %%)", lost, r->rows,
             100.0 * share);
    if (share > g->m->max_lost)
        return FAIL(ERR_FORMAT,
                    "%s: %s, want at most %g %% (clean.max_lost = %g); most: %s, first in line "
                    "%" PRId64 ": %s",
                    r->bad_path[most], all, 100.0 * g->m->max_lost, g->m->max_lost,
                    rows_bad_name[most], r->bad[most].line, r->bad[most].why);
    listener_warn(g->options->listener, "%s: %s; most: %s, first in line %" PRId64 ": %s",
                  r->bad_path[most], all, rows_bad_name[most], r->bad[most].line, r->bad[most].why);
    return OK;
}

static void check_range(const Stage *g)
{
    const IngestReport *r = g->report;
    char first[TIME_TEXT], last[TIME_TEXT];
    if (!mapping_has_clock(g->m) || !g->m->time_check) return;
    const int64_t tomorrow = (int64_t)time(NULL) * 1000 + STAGE_DAY_MS;
    if (r->first_ms >= TIME_PLAUSIBLE_FROM && r->last_ms < tomorrow) return;
    listener_warn(g->options->listener,
                  "the times are from %s to %s, when no shop kept this log; want time_unit or "
                  "time_origin, or [columns] time_check = no for a clock that starts elsewhere",
                  text_from_time(first, r->first_ms), text_from_time(last, r->last_ms));
}

/* Where most of what was taken follows an impression of its item, the log has two rows for one item
 * that was shown. */
static void check_answers(const Stage *g, int64_t taken)
{
    if (g->m->answers_later || 2 * g->report->answers <= taken) return;
    listener_warn(
        g->options->listener,
        "%" PRId64 " of %" PRId64 " events of what was taken follow an impression of the "
        "same item: the log seems to have two rows for an item that was shown and taken, "
        "so that its impression says that it was not; want [impressions] answers = later, "
        "which joins them",
        g->report->answers, taken);
}

static void check_taken(const Stage *g)
{
    int64_t taken = 0;
    for (int a = 0; a < g->m->actions; a++)
        if (!g->m->action_impression[a]) taken += g->report->action_events[a];
    if (taken == 0)
        listener_warn(
            g->options->listener,
            "all events are impressions: nothing was taken that a model could imitate or "
            "rank; want the events of what was taken too, or [impressions] actions = none");
    check_answers(g, taken);
}

/* Where hardly an item of a later log is known, its keys were likely written in another way. */
static void check_grown(const Stage *g)
{
    const GrownReport *r = &g->report->grown;
    const int64_t items = r->seen + r->fresh;
    if (!r->any || (double)r->seen >= KNOWN_WORTH_A_WARNING * (double)items) return;
    listener_warn(g->options->listener,
                  "the catalogue has %" PRId64 " of the %" PRId64 " items of the log: want the "
                  "items' keys as the catalogue has them",
                  r->seen, items);
}

/* What a split or a limit makes of the log without a word, though a user should know. */
static void check_result(const Stage *g)
{
    const IngestReport *r = g->report;
    Listener *listener = g->options->listener;
    if ((double)r->bot_events > BOTS_WORTH_A_WARNING * (double)r->rows)
        listener_warn(listener,
                      "%" PRId64 " users with %" PRId64 " events are dropped as bots; "
                      "clean.max_per_minute = 0 and clean.max_per_day = 0 keep them",
                      r->bot_users, r->bot_events);
    check_range(g);
    check_taken(g);
    check_grown(g);
    for (int s = SPLIT_VALID; s <= SPLIT_TEST; s++) {
        const bool wanted = g->m->split != SPLIT_BY_TIME ||
                            (s == SPLIT_VALID ? g->m->valid_share : g->m->test_share) > 0.0;
        const bool two_files = g->m->split == SPLIT_BY_FILE && g->options->input_count < 3;
        if (wanted && !r->split_events[s] && !(two_files && s == SPLIT_VALID))
            listener_warn(listener, "the %s split has no events", schema_split_name[s]);
    }
}

/* Where the log has not the form that the mapping expects, the message also names the preset that
 * has the log's columns. */
static Status hint_at_preset(const Stage *g, Status st)
{
    char message[1024], place[128];
    const bool form = st == ERR_FORMAT || st == ERR_USAGE;
    const MapPreset *preset = form ? fit_preset(&g->report->columns, g->m) : NULL;
    if (!preset) return st;
    snprintf(place, sizeof place, "%s", status_place());
    snprintf(message, sizeof message, "%s; preset %s (%s) has these columns", status_message(),
             preset->name, preset->title);
    status_clear();
    status_adopt(message, place);
    return st;
}

/* Which actions were shown and not taken, as the mapping or their names say. */
static void remark_impressions(const Stage *g)
{
    const Mapping *m = g->m;
    char names[256] = "";
    for (int a = 0; a < m->actions; a++) {
        const size_t used = strlen(names);
        if (m->action_impression[a])
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                     m->action_name[a]);
    }
    if (*names)
        listener_remark(g->options->listener,
                        "impressions: %s; these events were shown and not taken: a model sees them "
                        "and learns values from them, but imitates, counts and ranks only what was "
                        "taken ([impressions] actions)",
                        names);
}

static Status parse_log(Stage *g, Sorter **sorter)
{
    const IngestOptions *o = g->options;
    Pipe *pipe = NULL;
    int64_t bytes = 0;
    char columns[2048];
    Status st;
    const LogInputs inputs = {o->inputs, o->streams, o->input_count};
    for (int i = 0; i < o->input_count && !o->streams; i++) bytes += input_size(o->inputs[i]);
    TRY_OR_FAIL(st, pipe_open(&pipe, g->m, &inputs, g->threads, &g->report->columns));
    uses_describe(&g->report->columns, columns, sizeof columns);
    if (*columns) listener_remark(o->listener, "%s", columns);
    remark_impressions(g);
    TRY_OR_FAIL(st, known_agree(g));
    g->size = sort_record_size(g->m->cells);
    TRY_OR_FAIL(st, sort_open(sorter, g->size, g->memory / 4, g->directory));
    TRY_OR_FAIL(st, read_pieces(g, pipe, *sorter, bytes));
    TRY_OR_FAIL(st, check_losses(g));
    st = sort_finish(*sorter);
    g->report->runs = sort_runs(*sorter);
fail:
    pipe_close(pipe);
    known_adopt(g);
    return hint_at_preset(g, st);
}

static Status no_events(const Stage *g)
{
    const IngestReport *r = g->report;
    for (int k = 0; k < BAD_KINDS; k++)
        if (r->bad[k].count)
            return FAIL(ERR_FORMAT,
                        "%s: no events are left of %" PRId64
                        " rows; the first bad row is line %" PRId64 ": %s",
                        r->bad_path[k], r->rows, r->bad[k].line, r->bad[k].why);
    return FAIL(ERR_FORMAT, "%s: no events are left of %" PRId64 " rows", g->options->inputs[0],
                r->rows);
}

static Status check_options(Stage *g)
{
    const IngestOptions *o = g->options;
    const char *slash = strrchr(o->output, '/');
    g->memory = o->memory ? o->memory : INGEST_MEMORY_DEFAULT;
    g->threads = o->threads > 0 ? o->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (g->memory < MEMORY_MIN)
        return FAIL(ERR_USAGE, "--memory %" PRId64 ", want at least 1 MiB", g->memory);
    if (o->input_count > PARTS_MAX)
        return FAIL(ERR_USAGE, "%d inputs, want at most %d", o->input_count, PARTS_MAX);
    if (g->m->split == SPLIT_BY_FILE && o->input_count < 2)
        return FAIL(ERR_USAGE, "%d input, want at least two to split by files: train and test",
                    o->input_count);
    if (o->directory)
        snprintf(g->directory, sizeof g->directory, "%s", o->directory);
    else if (!slash)
        snprintf(g->directory, sizeof g->directory, ".");
    else
        snprintf(g->directory, sizeof g->directory, "%.*s",
                 slash == o->output ? 1 : (int)(slash - o->output), o->output);
    if (access(g->directory, W_OK))
        return FAIL(ERR_IO, "%s: cannot write to this folder: %s", g->directory, strerror(errno));
    if (!o->force && access(o->output, F_OK) == 0)
        return FAIL(ERR_USAGE, "%s exists already, want --force to replace it", o->output);
    return OK;
}

static void close_stage(Stage *g)
{
    keys_close(&g->users);
    keys_close(&g->items);
    for (int c = 0; c < CELLS_MAX; c++) keys_close(&g->category[c]);
    sort_table_close(g->table);
    known_close(g);
    free(g->item_row);
    free(g->item_value);
    free(g->user_value);
}

static int64_t peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * INT64_C(1024) : 0;
}

Status ingest_run(const IngestOptions *options, Mapping *m, IngestReport *report)
{
    const double started = progress_seconds();
    Sorter *sorter = NULL;
    Status st;
    *report = (IngestReport){.plain = options->plain_keys};
    Stage *g = calloc(1, sizeof *g);
    if (!g) return FAIL(ERR_MEMORY, "no memory to ingest");
    g->options = options;
    g->m = m;
    g->report = report;
    TRY_OR_FAIL(st, check_options(g));
    TRY_OR_FAIL(st, known_open(g));
    TRY_OR_FAIL(st, parse_log(g, &sorter));
    st = clean_log(g, sorter);
    sorter = NULL;
    if (st != OK) goto fail;
    if (sort_table_count(g->table) == 0) TRY_OR_FAIL(st, no_events(g));
    TRY_OR_FAIL(st, split_plan(g));
    TRY_OR_FAIL(st, features_measure(g));
    TRY_OR_FAIL(st, write_behaviour(g));
    check_result(g);
    report->seconds = progress_seconds() - started;
    report->peak_bytes = peak_memory();
fail:
    sort_close(sorter);
    close_stage(g);
    free(g);
    return st;
}

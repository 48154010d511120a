/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/ingest/pass.h"

enum { BINS_MIN = 1 << 10, BINS_MAX = 1 << 18, CUTS = 2 };

/* The interval [low, low + width * bins) that contains one order statistic of the times. */
typedef struct {
    int64_t rank; /* of the order statistic among the events of the bracket */
    int64_t low;
    uint64_t width, bins;
    int64_t *bin;
} Bracket;

/* The bins of those events of a batch that are in a bracket. */
typedef struct {
    uint32_t *bin;
    int64_t count, capacity;
} Found;

typedef struct {
    const Stage *g;
    Bracket bracket[CUTS];
    int brackets; /* 1 while both cuts still have the same bracket, the first one */
    Found found[PASS_WORKERS][CUTS];
} Counting;

static Status find_bins(void *context, int worker, RecordBatch *batch)
{
    Counting *c = context;
    for (int cut = 0; cut < c->brackets; cut++) {
        const Bracket *b = &c->bracket[cut];
        const uint64_t span = b->width * b->bins;
        Found *found = &c->found[worker][cut];
        found->bin = pass_capacity(found->bin, &found->capacity, batch->count, sizeof *found->bin);
        if (!found->bin) return ERR_MEMORY;
        found->count = 0;
        for (int64_t i = 0; i < batch->count; i++) {
            const int64_t time = record_at(batch->records, c->g->size, i)->time;
            if (time < b->low || (uint64_t)(time - b->low) >= span) continue;
            found->bin[found->count++] = (uint32_t)((uint64_t)(time - b->low) / b->width);
        }
    }
    return OK;
}

static Status fill_bins(void *context, int worker, const RecordBatch *batch)
{
    (void)batch;
    Counting *c = context;
    for (int cut = 0; cut < c->brackets; cut++) {
        const Found *found = &c->found[worker][cut];
        for (int64_t i = 0; i < found->count; i++) c->bracket[cut].bin[found->bin[i]]++;
    }
    return OK;
}

static void narrow(Bracket *b)
{
    int64_t at = 0;
    while (b->rank >= b->bin[at]) b->rank -= b->bin[at++];
    b->low += at * (int64_t)b->width;
    b->width = b->width == 1 ? 0 : (b->width + b->bins - 1) / b->bins;
}

/* One pass, after which both brackets are narrower. */
static Status narrow_both(Stage *g, Counting *c)
{
    Bracket *b = c->bracket;
    const size_t bytes = b[0].bins * sizeof *b[0].bin;
    for (int cut = 0; cut < c->brackets; cut++) memset(b[cut].bin, 0, bytes);
    TRY(pass_run(g, &(Pass){NULL, c, find_bins, fill_bins}));
    if (c->brackets == 1) memcpy(b[1].bin, b[0].bin, bytes);
    for (int cut = 0; cut < CUTS; cut++) narrow(&b[cut]);
    c->brackets = CUTS;
    return OK;
}

/* The times of rank floor(train n) and floor((train + valid) n) among all n events, exactly, by
 * counting into ever finer bins. */
static Status time_cuts(Stage *g)
{
    const int64_t events = sort_table_count(g->table);
    const double train = 1.0 - g->m->valid_share - g->m->test_share;
    const double share[CUTS] = {train, train + g->m->valid_share};
    Counting counting = {.g = g, .brackets = 1};
    Bracket *b = counting.bracket;
    uint64_t bins = BINS_MIN;
    while (bins < (uint64_t)events && bins < BINS_MAX) bins *= 2;
    Status st = OK;
    for (int c = 0; c < CUTS; c++) {
        b[c].rank = (int64_t)(share[c] * (double)events + 1e-9 * (double)events);
        if (b[c].rank >= events) b[c].rank = events - 1;
        b[c].low = g->report->first_ms;
        b[c].width = (uint64_t)(g->report->last_ms - g->report->first_ms) / bins + 1;
        b[c].bins = bins;
        b[c].bin = malloc(bins * sizeof *b[c].bin);
        if (!b[c].bin) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for the time split"));
    }
    while (b[0].width) TRY_OR_FAIL(st, narrow_both(g, &counting));
    g->report->t0_ms = b[0].low;
    g->report->t1_ms = b[1].low;
    if (g->m->test_share == 0.0) g->report->t1_ms = g->report->last_ms + 1;
    if (g->m->valid_share + g->m->test_share == 0.0) g->report->t0_ms = g->report->last_ms + 1;
    if (g->report->t0_ms == g->report->first_ms)
        st = FAIL(ERR_FORMAT,
                  "the split by time leaves no events to train on: most of the %" PRId64
                  " events have the first time; want --split leave-one-out",
                  events);
fail:
    for (int c = 0; c < CUTS; c++) free(b[c].bin);
    for (int w = 0; w < PASS_WORKERS; w++)
        for (int c = 0; c < CUTS; c++) free(counting.found[w][c].bin);
    return st;
}

static const char *const rule_text[] = {
    [SPLIT_LAST_EVENT] = "leave-one-out: a user's last event is test, the one before valid, the "
                         "rest train; users with fewer than 3 events train only",
    [SPLIT_LAST_BASKET] = "leave-last-basket: a user's events at the last time are test, those at "
                          "the time before valid, the rest train; users with fewer than 3 times "
                          "train only",
    [SPLIT_BY_FILE] = "files: the last input is test, the one before it (of three or more) valid, "
                      "the rest train",
};

Status split_plan(Stage *g)
{
    IngestReport *r = g->report;
    char t0[TIME_TEXT], t1[TIME_TEXT];
    if (g->m->split != SPLIT_BY_TIME) {
        snprintf(r->split_rule, sizeof r->split_rule, "%s", rule_text[g->m->split]);
        return OK;
    }
    TRY(time_cuts(g));
    snprintf(r->split_rule, sizeof r->split_rule,
             "global time: train before %s, valid before %s, test from there on "
             "(quantiles %.6g and %.6g of all events)",
             text_from_time(t0, r->t0_ms), text_from_time(t1, r->t1_ms),
             1.0 - g->m->valid_share - g->m->test_share, 1.0 - g->m->test_share);
    return OK;
}

static void set_ranges(int64_t range[SPLITS][2], int64_t valid, int64_t test, int64_t count)
{
    const int64_t edge[SPLITS + 1] = {0, valid, test, count};
    for (int s = 0; s < SPLITS; s++) {
        range[s][0] = edge[s];
        range[s][1] = edge[s + 1];
    }
}

static Status split_by_file(const Stage *g, const Record *records, int64_t count,
                            int64_t range[SPLITS][2])
{
    const int files = g->options->input_count;
    int64_t edge[SPLITS] = {0, count, count};
    int before = SPLIT_TRAIN;
    for (int64_t i = 0; i < count; i++) {
        const int part = record_at(records, g->size, i)->part;
        const int split = part == files - 1                ? SPLIT_TEST
                          : files > 2 && part == files - 2 ? SPLIT_VALID
                                                           : SPLIT_TRAIN;
        if (split < before)
            return FAIL(ERR_FORMAT,
                        "user \"%s\" has an event of %s after one of a later file: the split by "
                        "files wants all files in order of time",
                        g->users.key[records->user], g->options->inputs[part]);
        for (; before < split; before++) edge[before + 1] = i;
    }
    set_ranges(range, edge[SPLIT_VALID], edge[SPLIT_TEST], count);
    return OK;
}

/* The first event at the `moments`-th last of a user's distinct times; -1: there are fewer. */
static int64_t moment_from_back(const Stage *g, const Record *records, int64_t count, int moments)
{
    for (int64_t i = count - 1; i >= 0; i--) {
        const bool begins = i == 0 || record_at(records, g->size, i - 1)->time !=
                                          record_at(records, g->size, i)->time;
        if (begins && --moments == 0) return i;
    }
    return -1;
}

Status split_user(const Stage *g, const Record *records, int64_t count, int64_t range[SPLITS][2])
{
    int64_t valid = count, test = count;
    if (g->m->split == SPLIT_BY_FILE) return split_by_file(g, records, count, range);
    if (g->m->split == SPLIT_BY_TIME) {
        valid = 0;
        while (valid < count && record_at(records, g->size, valid)->time < g->report->t0_ms)
            valid++;
        for (test = valid; test < count;) {
            if (record_at(records, g->size, test)->time >= g->report->t1_ms) break;
            test++;
        }
    } else if (g->m->split == SPLIT_LAST_EVENT && count >= 3) {
        valid = count - 2;
        test = count - 1;
    } else if (g->m->split == SPLIT_LAST_BASKET && moment_from_back(g, records, count, 3) >= 0) {
        valid = moment_from_back(g, records, count, 2);
        test = moment_from_back(g, records, count, 1);
    }
    set_ranges(range, valid, test, count);
    return OK;
}

uint8_t split_event_end(const Stage *g, const Record *r, const Record *next)
{
    if (r->end != END_UNKNOWN) return r->end;
    if (next) {
        const bool sessions = r->session && next->session;
        const bool cut =
            sessions ? r->session != next->session : next->time - r->time > g->m->gap_ms;
        return cut ? END_TERMINAL : END_GOES_ON;
    }
    /* Without a clock nobody knows whether the user would have gone on. */
    if (!mapping_has_clock(g->m)) return END_TRUNCATED;
    return r->time + g->m->gap_ms >= g->report->last_ms ? END_TRUNCATED : END_TERMINAL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates on the CPU: one window after another on each thread.
 *
 * Rows whose tokens stand within GROUP tokens share most of their history. So the rows of the table
 * that they read are brought in once a group: neighbours get small numbers (a hash by item), the
 * user's own pairs are subtracted, absent entries are dropped. A row then adds at most 20 short
 * lists into sums that stay in the cache, and chooses the best by a selection on the bits of the
 * priors.
 */
#include "counts/candidates.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/scratch.h"
#include "base/vecmath.h"

enum { GROUP = 32, WIDTH_MAX = COUNT_CANDIDATES_MAX };

/* 1/g in units of 1/COUNT_UNITS. */
#define UNITS(g) (COUNT_UNITS / (g))
static const int64_t units_of[COUNT_GAP + 1] = {
    0,         UNITS(1),  UNITS(2),  UNITS(3),  UNITS(4),  UNITS(5),  UNITS(6),
    UNITS(7),  UNITS(8),  UNITS(9),  UNITS(10), UNITS(11), UNITS(12), UNITS(13),
    UNITS(14), UNITS(15), UNITS(16), UNITS(17), UNITS(18), UNITS(19), UNITS(20)};

/* An item that a group has met, by its number in the group. `after` and `before` are the sums over
 * d, which are 0 between rows, as all fields after them are. */
typedef struct {
    int32_t item, source;    /* source: its number among the group's sources, -1: none */
    float popularity, scale; /* without own; scale = (1 + popularity)^(-1/2) */
    float after, before;
    int32_t first;         /* 1 + its entry in the row of the source at hand, mostly x_0; or 0 */
    uint8_t votes, listed; /* the number of d; whether it is a candidate from the history */
    uint8_t count, latest; /* events among the last COUNT_REPEATS, and d of the latest */
} Known;

/* An entry of the table: the neighbour's number, and what is left without own. */
typedef struct {
    int32_t known;
    float next, after, before;
} Entry;

/* What own has of an entry. */
typedef struct {
    int64_t after, before; /* in units of 1/COUNT_UNITS */
    int32_t next;
} Own;

/* An item whose row of the table is in the group: entries first .. first + entries - 1. */
typedef struct {
    int32_t item, known, first, entries;
    float weight;
    int64_t own;      /* F + B/2 of own's pairs, in half units */
    int32_t last_own; /* the last event of own with this item, -1: none */
} Source;

typedef struct {
    int32_t item, known;
} Bucket;

/* The scratch of a thread. */
typedef struct {
    Known *known;     /* [knowns] */
    Bucket *bucket;   /* [mask + 1] a hash of the items of `known`, linear probing; -1: free */
    Source *source;   /* [sources] */
    Entry *entry;     /* [entries] */
    Own *own;         /* [entries] */
    int32_t *touched; /* [knowns] the neighbours of a row */
    uint64_t *key;    /* [knowns] */
    int32_t knowns, sources, entries;
    uint32_t mask;
    int32_t
        event[GROUP + COUNT_REPEATS]; /* the number of each token's item, from token `base` on */
    int64_t base;
    /* [own of the window] the number of own's items, -1: not met; where a source's item was before,
     * -1: nowhere */
    int32_t *own_known, *own_before;
} Space;

typedef struct {
    CandidatesOutput out;
    CandidatesInput in;
    const CountTable *table;
    int64_t items, neighbours, width; /* neighbours: the width of the table */
} Job;

/* A row's history and its candidates. */
typedef struct {
    int64_t token, length; /* length: L */
    int32_t distinct[COUNT_REPEATS], distincts;
    int32_t chosen[WIDTH_MAX], count;
    int32_t touched, repeats;
} Row;

/* ---- A group's items ------------------------------------------------------------------------- */

static uint32_t hash_of(int32_t item) { return (uint32_t)item * 0x9E3779B1u >> 8; }

static int32_t find(const Space *s, int32_t item)
{
    uint32_t at = hash_of(item) & s->mask;
    while (s->bucket[at].known >= 0 && s->bucket[at].item != item) at = (at + 1) & s->mask;
    return s->bucket[at].known;
}

static int32_t meet(Space *s, const Job *job, int32_t item)
{
    uint32_t at = hash_of(item) & s->mask;
    while (s->bucket[at].known >= 0) {
        if (s->bucket[at].item == item) return s->bucket[at].known;
        at = (at + 1) & s->mask;
    }
    REQUIRE(item < job->items, "item %d, want one below %" PRId64, item, job->items);
    s->bucket[at] = (Bucket){item, s->knowns};
    s->known[s->knowns] =
        (Known){.item = item, .source = -1, .popularity = f32(job->table->popularity)[item]};
    return s->knowns++;
}

static void add_source(Space *s, const Job *job, int32_t known)
{
    const CountTable *t = job->table;
    const int32_t item = s->known[known].item;
    const int64_t row = item * job->neighbours;
    const int32_t first = s->entries;
    for (int64_t k = 0; k < job->neighbours && i32(t->item)[row + k] >= 0; k++)
        s->entry[s->entries++] = (Entry){meet(s, job, i32(t->item)[row + k]), f32(t->next)[row + k],
                                         f32(t->after)[row + k], f32(t->before)[row + k]};
    s->known[known].source = s->sources;
    s->source[s->sources++] =
        (Source){item, known, first, s->entries - first, f32(t->weight)[item], 0, -1};
}

static uint32_t mask_for(int64_t items)
{
    uint32_t size = 64;
    while (size < 2 * items) size *= 2;
    return size - 1;
}

/* Meet the items of tokens begin .. end-1 of the window that begins at token `window`, with their
 * histories. */
static void meet_items(Space *s, const Job *job, int64_t window, int64_t begin, int64_t end)
{
    const int64_t repeats = begin - COUNT_REPEATS + 1, votes = begin - COUNT_HISTORY + 1;
    s->base = repeats > window ? repeats : window;
    const int64_t first = votes > window ? votes : window;
    s->knowns = s->sources = s->entries = 0;
    s->mask = mask_for((end - first) * job->neighbours + end - s->base);
    memset(s->bucket, -1, (s->mask + 1) * sizeof *s->bucket);
    for (int64_t t = s->base; t < end; t++) {
        const int32_t item = i32(job->in.item)[t];
        const int32_t known = item < 0 ? -1 : meet(s, job, item);
        s->event[t - s->base] = known;
        if (known >= 0 && t >= first && s->known[known].source < 0) add_source(s, job, known);
    }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- Without the user's own events ----------------------------------------------------------- */

/* Let known items say where their entries in the source's row are, or forget it. */
static void mark_entries(Space *s, const Source *source, bool known)
{
    const int32_t end = source->first + source->entries;
    for (int32_t e = source->first; e < end; e++)
        s->known[s->entry[e].known].first = known ? e + 1 : 0;
}

/* The pairs of own whose first or second item is the source's. */
static void own_pairs(Space *s, Source *source, int64_t count)
{
    mark_entries(s, source, true);
    for (int64_t i = source->last_own; i >= 0; i = s->own_before[i]) {
        const int64_t first = i > COUNT_GAP ? i - COUNT_GAP : 0;
        const int64_t end = least(count, i + COUNT_GAP + 1);
        for (int64_t j = first; j < end; j++) {
            if (j == i) continue;
            const int64_t units = units_of[j > i ? j - i : i - j];
            source->own += j > i ? 2 * units : units;
            const int32_t e = s->own_known[j] < 0 ? 0 : s->known[s->own_known[j]].first;
            if (e == 0) continue;
            if (j > i)
                s->own[e - 1].after += units;
            else
                s->own[e - 1].before += units;
            if (j == i + 1) s->own[e - 1].next++;
        }
    }
    mark_entries(s, source, false);
}

/* What is left of `all`, and 0 where that is less than any pair weighs. */
static float left_of(float all, int64_t own, double unit, double least)
{
    const double left = (double)all - (double)own / unit;
    return left < least ? 0.0f : (float)left;
}

static void leave_out(Space *s, const Job *job, const int32_t *own, int64_t count)
{
    const double unit = COUNT_UNITS;
    if (count > 0) memset(s->own, 0, (size_t)s->entries * sizeof *s->own);
    for (int64_t i = 0; i < count; i++) {
        s->own_known[i] = find(s, own[i]);
        if (s->own_known[i] < 0) continue;
        Known *known = &s->known[s->own_known[i]];
        known->popularity -= 1.0f;
        if (known->source < 0) continue;
        s->own_before[i] = s->source[known->source].last_own;
        s->source[known->source].last_own = (int32_t)i;
    }
    for (int32_t i = 0; i < s->sources; i++)
        if (s->source[i].last_own >= 0) own_pairs(s, &s->source[i], count);
    for (int32_t i = 0; i < s->sources; i++) {
        Source *source = &s->source[i];
        const int32_t end = source->first + source->entries;
        source->weight = left_of(source->weight, source->own, 2.0 * unit, 1.0 / 80.0);
        int32_t kept = source->first;
        for (int32_t e = source->first; e < end; e++) {
            Entry x = s->entry[e];
            if (count > 0) x.next -= (float)s->own[e].next;
            x.after = left_of(x.after, count > 0 ? s->own[e].after : 0, unit, 1.0 / 40.0);
            x.before = left_of(x.before, count > 0 ? s->own[e].before : 0, unit, 1.0 / 40.0);
            if (x.after > 0.0f || x.before > 0.0f) s->entry[kept++] = x;
        }
        source->entries = kept - source->first;
    }
    for (int32_t i = 0; i < s->knowns; i++) {
        REQUIRE(s->known[i].popularity >= 0.0f,
                "item %d: own has more events than the table's %g of all users", s->known[i].item,
                (double)f32(job->table->popularity)[s->known[i].item]);
        s->known[i].scale = 1.0f / sqrtf(1.0f + s->known[i].popularity);
    }
}

/* ---- A row's candidates ---------------------------------------------------------------------- */

static int32_t known_at(const Space *s, int64_t token) { return s->event[token - s->base]; }

static const Source *source_at(const Space *s, int64_t token)
{
    const int32_t known = known_at(s, token);
    return known < 0 ? NULL : &s->source[s->known[known].source];
}

static void read_history(Space *s, Row *row, int64_t most)
{
    const int64_t events = least(row->length, COUNT_REPEATS);
    row->distincts = row->count = row->repeats = 0;
    for (int64_t d = 0; d < events; d++) {
        const int32_t at = known_at(s, row->token - d);
        if (at < 0) continue;
        Known *known = &s->known[at];
        if (known->count++ > 0) {
            row->repeats++;
            continue;
        }
        known->latest = (uint8_t)d;
        row->distinct[row->distincts++] = at;
        if (row->count < most) {
            known->listed = 1;
            row->chosen[row->count++] = at;
        }
    }
}

static void add_votes(Space *s, Row *row)
{
    const int64_t events = least(row->length, COUNT_HISTORY);
    int32_t touched = 0;
    for (int64_t d = 0; d < events; d++) {
        const Source *source = source_at(s, row->token - d);
        if (!source) continue;
        const float share = 1.0f / (float)(1 + d);
        const Entry *entry = s->entry + source->first;
        for (int32_t e = 0; e < source->entries; e++) {
            Known *known = &s->known[entry[e].known];
            s->touched[touched] = entry[e].known;
            touched += known->votes == 0;
            known->votes++;
            known->after += entry[e].after * share;
            known->before += entry[e].before * share;
        }
        if (d == 0) mark_entries(s, source, true);
    }
    row->touched = touched;
}

static float prior_of(const Known *known)
{
    return (known->after + 0.5f * known->before) * known->scale;
}

/* Write the `most` largest of `count` different keys to `largest`, in any order: a radix selection
 * from the highest bits on. Keys above the digit that holds the last place are chosen; those that
 * have this digit are looked at again by the next one. Overwrites `key`. */
static void select_largest(uint64_t *largest, uint64_t *key, int32_t count, int32_t most)
{
    enum { BITS = 11, DIGITS = 1 << BITS };
    static const int shifts[] = {52, 41, 30, 19, 8, 0};
    for (const int *shift = shifts; count > most; shift++) {
        int32_t size[DIGITS] = {0}, last = 0;
        for (int32_t i = 0; i < count; i++) {
            const int32_t digit = (int32_t)(key[i] >> *shift) & (DIGITS - 1);
            last = digit > last ? digit : last;
            size[digit]++;
        }
        int32_t above = 0, chosen = 0, open = 0;
        while (above + size[last] < most) above += size[last--];
        for (int32_t i = 0; i < count; i++) {
            const int32_t digit = (int32_t)(key[i] >> *shift) & (DIGITS - 1);
            if (digit > last) largest[chosen++] = key[i];
            if (digit == last) key[open++] = key[i];
        }
        largest += above, most -= above, count = open;
    }
    memcpy(largest, key, (size_t)count * sizeof *key);
}

/* The prior's bits rise with it, as it is above 0; ties go to the lower item. */
static uint64_t key_of(const Known *known)
{
    const float prior = prior_of(known);
    uint32_t bits;
    memcpy(&bits, &prior, sizeof bits);
    return (uint64_t)bits << 32 | (uint32_t)~known->item;
}

static void choose(Space *s, Row *row, int64_t width)
{
    int32_t count = 0;
    for (int32_t i = 0; i < row->touched; i++) {
        const Known *known = &s->known[s->touched[i]];
        s->key[count] = key_of(known);
        count += !known->listed;
    }
    uint64_t largest[WIDTH_MAX];
    const int32_t most = (int32_t)least(count, width - row->count);
    if (most == 0) return;
    select_largest(largest, s->key, count, most);
    for (int32_t i = 0; i < most; i++) {
        int32_t above = 0;
        for (int32_t j = 0; j < most; j++) above += largest[j] > largest[i];
        row->chosen[row->count + above] = find(s, (int32_t) ~(uint32_t)largest[i]);
    }
    row->count += most;
}

static void forget(Space *s, const Row *row)
{
    const Source *source = source_at(s, row->token);
    if (source) mark_entries(s, source, false);
    for (int32_t i = 0; i < row->touched; i++) {
        Known *known = &s->known[s->touched[i]];
        known->after = known->before = 0.0f;
        known->votes = 0;
    }
    for (int32_t i = 0; i < row->distincts; i++)
        s->known[row->distinct[i]].count = s->known[row->distinct[i]].listed = 0;
}

/* ---- Features -------------------------------------------------------------------------------- */

/* Seconds between the events of two tokens. */
static float seconds(const Job *job, int64_t from, int64_t to)
{
    const int64_t *time = job->in.time.data;
    return (float)((double)(time[to] - time[from]) / 1000.0);
}

/* Which features are logarithms, and what they are multiplied by; 0: no logarithm. */
static const float log_scale[COUNT_FEATURES] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0.2f};

static void write_features(float *to, const Space *s, const Job *job, const Row *row)
{
    float x[COUNT_FEATURES][WIDTH_MAX];
    const Source *source = source_at(s, row->token);
    const float weight = source ? source->weight : 0.0f;
    for (int32_t j = 0; j < row->count; j++) {
        const int32_t at = row->chosen[j];
        const Known *known = &s->known[at];
        const Entry entry = known->first ? s->entry[known->first - 1] : (Entry){0};
        const float both = entry.after + 0.5f * entry.before;
        x[0][j] = 1.0f + 10.0f * entry.next;
        x[1][j] = 1.0f + 10.0f * known->after;
        x[2][j] = 1.0f + 10.0f * known->before;
        x[3][j] = 1.0f + 10.0f * both;
        x[4][j] = 1.0f + (float)known->votes;
        x[5][j] = 1.0f + known->popularity;
        x[6][j] = 1e-3f + prior_of(known);
        x[7][j] = weight > 0.0f ? 1.0f + 20.0f * both / weight : 1.0f;
        const bool touched = known->count > 0;
        x[8][j] = touched;
        x[9][j] = touched ? 1.0f + (float)known->latest : 1.0f;
        x[10][j] = touched ? (float)known->count : 1.0f;
        x[11][j] = at == known_at(s, row->token);
        x[12][j] = touched ? 1.0f + seconds(job, row->token - known->latest, row->token) : 1.0f;
    }
    for (int f = 0; f < COUNT_FEATURES; f++)
        if (log_scale[f] > 0.0f)
            for (int32_t j = 0; j < row->count; j++) x[f][j] = log_scale[f] * vec_logf(x[f][j]);
    for (int32_t j = 0; j < row->count; j++)
        for (int f = 0; f < COUNT_FEATURES; f++) to[j * COUNT_FEATURES + f] = x[f][j];
}

static void write_state(float *to, const Space *s, const Job *job, const Row *row)
{
    const int64_t votes = least(row->length, COUNT_HISTORY);
    const int64_t events = least(row->length, COUNT_REPEATS);
    const int32_t at = known_at(s, row->token);
    const Source *source = source_at(s, row->token);
    float weight = 0.0f;
    for (int64_t d = 0; d < votes; d++) {
        const Source *of = source_at(s, row->token - d);
        if (of) weight += of->weight / (float)(1 + d);
    }
    const bool two = row->length > 1;
    to[0] = vec_logf(1.0f + (float)row->length);
    to[1] = source ? vec_logf(1.0f + source->weight) : 0.0f;
    to[2] = at < 0 || !(s->known[at].popularity > 0.0f);
    to[3] = vec_logf(1.0f + weight);
    to[4] = (float)row->repeats / (float)events;
    to[5] = vec_logf(1.0f + (float)row->count) / 2.0f;
    to[6] = two && at >= 0 && known_at(s, row->token - 1) == at;
    to[7] = two ? vec_logf(1.0f + seconds(job, row->token - 1, row->token)) / 5.0f : 0.0f;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void write_row(Space *s, const Job *job, int64_t r, int64_t window)
{
    const int64_t token = i32(job->in.token)[r];
    Row row = {.token = token, .length = token - window + 1};
    read_history(s, &row, job->width / 4);
    add_votes(s, &row);
    choose(s, &row, job->width);
    for (int32_t j = 0; j < row.count; j++)
        i32(job->out.item)[r * job->width + j] = s->known[row.chosen[j]].item;
    write_features(f32(job->out.feature) + r * job->width * COUNT_FEATURES, s, job, &row);
    write_state(f32(job->out.state) + r * COUNT_STATE_FEATURES, s, job, &row);
    forget(s, &row);
}

static void clear_rows(const Job *job, int64_t first, int64_t end)
{
    const Tensor items = tensor_rows(job->out.item, first, end - first);
    const Tensor feature = tensor_rows(job->out.feature, first, end - first);
    const Tensor state = tensor_rows(job->out.state, first, end - first);
    memset(items.data, -1, tensor_bytes(items));
    memset(feature.data, 0, tensor_bytes(feature));
    memset(state.data, 0, tensor_bytes(state));
}

/* Rows first .. end-1, whose tokens are -1 or in window w. */
static void write_window(Space *s, const Job *job, int64_t w, int64_t first, int64_t end)
{
    const int64_t window = i32(job->in.cu_seqlens)[w];
    const int32_t *own = i32(job->in.own) + i32(job->in.own_offset)[w];
    const int64_t owns = i32(job->in.own_offset)[w + 1] - i32(job->in.own_offset)[w];
    const int32_t *token = i32(job->in.token);
    clear_rows(job, first, end);
    for (int64_t r = first; r < end;) {
        if (token[r] < 0) {
            r++;
            continue;
        }
        const int64_t begin = token[r];
        int64_t last = r; /* the group's last row that has a token */
        for (int64_t i = r + 1; i < end && token[i] < begin + GROUP; i++)
            if (token[i] >= 0) last = i;
        meet_items(s, job, window, begin, token[last] + 1);
        leave_out(s, job, own, owns);
        for (; r <= last; r++)
            if (token[r] >= 0) write_row(s, job, r, window);
    }
}

/* first[w] .. first[w + 1] - 1 are the rows of window w, with rows without a token between them. */
static void rows_of_windows(int32_t *first, const Job *job, int64_t windows, int64_t rows)
{
    const int32_t *token = i32(job->in.token), *end = i32(job->in.cu_seqlens) + 1;
    int32_t before = -1;
    int64_t w = 0;
    first[0] = 0;
    for (int64_t r = 0; r < rows; r++) {
        if (token[r] < 0) continue;
        REQUIRE(token[r] >= before, "row %" PRId64 ": token %d after token %d", r, token[r],
                before);
        before = token[r];
        for (; w < windows && token[r] >= end[w]; w++) first[w + 1] = (int32_t)r;
        REQUIRE(w < windows, "row %" PRId64 ": token %d is in no window", r, token[r]);
    }
    for (; w < windows; w++) first[w + 1] = (int32_t)rows;
}

static void check(const Job *job)
{
    const CountTable *t = job->table;
    const int64_t rows = job->in.token.dim[0], tokens = job->in.item.dim[0];
    EXPECT(t->item, I32, job->items, job->neighbours);
    EXPECT(t->next, F32, job->items, job->neighbours);
    EXPECT(t->after, F32, job->items, job->neighbours);
    EXPECT(t->before, F32, job->items, job->neighbours);
    EXPECT(t->popularity, F32, job->items);
    EXPECT(t->weight, F32, job->items);
    EXPECT(job->in.item, I32, tokens);
    EXPECT(job->in.time, I64, tokens);
    EXPECT(job->in.token, I32, rows);
    EXPECT(job->in.cu_seqlens, I32, job->in.cu_seqlens.dim[0]);
    EXPECT(job->in.own_offset, I32, job->in.cu_seqlens.dim[0]);
    EXPECT(job->in.own, I32, job->in.own.dim[0]);
    EXPECT(job->out.item, I32, rows, job->width);
    EXPECT(job->out.feature, F32, rows, job->width, COUNT_FEATURES);
    EXPECT(job->out.state, F32, rows, COUNT_STATE_FEATURES);
    REQUIRE(job->width <= COUNT_CANDIDATES_MAX, "%" PRId64 " candidates, want at most %d",
            job->width, COUNT_CANDIDATES_MAX);
}

static Tensor space_scratch(Device *dev, int64_t count, size_t size)
{
    return SCRATCH(dev, U8, dev->threads, count * (int64_t)size);
}

void candidates(Device *dev, CandidatesOutput out, CandidatesInput in, const CountTable *table)
{
    const Job job = {out, in, table, table->item.dim[0], table->item.dim[1], out.item.dim[1]};
    const int64_t windows = in.cu_seqlens.dim[0] - 1, rows = in.token.dim[0];
    check(&job);
    if (ON_CUDA(dev)) {
        candidates_cuda(dev, out, in, table);
        return;
    }
    const int64_t sources = GROUP + COUNT_HISTORY, entries = sources * job.neighbours;
    const int64_t knowns = entries + GROUP + COUNT_REPEATS;
    const size_t mark = scratch_mark(dev);
    const Tensor first = SCRATCH(dev, I32, windows + 1);
    const Tensor own_known = SCRATCH(dev, I32, 2, in.own.dim[0]);
    const Tensor known = space_scratch(dev, knowns, sizeof(Known));
    const Tensor bucket = space_scratch(dev, mask_for(knowns) + 1, sizeof(Bucket));
    const Tensor source = space_scratch(dev, sources, sizeof(Source));
    const Tensor entry = space_scratch(dev, entries, sizeof(Entry));
    const Tensor own = space_scratch(dev, entries, sizeof(Own));
    const Tensor touched = space_scratch(dev, knowns + 1, sizeof(int32_t));
    const Tensor key = space_scratch(dev, knowns + 1, sizeof(uint64_t));
    if (!scratch_ready(dev, mark)) return;
    rows_of_windows(i32(first), &job, windows, rows);
#pragma omp parallel for schedule(dynamic) num_threads(dev->threads)
    for (int64_t w = 0; w < windows; w++) {
        const int64_t thread = omp_get_thread_num();
        Space s = {.known = tensor_rows(known, thread, 1).data,
                   .bucket = tensor_rows(bucket, thread, 1).data,
                   .source = tensor_rows(source, thread, 1).data,
                   .entry = tensor_rows(entry, thread, 1).data,
                   .own = tensor_rows(own, thread, 1).data,
                   .touched = tensor_rows(touched, thread, 1).data,
                   .key = tensor_rows(key, thread, 1).data,
                   .own_known = i32(own_known) + i32(in.own_offset)[w]};
        s.own_before = s.own_known + in.own.dim[0];
        write_window(&s, &job, w, i32(first)[w], i32(first)[w + 1]);
    }
    if (windows == 0) clear_rows(&job, 0, rows);
    scratch_release(dev, mark);
}

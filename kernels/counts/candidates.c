/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates on the CPU: one window after another on each thread, in groups of neighbouring tokens
 * (group.h), which share what they read of the table. A row adds at most 20 short lists into sums
 * that stay in the cache, and chooses the best by a selection on the bits of the priors.
 */
#include "counts/candidates.h"

#include <inttypes.h>
#include <omp.h>
#include <string.h>

#include "base/scratch.h"
#include "base/vecmath.h"
#include "counts/group.h"

enum { WIDTH_MAX = COUNT_CANDIDATES_MAX };

/* What a row finds out about an item of the group. All is 0 between rows. */
typedef struct {
    double after, before;  /* the sums over d */
    uint8_t votes, listed; /* the number of d; whether it is a candidate from the history */
    uint8_t count, latest; /* events among the last COUNT_REPEATS, and d of the latest */
} Found;

/* The scratch of a thread. */
typedef struct {
    Group group;
    Found *found;     /* [the group's items] */
    int32_t *touched; /* [the group's items + 1] the neighbours of a row */
    uint64_t *key;    /* [the group's items + 1] */
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

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- A row's candidates ---------------------------------------------------------------------- */

static void read_history(Space *s, Row *row, int64_t most)
{
    const int64_t events = least(row->length, COUNT_REPEATS);
    row->distincts = row->count = row->repeats = 0;
    for (int64_t d = 0; d < events; d++) {
        const int32_t at = group_known(&s->group, row->token - d);
        if (at < 0) continue;
        Found *found = &s->found[at];
        if (found->count++ > 0) {
            row->repeats++;
            continue;
        }
        found->latest = (uint8_t)d;
        row->distinct[row->distincts++] = at;
        if (row->count < most) {
            found->listed = 1;
            row->chosen[row->count++] = at;
        }
    }
}

static void add_votes(Space *s, Row *row)
{
    const int64_t events = least(row->length, COUNT_HISTORY);
    int32_t touched = 0;
    for (int64_t d = 0; d < events; d++) {
        const GroupSource *source = group_source(&s->group, row->token - d);
        if (!source) continue;
        const double share = 1.0f / (float)(1 + d);
        const GroupEntry *entry = s->group.entry + source->first;
        for (int32_t e = 0; e < source->entries; e++) {
            Found *found = &s->found[entry[e].known];
            s->touched[touched] = entry[e].known;
            touched += found->votes == 0;
            found->votes++;
            found->after += (double)entry[e].after * share;
            found->before += (double)entry[e].before * share;
        }
        if (d == 0) group_mark(&s->group, source, true);
    }
    row->touched = touched;
}

static float prior_of(const Space *s, int32_t at)
{
    return (float)(s->found[at].after + 0.5 * s->found[at].before) * s->group.known[at].scale;
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
static uint64_t key_of(const Space *s, int32_t at)
{
    const float prior = prior_of(s, at);
    uint32_t bits;
    memcpy(&bits, &prior, sizeof bits);
    return (uint64_t)bits << 32 | (uint32_t)~s->group.known[at].item;
}

static void choose(Space *s, Row *row, int64_t width)
{
    int32_t count = 0;
    for (int32_t i = 0; i < row->touched; i++) {
        s->key[count] = key_of(s, s->touched[i]);
        count += !s->found[s->touched[i]].listed;
    }
    uint64_t largest[WIDTH_MAX];
    const int32_t most = (int32_t)least(count, width - row->count);
    if (most == 0) return;
    select_largest(largest, s->key, count, most);
    for (int32_t i = 0; i < most; i++) {
        int32_t above = 0;
        for (int32_t j = 0; j < most; j++) above += largest[j] > largest[i];
        row->chosen[row->count + above] = group_find(&s->group, (int32_t) ~(uint32_t)largest[i]);
    }
    row->count += most;
}

static void forget(Space *s, const Row *row)
{
    const GroupSource *source = group_source(&s->group, row->token);
    if (source) group_mark(&s->group, source, false);
    for (int32_t i = 0; i < row->touched; i++) {
        Found *found = &s->found[s->touched[i]];
        found->after = found->before = 0.0;
        found->votes = 0;
    }
    for (int32_t i = 0; i < row->distincts; i++)
        s->found[row->distinct[i]].count = s->found[row->distinct[i]].listed = 0;
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
    const GroupSource *source = group_source(&s->group, row->token);
    const float weight = source ? source->weight : 0.0f;
    for (int32_t j = 0; j < row->count; j++) {
        const int32_t at = row->chosen[j];
        const Found *found = &s->found[at];
        const int32_t place = s->group.place[at];
        const GroupEntry entry = place ? s->group.entry[place - 1] : (GroupEntry){0};
        const float both = entry.after + 0.5f * entry.before;
        x[0][j] = 1.0f + 10.0f * entry.next;
        x[1][j] = 1.0f + 10.0f * (float)found->after;
        x[2][j] = 1.0f + 10.0f * (float)found->before;
        x[3][j] = 1.0f + 10.0f * both;
        x[4][j] = 1.0f + (float)found->votes;
        x[5][j] = 1.0f + s->group.known[at].popularity;
        x[6][j] = 1e-3f + prior_of(s, at);
        x[7][j] = weight > 0.0f ? 1.0f + 20.0f * both / weight : 1.0f;
        const bool touched = found->count > 0;
        x[8][j] = touched;
        x[9][j] = touched ? 1.0f + (float)found->latest : 1.0f;
        x[10][j] = touched ? (float)found->count : 1.0f;
        x[11][j] = at == group_known(&s->group, row->token);
        x[12][j] = touched ? 1.0f + seconds(job, row->token - found->latest, row->token) : 1.0f;
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
    const int32_t at = group_known(&s->group, row->token);
    const GroupSource *source = group_source(&s->group, row->token);
    float weight = 0.0f;
    for (int64_t d = 0; d < votes; d++) {
        const GroupSource *of = group_source(&s->group, row->token - d);
        if (of) weight += of->weight / (float)(1 + d);
    }
    const bool two = row->length > 1;
    to[0] = vec_logf(1.0f + (float)row->length);
    to[1] = source ? vec_logf(1.0f + source->weight) : 0.0f;
    to[2] = at < 0 || !(s->group.known[at].popularity > 0.0f);
    to[3] = vec_logf(1.0f + weight);
    to[4] = (float)row->repeats / (float)events;
    to[5] = vec_logf(1.0f + (float)row->count) / 2.0f;
    to[6] = two && at >= 0 && group_known(&s->group, row->token - 1) == at;
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
        i32(job->out.item)[r * job->width + j] = s->group.known[row.chosen[j]].item;
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
    const PairEvent *own = (const PairEvent *)job->in.own.data + i32(job->in.own_offset)[w];
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
        for (int64_t i = r + 1; i < end && token[i] < begin + GROUP_TOKENS; i++)
            if (token[i] >= 0) last = i;
        group_read(&s->group, job->table, i32(job->in.item), window, begin, token[last] + 1, own,
                   owns);
        memset(s->found, 0, (size_t)s->group.knowns * sizeof *s->found);
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
    EXPECT(job->in.own, I32, job->in.own.dim[0], 2);
    EXPECT(job->out.item, I32, rows, job->width);
    EXPECT(job->out.feature, F32, rows, job->width, COUNT_FEATURES);
    EXPECT(job->out.state, F32, rows, COUNT_STATE_FEATURES);
    REQUIRE(job->width <= COUNT_CANDIDATES_MAX, "%" PRId64 " candidates, want at most %d",
            job->width, COUNT_CANDIDATES_MAX);
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
    const int64_t items = group_items(job.neighbours);
    const size_t mark = scratch_mark(dev);
    const Tensor first = SCRATCH(dev, I32, windows + 1);
    const GroupSpace space = group_space(dev, job.neighbours, in.own.dim[0]);
    const Tensor found = SCRATCH(dev, U8, dev->threads, items * (int64_t)sizeof(Found));
    const Tensor touched = SCRATCH(dev, I32, dev->threads, items + 1);
    const Tensor key = SCRATCH(dev, I64, dev->threads, items + 1);
    if (!scratch_ready(dev, mark)) return;
    rows_of_windows(i32(first), &job, windows, rows);
#pragma omp parallel for schedule(dynamic) num_threads(dev->threads)
    for (int64_t w = 0; w < windows; w++) {
        const int64_t thread = omp_get_thread_num();
        Space s = {.group = group_of(&space, thread, i32(in.own_offset)[w]),
                   .found = tensor_rows(found, thread, 1).data,
                   .touched = tensor_rows(touched, thread, 1).data,
                   .key = tensor_rows(key, thread, 1).data};
        write_window(&s, &job, w, i32(first)[w], i32(first)[w + 1]);
    }
    if (windows == 0) clear_rows(&job, 0, rows);
    scratch_release(dev, mark);
}

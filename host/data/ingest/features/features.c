/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/features/features.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/ingest/known/known.h"
#include "data/ingest/pass.h"
#include "data/ingest/split.h"

enum { HALF = 1 << 16 };

static double transform(const Feature *f, double x)
{
    return f->log ? copysign(log1p(fabs(x)), x) : x;
}

/* Welford's update, which is stable numerically. Values are added in order of the table. */
static void stats_add(NumberStats *s, double x)
{
    s->count++;
    const double distance = x - s->mean;
    s->mean += distance / (double)s->count;
    s->square += distance * (x - s->mean);
}

float features_normal(const Stage *g, int f, float x)
{
    const NumberStats *s = &g->stats[f];
    const double value = transform(&g->m->feature[f], isnan(x) ? s->fill : x);
    return (float)((value - s->center) / s->scale);
}

/* ---- Medians of event columns ---------------------------------------------------------------- */

/* A median is found exactly, by two passes: a histogram of the upper halves of all values' 32-bit
 * keys, then one of the lower halves of those values that share the median's upper half. The order
 * of the keys is that of the values. */

static uint32_t ordered_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float from_ordered(uint32_t bits)
{
    float x;
    bits = bits & 0x80000000u ? bits & 0x7fffffffu : ~bits;
    memcpy(&x, &bits, 4);
    return x;
}

/* A worker's results for its batch, as far as they do not depend on the batches before it. The
 * logarithms take most of the time, so that they are computed here. */
typedef struct {
    int64_t (*range)[SPLITS][2]; /* [users of the batch] */
    double *value;               /* [events, event features] transformed, of the train split */
    int64_t users_capacity, values_capacity;
    int64_t episodes, tied;
} Measured;

typedef struct {
    Stage *g;
    int64_t *upper[CELLS_MAX]; /* [HALF] of each event feature: counts of train values, by the upper
                                * half of their keys */
    int64_t profiles;          /* capacity of user_value, in users */
    Measured measured[PASS_WORKERS];
} Measure;

static bool known(const Feature *f, CellValue v)
{
    return f->category ? v.category != 0 : !isnan(v.number);
}

/* Which value of an item or user is kept: one of the train split if there is one, and of these the
 * latest; otherwise the earliest. */
static void keep_best(KnownValue *best, CellValue value, int64_t time, bool train)
{
    const uint32_t rank = train ? 2 : 1;
    if (rank < best->rank) return;
    if (rank == best->rank && (train ? time < best->time : time >= best->time)) return;
    *best = (KnownValue){time, value, rank};
}

/* `transformed`: the event's features, after the transform; read only where `train`. */
static void measure_event(Measure *a, const Record *r, int64_t user, bool train,
                          const double *transformed)
{
    Stage *g = a->g;
    for (int f = 0; f < g->m->features; f++) {
        const Feature *feature = &g->m->feature[f];
        const CellValue value = r->cell[feature->cell];
        if (!known(feature, value)) {
            g->stats[f].missing += feature->owner == OWNER_EVENT;
            continue;
        }
        if (feature->owner == OWNER_ITEM) {
            const int64_t row = g->item_row[r->item] * (int64_t)g->item_features;
            keep_best(&g->item_value[row + g->feature_at[f]], value, r->time, train);
        } else if (feature->owner == OWNER_USER) {
            keep_best(&g->user_value[user * g->user_features + g->feature_at[f]], value, r->time,
                      train);
        } else if (train) {
            stats_add(&g->stats[f], transformed[g->feature_at[f]]);
            a->upper[f][ordered_bits(value.number) >> 16]++;
        }
    }
}

static Status grow_users(Stage *g, int64_t user, int64_t *capacity)
{
    if (g->user_features == 0 || user < *capacity) return OK;
    const int64_t wanted = *capacity ? *capacity * 2 : 1024;
    const size_t row = (size_t)g->user_features * sizeof *g->user_value;
    KnownValue *fresh = realloc(g->user_value, (size_t)wanted * row);
    if (!fresh) return FAIL(ERR_MEMORY, "no memory for the features of %" PRId64 " users", wanted);
    memset((char *)fresh + (size_t)*capacity * row, 0, (size_t)(wanted - *capacity) * row);
    g->user_value = fresh;
    *capacity = wanted;
    return OK;
}

static void transform_events(const Stage *g, const Record *records, int64_t count, double *value)
{
    for (int f = 0; f < g->m->features; f++) {
        const Feature *feature = &g->m->feature[f];
        if (feature->owner != OWNER_EVENT) continue;
        for (int64_t i = 0; i < count; i++)
            value[i * g->event_features + g->feature_at[f]] =
                transform(feature, record_at(records, g->size, i)->cell[feature->cell].number);
    }
}

static int64_t count_episodes(const Stage *g, const Record *records, int64_t count)
{
    int64_t episodes = 0;
    for (int64_t i = 0; i < count; i++) {
        const Record *next = i + 1 < count ? record_at(records, g->size, i + 1) : NULL;
        episodes += split_event_end(g, record_at(records, g->size, i), next) != END_GOES_ON;
    }
    return episodes;
}

/* How many events have the time of another one. */
static int64_t count_tied(const Stage *g, const Record *records, int64_t count)
{
    int64_t tied = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t time = record_at(records, g->size, i)->time;
        tied += (i > 0 && record_at(records, g->size, i - 1)->time == time) ||
                (i + 1 < count && record_at(records, g->size, i + 1)->time == time);
    }
    return tied;
}

static Status measure_batch(void *context, int worker, RecordBatch *batch)
{
    Measure *a = context;
    const Stage *g = a->g;
    Measured *m = &a->measured[worker];
    const int64_t events = batch->count;
    m->range = pass_capacity(m->range, &m->users_capacity, events, sizeof *m->range);
    m->value = pass_capacity(m->value, &m->values_capacity, events * g->event_features + 1,
                             sizeof *m->value);
    if (!m->range || !m->value) return ERR_MEMORY;
    m->episodes = m->tied = 0;
    for (int64_t user = 0, first = 0, end; first < events; user++, first = end) {
        const Record *records = record_at(batch->records, g->size, first);
        end = sort_batch_user_end(batch, g->size, first);
        TRY(split_user(g, records, end - first, m->range[user]));
        m->episodes += count_episodes(g, records, end - first);
        m->tied += count_tied(g, records, end - first);
        transform_events(g, records, m->range[user][SPLIT_TRAIN][1],
                         m->value + first * g->event_features);
    }
    return OK;
}

static void measure_user(Measure *a, const Record *records, int64_t count,
                         const int64_t range[SPLITS][2], const double *value)
{
    Stage *g = a->g;
    IngestReport *report = g->report;
    report->one_event_users += count == 1;
    for (int s = 0; s < SPLITS; s++) {
        report->split_events[s] += range[s][1] - range[s][0];
        report->split_users[s] += range[s][1] > range[s][0];
    }
    for (int64_t i = 0; i < count; i++) {
        const Record *r = record_at(records, g->size, i);
        report->action_events[r->action]++;
        measure_event(a, r, report->users, i < range[SPLIT_TRAIN][1],
                      value + i * g->event_features);
    }
    report->users++;
}

/* Adds a batch to the counts of the report, the best values, the moments and the histograms. */
static Status take_measures(void *context, int worker, const RecordBatch *batch)
{
    Measure *a = context;
    Stage *g = a->g;
    const Measured *m = &a->measured[worker];
    g->report->episodes += m->episodes;
    g->report->tied += m->tied;
    for (int64_t user = 0, first = 0, end; first < batch->count; user++, first = end) {
        end = sort_batch_user_end(batch, g->size, first);
        TRY(grow_users(g, g->report->users, &a->profiles));
        measure_user(a, record_at(batch->records, g->size, first), end - first, m->range[user],
                     m->value + first * g->event_features);
    }
    return OK;
}

static Status measure(Measure *a)
{
    const Status st = pass_run(a->g, &(Pass){NULL, a, measure_batch, take_measures});
    for (int w = 0; w < PASS_WORKERS; w++) {
        free(a->measured[w].range);
        free(a->measured[w].value);
    }
    return st;
}

/* The bin of a histogram that has the value of this rank; *rank becomes its rank in the bin. */
static int64_t bin_of_rank(const int64_t *bin, int64_t *rank)
{
    int64_t at = 0;
    while (*rank >= bin[at]) *rank -= bin[at++];
    return at;
}

/* A histogram of the lower halves of those values that share the median's upper half. */
typedef struct {
    int feature, cell;
    int64_t rank;
    uint32_t top;
    int64_t *bin;
} Lower;

typedef struct {
    const Stage *g;
    int lowers;
    Lower lower[CELLS_MAX];
} Medians;

static Status count_lower(void *context, int worker, const RecordBatch *batch)
{
    (void)worker;
    Medians *m = context;
    int64_t range[SPLITS][2];
    for (int64_t first = 0, end; first < batch->count; first = end) {
        const Record *records = record_at(batch->records, m->g->size, first);
        end = sort_batch_user_end(batch, m->g->size, first);
        TRY(split_user(m->g, records, end - first, range));
        for (int64_t i = 0; i < range[SPLIT_TRAIN][1]; i++)
            for (int l = 0; l < m->lowers; l++) {
                const float x = record_at(records, m->g->size, i)->cell[m->lower[l].cell].number;
                const uint32_t bits = ordered_bits(x);
                if (!isnan(x) && bits >> 16 == m->lower[l].top) m->lower[l].bin[bits & 0xffff]++;
            }
    }
    return OK;
}

static Status event_medians(Measure *a)
{
    Stage *g = a->g;
    Medians m = {.g = g};
    Status st = OK;
    for (int f = 0; f < g->m->features; f++) {
        const Feature *feature = &g->m->feature[f];
        if (feature->owner != OWNER_EVENT || !g->stats[f].missing || !g->stats[f].count) continue;
        Lower *l = &m.lower[m.lowers++];
        *l = (Lower){.feature = f, .cell = feature->cell, .rank = (g->stats[f].count - 1) / 2};
        l->top = (uint32_t)bin_of_rank(a->upper[f], &l->rank);
        l->bin = calloc(HALF, sizeof *l->bin);
        if (!l->bin) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for medians"));
    }
    if (m.lowers) TRY_OR_FAIL(st, pass_run(g, &(Pass){.context = &m, .take = count_lower}));
    for (Lower *l = m.lower; l < m.lower + m.lowers; l++) {
        g->stats[l->feature].fill =
            from_ordered(l->top << 16 | (uint32_t)bin_of_rank(l->bin, &l->rank));
        g->stats[l->feature].filled = true;
    }
fail:
    for (int l = 0; l < m.lowers; l++) free(m.lower[l].bin);
    return st;
}

/* ---- Items and users, whose values are in memory --------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Mean, variance and median over the entities whose value comes from the train split. */
static Status entity_stats(Stage *g, int f, const KnownValue *value, int features, int64_t rows)
{
    const Feature *feature = &g->m->feature[f];
    NumberStats *s = &g->stats[f];
    float *train = malloc((size_t)(rows + 1) * sizeof *train);
    if (!train) return FAIL(ERR_MEMORY, "no memory for a median");
    for (int64_t i = 0; i < rows; i++) {
        const KnownValue *v = &value[i * features + g->feature_at[f]];
        const bool known = feature->owner == OWNER_ITEM && i < g->known_items && known_has(g, f, i);
        s->missing += v->rank == 0 && !known;
        if (feature->category || v->rank != 2) continue;
        train[s->count] = v->value.number;
        stats_add(s, transform(feature, v->value.number));
    }
    if (s->count) {
        qsort(train, (size_t)s->count, sizeof *train, by_value);
        s->fill = train[(s->count - 1) / 2];
        s->filled = true;
    }
    free(train);
    return OK;
}

static Status open_measure(Stage *g, Measure *a)
{
    int *const counter[] = {&g->item_features, &g->user_features, &g->event_features};
    for (int f = 0; f < g->m->features; f++) {
        const Owner owner = g->m->feature[f].owner;
        g->feature_at[f] = (*counter[owner])++;
        if (owner != OWNER_EVENT) continue;
        a->upper[f] = calloc(HALF, sizeof *a->upper[f]);
        if (!a->upper[f]) return FAIL(ERR_MEMORY, "no memory for medians");
    }
    g->item_value =
        calloc((size_t)(g->rows_of_items * g->item_features + 1), sizeof *g->item_value);
    return g->item_value ? OK : FAIL(ERR_MEMORY, "no memory for the items' features");
}

/* A known number is scaled as before, and so is what a missing value means. Where the catalogue
 * does not say that, it is the mean. */
static void take_scale(Stage *g, int f)
{
    const Feature *feature = &g->m->feature[f];
    const FeatureSet *set = known_features(g, feature->owner);
    const int at = g->known->at[f];
    NumberStats *s = &g->stats[f];
    s->center = (double)set->mean[at];
    s->scale = (double)set->std[at];
    s->flagged = g->known->flag[f] >= 0;
    s->filled = set->has_fill[at];
    const double mean = feature->log ? copysign(expm1(fabs(s->center)), s->center) : s->center;
    s->fill = s->filled ? set->fill[at] : (float)mean;
    if (s->missing == 0 || s->flagged) return;
    listener_warn(g->options->listener,
                  "%" PRId64 " values of the number \"%s\" are missing; %s has no column that "
                  "says so, and they count as %g",
                  s->missing, feature->name, g->known->file.path, (double)s->fill);
}

/* How a number is scaled from now on. */
static void settle(Stage *g, int f)
{
    NumberStats *s = &g->stats[f];
    const double variance = s->count ? s->square / (double)s->count : 0.0;
    s->center = s->mean;
    s->scale = variance > 1e-12 * (1.0 + s->mean * s->mean) ? sqrt(variance) : 1.0;
    s->flagged = s->missing > 0;
    if (g->known && !g->m->feature[f].category) take_scale(g, f);
}

Status features_measure(Stage *g)
{
    Measure a = {.g = g};
    Status st;
    TRY_OR_FAIL(st, open_measure(g, &a));
    TRY_OR_FAIL(st, measure(&a));
    TRY_OR_FAIL(st, event_medians(&a));
    g->report->items = g->rows_of_items;
    g->report->events = sort_table_count(g->table);
    for (int f = 0; f < g->m->features; f++) {
        const Owner owner = g->m->feature[f].owner;
        if (owner == OWNER_ITEM)
            TRY_OR_FAIL(st, entity_stats(g, f, g->item_value, g->item_features, g->rows_of_items));
        if (owner == OWNER_USER)
            TRY_OR_FAIL(st, entity_stats(g, f, g->user_value, g->user_features, g->report->users));
        settle(g, f);
        g->report->missing[f] = g->stats[f].missing;
        g->report->median[f] = g->stats[f].fill;
    }
fail:
    for (int f = 0; f < CELLS_MAX; f++) free(a.upper[f]);
    return st;
}

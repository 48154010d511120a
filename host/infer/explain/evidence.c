/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/evidence.h"

#include <inttypes.h>
#include <stdlib.h>

#include "model/counts.h"

/* The user's events that the table counts. */
typedef struct {
    PairEvent *event;
    int64_t count;
} Own;

static Status read_own(const Session *s, const History *h, Own *own)
{
    const int64_t count = history_counted(h, s);
    *own = (Own){.event = malloc((size_t)count * sizeof *own->event + 1)};
    if (!own->event) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " own events", count);
    for (int64_t i = 0; i < count; i++)
        if (schema_is_taken(s->file, h->own_action[i]))
            own->event[own->count++] = (PairEvent){h->own_item[i], pair_second(h->own_time_ms[i])};
    return OK;
}

/* The weight of the pair of own events i and i + g, if there is one and the item of event `of` is
 * y. */
static int64_t weight_of(const Own *own, int64_t i, int32_t g, int64_t of, int32_t y)
{
    if (i < 0 || i + g >= own->count || own->event[of].item != y) return 0;
    return pair_units(g, pair_step(own->event[i].second, own->event[i + g].second));
}

/* Take the user's own pairs out of e, which has those of the table (counts/candidates.h). */
static void leave_own_out(ExplainEvidence *e, const Own *own, int32_t y)
{
    int64_t after = 0, before = 0;
    for (int64_t i = 0; i < own->count; i++) {
        if (own->event[i].item != e->item) continue;
        e->times -= 1.0;
        for (int32_t g = 1; g <= COUNT_GAP; g++) {
            after += weight_of(own, i, g, i + g, y);
            before += weight_of(own, i - g, g, i - g, y);
        }
        if (i + 1 < own->count && own->event[i + 1].item == y) e->next -= 1.0;
    }
    e->after -= (double)after / COUNT_UNITS;
    e->before -= (double)before / COUNT_UNITS;
    if (e->after < PAIR_NONE) e->after = 0.0;
    if (e->before < PAIR_NONE) e->before = 0.0;
}

/* What is known of the pair of e->item and y; false: nothing. */
static bool find(const CountsRow *r, const Own *own, int32_t y, ExplainEvidence *e)
{
    int64_t j = 0;
    while (j < r->width && r->item[j] != y) j++;
    if (j == r->width) return false;
    e->times = (double)r->popularity;
    e->next = (double)r->next[j];
    e->after = (double)r->after[j];
    e->before = (double)r->before[j];
    leave_own_out(e, own, y);
    return e->after > 0.0 || e->before > 0.0;
}

static bool is_latest(const History *h, int64_t at)
{
    for (int64_t i = at + 1; i < h->count; i++)
        if (h->item[i] == h->item[at]) return false;
    return h->item[at] >= 0;
}

/* Put e among the strongest; of equal ones those that came first stay before it. */
static void insert(ExplainEvidence out[EVIDENCE_MOST], double strength[EVIDENCE_MOST], int *found,
                   const ExplainEvidence *e, double weight)
{
    int at = *found;
    while (at > 0 && strength[at - 1] < weight) at--;
    if (at == EVIDENCE_MOST) return;
    if (*found < EVIDENCE_MOST) ++*found;
    for (int i = *found - 1; i > at; i--) out[i] = out[i - 1], strength[i] = strength[i - 1];
    out[at] = *e;
    strength[at] = weight;
}

static Status collect(Session *s, const History *h, int64_t first, int32_t y, const Own *own,
                      CountsRow *row, ExplainEvidence out[EVIDENCE_MOST], int *found)
{
    const CountTable *t = &s->model->counts;
    double strength[EVIDENCE_MOST];
    const int64_t most = h->count < s->length ? h->count : s->length;
    for (int64_t d = 0; d < most && d < COUNT_HISTORY; d++) {
        const int64_t at = h->count - 1 - d;
        ExplainEvidence e = {.event = first + at, .item = h->item[at]};
        if (!is_latest(h, at)) continue;
        TRY(counts_row_read(row, t, e.item, s->dev));
        if (find(row, own, y, &e))
            insert(out, strength, found, &e, (e.after + e.before / 2.0) / (double)(1 + d));
    }
    return OK;
}

Status explain_evidence(Session *s, const History *recent, int64_t first, int32_t item,
                        ExplainEvidence out[EVIDENCE_MOST], int *found)
{
    CountsRow row;
    Own own;
    *found = 0;
    if (s->model->shape.candidates == 0) return OK;
    TRY(read_own(s, recent, &own));
    Status st = counts_row_open(&row, &s->model->counts);
    if (st == OK) {
        session_lock(s);
        st = collect(s, recent, first, item, &own, &row, out, found);
        session_unlock(s);
        counts_row_close(&row);
    }
    free(own.event);
    return st;
}

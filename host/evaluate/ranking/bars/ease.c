/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/ease.h"

#include <inttypes.h>
#include <stdlib.h>

#include "evaluate/ranking/bars/gram.h"

/* ---- Which items and users the matrices have ------------------------------------------------- */

/* X without the users that have fewer than two of its items. */
typedef struct {
    int32_t count;    /* items */
    int32_t *place;   /* [sets->items] the column of an item; -1: none */
    int32_t users;    /* rows */
    int64_t *first;   /* [users+1] */
    int32_t *column;  /* [first[users]] of the ones of each row */
    double *diagonal; /* [count] what the users left out add to that of X'X */
} Pairing;

static void pairing_close(Pairing *p)
{
    free(p->place);
    free(p->first);
    free(p->column);
    free(p->diagonal);
    *p = (Pairing){0};
}

static Status pairing_allocate(Pairing *p, const Sets *sets)
{
    const size_t items = (size_t)sets->items, users = (size_t)sets->users;
    p->place = malloc(items * sizeof *p->place + 1);
    p->first = malloc((users + 1) * sizeof *p->first);
    p->column = malloc((size_t)sets->first[users] * sizeof *p->column + 1);
    p->diagonal = calloc(items + 1, sizeof *p->diagonal);
    if (!p->place || !p->first || !p->column || !p->diagonal)
        return FAIL(ERR_MEMORY, "no memory for EASE over %" PRId32 " items", sets->items);
    return OK;
}

typedef struct {
    int64_t users;
    int32_t item;
} Held;

static int most_users_first(const void *a, const void *b)
{
    const Held *x = a, *y = b;
    if (x->users != y->users) return x->users > y->users ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Takes the place of all items but the `most` with the most users. */
static Status keep_most(Pairing *p, const Sets *sets, int32_t most)
{
    Held *held = malloc((size_t)p->count * sizeof *held + 1);
    if (!held) return FAIL(ERR_MEMORY, "no memory for EASE over %" PRId32 " items", p->count);
    for (int32_t x = 0, k = 0; x < sets->items; x++)
        if (p->place[x] >= 0) held[k++] = (Held){sets_holders(sets, x), x};
    qsort(held, (size_t)p->count, sizeof *held, most_users_first);
    for (int32_t k = most; k < p->count; k++) p->place[held[k].item] = -1;
    free(held);
    return OK;
}

/* Gives the items that have a place their columns, in ascending order, and lists the rows. */
static void number(Pairing *p, const Sets *sets)
{
    int64_t at = 0;
    p->count = p->users = 0;
    for (int32_t x = 0; x < sets->items; x++)
        if (p->place[x] >= 0) p->place[x] = p->count++;
    for (int32_t u = 0; u < sets->users; u++) {
        p->first[p->users] = at;
        for (int64_t i = sets->first[u]; i < sets->first[u + 1]; i++)
            if (p->place[sets->item[i]] >= 0) p->column[at++] = p->place[sets->item[i]];
        if (at - p->first[p->users] == 1) p->diagonal[p->column[--at]] += 1.0;
        if (at > p->first[p->users]) p->users++;
    }
    p->first[p->users] = at;
}

static Status pairing_read(Pairing *p, const Sets *sets, int32_t most)
{
    *p = (Pairing){0};
    TRY(pairing_allocate(p, sets));
    for (int32_t x = 0; x < sets->items; x++) p->place[x] = -1;
    for (int32_t u = 0; u < sets->users; u++)
        for (int64_t i = sets->first[u]; i < sets->first[u + 1]; i++)
            if (sets->first[u + 1] - sets->first[u] > 1) p->place[sets->item[i]] = 0;
    for (int32_t x = 0; x < sets->items; x++) p->count += p->place[x] >= 0;
    if (most > 0 && p->count > most) TRY(keep_most(p, sets, most));
    number(p, sets);
    return OK;
}

static Gram gram_of(const Pairing *p)
{
    return (Gram){p->users, p->count, p->first, p->column, p->diagonal};
}

Status ease_size(const Sets *sets, int threads, int32_t *count, int64_t *bytes)
{
    Pairing p;
    const Status st = pairing_read(&p, sets, 0);
    if (st == OK) {
        const Gram g = gram_of(&p);
        *count = p.count;
        *bytes = (int64_t)p.count * p.count * (int64_t)sizeof(float) + gram_scratch(&g, threads);
    }
    pairing_close(&p);
    return st;
}

/* ---- Fitting --------------------------------------------------------------------------------- */

static Status allocate(Ease *e)
{
    const size_t pairs = (size_t)e->count * (size_t)e->count;
    e->item = malloc((size_t)e->count * sizeof *e->item + 1);
    e->inverse = malloc(pairs * sizeof *e->inverse + 1);
    e->scale = malloc((size_t)e->count * sizeof *e->scale + 1);
    if (!e->item || !e->inverse || !e->scale)
        return FAIL(ERR_MEMORY, "no memory for EASE over %" PRId32 " items", e->count);
    return OK;
}

Status ease_fit(Ease *e, const Sets *sets, const Popularity *popularity, double lambda,
                int32_t most, int threads)
{
    Pairing p;
    Status st;
    *e = (Ease){.popularity = popularity};
    TRY_OR_FAIL(st, pairing_read(&p, sets, most));
    e->count = p.count;
    TRY_OR_FAIL(st, allocate(e));
    e->place = p.place, p.place = NULL;
    for (int32_t x = 0; x < sets->items; x++)
        if (e->place[x] >= 0) e->item[e->place[x]] = x;
    for (int32_t k = 0; k < e->count; k++) p.diagonal[k] += lambda;
    const Gram g = gram_of(&p);
    TRY_OR_FAIL(st, gram_invert(e->inverse, e->scale, &g, threads));
    for (int32_t k = 0; k < e->count; k++) {
        e->scale[k] = -1.0 / e->scale[k];
        e->inverse[(int64_t)k * e->count + k] = 0.0f;
    }
fail:
    pairing_close(&p);
    if (st != OK) ease_close(e);
    return st;
}

void ease_close(Ease *e)
{
    free(e->item);
    free(e->place);
    free(e->inverse);
    free(e->scale);
    *e = (Ease){0};
}

/* The sums of the rows of P, by place. */
static void add_row(double *sum, const float *row, int32_t count)
{
    for (int32_t k = 0; k < count; k++) sum[k] += (double)row[k];
}

static void *sums_open(const Bar *self)
{
    const Ease *e = self->state;
    return malloc((size_t)e->count * sizeof(double) + 1);
}

static void score(const Bar *self, BarScratch *s, const BarHistory *h)
{
    const Ease *e = self->state;
    double *sum = s->own;
    const int32_t count = bar_recent(s, h, h->length);
    for (int32_t k = 0; k < e->count; k++) sum[k] = 0.0;
    for (int32_t k = 0; k < count; k++) {
        const int32_t place = e->place[s->recent[k]];
        if (place >= 0) add_row(sum, e->inverse + (int64_t)place * e->count, e->count);
    }
    for (int32_t k = 0; k < e->count; k++) s->score[e->item[k]] = sum[k] * e->scale[k];
}

Bar ease_bar(const Ease *e)
{
    return (Bar){.name = "EASE",
                 .popularity = e->popularity,
                 .dense = true,
                 .tie = 0x1p-20,
                 .state = e,
                 .score = score,
                 .scratch_open = sums_open,
                 .scratch_close = free};
}

#include "data/behaviour/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROWS = 1 << 16 };

const double summary_quantile[QUANTILES] = {0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0};

typedef struct {
    int32_t item[ROWS];
    uint8_t action[ROWS], end[ROWS];
    int64_t time[ROWS];
    float reward[ROWS];
} Rows;

static Status read_rows(const Behaviour *b, int64_t first, int64_t count, Rows *r)
{
    TRY(columns_read(b, COLUMN_ITEM, first, count, r->item));
    TRY(columns_read(b, COLUMN_ACTION, first, count, r->action));
    TRY(columns_read(b, COLUMN_END, first, count, r->end));
    TRY(columns_read(b, COLUMN_TIME, first, count, r->time));
    return columns_read(b, COLUMN_REWARD, first, count, r->reward);
}

static Status read_events(Summary *s, const Behaviour *b, int64_t *events_of)
{
    Rows *r = malloc(sizeof *r);
    Status st = r ? OK : FAIL(ERR_MEMORY, "%s: no memory to read it", b->path);
    s->first_ms = INT64_MAX;
    s->last_ms = INT64_MIN;
    int64_t user = 0;
    int32_t before = -1; /* item of the event before, of the same user */
    for (int64_t first = 0; first < b->events && st == OK; first += ROWS) {
        const int64_t count = b->events - first < ROWS ? b->events - first : ROWS;
        st = read_rows(b, first, count, r);
        for (int64_t i = 0; i < count && st == OK; i++) {
            for (; b->offset[user + 1] <= first + i; user++) before = -1;
            s->action_events[r->action[i]]++;
            s->action_reward[r->action[i]] += (double)r->reward[i];
            s->terminal += r->end[i] == END_TERMINAL;
            s->truncated += r->end[i] == END_TRUNCATED;
            s->repeats += r->item[i] == before;
            before = r->item[i];
            events_of[r->item[i]]++;
            if (r->time[i] < s->first_ms) s->first_ms = r->time[i];
            if (r->time[i] > s->last_ms) s->last_ms = r->time[i];
        }
    }
    for (int a = 0; a < b->actions; a++) s->reward += s->action_reward[a];
    free(r);
    return st;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static Status measure_histories(Summary *s, const Behaviour *b)
{
    int64_t *length = malloc((size_t)b->users * sizeof *length + 1);
    if (!length)
        return FAIL(ERR_MEMORY, "%s: no memory for %lld users", b->path, (long long)b->users);
    for (int64_t u = 0; u < b->users; u++) {
        length[u] = b->offset[u + 1] - b->offset[u];
        for (int k = 0; k < SPLITS; k++) {
            const int64_t events = b->split[k][u][1] - b->split[k][u][0];
            s->split_events[k] += events;
            s->split_users[k] += events > 0;
        }
        if (length[u] == 0) continue;
        const int bin = 63 - __builtin_clzll((unsigned long long)length[u]);
        if (bin < LENGTH_BINS) s->bin[bin]++;
        if (bin < LENGTH_BINS && bin >= s->bins) s->bins = bin + 1;
    }
    qsort(length, (size_t)b->users, sizeof *length, ascending);
    for (int q = 0; q < QUANTILES && b->users > 0; q++)
        s->length[q] = length[(int64_t)(summary_quantile[q] * (double)(b->users - 1) + 0.5)];
    free(length);
    return OK;
}

typedef struct {
    int64_t events;
    int32_t item;
} ItemCount;

static int most_first(const void *a, const void *b)
{
    const ItemCount *x = a, *y = b;
    if (x->events != y->events) return x->events > y->events ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static Status rank_items(Summary *s, const Behaviour *b, const int64_t *events_of, int tops)
{
    static const int share[3] = {1, 10, 50};
    s->tops = tops < b->items ? tops : (int)b->items;
    ItemCount *rank = malloc((size_t)b->items * sizeof *rank);
    s->top = malloc((size_t)s->tops * sizeof *s->top + 1);
    s->top_events = malloc((size_t)s->tops * sizeof *s->top_events + 1);
    if (!rank || !s->top || !s->top_events) {
        free(rank);
        return FAIL(ERR_MEMORY, "%s: no memory for %lld items", b->path, (long long)b->items);
    }
    for (int32_t i = 0; i < b->items; i++) {
        rank[i] = (ItemCount){events_of[i], i};
        s->items_seen += events_of[i] > 0;
    }
    qsort(rank, (size_t)b->items, sizeof *rank, most_first);
    for (int i = 0; i < s->tops; i++) {
        s->top[i] = rank[i].item;
        s->top_events[i] = rank[i].events;
    }
    for (int k = 0; k < 3; k++) {
        int64_t events = 0;
        for (int64_t i = 0; i < (b->items * share[k] + 99) / 100; i++) events += rank[i].events;
        s->top_share[k] = (double)events / (double)b->events;
    }
    free(rank);
    return OK;
}

Status summary_read(Summary *s, const Behaviour *b, int tops)
{
    struct stat info;
    *s = (Summary){0};
    if (stat(b->path, &info) != 0) return FAIL(ERR_IO, "%s: %s", b->path, strerror(errno));
    s->file_bytes = info.st_size;
    int64_t *events_of = calloc((size_t)b->items, sizeof *events_of);
    Status st =
        events_of ? OK
                  : FAIL(ERR_MEMORY, "%s: no memory for %lld items", b->path, (long long)b->items);
    if (st == OK) st = read_events(s, b, events_of);
    if (st == OK) st = measure_histories(s, b);
    if (st == OK) st = rank_items(s, b, events_of, tops);
    free(events_of);
    if (st != OK) summary_close(s);
    return st;
}

void summary_close(Summary *s)
{
    free(s->top);
    free(s->top_events);
    *s = (Summary){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/batcher.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "infer/filter.h"
#include "serve/explain.h"
#include "serve/similar.h"

/* ---- Exploration ----------------------------------------------------------------------------- */

static double uniform(void)
{
    uint64_t bits;
    randombytes_buf(&bits, sizeof bits);
    return (double)(bits >> 11) * 0x1p-53;
}

/* Leave the marks of the items alone whose row in the category is wanted. */
static Status mark_category(const Ask *ask, uint8_t *mark)
{
    const souk_recommend_options *o = &ask->options;
    const Behaviour *catalogue = ask->served->model->session->file;
    int kind;
    if (!o->category) return OK;
    TRY(filter_kind(catalogue, o->category, &kind));
    for (int32_t x = 0; x < catalogue->items; x++) {
        const int32_t row = filter_row(catalogue, kind, x);
        bool wanted = false;
        for (int64_t i = 0; i < o->category_rows; i++) wanted = wanted || o->category_row[i] == row;
        if (!wanted) mark[x] = 0;
    }
    return OK;
}

/* The items that the request allows, into `item` [items]; *count is how many. */
static Status candidates(const Ask *ask, int32_t *item, uint8_t *mark, int64_t *count)
{
    const souk_model *model = ask->served->model;
    const souk_recommend_options *o = &ask->options;
    const int64_t items = souk_model_items(model);
    *count = 0;
    memset(mark, o->allow ? 0 : 1, (size_t)items);
    for (int64_t i = 0; i < o->allow_count; i++) mark[o->allow[i]] = 1;
    for (int64_t i = 0; i < o->block_count; i++) mark[o->block[i]] = 0;
    for (int64_t i = 0; i < ask->history.count && !o->include_seen; i++) {
        const int32_t seen = souk_model_find_item(model, ask->history.item_key[i]);
        if (seen >= 0) mark[seen] = 0;
    }
    TRY(mark_category(ask, mark));
    for (int32_t x = 0; x < items; x++)
        if (mark[x] && !souk_model_retired(model, x)) item[(*count)++] = x;
    return OK;
}

/* The place in the list that `item` vacates when it is put first: its own; that of the last item of
 * its category, where the cap allows no more; else the end, and where the list is full its last
 * item. */
static Status place_of(const Ask *ask, int32_t item, int64_t *place)
{
    const souk_recommend_options *o = &ask->options;
    const Behaviour *catalogue = ask->served->model->session->file;
    int64_t same = 0, last = 0;
    int kind = 0;
    for (*place = 0; *place < ask->found; ++*place)
        if (ask->best[*place].item == item) return OK;
    if (o->cap_category) TRY(filter_kind(catalogue, o->cap_category, &kind));
    for (int64_t i = 0; i < ask->found && o->cap_category; i++)
        if (filter_row(catalogue, kind, ask->best[i].item) == filter_row(catalogue, kind, item))
            last = i, same++;
    if (o->cap_category && same >= o->cap)
        *place = last;
    else if (ask->found == o->k)
        *place = ask->found - 1;
    return OK;
}

/* Puts `item` first; the others move down, up to the place that it vacates. */
static Status put_first(Ask *ask, int32_t item)
{
    souk_recommendation chosen;
    souk_error error;
    int64_t at;
    if (souk_score(ask->served->model, &ask->history, 1, &item, 1, &chosen, &error))
        return FAIL(ERR_USAGE, "%s", error.message);
    TRY(place_of(ask, item, &at));
    if (at == ask->found) ask->found++;
    memmove(ask->best + 1, ask->best, (size_t)at * sizeof *ask->best);
    ask->best[0] = chosen;
    return OK;
}

/* Draws among item [count]. The first item of the list is the best of them. */
static Status draw(Ask *ask, double epsilon, const int32_t *item, int64_t count)
{
    const int32_t best = ask->best[0].item;
    if (uniform() < epsilon)
        TRY(put_first(ask, item[(int64_t)(uniform() * (double)count) % count]));
    ask->propensity = epsilon / (double)count + (ask->best[0].item == best ? 1.0 - epsilon : 0.0);
    return OK;
}

static Status explore(Ask *ask, double epsilon)
{
    const int64_t items = souk_model_items(ask->served->model);
    int32_t *item = malloc((size_t)items * sizeof *item);
    uint8_t *mark = malloc((size_t)items);
    Status st = item && mark ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", items);
    if (st == OK && ask->found > 0) {
        int64_t count;
        st = candidates(ask, item, mark, &count);
        if (st == OK && count > 0) st = draw(ask, epsilon, item, count);
    }
    free(item);
    free(mark);
    return st;
}

/* ---- A batch --------------------------------------------------------------------------------- */

/* Requests that one call of souk_recommend() answers. */
typedef struct {
    Ask **ask; /* [count] */
    souk_history *history;
    souk_recommendation *best; /* [count, k] */
    int64_t *found, count;
} Group;

/* Two texts, or none twice. */
static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static bool same_categories(const souk_recommend_options *x, const souk_recommend_options *y)
{
    const size_t bytes = (size_t)x->category_rows * sizeof *x->category_row;
    return same_text(x->category, y->category) && same_text(x->cap_category, y->cap_category) &&
           x->cap == y->cap && x->category_rows == y->category_rows &&
           (bytes == 0 || !memcmp(x->category_row, y->category_row, bytes));
}

static bool belongs(const Ask *a, const Ask *b)
{
    const souk_recommend_options *x = &a->options, *y = &b->options;
    return a->served == b->served && x->k == y->k && x->include_seen == y->include_seen &&
           !x->allow && !y->allow && !x->block && !y->block && same_categories(x, y);
}

static void answer_one(Ask *ask)
{
    souk_error error;
    if (souk_recommend(ask->served->model, &ask->history, 1, &ask->options, ask->best, &ask->found,
                       &error))
        asks_fail(ask, error.status, error.message);
}

/* Where the call fails, because of one history or for another reason, each request is asked alone
 * and has its own error. */
static void answer(Group *g)
{
    const Ask *first = g->ask[0];
    const int64_t k = first->options.k;
    const bool done = g->count > 1 && !souk_recommend(first->served->model, g->history, g->count,
                                                      &first->options, g->best, g->found, NULL);
    for (int64_t i = 0; i < g->count; i++) {
        if (!done) {
            answer_one(g->ask[i]);
            continue;
        }
        memcpy(g->ask[i]->best, g->best + i * k, (size_t)k * sizeof *g->best);
        g->ask[i]->found = g->found[i];
    }
}

static Status group_open(Group *g, int64_t asks, int64_t k)
{
    *g = (Group){.ask = calloc((size_t)asks, sizeof *g->ask),
                 .history = calloc((size_t)asks, sizeof *g->history),
                 .best = calloc((size_t)(asks * k), sizeof *g->best),
                 .found = calloc((size_t)asks, sizeof *g->found)};
    return g->ask && g->history && g->best && g->found
               ? OK
               : FAIL(ERR_MEMORY, "no memory for a batch of %" PRId64 " histories", asks);
}

static void group_close(Group *g)
{
    free(g->ask);
    free(g->history);
    free(g->best);
    free(g->found);
}

/* Answers the request `first` of ask [count] and all behind it that belong to it; those become NULL
 * in the list. */
static void answer_group(Batcher *b, Ask **ask, int64_t first, int64_t count)
{
    Group g;
    if (group_open(&g, count - first, ask[first]->options.k) != OK) {
        asks_fail_recorded(ask[first], ERR_MEMORY);
        ask[first] = NULL;
        group_close(&g);
        return;
    }
    for (int64_t i = first; i < count; i++) {
        if (!ask[i] || (g.count > 0 && !belongs(g.ask[0], ask[i]))) continue;
        g.history[g.count] = ask[i]->history;
        g.ask[g.count++] = ask[i];
        ask[i] = NULL;
    }
    answer(&g);
    for (int64_t i = 0; i < g.count && b->epsilon > 0.0; i++) {
        const Status st = g.ask[i]->status == SOUK_OK ? explore(g.ask[i], b->epsilon) : OK;
        if (st != OK) asks_fail_recorded(g.ask[i], st);
    }
    metrics_batch(b->metrics, g.count);
    group_close(&g);
}

static void answer_lists(Batcher *b, Waiting *first, int64_t asks)
{
    Ask **ask = calloc((size_t)asks + 1, sizeof *ask);
    int64_t count = 0;
    for (Waiting *w = first; w; w = w->next)
        for (int64_t i = 0; i < w->asks.count; i++) {
            if (!ask) asks_fail(&w->asks.ask[i], SOUK_ERROR_MEMORY, "no memory for a batch");
            if (ask && w->asks.ask[i].status == SOUK_OK) ask[count++] = &w->asks.ask[i];
        }
    for (int64_t i = 0; i < count; i++)
        if (ask[i]) answer_group(b, ask, i, count);
    free(ask);
}

static void answer_single(Asks *asks)
{
    Ask *ask = &asks->ask[0];
    if (ask->status != SOUK_OK) return;
    if (asks->kind == ASK_EXPLAIN)
        serve_explain(ask);
    else
        serve_similar(ask);
}

static void answer_batch(Batcher *b, Waiting *first, int64_t asks)
{
    if (first->asks.kind == ASK_RECOMMEND)
        answer_lists(b, first, asks);
    else
        answer_single(&first->asks);
    for (Waiting *w = first, *next; w; w = next) {
        next = w->next; /* done() may free w */
        w->done(w);
    }
}

/* ---- The queue ------------------------------------------------------------------------------- */

static void queue_open(WaitingQueue *q) { *q = (WaitingQueue){NULL, &q->first}; }

static void queue_add(WaitingQueue *q, Waiting *w)
{
    w->next = NULL;
    *q->last = w;
    q->last = &w->next;
}

/* Takes the first bodies of a queue, as many as `most` histories allow and at least one. */
static Waiting *take(WaitingQueue *q, int64_t most, int64_t *asks)
{
    Waiting *first = q->first, *last = first;
    *asks = first->asks.count;
    while (last->next && *asks + last->next->asks.count <= most) {
        last = last->next;
        *asks += last->asks.count;
    }
    q->first = last->next;
    if (!q->first) q->last = &q->first;
    last->next = NULL;
    return first;
}

/* The next batch; NULL: nothing waits. */
static Waiting *take_next(Batcher *b, int64_t *asks)
{
    const bool single = b->single.first && (b->turn || !b->lists.first);
    if (!b->single.first && !b->lists.first) return NULL;
    b->turn = !single;
    return single ? take(&b->single, 1, asks) : take(&b->lists, b->most, asks);
}

static void *work(void *context)
{
    Batcher *b = context;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        int64_t asks;
        Waiting *batch;
        while (!(batch = take_next(b, &asks)) && !b->stopping)
            pthread_cond_wait(&b->changed, &b->lock);
        if (!batch) break;
        pthread_mutex_unlock(&b->lock);
        answer_batch(b, batch, asks);
        pthread_mutex_lock(&b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

Status batcher_start(Batcher *b, int64_t most, double epsilon, Metrics *metrics)
{
    *b = (Batcher){.most = most, .epsilon = epsilon, .metrics = metrics};
    queue_open(&b->lists);
    queue_open(&b->single);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    return pthread_create(&b->thread, NULL, work, b) == 0
               ? OK
               : FAIL(ERR_IO, "the system gives no thread for the batches");
}

void batcher_add(Batcher *b, Waiting *w)
{
    pthread_mutex_lock(&b->lock);
    queue_add(w->asks.kind == ASK_RECOMMEND ? &b->lists : &b->single, w);
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

void batcher_stop(Batcher *b)
{
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
}

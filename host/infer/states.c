/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/states.h"

#include "base/progress.h"
#include "model/scores.h"

/* Events of items that the model does not have count by their actions and times. */
static void forget_unknown(const Model *m, Batch *b)
{
    if (!m->unknown) return;
    const int64_t own = b->own_offset[b->windows];
    for (int64_t i = 0; i < b->used; i++)
        if (b->item[i] >= 0 && m->unknown[b->item[i]]) b->item[i] = -1;
    for (int64_t i = 0; i < own; i++)
        if (b->own[i].item >= 0 && m->unknown[b->own[i].item]) b->own[i].item = -1;
}

/* The states of the rows memory.row [wanted] of the batch that memory.batch holds, to `sink`. */
static Status use_batch(Session *s, int64_t wanted, StateSink sink)
{
    SessionMemory *m = &s->memory;
    const size_t mark = scratch_mark(s->dev);
    forget_unknown(s->model, &m->batch);
    model_input_set(&m->input, s->model, &m->batch, s->file);
    Tensor all = encoder_forward(s->dev, s->encoder, s->model, session_weights(s), &m->input,
                                 (DropoutKey){0});
    StateRows rows =
        state_rows(s->dev, s->model, &m->input, all, scratch_copy(s->dev, m->row, I32, wanted),
                   scores_rows(s->dev, all, m->row, wanted));
    rows.calibrated = true;
    Status st = sink.use(sink.context, &(StateBatch){rows, wanted, m->index});
    if (st == OK) st = device_sync(s->dev);
    scratch_release(s->dev, mark);
    scratch_settle(s->dev);
    return st;
}

Status states_in_parts(Session *s, const StateBatch *batch, int64_t most, StateSink sink)
{
    Status st = OK;
    for (int64_t done = 0; done < batch->count && st == OK;) {
        const int64_t left = batch->count - done, count = left < most ? left : most;
        const size_t mark = scratch_mark(s->dev);
        const StateBatch part = {state_rows_part(&batch->rows, done, count), count,
                                 batch->index + done};
        st = sink.use(sink.context, &part);
        if (most < batch->count && st == OK) st = device_sync(s->dev);
        scratch_release(s->dev, mark);
        done += count;
    }
    return st;
}

/* ---- Before logged events -------------------------------------------------------------------- */

/* The windows of the open batch: memory.window [windows], together of `tokens` and `own` own
 * events; and how many states they give. */
typedef struct {
    Session *session;
    const LogEvents *events;
    StateSink sink;
    int64_t windows, tokens, own, wanted, done;
    Progress bar;
} Walk;

static Status flush(Walk *w)
{
    Session *s = w->session;
    if (w->wanted == 0) return OK;
    TRY(session_reserve(s, w->tokens, w->own));
    TRY(batch_fill(&s->memory.batch, s->file, s->memory.window, w->windows));
    TRY(use_batch(s, w->wanted, w->sink));
    w->done += w->wanted;
    w->windows = w->tokens = w->own = w->wanted = 0;
    return progress_update(&w->bar, w->done, NULL);
}

/* The end of the context of event number i of the request: the first event of its time. */
static int64_t known(const Walk *w, int64_t i)
{
    return schema_first_of_time(w->session->file->tie, w->events->event[i]);
}

/* Adds the rows first .. end-1 of a user, for the states before the events number from .. to-1 of
 * the request. The state is the encoder's output at the last row of the context. */
static Status add_window(Walk *w, int64_t user, int64_t first, int64_t end, int64_t from,
                         int64_t to)
{
    const Session *s = w->session;
    const SessionMemory *m = &s->memory;
    const int64_t own = batch_counted(s->file, s->model->counted, user);
    if (w->tokens + (end - first) > s->tokens || w->wanted + (to - from) > s->tokens ||
        w->own + own > s->own)
        TRY(flush(w));
    m->window[w->windows++] = (Window){.user = user, .first = first, .end = end};
    for (int64_t i = from; i < to; i++) {
        m->row[w->wanted] = (int32_t)(w->tokens + (known(w, i) - 1 - first));
        m->index[w->wanted++] = i;
    }
    w->tokens += end - first;
    w->own += own;
    return OK;
}

/* Contexts that begin with the same event share a window: all of a history that is not longer than
 * `length`. A batch gives at most as many states as it has capacity for tokens; many events of one
 * time may want more. */
static Status add_user(Walk *w, int64_t u)
{
    const LogEvents *e = w->events;
    const int64_t user = e->user[u], start = w->session->file->offset[user];
    const int64_t length = w->session->length;
    int64_t from = e->first[u];
    while (from < e->first[u + 1] && known(w, from) == start) from++;
    for (int64_t to; from < e->first[u + 1]; from = to) {
        const int64_t first = context_first(length, start, known(w, from));
        for (to = from + 1; to < e->first[u + 1] && to - from < w->session->tokens; to++)
            if (context_first(length, start, known(w, to)) != first) break;
        TRY(add_window(w, user, first, known(w, to - 1), from, to));
    }
    return OK;
}

Status states_before(Session *s, const LogEvents *events, const char *label, Listener *listener,
                     StateSink sink)
{
    Walk w = {.session = s, .events = events, .sink = sink};
    Status st = OK;
    session_lock(s);
    progress_begin(&w.bar, label, events->first[events->users], listener);
    for (int64_t u = 0; u < events->users && st == OK; u++) st = add_user(&w, u);
    if (st == OK) st = flush(&w);
    if (st == OK) progress_end(&w.bar, NULL);
    session_unlock(s);
    return st;
}

/* ---- After histories ------------------------------------------------------------------------- */

static int64_t first_event(const Session *s, const History *h)
{
    return context_first(s->length, 0, h->count);
}

/* Histories number from .. to-1, which together have `tokens` events in their contexts and `own`
 * own events. */
static Status use_histories(Session *s, const History *history, int64_t from, int64_t to,
                            int64_t tokens, int64_t own, StateSink sink)
{
    SessionMemory *m = &s->memory;
    TRY(session_reserve(s, tokens, own));
    batch_begin(&m->batch);
    for (int64_t i = from; i < to; i++) {
        const History *h = &history[i];
        TRY(history_add_to_batch(h, s->file, first_event(s, h), &m->batch));
        m->row[i - from] = (int32_t)m->batch.used - 1;
        m->index[i - from] = i;
    }
    batch_end(&m->batch);
    return use_batch(s, to - from, sink);
}

static Status after_all(Session *s, const History *history, int64_t count, StateSink sink)
{
    for (int64_t i = 0; i < count; i++) TRY(history_check(&history[i], s->file, i));
    for (int64_t from = 0, to = 0; from < count; from = to) {
        int64_t tokens = 0, own = 0;
        for (; to < count; to++) {
            const int64_t more = history[to].count - first_event(s, &history[to]);
            const int64_t more_own = history_counted(&history[to], s);
            if (tokens + more > s->tokens || (to > from && own + more_own > s->own)) break;
            tokens += more;
            own += more_own;
        }
        TRY(use_histories(s, history, from, to, tokens, own, sink));
    }
    return OK;
}

Status states_after(Session *s, const History *history, int64_t count, StateSink sink)
{
    session_lock(s);
    const Status st = after_all(s, history, count, sink);
    session_unlock(s);
    return st;
}

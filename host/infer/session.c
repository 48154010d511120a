/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/report.h"
#include "model/saved.h"

enum { BATCH_TOKENS = 4096, CAPACITY_MIN = 64 };

/* ---- Opening --------------------------------------------------------------------------------- */

static Status open_lock(Session *s)
{
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0) return FAIL(ERR_MEMORY, "no memory for a lock");
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    const int failed = pthread_mutex_init(&s->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return failed ? FAIL(ERR_MEMORY, "no memory for a lock") : OK;
}

static Status open_parts(Session *s, const SessionOptions *o)
{
    Config config;
    if (!s->dev) {
        TRY(device_open(&s->own_dev, o->device, o->threads));
        s->dev = &s->own_dev;
    }
    if (!s->file) {
        TRY(o->data ? behaviour_open(&s->own_file, o->data)
                    : saved_open_catalogue(&s->own_file, o->checkpoint));
        s->file = &s->own_file;
    }
    if (!s->model) {
        TRY(saved_open(&s->own_model, &config, s->file, s->dev, o->checkpoint));
        s->model = &s->own_model;
        s->length = config.model_length;
    }
    return OK;
}

ActingRule session_acting(const Session *s) { return s->acts ? s->acting : s->model->acting; }

Status session_act_by(Session *s, const ActingRule *rule)
{
    TRY(acting_check(rule, s->model->shape.items));
    s->acting = *rule;
    s->acts = true;
    return OK;
}

static Status open_acting(Session *s, const ActingChoice *c)
{
    ActingRule rule = s->model->acting;
    if (!c) return acting_check(&rule, s->model->shape.items);
    TRY(acting_read(&rule, c->rule, &rule, s->model->shape.head_set, "--acting"));
    if (c->exclude_last >= 0) rule.exclude_last = c->exclude_last;
    return session_act_by(s, &rule);
}

static Status open_memory(Session *s, const SessionOptions *o)
{
    SessionMemory *m = &s->memory;
    const int64_t tokens = o->tokens ? o->tokens : BATCH_TOKENS;
    s->encoder = o->encoder ? o->encoder : &m->own;
    s->tokens = o->encoder ? o->encoder->tokens : tokens > s->length ? tokens : s->length;
    REQUIRE(s->length >= 1 && s->length <= s->tokens,
            "windows of %" PRId64 " events in batches of %" PRId64 " tokens", s->length, s->tokens);
    s->own = batch_own_capacity(s->file, s->model->counted, s->tokens);
    m->window = calloc((size_t)s->tokens, sizeof *m->window);
    m->row = calloc((size_t)s->tokens, sizeof *m->row);
    m->index = calloc((size_t)s->tokens, sizeof *m->index);
    return m->window && m->row && m->index ? OK : FAIL(ERR_MEMORY, "no memory for a session");
}

Status session_open(Session **session, const SessionOptions *o)
{
    Status st;
    REQUIRE((o->model || o->checkpoint) && (o->file || o->data || o->checkpoint) &&
                (o->dev || o->device),
            "a session wants a model, a behaviour file and a device");
    Session *s = *session = calloc(1, sizeof *s);
    if (!s) return FAIL(ERR_MEMORY, "no memory for a session");
    if (open_lock(s) != OK) {
        free(s);
        *session = NULL;
        return ERR_MEMORY;
    }
    s->model = o->model;
    s->length = o->length;
    s->file = o->file;
    s->dev = o->dev;
    TRY_OR_FAIL(st, open_parts(s, o));
    TRY_OR_FAIL(st, open_acting(s, o->acting));
    TRY_OR_FAIL(st, open_memory(s, o));
    return OK;
fail:
    session_close(s);
    *session = NULL;
    return st;
}

static void close_batches(SessionMemory *m)
{
    batch_close(&m->batch);
    model_input_close(&m->input);
    encoder_close(&m->own);
    m->capacity = m->own_capacity = 0;
}

void session_close(Session *s)
{
    if (!s) return;
    close_batches(&s->memory);
    free(s->memory.window);
    free(s->memory.row);
    free(s->memory.index);
    free(s->memory.item);
    exclude_close(&s->memory.exclude);
    exclude_close(&s->memory.proposed);
    model_close(&s->own_model);
    behaviour_close(&s->own_file);
    device_close(&s->own_dev);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- Using ----------------------------------------------------------------------------------- */

Weights session_weights(const Session *s) { return params_weights(&s->model->params, PARAM_VALUE); }

void session_warn(const Session *s, Listener *listener)
{
    char stray[REPORT_LINE_MAX];
    if (s->model->retired.strays)
        listener_warn(
            listener, "retired.txt: %" PRId64 " keys are of no item that %s has, the first \"%s\"",
            s->model->retired.strays, s->file->path, report_line(stray, s->model->retired.stray));
    if (s->model->unknowns == 0) return;
    listener_warn(listener,
                  "%s: the model does not have %" PRId64 " of the %" PRId64 " items: it never "
                  "chooses them, and events of them count by their actions and times",
                  s->file->path, s->model->unknowns, s->model->shape.items);
}

void session_lock(Session *s) { pthread_mutex_lock(&s->lock); }

void session_unlock(Session *s) { pthread_mutex_unlock(&s->lock); }

static Status open_batches(Session *s, int64_t tokens, int64_t own)
{
    SessionMemory *m = &s->memory;
    TRY(batch_open(&m->batch, s->file, tokens, s->model->counted, own));
    TRY(model_input_open(&m->input, s->model, tokens, own, s->dev));
    if (s->encoder == &m->own) TRY(encoder_open(&m->own, s->model, tokens, false, s->dev));
    m->capacity = tokens;
    m->own_capacity = own;
    return OK;
}

/* The next capacity from `have` on that holds `need`, by doubling. */
static int64_t grown(int64_t have, int64_t need)
{
    if (need <= have) return have;
    int64_t capacity = have > CAPACITY_MIN ? have : CAPACITY_MIN;
    while (capacity < need) capacity *= 2;
    return capacity;
}

Status session_reserve(Session *s, int64_t tokens, int64_t own)
{
    const SessionMemory *m = &s->memory;
    REQUIRE(tokens <= s->tokens, "a batch of %" PRId64 " tokens, want at most %" PRId64, tokens,
            s->tokens);
    if (tokens <= m->capacity && own <= m->own_capacity) return OK;
    const int64_t capacity = grown(m->capacity, tokens), own_capacity = grown(m->own_capacity, own);
    close_batches(&s->memory);
    const Status st = open_batches(s, capacity < s->tokens ? capacity : s->tokens, own_capacity);
    if (st != OK) close_batches(&s->memory);
    return st;
}

Status session_reserve_items(Session *s, int64_t items)
{
    SessionMemory *m = &s->memory;
    if (items <= m->items) return OK;
    const int64_t capacity = items > 2 * m->items ? items : 2 * m->items;
    int32_t *more = realloc(m->item, (size_t)capacity * sizeof *more);
    if (!more) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", items);
    m->item = more;
    m->items = capacity;
    return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recommend/batch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/progress.h"
#include "base/report.h"
#include "cli/recommend/history.h"
#include "cli/recommend/lines.h"
#include "cli/recommend/why.h"
#include "data/behaviour/keys.h"

/* Histories of a batch, where their lists are not long. */
enum { BATCH_ROWS = 1024, BATCH_ITEMS = 1 << 20 };

typedef struct {
    const RecommendBatch *batch;
    Session *session;
    RecommendOutput *out;
    RecommendLines lines;     /* of a file of histories or users */
    RecommendHistories given; /* those of a file of histories */
    int64_t user;             /* the next one, of all users */
    int64_t without;          /* users without events */
    int64_t rows, done, most; /* of the batch; written; the most of a batch */
    History *history;         /* [most] */
    json_t **id;              /* [most] */
    Recommendation *list;     /* [most, k] */
    int64_t *found;           /* [most] */
    Progress bar;
} Run;

/* ---- Reading --------------------------------------------------------------------------------- */

static Status add_user(Run *r, int64_t user)
{
    const char *key;
    const History h = history_of_user(r->session->file, user);
    if (h.count == 0) return r->without++, OK;
    TRY(behaviour_keys_user(r->session->file, user, &key));
    r->id[r->rows] = report_string(key);
    r->history[r->rows++] = h;
    return OK;
}

/* Each of these adds a history to the batch. *more is false where there is none left. */
static Status next_user(Run *r, bool *more)
{
    *more = r->user < r->session->file->users;
    return *more ? add_user(r, r->user++) : OK;
}

static Status next_key(Run *r, bool *more)
{
    Behaviour *file = r->session->file;
    char *key;
    int64_t user;
    TRY(recommend_lines_next(&r->lines, &key));
    *more = key;
    if (!key) return OK;
    TRY(behaviour_keys_find_user(file, key, &user));
    if (user >= 0) return add_user(r, user);
    return FAIL(ERR_USAGE, "%s, line %" PRId64 ": %s has no user \"%s\"", r->lines.path,
                r->lines.number, file->path, key);
}

static Status next_history(Run *r, bool *more)
{
    char *line, where[4096 + 32];
    TRY(recommend_lines_next(&r->lines, &line));
    *more = line;
    if (!line) return OK;
    snprintf(where, sizeof where, "%s, line %" PRId64, r->lines.path, r->lines.number);
    TRY(recommend_history_add_json(&r->given, where, line, &r->id[r->rows]));
    if (!r->id[r->rows]) r->id[r->rows] = json_integer((json_int_t)r->lines.number);
    r->rows++;
    return OK;
}

static Status read_batch(Run *r)
{
    bool more = true;
    r->rows = 0;
    recommend_history_clear(&r->given);
    while (more && r->rows < r->most)
        TRY(r->batch->histories ? next_history(r, &more)
            : r->batch->users   ? next_key(r, &more)
                                : next_user(r, &more));
    if (r->batch->histories) /* their columns stay where they are from now on */
        for (int64_t i = 0; i < r->rows; i++) r->history[i] = recommend_history(&r->given, i);
    return OK;
}

/* ---- Answering ------------------------------------------------------------------------------- */

static Status write_list(const Run *r, int64_t i, const Explanation *why)
{
    return recommend_output_add(r->out, r->id[i], r->list + i * r->batch->how.k, r->found[i], why);
}

static Status write_explained(const Run *r, int64_t i)
{
    Explanation why;
    TRY(recommend_why_open(&why, r->session, &r->history[i], r->list + i * r->batch->how.k,
                           r->found[i]));
    const Status st = write_list(r, i, &why);
    explain_close(&why);
    return st;
}

static Status answer_batch(Run *r)
{
    const RecommendBatch *b = r->batch;
    TRY(recommend_items_best(b->items, r->session, r->history, r->rows, b->how, r->list, r->found));
    for (int64_t i = 0; i < r->rows; i++)
        TRY(b->explain ? write_explained(r, i) : write_list(r, i, NULL));
    return OK;
}

static void forget_batch(Run *r)
{
    for (int64_t i = 0; r->id && i < r->most; i++) {
        json_decref(r->id[i]);
        r->id[i] = NULL;
    }
}

static Status run(Run *r)
{
    const RecommendBatch *b = r->batch;
    const bool all = !b->histories && !b->users;
    progress_begin(&r->bar, "recommend", all ? r->session->file->users : 0, b->listener);
    do {
        TRY(read_batch(r));
        TRY(answer_batch(r));
        forget_batch(r);
        r->done += r->rows;
        TRY(progress_update(&r->bar, all ? r->user : r->done, NULL));
    } while (r->rows == r->most);
    r->bar.total = all ? r->user : r->done;
    progress_end(&r->bar, NULL);
    recommend_history_warn(&r->given);
    if (r->without)
        listener_warn(b->listener, "%" PRId64 " users have no events, and so no list", r->without);
    return OK;
}

static Status open(Run *r)
{
    const int64_t k = r->batch->how.k, fit = BATCH_ITEMS / k;
    r->most = fit < 1 ? 1 : fit < BATCH_ROWS ? fit : BATCH_ROWS;
    r->history = calloc((size_t)r->most, sizeof *r->history);
    r->id = calloc((size_t)r->most, sizeof(json_t *));
    r->list = calloc((size_t)(r->most * k), sizeof *r->list);
    r->found = calloc((size_t)r->most, sizeof *r->found);
    if (!r->history || !r->id || !r->list || !r->found)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " lists of %" PRId64 " items", r->most, k);
    if (r->batch->histories) {
        TRY(recommend_history_open(&r->given, r->session->file));
        return recommend_lines_open(&r->lines, r->batch->histories);
    }
    if (!r->batch->users) return OK;
    TRY(behaviour_keys_index_users(r->session->file));
    return recommend_lines_open(&r->lines, r->batch->users);
}

Status recommend_batch_run(const RecommendBatch *b, Session *session, RecommendOutput *out)
{
    Run r = {.batch = b, .session = session, .out = out};
    Status st = open(&r);
    if (st == OK) st = run(&r);
    forget_batch(&r);
    recommend_lines_close(&r.lines);
    recommend_history_close(&r.given);
    free(r.history);
    free(r.id);
    free(r.list);
    free(r.found);
    return st;
}

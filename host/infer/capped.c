/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/capped.h"

#include <inttypes.h>
#include <stdlib.h>

#include "infer/filter.h"

/* The most recommendations that are asked for at once. */
enum { LISTED_MAX = 1 << 20 };

typedef struct {
    Session *session;
    RecommendOptions options; /* k: as many as are asked for */
    Cap cap;
    int64_t k; /* as many as are wanted */
    Recommendation *out;
    int64_t *found;

    int64_t pending;  /* histories whose lists are not done: */
    History *history; /* [pending] */
    int64_t *index;   /* [pending] their numbers in the request */
    int64_t *places;  /* [rows of the category] places that are taken in a list; 0 between lists */
} Request;

static void close_request(Request *r)
{
    free(r->history);
    free(r->index);
    free(r->places);
}

static Status open_request(Request *r, const History *history, int64_t count)
{
    const Behaviour *b = r->session->file;
    r->history = calloc((size_t)count + 1, sizeof *r->history);
    r->index = calloc((size_t)count + 1, sizeof *r->index);
    r->places = calloc((size_t)b->item_features.kind_rows[r->cap.kind], sizeof *r->places);
    if (!r->history || !r->index || !r->places)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " lists", count);
    for (int64_t i = 0; i < count; i++) r->history[i] = history[i], r->index[i] = i;
    r->pending = count;
    return OK;
}

/* Take what has a place of a list of `have` items. Returns how many that are, k at most. */
static int64_t take(Request *r, const Recommendation *list, int64_t have, Recommendation *out)
{
    const Behaviour *b = r->session->file;
    int64_t taken = 0;
    for (int64_t i = 0; i < have && taken < r->k; i++) {
        int64_t *places = &r->places[filter_row(b, r->cap.kind, list[i].item)];
        if (*places == r->cap.most) continue;
        ++*places;
        out[taken++] = list[i];
    }
    for (int64_t i = 0; i < taken; i++) r->places[filter_row(b, r->cap.kind, out[i].item)] = 0;
    return taken;
}

/* Ask for the pending histories first .. first+count-1; what is not done moves to `left`. */
static Status ask(Request *r, int64_t first, int64_t count, Recommendation *list, int64_t *have,
                  int64_t *left)
{
    const int64_t wide = r->options.k;
    TRY(recommend_best(r->session, r->history + first, count, &r->options, list, have));
    for (int64_t i = 0; i < count; i++) {
        const int64_t index = r->index[first + i];
        r->found[index] = take(r, list + i * wide, have[i], r->out + index * r->k);
        if (r->found[index] == r->k || have[i] < wide) continue;
        r->history[*left] = r->history[first + i];
        r->index[(*left)++] = index;
    }
    return OK;
}

/* Ask for lists of options.k items for all histories that are pending. */
static Status ask_all(Request *r)
{
    const int64_t wide = r->options.k, most = LISTED_MAX / wide > 1 ? LISTED_MAX / wide : 1;
    const int64_t rows = r->pending < most ? r->pending : most;
    Recommendation *list = calloc((size_t)(rows * wide), sizeof *list);
    int64_t *have = calloc((size_t)rows, sizeof *have), left = 0;
    Status st = list && have
                    ? OK
                    : FAIL(ERR_MEMORY, "no memory for %" PRId64 " lists of %" PRId64, rows, wide);
    for (int64_t first = 0; first < r->pending && st == OK; first += rows) {
        const int64_t rest = r->pending - first;
        st = ask(r, first, rest < rows ? rest : rows, list, have, &left);
    }
    r->pending = left;
    free(list);
    free(have);
    return st;
}

Status capped_best(Session *s, const History *history, int64_t count,
                   const RecommendOptions *options, Cap cap, Recommendation *out, int64_t *found)
{
    const int64_t items = s->model->shape.items;
    Request r = {
        .session = s, .options = *options, .cap = cap, .k = options->k, .out = out, .found = found};
    if (cap.most < 1)
        return FAIL(ERR_USAGE, "a cap of %" PRId64 " items a category, want at least 1", cap.most);
    Status st = open_request(&r, history, count);
    for (int64_t wide = 4 * options->k; st == OK && r.pending > 0; wide *= 4) {
        r.options.k = wide < items ? wide : items;
        st = ask_all(&r);
        if (r.options.k == items) break; /* the whole catalogue was listed */
    }
    close_request(&r);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "souk.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/batch.h"
#include "infer/capped.h"
#include "infer/filter.h"

/* Row i of [count, k]; found NULL: all of it. */
static void hand_out(const souk_model *model, const Recommendation *r, int64_t count, int64_t k,
                     const int64_t *found, souk_recommendation *out)
{
    for (int64_t i = 0; i < count * k; i++) {
        const bool there = !found || i % k < found[i / k];
        out[i] = (souk_recommendation){.item = -1, .score = NAN, .probability = NAN, .q = NAN};
        if (there)
            out[i] = (souk_recommendation){.item = r[i].item,
                                           .key = souk_model_item_key(model, r[i].item),
                                           .score = r[i].score,
                                           .probability = r[i].probability,
                                           .q = r[i].q};
    }
}

static Status check_request(souk_model *model, const souk_history *history, int64_t count,
                            int64_t k, const souk_recommendation *out)
{
    TRY(call_needs(model, "model"));
    if (count < 0 || count > INT32_MAX)
        return FAIL(ERR_USAGE, "count is %" PRId64 ", want 0 to %d", count, INT32_MAX);
    if (k < 1 || k > souk_model_items(model))
        return FAIL(ERR_USAGE, "k is %" PRId64 ", want 1 to %" PRId64, k, souk_model_items(model));
    if (count > 0) TRY(call_needs(history, "history"));
    return count > 0 ? call_needs(out, "out") : OK;
}

static Status no_memory(int64_t count, int64_t k)
{
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " histories, of each %" PRId64 " items", count,
                k);
}

/* ---- The best items -------------------------------------------------------------------------- */

static int compare_items(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* A list in rising order without repetitions, as infer/ wants it; *copy is freed by the caller. */
static Status sort_list(const char *name, const int32_t *item, int64_t count, int32_t **copy,
                        int64_t *distinct)
{
    *copy = NULL;
    *distinct = 0;
    if (!item) return OK;
    if (count < 0 || count > INT32_MAX)
        return FAIL(ERR_USAGE, "%s is %" PRId64 ", want 0 to %d", name, count, INT32_MAX);
    int32_t *sorted = *copy = malloc((size_t)(count + 1) * sizeof *sorted);
    if (!sorted) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items of a list", count);
    if (count > 0) memcpy(sorted, item, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_items);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || sorted[i] != sorted[i - 1]) sorted[(*distinct)++] = sorted[i];
    return OK;
}

/* Cut the list to the rows of a category; `allow` is freed by the caller. */
static Status keep_category(const souk_model *model, const souk_recommend_options *o,
                            int32_t **allow, int64_t *allowed)
{
    int kind;
    if (!o->category) return OK;
    if (o->category_rows < 1 || o->category_rows > INT32_MAX)
        return FAIL(ERR_USAGE, "category_rows is %" PRId64 ", want 1 to %d", o->category_rows,
                    INT32_MAX);
    TRY(call_needs(o->category_row, "options->category_row"));
    TRY(filter_kind(model->session->file, o->category, &kind));
    return filter_rows(model->session->file, kind, o->category_row, o->category_rows, allow,
                       allowed);
}

/* The best items, with a cap where one is wanted. */
static Status best_items(souk_model *model, const History *history, int64_t count,
                         const souk_recommend_options *o, const RecommendOptions *how,
                         Recommendation *out, int64_t *found)
{
    Cap cap = {.most = o->cap};
    Session *s = model->session;
    if (!o->cap_category) return recommend_best(s, history, count, how, out, found);
    TRY(filter_kind(s->file, o->cap_category, &cap.kind));
    return capped_best(s, history, count, how, cap, out, found);
}

static Status recommend(souk_model *model, const souk_history *history, int64_t count,
                        const souk_recommend_options *given, souk_recommendation *out,
                        int64_t *found)
{
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    ApiBatch batch = {0};
    Recommendation *best = NULL;
    int64_t *counts = NULL;
    int32_t *allow = NULL, *block = NULL;
    Status st;
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_recommend_options, block_count), given,
                     "options"));
    TRY(check_request(model, history, count, o.k, out));
    RecommendOptions how = {.k = o.k, .include_seen = o.include_seen};
    TRY_OR_FAIL(st, sort_list("allow_count", o.allow, o.allow_count, &allow, &how.allowed));
    TRY_OR_FAIL(st, sort_list("block_count", o.block, o.block_count, &block, &how.blocked));
    TRY_OR_FAIL(st, keep_category(model, &o, &allow, &how.allowed));
    how.allow = allow;
    how.block = block;
    TRY_OR_FAIL(st, api_batch_open(&batch, model, history, count));
    best = calloc((size_t)count * (size_t)o.k + 1, sizeof *best);
    counts = calloc((size_t)count + 1, sizeof *counts);
    if (!best || !counts) TRY_OR_FAIL(st, no_memory(count, o.k));
    TRY_OR_FAIL(st, best_items(model, batch.history, count, &o, &how, best, counts));
    hand_out(model, best, count, o.k, counts, out);
    if (found) memcpy(found, counts, (size_t)count * sizeof *found);
fail:
    api_batch_close(&batch);
    free(best);
    free(counts);
    free(allow);
    free(block);
    return st;
}

souk_status souk_recommend(souk_model *model, const souk_history *history, int64_t count,
                           const souk_recommend_options *options, souk_recommendation *out,
                           int64_t *found, souk_error *error)
{
    call_begin();
    return call_end(recommend(model, history, count, options, out, found), error);
}

/* ---- Given items ----------------------------------------------------------------------------- */

static Status score(souk_model *model, const souk_history *history, int64_t count,
                    const int32_t *item, int64_t k, souk_recommendation *out)
{
    ApiBatch batch;
    Recommendation *scores;
    Status st;
    TRY(check_request(model, history, count, k, out));
    if (count > 0) TRY(call_needs(item, "item"));
    TRY(api_batch_open(&batch, model, history, count));
    scores = calloc((size_t)count * (size_t)k + 1, sizeof *scores);
    if (!scores) TRY_OR_FAIL(st, no_memory(count, k));
    TRY_OR_FAIL(st, recommend_scores(model->session, batch.history, count, item, k, scores));
    hand_out(model, scores, count, k, NULL, out);
fail:
    api_batch_close(&batch);
    free(scores);
    return st;
}

souk_status souk_score(souk_model *model, const souk_history *history, int64_t count,
                       const int32_t *item, int64_t k, souk_recommendation *out, souk_error *error)
{
    call_begin();
    return call_end(score(model, history, count, item, k, out), error);
}

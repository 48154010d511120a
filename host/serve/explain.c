/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/explain.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/explain.h"
#include "infer/explain/json.h"

/* The failure of a function of souk.h, as the library's functions fail. */
static Status failed(const souk_error *e)
{
    return FAIL(e->status == SOUK_ERROR_MEMORY ? ERR_MEMORY : ERR_USAGE, "%s", e->message);
}

/* What is to be explained, in ask->best [found]. */
static Status choose_items(Ask *ask)
{
    souk_model *model = ask->served->model;
    souk_error error;
    if (!ask->item) {
        if (souk_recommend(model, &ask->history, 1, &ask->options, ask->best, &ask->found, &error))
            return failed(&error);
        return OK;
    }
    souk_recommendation *best = calloc((size_t)ask->items, sizeof *best);
    if (!best) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", ask->items);
    free(ask->best);
    ask->best = best;
    ask->found = ask->items;
    if (souk_score(model, &ask->history, 1, ask->item, ask->items, best, &error))
        return failed(&error);
    return OK;
}

static Status add_reasons(const Ask *ask, const Explanation *e, json_t *items)
{
    for (int64_t i = 0; i < ask->found; i++) {
        json_t *item = asks_item_json(&ask->best[i]), *why;
        json_array_append_new(items, item);
        TRY(explain_json(e, i, ask->served->model->session->file, &why));
        json_object_set_new(item, "why", why);
    }
    return OK;
}

static Status explain_items(const Ask *ask, json_t *items)
{
    Explanation e;
    if (ask->found == 0) return OK;
    int32_t *item = malloc((size_t)ask->found * sizeof *item);
    if (!item) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", ask->found);
    for (int64_t i = 0; i < ask->found; i++) item[i] = ask->best[i].item;
    Status st = api_explain(&e, ask->served->model, &ask->history, item, ask->found, ask->events);
    free(item);
    TRY(st);
    st = add_reasons(ask, &e, items);
    explain_close(&e);
    return st;
}

void serve_explain(Ask *ask)
{
    json_t *items = json_array();
    ask->members = json_pack("{s:o}", "items", items);
    Status st = ask->members ? choose_items(ask) : FAIL(ERR_MEMORY, "no memory for an answer");
    if (st == OK) st = explain_items(ask, items);
    if (st != OK) asks_fail_recorded(ask, st);
}

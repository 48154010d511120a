/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/similar.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/model.h"
#include "base/report.h"
#include "infer/similar.h"

static json_t *item_json(const Ask *ask, int32_t item)
{
    return json_pack("{s:o}", "item", report_string(souk_model_item_key(ask->served->model, item)));
}

static Status add_vectors(const Ask *ask, json_t *list)
{
    const int64_t k = ask->options.k;
    int64_t found = 0;
    SimilarVector *near = calloc((size_t)k, sizeof *near);
    if (!near) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", k);
    const Status st = similar_by_vectors(ask->served->model->session, *ask->item, k, near, &found);
    for (int64_t i = 0; i < found && st == OK; i++) {
        json_t *o = item_json(ask, near[i].item);
        json_object_set_new(o, "cosine", report_number(near[i].cosine));
        json_array_append_new(list, o);
    }
    free(near);
    return st;
}

static Status add_counts(const Ask *ask, json_t *list, double *times)
{
    const int64_t k = ask->options.k;
    int64_t found = 0;
    SimilarCounts *near = calloc((size_t)k, sizeof *near);
    if (!near) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", k);
    const Status st =
        similar_by_counts(ask->served->model->session, *ask->item, k, near, &found, times);
    for (int64_t i = 0; i < found && st == OK; i++) {
        json_t *o = item_json(ask, near[i].item);
        json_object_set_new(o, "next", json_integer((json_int_t)near[i].next));
        json_object_set_new(o, "after", report_number(near[i].after));
        json_object_set_new(o, "before", report_number(near[i].before));
        json_array_append_new(list, o);
    }
    free(near);
    return st;
}

void serve_similar(Ask *ask)
{
    json_t *vectors = json_array(), *counts = json_array();
    double times = 0.0;
    ask->members = item_json(ask, *ask->item);
    json_object_set_new(ask->members, "vectors", vectors);
    Status st = add_vectors(ask, vectors);
    if (st == OK) st = add_counts(ask, counts, &times);
    json_object_set_new(ask->members, "times", json_integer((json_int_t)times));
    json_object_set_new(ask->members, "counts", counts);
    if (st != OK) asks_fail_recorded(ask, st);
}

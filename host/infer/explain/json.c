/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/json.h"

#include "base/report.h"
#include "data/behaviour/keys.h"

static void set(json_t *o, const char *name, double value)
{
    json_object_set_new(o, name, report_number(value));
}

/* The key of an item as JSON; null for an unknown one. */
static Status set_key(json_t *o, Behaviour *catalogue, int32_t item)
{
    const char *key;
    if (item < 0) return json_object_set_new(o, "item", json_null()), OK;
    TRY(behaviour_keys_item(catalogue, item, &key));
    json_object_set_new(o, "item", report_string(key));
    return OK;
}

static json_t *taste_json(const ExplainParts *p)
{
    json_t *o = json_object(), *terms = json_object();
    set(o, "probability", p->dense);
    set(o, "score", p->z);
    set(terms, "history", p->z_taste);
    set(terms, "item", p->z_item);
    json_object_set_new(o, "terms", terms);
    return o;
}

static json_t *counts_json(const ExplainParts *p)
{
    json_t *o = json_object(), *terms = json_object();
    set(o, "probability", p->counted);
    set(o, "score", p->r);
    json_object_set_new(o, "seen", json_boolean(p->seen));
    for (int t = 0; t < COUNTED_TERMS; t++) set(terms, counted_term_names[t], p->term[t]);
    json_object_set_new(o, "terms", terms);
    return o;
}

static json_t *answers_json(const Explanation *e, int64_t i, const Behaviour *catalogue)
{
    json_t *list = json_array();
    for (int64_t a = 0; a < e->actions; a++) {
        const double p = (double)e->answer[i * e->actions + a];
        json_t *o = json_object();
        json_object_set_new(o, "action", report_string(catalogue->action_name[a]));
        set(o, "probability", p);
        set(o, "reward", p * (double)catalogue->action_reward[a]);
        json_array_append_new(list, o);
    }
    return list;
}

static void set_values(json_t *o, const ExplainValues *v)
{
    set(o, "score", v->score);
    set(o, "log_probability", v->log_probability);
    set(o, "q", v->q);
}

static Status add_events(json_t *list, const Explanation *e, int64_t i, Behaviour *catalogue)
{
    for (int64_t n = 0; n < e->events; n++) {
        const char *action = catalogue->action_name[e->event_action[n]];
        json_t *o = json_object();
        json_array_append_new(list, o);
        json_object_set_new(o, "event", json_integer((json_int_t)(e->first + n)));
        TRY(set_key(o, catalogue, e->event_item[n]));
        json_object_set_new(o, "action", report_string(action));
        set_values(o, &e->effect[i * e->events + n]);
    }
    return OK;
}

static Status add_items(json_t *list, const Explanation *e, int64_t i, Behaviour *catalogue)
{
    for (int64_t n = 0; n < e->events; n++) {
        if (e->event_item[n] < 0 || !explain_is_last(e, n)) continue;
        json_t *o = json_object();
        json_array_append_new(list, o);
        TRY(set_key(o, catalogue, e->event_item[n]));
        json_object_set_new(o, "events", json_integer((json_int_t)e->same[n]));
        set_values(o, &e->together[i * e->events + n]);
    }
    return OK;
}

static Status add_evidence(json_t *list, const ExplainedItem *x, Behaviour *catalogue)
{
    for (int n = 0; n < x->evidences; n++) {
        const ExplainEvidence *v = &x->evidence[n];
        json_t *o = json_object();
        json_array_append_new(list, o);
        json_object_set_new(o, "event", json_integer((json_int_t)v->event));
        TRY(set_key(o, catalogue, v->item));
        json_object_set_new(o, "times", json_integer((json_int_t)v->times));
        json_object_set_new(o, "next", json_integer((json_int_t)v->next));
        set(o, "after", v->after);
        set(o, "before", v->before);
    }
    return OK;
}

Status explain_json(const Explanation *e, int64_t i, Behaviour *catalogue, json_t **json)
{
    const ExplainedItem *x = &e->item[i];
    const ExplainParts *p = &x->parts;
    json_t *o = *json = json_object();
    json_t *events = json_array(), *items = json_array(), *evidence = json_array();
    set(o, "log_probability", x->values.log_probability);
    json_object_set_new(o, "taste", e->has_policy ? taste_json(p) : json_null());
    json_object_set_new(o, "counts", p->candidate ? counts_json(p) : json_null());
    json_object_set_new(o, "answers", e->answer ? answers_json(e, i, catalogue) : json_null());
    json_object_set_new(o, "events", events);
    json_object_set_new(o, "items", items);
    json_object_set_new(o, "evidence", evidence);
    Status st = add_events(events, e, i, catalogue);
    if (st == OK) st = add_items(items, e, i, catalogue);
    if (st == OK) st = add_evidence(evidence, x, catalogue);
    if (st == OK) return OK;
    json_decref(o);
    *json = NULL;
    return st;
}

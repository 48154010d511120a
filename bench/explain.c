/* SPDX-License-Identifier: Apache-2.0 */
/* Are explanations faithful? The first item of each user's list is explained; then items are taken
 * out of the history with all of their events, one after another, in three orders, and the model is
 * asked again. The explanation is faithful where the log probability falls faster in the order of
 * its effects than in another order. (Known as comprehensiveness, DeYoung et al. 2020, and as
 * deletion curve.)
 *
 *     explain MODEL FILE.h5 USERS SEED OUT.json
 *
 *   named    by falling effect: what leaving the item out alone takes from the log probability
 *   latest   the item of the latest event first
 *   random   any; the mean of ten orders
 *
 * Users are those from a random one on of whose histories a state reads at least LEAST items.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/report.h"
#include "base/rng.h"
#include "evaluate/statistics/estimate.h"
#include "infer/explain/explain.h"
#include "infer/recommend.h"

enum { STEPS = 5, LEAST = 6, ORDERS = 10, ARMS = 3 };
static const char *const arm_name[ARMS] = {"named", "latest", "random"};

typedef struct {
    Session *session;
    uint64_t seed;
    int64_t users, most;       /* done, and wanted */
    double *drop[ARMS][STEPS]; /* [most] log p less that without the first 1, 2 … items */
} Bench;

/* A history without some of its events, in memory. */
typedef struct {
    History history;
    int32_t *item;
    uint8_t *action;
    int64_t *time_ms;
    float *number;
} Rest;

/* A user whose first item is explained. */
typedef struct {
    History all; /* in memory */
    int32_t item;
    double log_p;
    int64_t items;  /* that can be taken out, by their last events */
    int32_t *met;   /* [items] */
    double *effect; /* [items] */
    int64_t *order; /* [items] */
    Rest rest;
} User;

/* ---- Taking out ------------------------------------------------------------------------------ */

static Status open_rest(Rest *r, int64_t count, int64_t numbers)
{
    const size_t n = (size_t)count;
    *r = (Rest){.item = calloc(n, sizeof *r->item),
                .action = calloc(n, sizeof *r->action),
                .time_ms = calloc(n, sizeof *r->time_ms),
                .number = calloc(n * (size_t)numbers + 1, sizeof *r->number)};
    return r->item && r->action && r->time_ms && r->number ? OK : FAIL(ERR_MEMORY, "no memory");
}

static void close_rest(Rest *r)
{
    free(r->item);
    free(r->action);
    free(r->time_ms);
    free(r->number);
}

static bool is_out(const User *u, int64_t event, int steps)
{
    for (int m = 0; m < steps; m++)
        if (u->all.item[event] == u->met[u->order[m]]) return true;
    return false;
}

/* The history without the first `steps` items of the order. */
static const History *take_out(User *u, int steps, int64_t numbers)
{
    Rest *r = &u->rest;
    int64_t n = 0;
    for (int64_t i = 0; i < u->all.count; i++) {
        if (is_out(u, i, steps)) continue;
        r->item[n] = u->all.item[i];
        r->action[n] = u->all.action[i];
        r->time_ms[n] = u->all.time_ms[i];
        if (numbers)
            memcpy(r->number + n * numbers, u->all.number + i * numbers,
                   (size_t)numbers * sizeof *r->number);
        n++;
    }
    r->history = u->all;
    r->history.count = n;
    r->history.item = r->item;
    r->history.action = r->action;
    r->history.time_ms = r->time_ms;
    r->history.number = r->number;
    return &r->history;
}

/* Adds the fall of log p after each step, divided by `orders`. */
static Status follow(Bench *b, User *u, int arm, int orders)
{
    const ExplainItems items = {&u->item, 1, session_acting(b->session)};
    const int64_t numbers = b->session->file->event_features.numbers;
    for (int m = 0; m < STEPS; m++) {
        ExplainValues left;
        TRY(explain_values(b->session, &items, take_out(u, m + 1, numbers), 1, &left));
        b->drop[arm][m][b->users] += (u->log_p - left.log_probability) / orders;
    }
    return OK;
}

/* ---- Orders ---------------------------------------------------------------------------------- */

static void by_effect(User *u)
{
    for (int64_t i = 0; i < u->items; i++) {
        int64_t at = i;
        while (at > 0 && u->effect[u->order[at - 1]] < u->effect[i])
            u->order[at] = u->order[at - 1], at--;
        u->order[at] = i;
    }
}

static void latest_first(User *u)
{
    for (int64_t i = 0; i < u->items; i++) u->order[i] = u->items - 1 - i;
}

static void any(User *u, uint64_t seed, int64_t user, int number)
{
    latest_first(u);
    for (int64_t i = 0; i < STEPS && i < u->items; i++) {
        const Philox r = philox(seed + 1 + (uint64_t)number, (uint64_t)user, (uint64_t)i);
        const int64_t at = i + r.word[0] % (u->items - i), other = u->order[at];
        u->order[at] = u->order[i];
        u->order[i] = other;
    }
}

static Status follow_all(Bench *b, User *u, int64_t user)
{
    for (int arm = 0; arm < ARMS; arm++)
        for (int m = 0; m < STEPS; m++) b->drop[arm][m][b->users] = 0.0;
    by_effect(u);
    TRY(follow(b, u, 0, 1));
    latest_first(u);
    TRY(follow(b, u, 1, 1));
    for (int n = 0; n < ORDERS; n++) {
        any(u, b->seed, user, n);
        TRY(follow(b, u, 2, ORDERS));
    }
    b->users++;
    return OK;
}

/* ---- Users ----------------------------------------------------------------------------------- */

static void close_user(User *u)
{
    close_rest(&u->rest);
    free(u->met);
    free(u->effect);
    free(u->order);
}

static Status open_user(User *u, const Explanation *e, const History *all, int64_t numbers)
{
    const size_t n = (size_t)e->events;
    *u = (User){.all = *all,
                .item = e->item[0].item,
                .log_p = e->item[0].values.log_probability,
                .met = calloc(n, sizeof *u->met),
                .effect = calloc(n, sizeof *u->effect),
                .order = calloc(n, sizeof *u->order)};
    if (!u->met || !u->effect || !u->order) return FAIL(ERR_MEMORY, "no memory");
    for (int64_t i = 0; i < e->events; i++) {
        if (e->event_item[i] < 0 || !explain_is_last(e, i)) continue;
        u->met[u->items] = e->event_item[i];
        u->effect[u->items++] = e->together[i].log_probability;
    }
    return open_rest(&u->rest, all->count, numbers);
}

static Status follow_explained(Bench *b, int64_t user, const History *h, const Explanation *e)
{
    Session *s = b->session;
    HistoryCopy copy;
    User u;
    TRY(history_copy(&copy, h, 2 * s->length, s));
    Status st = open_user(&u, e, &copy.history, s->file->event_features.numbers);
    if (st == OK && u.items >= LEAST) st = follow_all(b, &u, user);
    close_user(&u);
    history_copy_close(&copy);
    return st;
}

static Status follow_user(Bench *b, int64_t user)
{
    Session *s = b->session;
    const History h = history_of_user(s->file, user);
    const RecommendOptions how = {.k = 1};
    Recommendation best;
    Explanation e;
    int64_t found;
    if (h.count < LEAST) return OK;
    TRY(recommend_best(s, &h, 1, &how, &best, &found));
    if (found == 0) return OK;
    TRY(explain_open(&e, s, &h, &best.item, 1, s->length));
    const Status st = follow_explained(b, user, &h, &e);
    explain_close(&e);
    return st;
}

/* ---- What it amounts to ---------------------------------------------------------------------- */

static json_t *estimate_json(Estimate e)
{
    return json_pack("{s:f, s:f, s:f}", "value", e.value, "low", e.low, "high", e.high);
}

/* Of each order the mean fall, and by how much that of `named` is larger, over users. */
static json_t *result(Bench *b, int arm)
{
    json_t *list = json_array();
    for (int m = 0; m < STEPS; m++) {
        const double *drop = b->drop[arm][m];
        json_t *o = json_pack("{s:i, s:o}", "items", m + 1, "fall",
                              estimate_json(estimate_of_mean(drop, (int)b->users)));
        json_array_append_new(list, o);
        if (arm == 0) continue;
        double *less = malloc((size_t)b->users * sizeof *less + 1);
        if (!less) continue;
        for (int64_t i = 0; i < b->users; i++) less[i] = b->drop[0][m][i] - drop[i];
        json_object_set_new(o, "named_less_this",
                            estimate_json(estimate_of_mean(less, (int)b->users)));
        free(less);
    }
    return list;
}

static Status bench(Bench *b, char *argument[])
{
    const NumberRange range = {.whole = true, .low = 2, .high = 1e6};
    int64_t seed;
    double real;
    TRY(number_parse("USERS", argument[3], &range, &real, &b->most));
    TRY(number_parse("SEED", argument[4], &(NumberRange){.whole = true, .high = 1e9}, &real,
                     &seed));
    b->seed = (uint64_t)seed;
    const int64_t users = b->session->file->users;
    for (int arm = 0; arm < ARMS; arm++)
        for (int m = 0; m < STEPS; m++) {
            b->drop[arm][m] = calloc((size_t)b->most, sizeof(double));
            if (!b->drop[arm][m]) return FAIL(ERR_MEMORY, "no memory");
        }
    if (!model_has(b->session->model, HEAD_POLICY))
        return FAIL(ERR_USAGE, "want a model with a policy");
    const int64_t start = philox(b->seed, 0, 0).word[0] % users;
    for (int64_t i = 0; i < users && b->users < b->most; i++)
        TRY(follow_user(b, (start + i) % users));
    json_t *root = json_pack("{s:I}", "users", (json_int_t)b->users);
    for (int arm = 0; arm < ARMS; arm++) json_object_set_new(root, arm_name[arm], result(b, arm));
    return report_write(argument[5], root, REPORT_9DIGITS);
}

int main(int count, char *argument[])
{
    Bench b = {0};
    if (count != 6) {
        fprintf(stderr, "usage: explain MODEL FILE.h5 USERS SEED OUT.json\n");
        return 2;
    }
    Status st = session_open(&b.session, &(SessionOptions){.checkpoint = argument[1],
                                                           .data = argument[2],
                                                           .device = "cpu",
                                                           .threads = 1});
    if (st == OK) st = bench(&b, argument);
    if (st != OK) fprintf(stderr, "explain: %s\n", status_message());
    session_close(b.session);
    for (int arm = 0; arm < ARMS; arm++)
        for (int m = 0; m < STEPS; m++) free(b.drop[arm][m]);
    return st == OK ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A small model on a small shop, and a session over it: for the tests of infer/. */
#ifndef SOUK_INFER_CASE_H
#define SOUK_INFER_CASE_H

#include "infer/act.h"
#include "infer/acting.h"
#include "infer/explain/explain.h"
#include "infer/recommend.h"
#include "infer/similar.h"
#include "model/counts.h"
#include "shop.h"

typedef struct {
    char path[256];
    Behaviour file;
    Device dev;
    Model model;
    Session *session;
} InferCase;

/* The counts of the train split, and weights of the counted half that are away from their start,
 * the calibration's too. */
static inline void infer_case_count(InferCase *c, int threads)
{
    const TablesOptions options = {.counted = COUNTED_TRAIN, .threads = threads};
    const Params *p = &c->model.params;
    assert_ok(counts_fill(&c->model.counts, &c->model.counts_memory, &c->file, &options));
    for (int i = 0; i < p->count; i++) {
        const char *name = p->info[i].name;
        const bool scale = !strcmp(name, "candidates.scale") || !strcmp(name, "calibration.factor");
        const Tensor t = p->copy[PARAM_VALUE][i];
        if (strncmp(name, "candidates.", 11) && strncmp(name, "calibration.", 12)) continue;
        fill_normal(f32(t), tensor_count(t), 500 + (uint64_t)i, 0.2f);
        for (int64_t k = 0; scale && k < tensor_count(t); k++) f32(t)[k] += 0.8f;
    }
}

/* Windows of `length` events; weights far enough from zero to have opinions. `threads` of the
 * device. With `candidates` > 0 the policy has a counted half. */
static inline void infer_case_open_shop(InferCase *c, Shop shop, HeadSet heads, int64_t length,
                                        int threads, int64_t candidates)
{
    ModelShape shape = {.dim = 16,
                        .layers = 2,
                        .heads = 2,
                        .init_std = 0.5f,
                        .head_set = heads,
                        .candidates = candidates,
                        .neighbours = 24};
    static int cases;
    char name[32];
    *c = (InferCase){0};
    snprintf(name, sizeof name, "infer-%d", cases++);
    assert_ok(shop_write(&shop, shop_path(c->path, name)));
    assert_ok(behaviour_open(&c->file, c->path));
    assert_ok(device_open(&c->dev, "cpu", threads));
    model_shape_of_file(&shape, &c->file);
    assert_ok(model_open(&c->model, &shape, &c->file, &c->dev));
    assert_ok(params_open(&c->model.params, PARAM_VALUE, &c->dev));
    params_init(&c->model.params, 4);
    if (candidates) infer_case_count(c, threads);
    assert_ok(session_open(
        &c->session,
        &(SessionOptions){.model = &c->model, .length = length, .file = &c->file, .dev = &c->dev}));
}

static inline void infer_case_open_counted(InferCase *c, HeadSet heads, int64_t length, int threads,
                                           int64_t candidates)
{
    const Shop shop = {
        .users = 40, .longest = 60, .features = true, .plain_keys = true, .fresh = 11, .seed = 9};
    infer_case_open_shop(c, shop, heads, length, threads, candidates);
}

static inline void infer_case_open(InferCase *c, HeadSet heads, int64_t length, int threads)
{
    infer_case_open_counted(c, heads, length, threads, 0);
}

static inline void infer_case_close(InferCase *c)
{
    session_close(c->session);
    model_close(&c->model);
    device_close(&c->dev);
    behaviour_close(&c->file);
    unlink(c->path);
}

enum { INFER_HISTORY_MAX = 64 };

/* A history by formula. Its columns are in here: it must stay where it is. */
typedef struct {
    int32_t item[INFER_HISTORY_MAX];
    uint8_t action[INFER_HISTORY_MAX];
    int64_t time_ms[INFER_HISTORY_MAX];
    History history;
} InferHistory;

static inline const History *infer_history(InferHistory *h, uint64_t seed, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const Philox p = philox(seed, 1, (uint64_t)i);
        h->item[i] = (int32_t)(p.word[0] % SHOP_ITEMS);
        h->action[i] = (uint8_t)(p.word[1] % SHOP_ACTIONS);
        h->time_ms[i] = i * 60000 + p.word[2] % 50000;
    }
    h->history = (History){.count = count,
                           .user = (int64_t)(seed % 5) - 1,
                           .item = h->item,
                           .action = h->action,
                           .time_ms = h->time_ms};
    return &h->history;
}

enum { ANSWERS = 40, ANSWERS_K = 10, RULES = 5, EXPLAINED = 7 };

/* Everything that a session can be asked, of histories by `seed`. */
typedef struct {
    Recommendation best[ANSWERS][ANSWERS_K], score[ANSWERS][ANSWERS_K];
    int64_t found[ANSWERS];
    int32_t chosen[RULES][ANSWERS];
    float propensity[RULES][ANSWERS];
    ExplainValues effect[ANSWERS_K][EXPLAINED];
    SimilarVector similar[ANSWERS_K];
} Answers;

/* Why, and what is similar, of the last history and its items. */
static inline void infer_ask_why(Session *s, const History *h, const int32_t *item, Answers *a)
{
    Explanation e;
    int64_t found;
    assert_ok(explain_open(&e, s, h, item, ANSWERS_K, EXPLAINED));
    assert_int_equal(e.events, EXPLAINED);
    memcpy(a->effect, e.effect, sizeof a->effect);
    explain_close(&e);
    assert_ok(similar_by_vectors(s, item[0], ANSWERS_K, a->similar, &found));
}

static inline void infer_ask(Session *s, uint64_t seed, Answers *a)
{
    static const ActingRule rule[RULES] = {{.kind = ACTING_POLICY, .exclude_last = 3},
                                           {.kind = ACTING_Q},
                                           {ACTING_CANDIDATES, 6, 20},
                                           {ACTING_MIXED, 0.4, 2},
                                           {ACTING_ALLOWED, 0.5, 1}};
    static const ActOptions act[RULES] = {{.epsilon = 0.3},
                                          {.temperature = 0.5, .seed = 5},
                                          {.temperature = 1.0},
                                          {.temperature = 2.0},
                                          {.epsilon = 0.1}};
    const int32_t allow[] = {0, 1, 2, 3, 10, 20, 30, 40, 50, 60, 70, 80, 90, 91, 92, 93};
    const RecommendOptions o = {.k = ANSWERS_K, .allow = allow, .allowed = 16};
    InferHistory *space = malloc(ANSWERS * sizeof *space);
    History h[ANSWERS];
    int32_t item[ANSWERS * ANSWERS_K];
    int64_t stream[ANSWERS];
    assert_non_null(space);
    memset(a, 0, sizeof *a);
    for (int i = 0; i < ANSWERS; i++) {
        h[i] = *infer_history(&space[i], seed + (uint64_t)i, 1 + i);
        if (i % 4 == 3) h[i] = history_of_user(s->file, i);
        stream[i] = 3 * i;
        for (int k = 0; k < ANSWERS_K; k++) item[i * ANSWERS_K + k] = (7 * i + k) % SHOP_ITEMS;
    }
    assert_ok(recommend_best(s, h, ANSWERS, &o, a->best[0], a->found));
    assert_ok(recommend_scores(s, h, ANSWERS, item, ANSWERS_K, a->score[0]));
    for (int n = 0; n < RULES; n++) {
        session_lock(s); /* the rule is the session's: no other thread may meet it */
        assert_ok(session_act_by(s, &rule[n]));
        assert_ok(act_choose(s, &act[n], h, stream, ANSWERS, 2, a->chosen[n], a->propensity[n]));
        s->acts = false;
        session_unlock(s);
    }
    infer_ask_why(s, &h[ANSWERS - 2], item + (ANSWERS - 1) * ANSWERS_K, a);
    free(space);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A session with a catalogue alone, without the log: what it says has the bits of a session with
 * the log, and of the scores by which an evaluation ranks. And events of unknown items. */
#include "data/behaviour/catalogue/write.h"
#include "infer/ranked.h"
#include "infer_case.h"

enum { LENGTH = 12, K = 20, HISTORIES = 12 };
static const HeadSet both = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);

/* Two sessions with one model. */
typedef struct {
    InferCase c;
    char path[256];
    Behaviour catalogue;
    Session *alone;
} Pair;

static void open_pair(Pair *p, bool features, int64_t candidates)
{
    infer_case_open_shop(
        &p->c,
        (Shop){.users = 40, .longest = 60, .features = features, .plain_keys = true, .seed = 9},
        both, LENGTH, 2, candidates);
    assert_ok(catalogue_write(&p->c.file, shop_path(p->path, "infer-alone")));
    assert_ok(behaviour_open_catalogue(&p->catalogue, p->path));
    assert_ok(session_open(&p->alone, &(SessionOptions){.model = &p->c.model,
                                                        .length = LENGTH,
                                                        .file = &p->catalogue,
                                                        .dev = &p->c.dev}));
}

static void close_pair(Pair *p)
{
    session_close(p->alone);
    behaviour_close(&p->catalogue);
    infer_case_close(&p->c);
    unlink(p->path);
}

static const int64_t widths[] = {0, 16}; /* candidates: without and with a count table */
enum { WIDTHS = 2 };

static void a_catalogue_alone_has_the_bits_of_the_log(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * WIDTHS; n++) {
        static InferHistory space[HISTORIES];
        static Recommendation want[HISTORIES][K], have[HISTORIES][K];
        int64_t wanted[HISTORIES], found[HISTORIES];
        History h[HISTORIES];
        Pair p;
        open_pair(&p, n % 2, widths[n / 2]);
        for (int i = 0; i < HISTORIES; i++) {
            h[i] = *infer_history(&space[i], 30 + (uint64_t)i, 1 + 3 * i);
            h[i].user = -1;
            if (i % 3 == 1) space[i].item[i] = -1; /* an unknown item */
        }
        const RecommendOptions o = {.k = K};
        memset(want, 0, sizeof want);
        memset(have, 0, sizeof have);
        assert_ok(recommend_best(p.c.session, h, HISTORIES, &o, want[0], wanted));
        assert_ok(recommend_best(p.alone, h, HISTORIES, &o, have[0], found));
        assert_memory_equal(found, wanted, sizeof found);
        assert_memory_equal(have, want, sizeof have);
        close_pair(&p);
    }
}

typedef struct {
    Session *session;
    int32_t item[K];
    float score[K];
} Ranked;

/* As an evaluation ranks (evaluate/ranking/model_scorer.c). */
static Status rank(void *context, const StateBatch *batch)
{
    Ranked *r = context;
    Session *s = r->session;
    const ActingRule rule = session_acting(s);
    HeadScores z;
    Tensor item = SCRATCH(s->dev, I32, 1, K), score = SCRATCH(s->dev, F32, 1, K);
    exclude_begin(&s->memory.exclude);
    TRY(acting_scores(s, &rule, &batch->rows, false, &z));
    TRY(ranked_best(s, &z, item, score));
    device_copy_out(s->dev, r->item, item.data, sizeof r->item);
    device_copy_out(s->dev, r->score, score.data, sizeof r->score);
    return device_sync(s->dev);
}

/* Of a user of the log, whose events of the train split are told to be counted. */
static void a_catalogue_alone_has_the_bits_of_an_evaluation(void **state)
{
    (void)state;
    for (int n = 0; n < WIDTHS; n++) {
        Pair p;
        int compared = 0;
        open_pair(&p, false, widths[n]);
        const Behaviour *file = &p.c.file;
        for (int64_t user = 0; user < file->users; user++) {
            const int64_t start = file->offset[user], event = file->split[SPLIT_VALID][user][0];
            const int64_t count = event - start;
            const int64_t first[] = {0, 1};
            Ranked want = {.session = p.c.session};
            Recommendation have[K];
            InferHistory space;
            int64_t found;
            if (event == file->split[SPLIT_VALID][user][1] || count < 1) continue;
            assert_ok(states_before(p.c.session, &(LogEvents){1, &user, first, &event}, "", NULL,
                                    (StateSink){rank, &want}));
            assert_true(count <= INFER_HISTORY_MAX);
            infer_history(&space, 1, count);
            assert_ok(columns_read(file, COLUMN_ITEM, start, count, space.item));
            assert_ok(columns_read(file, COLUMN_ACTION, start, count, space.action));
            assert_ok(columns_read(file, COLUMN_TIME, start, count, space.time_ms));
            space.history.user = -1;
            space.history.counted = file->split[SPLIT_TRAIN][user][1] - start;
            const RecommendOptions o = {.k = K, .include_seen = true};
            assert_ok(recommend_best(p.alone, &space.history, 1, &o, have, &found));
            assert_int_equal(found, K);
            for (int k = 0; k < K; k++) {
                assert_int_equal(have[k].item, want.item[k]);
                assert_memory_equal(&have[k].score, &want.score[k], sizeof(float));
            }
            compared++;
        }
        assert_true(compared > 10);
        close_pair(&p);
    }
}

/* The events of an item whose vector is zero, and of an unknown item, are the same to a model
 * without counts; to one with counts they are not. */
static void an_unknown_item_is_one_without_a_vector(void **state)
{
    enum { ZERO = 13 };
    (void)state;
    for (int n = 0; n < WIDTHS; n++) {
        Pair p;
        InferHistory space;
        Recommendation known[3], unknown[3], other[3];
        const int32_t item[] = {4, 50, 7};
        open_pair(&p, false, widths[n]);
        const Tensor id = p.c.model.params.copy[PARAM_VALUE][p.c.model.at.item_id];
        memset(f32(id) + ZERO * id.dim[1], 0, (size_t)id.dim[1] * sizeof(float));
        infer_history(&space, 77, 9);
        space.history.user = -1;
        space.item[5] = ZERO;
        assert_ok(recommend_scores(p.alone, &space.history, 1, item, 3, known));
        space.item[5] = -1;
        assert_ok(recommend_scores(p.alone, &space.history, 1, item, 3, unknown));
        space.item[5] = 21;
        assert_ok(recommend_scores(p.alone, &space.history, 1, item, 3, other));
        for (int k = 0; k < 3; k++) {
            assert_true(other[k].score != unknown[k].score);
            if (widths[n] == 0)
                assert_memory_equal(&known[k].score, &unknown[k].score, sizeof(float));
        }
        close_pair(&p);
    }
}

/* A history of unknown items alone still has actions and times; nothing of it is left out. */
static void unknown_items_are_not_left_out_of_a_list(void **state)
{
    (void)state;
    for (int n = 0; n < WIDTHS; n++) {
        Pair p;
        InferHistory space;
        Recommendation best[SHOP_ITEMS];
        const RecommendOptions o = {.k = SHOP_ITEMS};
        int64_t found;
        open_pair(&p, false, widths[n]);
        infer_history(&space, 77, 3);
        space.history.user = -1;
        for (int i = 0; i < 3; i++) space.item[i] = -1;
        assert_ok(recommend_best(p.alone, &space.history, 1, &o, best, &found));
        assert_int_equal(found, SHOP_ITEMS);
        space.history.counted = 1;
        assert_refused(recommend_best(p.alone, &space.history, 1, &o, best, &found), ERR_USAGE,
                       "as the event is counted");
        close_pair(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_catalogue_alone_has_the_bits_of_the_log),
        cmocka_unit_test(a_catalogue_alone_has_the_bits_of_an_evaluation),
        cmocka_unit_test(an_unknown_item_is_one_without_a_vector),
        cmocka_unit_test(unknown_items_are_not_left_out_of_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

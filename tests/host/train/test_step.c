/* SPDX-License-Identifier: Apache-2.0 */
/* A step of several ranks, each with a part of the batch, against that of one rank with the whole
 * batch. */
#include "batch_case.h"
#include "data/stream/stream.h"
#include "ranks.h"
#include "shop.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { RANKS = 3, TOKENS = 256 };

static char data[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 30, .features = true, .seed = 5};
    return shop_write(&shop, shop_path(data, "step")) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(data);
}

static Config config_of(const char *objective)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.model_dim = 16;
    c.model_length = 12;
    c.model_dropout = 0.0;
    c.learn_outcome = 0.5;
    c.train_tokens = TOKENS;
    c.train_threads = 1;
    return c;
}

typedef struct {
    Trainer trainer[RANKS];
    Batch batch[RANKS];
    Losses losses[RANKS];
} Ranks;

static int gradients(Comm *c, Device *dev, void *context)
{
    (void)dev;
    Ranks *r = context;
    Trainer *t = &r->trainer[c->rank];
    const Comm own = t->comm;
    t->comm = *c;
    r->losses[c->rank] = step_gradients(t, &r->batch[c->rank]);
    const Status st = device_sync(&t->dev);
    t->comm = own;
    return st == OK ? 0 : __LINE__;
}

/* Windows of `all` from `first` to `last` - 1. */
static void take_windows(Batch *to, const Behaviour *file, const Batch *all, int64_t first,
                         int64_t last)
{
    Window window[TOKENS / 2];
    for (int64_t w = first; w < last; w++) window[w - first] = window_of_batch(all, w);
    assert_ok(
        batch_open(to, file, TOKENS, all->counted, batch_own_capacity(file, all->counted, TOKENS)));
    assert_ok(batch_fill(to, file, window, last - first));
}

/* f32 sums of at most TOKENS terms in another order: 2^-24 TOKENS of what is added, which may be 10
 * times what is left of it. */
static const double sum_error = 10 * TOKENS * 0x1p-24;

/* The last rank has no window at all. */
static void check_objective(const char *objective)
{
    static Ranks r;
    Trainer one;
    Stream *stream;
    const Batch *all;
    const Config c = config_of(objective);
    assert_ok(trainer_open(&one, &c));
    const StreamOptions options = trainer_stream(&one);
    assert_ok(stream_open(&stream, &one.file, &options, (StreamCursor){0}));
    assert_ok(stream_next(stream, &all));
    for (int k = 0; k < RANKS; k++) {
        const int64_t first = k == 0 ? 0 : k == 1 ? all->windows / 3 : all->windows;
        assert_ok(trainer_open(&r.trainer[k], &c));
        take_windows(&r.batch[k], &one.file, all, first, k == 0 ? all->windows / 3 : all->windows);
    }
    const Losses want = step_gradients(&one, all);
    ranks_run(RANKS, gradients, &r);
    for (int k = 0; k < RANKS; k++) {
        const Params *have = &r.trainer[k].model.params, *p = &one.model.params;
        assert_int_equal(r.losses[k].targets, want.targets);
        assert_int_equal(r.losses[k].backups, want.backups);
        assert_near(r.losses[k].total, want.total, sum_error * fabs(want.total));
        for (int i = 0; i < p->count; i++) {
            const Tensor g = p->copy[PARAM_GRAD][i], h = have->copy[PARAM_GRAD][i];
            double *exact = malloc((size_t)tensor_count(g) * sizeof *exact);
            for (int64_t j = 0; j < tensor_count(g); j++) exact[j] = f32(g)[j];
            assert_near(relative_l2(f32(h), exact, tensor_count(g)), 0.0, sum_error);
            assert_memory_equal(h.data, r.trainer[0].model.params.copy[PARAM_GRAD][i].data,
                                tensor_bytes(h));
            free(exact);
        }
    }
    stream_close(stream);
    trainer_close(&one);
    for (int k = 0; k < RANKS; k++) {
        batch_close(&r.batch[k]);
        trainer_close(&r.trainer[k]);
    }
}

static void ranks_make_the_gradient_of_the_whole_batch(void **state)
{
    (void)state;
    check_objective("cross_entropy+double_q");
    check_objective("iql");
    check_objective("sarsa_lambda");
}

static Losses gradients_of(Trainer *t, const Window *window, int64_t windows)
{
    Batch batch;
    assert_ok(batch_open(&batch, &t->file, TOKENS, t->model.counted,
                         batch_own_capacity(&t->file, t->model.counted, TOKENS)));
    assert_ok(batch_fill(&batch, &t->file, window, windows));
    const Losses l = step_gradients(t, &batch);
    batch_close(&batch);
    return l;
}

static int64_t longest_user(const Behaviour *b)
{
    int64_t longest = 0;
    for (int64_t u = 0; u < b->users; u++)
        if (b->offset[u + 1] - b->offset[u] > b->offset[longest + 1] - b->offset[longest])
            longest = u;
    return longest;
}

/* A history as one window, and as two that overlap, where the second one scores only the
 * transitions that the first does not have: the losses and gradients are the same. */
static void check_overlap(const char *objective)
{
    Trainer one, two;
    const Config c = config_of(objective);
    assert_ok(trainer_open(&one, &c));
    assert_ok(trainer_open(&two, &c));
    const int64_t user = longest_user(&one.file), first = one.file.offset[user], end = first + 13;
    assert_true(one.file.offset[user + 1] >= end);
    const Window whole = {.user = user, .first = first, .end = end};
    const Window parts[] = {{.user = user, .first = first, .end = first + 7},
                            {.user = user, .first = first, .end = end, .scored = first + 7}};
    const Losses want = gradients_of(&one, &whole, 1), have = gradients_of(&two, parts, 2);
    assert_int_equal(have.targets, want.targets);
    assert_int_equal(have.backups, want.backups);
    assert_near(have.total, want.total, sum_error * fabs(want.total));
    for (int i = 0; i < one.model.params.count; i++) {
        const Tensor g = one.model.params.copy[PARAM_GRAD][i];
        const Tensor h = two.model.params.copy[PARAM_GRAD][i];
        double *exact = malloc((size_t)tensor_count(g) * sizeof *exact);
        for (int64_t j = 0; j < tensor_count(g); j++) exact[j] = f32(g)[j];
        assert_near(relative_l2(f32(h), exact, tensor_count(g)), 0.0, sum_error);
        free(exact);
    }
    trainer_close(&one);
    trainer_close(&two);
}

static void windows_that_overlap_share_the_transitions(void **state)
{
    (void)state;
    check_overlap("cross_entropy+double_q");
    check_overlap("snqn");
    check_overlap("cql");
    check_overlap("aux_random");
}

/* ---- Impressions ----------------------------------------------------------------------------- */

/* The first batch of a file, of its own. */
static void first_batch(Batch *to, Trainer *t)
{
    Stream *stream;
    const Batch *all;
    const StreamOptions options = trainer_stream(t);
    assert_ok(stream_open(&stream, &t->file, &options, (StreamCursor){0}));
    assert_ok(stream_next(stream, &all));
    take_windows(to, &t->file, all, 0, all->windows);
    stream_close(stream);
}

/* Views are impressions in one of two files that are else the same. The loss of the policy and that
 * of the next action must be those of the other file where views are taken out of the targets by
 * hand, and the losses of Q and of answers those where they are not. */
static void the_policy_learns_what_was_taken_and_q_what_was_shown(void **state)
{
    (void)state;
    char path[2][256];
    Trainer t[2];
    Batch batch[2];
    Config c = config_of("cross_entropy+double_q");
    c.model_candidates = 0;
    for (int k = 0; k < 2; k++) {
        const Shop shop = {.users = 60, .longest = 30, .seed = 6, .impressions = k};
        assert_ok(shop_write(&shop, shop_path(path[k], k ? "with" : "without")));
        snprintf(c.data_path, sizeof c.data_path, "%s", path[k]);
        assert_ok(trainer_open(&t[k], &c));
        first_batch(&batch[k], &t[k]);
    }
    int64_t targets = 0, taken = 0;
    const Losses whole = step_gradients(&t[0], &batch[0]), have = step_gradients(&t[1], &batch[1]);
    for (int64_t i = 0; i < batch[0].used; i++) {
        const bool view = batch[0].target_action[i] == 0;
        targets += batch[0].target[i] >= 0;
        taken += batch[0].target[i] >= 0 && !view;
        if (view) batch[0].target[i] = -1;
    }
    const Losses want = step_gradients(&t[0], &batch[0]);
    assert_true(taken > 20 && targets > taken + 20);
    assert_int_equal(have.targets, targets);
    assert_int_equal(have.taken, taken);
    assert_int_equal(whole.taken, targets);
    assert_true(have.mean[LOSS_CROSS_ENTROPY] == want.mean[LOSS_CROSS_ENTROPY]);
    assert_true(have.mean[LOSS_NEXT_ACTION] == want.mean[LOSS_NEXT_ACTION]);
    assert_true(have.mean[LOSS_TD] == whole.mean[LOSS_TD]);
    assert_true(have.mean[LOSS_OUTCOME] == whole.mean[LOSS_OUTCOME]);
    assert_true(whole.mean[LOSS_CROSS_ENTROPY] != want.mean[LOSS_CROSS_ENTROPY]);
    for (int k = 0; k < 2; k++) {
        batch_close(&batch[k]);
        trainer_close(&t[k]);
        unlink(path[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_make_the_gradient_of_the_whole_batch),
        cmocka_unit_test(windows_that_overlap_share_the_transitions),
        cmocka_unit_test(the_policy_learns_what_was_taken_and_q_what_was_shown),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The start of the counted half, recomputed from the batches that a training reads first. */
#include "train/start/standardise.h"

#include "shop.h"
#include "train/trainer_open.h"

enum { TOKENS = 64, WIDTH = 12 };
static char path[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 120, .longest = 30, .ties = true, .seed = 15};
    return shop_write(&shop, shop_path(path, "standardise")) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(path);
}

static Config settings(int64_t tokens, int threads)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", path);
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy");
    c.model_dim = 8;
    c.model_layers = 1;
    c.model_length = 9;
    c.model_candidates = WIDTH;
    c.train_tokens = tokens;
    c.train_threads = threads;
    return c;
}

static Tensor value_of(const Trainer *t, const char *name)
{
    return t->model.params.copy[PARAM_VALUE][params_find(&t->model.params, name)];
}

/* ---- By the definition ----------------------------------------------------------------------- */

/* The features of the candidates of all states that are trained in the first batches. */
typedef struct {
    int64_t count, capacity, batches, all_batches;
    float (*feature)[COUNT_FEATURES];
} Features;

static void add_batch(Features *f, Trainer *t, const Batch *b)
{
    int32_t item[TOKENS * WIDTH];
    static float feature[TOKENS * WIDTH * COUNT_FEATURES];
    float state[TOKENS * COUNT_STATE_FEATURES];
    const int64_t tokens = b->used;
    assert_true(tokens <= TOKENS);
    candidates(&t->dev,
               (CandidatesOutput){TENSOR(item, I32, tokens, WIDTH),
                                  TENSOR(feature, F32, tokens, WIDTH, COUNT_FEATURES),
                                  TENSOR(state, F32, tokens, COUNT_STATE_FEATURES)},
               (CandidatesInput){.item = TENSOR(b->item, I32, tokens),
                                 .cu_seqlens = TENSOR(b->cu_seqlens, I32, b->windows + 1),
                                 .time = TENSOR(b->time, I64, tokens),
                                 .own_offset = TENSOR(b->own_offset, I32, b->windows + 1),
                                 .own = TENSOR(b->own, I32, b->own_offset[b->windows], 2),
                                 .token = TENSOR(b->state, I32, tokens)},
               &t->model.counts);
    for (int64_t at = 0; at < tokens * WIDTH; at++) {
        if (b->target[at / WIDTH] < 0 || item[at] < 0) continue;
        assert_true(f->count < f->capacity);
        memcpy(f->feature[f->count++], feature + at * COUNT_FEATURES, sizeof *f->feature);
    }
}

static Features features_of(Trainer *t)
{
    Features f = {.capacity = STANDARDISE_BATCHES * TOKENS * WIDTH};
    Stream *stream;
    const Batch *batch;
    const StreamOptions options = trainer_stream(t);
    f.feature = calloc((size_t)f.capacity, sizeof *f.feature);
    assert_non_null(f.feature);
    assert_ok(stream_open(&stream, &t->file, &options, (StreamCursor){0}));
    assert_ok(stream_batches(stream, 0, &f.all_batches));
    for (; f.batches < f.all_batches && f.batches < STANDARDISE_BATCHES; f.batches++) {
        assert_ok(stream_next(stream, &batch));
        add_batch(&f, t, batch);
    }
    stream_close(stream);
    return f;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void features_have_mean_0_and_variance_1(void **state)
{
    (void)state;
    Trainer t;
    const Config c = settings(TOKENS, 2);
    assert_ok(trainer_open(&t, &c));
    const Features f = features_of(&t);
    int varied = 0;
    assert_true(f.all_batches > STANDARDISE_BATCHES && f.count > 1000);
    for (int k = 0; k < COUNT_FEATURES; k++) {
        const double shift = (double)f32(value_of(&t, "candidates.mean"))[k];
        const double scale = (double)f32(value_of(&t, "candidates.scale"))[k];
        double mean = 0.0, square = 0.0;
        for (int64_t i = 0; i < f.count; i++) {
            const double x = ((double)f.feature[i][k] - shift) * scale;
            mean += x / (double)f.count;
            square += x * x / (double)f.count;
        }
        /* The mean and the scale are rounded to f32 once. */
        assert_near(mean, 0.0, 0x1p-23 * (1.0 + fabs(shift)) * scale);
        if (scale != 1.0) assert_near(square, 1.0, 1e-6);
        varied += scale != 1.0;
    }
    assert_true(varied >= COUNT_FEATURES - 1);
    free(f.feature);
    trainer_close(&t);
}

static void a_candidate_starts_with_the_score_of_all_counted_events(void **state)
{
    (void)state;
    Trainer t;
    const Config c = settings(TOKENS, 1);
    double events = 0.0;
    assert_ok(trainer_open(&t, &c));
    for (int64_t a = 0; a < SHOP_ITEMS; a++) events += (double)f32(t.model.counts.popularity)[a];
    assert_true(events > 500.0);
    assert_near(f32(value_of(&t, "candidates.base"))[0], log(events), 1e-6 * log(events));
    trainer_close(&t);
}

static void an_epoch_of_few_batches_suffices_and_threads_do_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {"candidates.mean", "candidates.scale", "candidates.base"};
    Trainer one, three;
    const Config first = settings(4000, 1), second = settings(4000, 3);
    assert_ok(trainer_open(&one, &first));
    assert_ok(trainer_open(&three, &second));
    assert_true(f32(value_of(&one, "candidates.mean"))[6] != 0.0f);
    for (int i = 0; i < 3; i++) {
        const Tensor a = value_of(&one, names[i]), b = value_of(&three, names[i]);
        assert_memory_equal(a.data, b.data, tensor_bytes(a));
    }
    trainer_close(&one);
    trainer_close(&three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_have_mean_0_and_variance_1),
        cmocka_unit_test(a_candidate_starts_with_the_score_of_all_counted_events),
        cmocka_unit_test(an_epoch_of_few_batches_suffices_and_threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two models in one process, trained at once by two threads: each gets the weights that it gets
 * alone. */
#include <pthread.h>

#include "batch_case.h"
#include "data/stream/stream.h"
#include "shop.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { STEPS = 6, MODELS = 2 };

static char data[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 120, .longest = 30, .features = true, .seed = 5};
    return shop_write(&shop, shop_path(data, "two-models")) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(data);
}

/* A training that is driven by one thread; its batches are in memory before it begins. */
typedef struct {
    Trainer trainer;
    Batch batch[STEPS];
    Status status;
    char message[256];
} Run;

static void open_run(Run *r, const char *objective, const char *precision, int threads)
{
    Stream *stream;
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    snprintf(c.train_precision, sizeof c.train_precision, "%s", precision);
    c.model_dim = 16;
    c.model_length = 12;
    c.train_tokens = 128;
    c.train_threads = threads;
    *r = (Run){0};
    assert_ok(trainer_open(&r->trainer, &c));
    const StreamOptions options = trainer_stream(&r->trainer);
    assert_ok(stream_open(&stream, &r->trainer.file, &options, (StreamCursor){0}));
    for (int i = 0; i < STEPS; i++) {
        const Batch *next;
        Window window[128];
        assert_ok(stream_next(stream, &next));
        for (int64_t w = 0; w < next->windows; w++) window[w] = window_of_batch(next, w);
        assert_ok(batch_open(&r->batch[i], &r->trainer.file, c.train_tokens, next->counted,
                             batch_own_capacity(&r->trainer.file, next->counted, c.train_tokens)));
        assert_ok(batch_fill(&r->batch[i], &r->trainer.file, window, next->windows));
    }
    stream_close(stream);
}

static void close_run(Run *r)
{
    for (int i = 0; i < STEPS; i++) batch_close(&r->batch[i]);
    trainer_close(&r->trainer);
}

static void *train(void *argument)
{
    Run *r = argument;
    StepReport report;
    for (int i = 0; i < STEPS && r->status == OK; i++)
        r->status = step_run(&r->trainer, &r->batch[i], &report);
    snprintf(r->message, sizeof r->message, "%s", status_message());
    return NULL;
}

static void open_runs(Run run[MODELS])
{
    open_run(&run[0], "cross_entropy+double_q", "f32", 1);
    open_run(&run[1], "iql", "bf16", 3);
}

static void two_models_trained_at_once_are_each_as_alone(void **state)
{
    (void)state;
    static Run alone[MODELS], both[MODELS];
    pthread_t thread[MODELS];
    open_runs(alone);
    open_runs(both);
    for (int m = 0; m < MODELS; m++) train(&alone[m]);
    for (int m = 0; m < MODELS; m++)
        assert_int_equal(pthread_create(&thread[m], NULL, train, &both[m]), 0);
    for (int m = 0; m < MODELS; m++) pthread_join(thread[m], NULL);
    for (int m = 0; m < MODELS; m++) {
        const Params *want = &alone[m].trainer.model.params, *have = &both[m].trainer.model.params;
        if (both[m].status != OK) fail_msg("model %d: %s", m, both[m].message);
        assert_int_equal(alone[m].status, OK);
        for (int i = 0; i < want->count; i++)
            assert_memory_equal(have->copy[PARAM_VALUE][i].data, want->copy[PARAM_VALUE][i].data,
                                tensor_bytes(want->copy[PARAM_VALUE][i]));
    }
    for (int m = 0; m < MODELS; m++) {
        close_run(&alone[m]);
        close_run(&both[m]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_models_trained_at_once_are_each_as_alone),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

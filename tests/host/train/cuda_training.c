/* SPDX-License-Identifier: Apache-2.0 */
/* Training as a whole on CUDA: steps fed through a ring, recorded, replayed and reported one late
 * are the steps taken one by one, bit for bit; what is not finite stops all change; a run
 * resumes. */
#include "pair.h"
#include "shop.h"

#include <sys/stat.h>

#include "data/counts/events.h"
#include "train/checkpoint.h"
#include "train/loop.h"
#include "train/plan.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { BATCHES = 6 };
static char path[256], folder[256];

static Config settings(const char *device, const char *objective)
{
    Config c = config_default();
    c.model_text = 1;
    snprintf(c.data_path, sizeof c.data_path, "%s", path);
    snprintf(c.train_device, sizeof c.train_device, "%s", device);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.model_dim = 8;
    c.model_layers = 1;
    c.model_length = 9;
    c.train_tokens = 48;
    c.train_steps = 100;
    c.train_threads = 2;
    c.optim_warmup = 1;
    return c;
}

static StreamOptions stream_options(const Config *c, int readers)
{
    return (StreamOptions){.split = SPLIT_TRAIN,
                           .tokens = c->train_tokens,
                           .length = c->model_length,
                           .counted = COUNTED_TRAIN,
                           .pool_events = c->train_pool_events,
                           .seed = (uint64_t)c->train_seed,
                           .threads = readers,
                           .shuffle = true};
}

/* All that a step may change, as the host reads it. */
typedef struct {
    float *copy[PARAM_COPIES];
    size_t bytes[PARAM_COPIES];
} Network;

static Network read_weights(Trainer *t)
{
    Network w = {0};
    for (ParamCopy c = PARAM_VALUE; c <= PARAM_TARGET; c++) {
        const Arena *a = &t->model.params.arena[c];
        if (c == PARAM_GRAD || !t->model.params.copy[c]) continue;
        w.bytes[c] = a->used;
        w.copy[c] = malloc(a->used);
        device_copy_out(&t->dev, w.copy[c], a->base, a->used);
    }
    assert_ok(device_sync(&t->dev));
    return w;
}

static void free_weights(Network *w)
{
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++) free(w->copy[c]);
    *w = (Network){0};
}

static void assert_same_weights(const Network *a, const Network *b)
{
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++)
        if (a->bytes[c]) assert_memory_equal(a->copy[c], b->copy[c], a->bytes[c]);
}

static void assert_near_weights(const Network *a, const Network *b)
{
    for (ParamCopy c = PARAM_VALUE; c < PARAM_COPIES; c++) {
        double error = 0.0, norm = 0.0;
        for (size_t i = 0; i < a->bytes[c] / sizeof(float); i++) {
            const double d = (double)a->copy[c][i] - b->copy[c][i];
            error += d * d;
            norm += (double)b->copy[c][i] * b->copy[c][i];
        }
        if (!(sqrt(error) <= 1e-5 * sqrt(norm)))
            fail_msg("copy %d: error %.3g, norm %.3g", (int)c, sqrt(error), sqrt(norm));
    }
}

static void assert_same_report(const StepReport *a, const StepReport *b)
{
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->tokens, b->tokens);
    assert_int_equal(a->losses.targets, b->losses.targets);
    assert_int_equal(a->losses.backups, b->losses.backups);
    assert_true(a->losses.total == b->losses.total &&
                a->losses.mean[LOSS_TD] == b->losses.mean[LOSS_TD]);
    assert_true(a->gradient_norm == b->gradient_norm && a->lr == b->lr);
}

/* How a trainer takes its batches. */
typedef struct {
    const char *device, *precision; /* NULL: f32 */
    int graph, ahead, slots, readers;
    int grow; /* scratch, so often, after the fourth step, as a validation does */
} Way;

/* Once, the lowest block stays; the next time it is made anew, and graphs on it are gone. */
static void grow_scratch(Device *dev, int times)
{
    for (int i = 0; i < times; i++) {
        const int64_t dim = (int64_t)dev->scratch.high_water + (1 << 20);
        scratch_tensor(dev, U8, 1, &dim);
        scratch_release(dev, 0);
    }
}

/* The first batches of the stream; the graphs' replays where they are asked for. */
static Network train(const char *objective, Way way, StepReport *report, int64_t *replayed)
{
    static Trainer t;
    Config c = settings(way.device, objective);
    c.train_graph = way.graph;
    if (way.precision) snprintf(c.train_precision, sizeof c.train_precision, "%s", way.precision);
    Stream *stream;
    const Batch *batch;
    const StreamOptions options = stream_options(&c, way.readers);
    assert_ok(trainer_open(&t, &c));
    if (way.slots) {
        feed_close(&t.feed);
        assert_ok(feed_open(&t.feed, &t.model, &t.file, c.train_tokens, c.model_length + 1,
                            way.slots, &t.dev));
    }
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    int told = 0;
    for (int i = 0; i < BATCHES; i++) {
        assert_ok(stream_next(stream, &batch));
        assert_ok(step_enqueue(&t, batch));
        while (trainer_unreported(&t) > way.ahead) assert_ok(step_report(&t, &report[told++]));
        if (i == 3) grow_scratch(&t.dev, way.grow);
    }
    while (trainer_unreported(&t)) assert_ok(step_report(&t, &report[told++]));
    assert_int_equal(told, BATCHES);
    if (replayed) *replayed = t.replayed;
    stream_close(stream);
    Network w = read_weights(&t);
    trainer_close(&t);
    return w;
}

static void recorded_steps_are_the_steps(void **state)
{
    (void)state;
    static const char *const objectives[] = {"cross_entropy+double_q", "expected_sarsa"};
    for (size_t o = 0; o < sizeof objectives / sizeof *objectives; o++) {
        StepReport want[BATCHES], have[BATCHES];
        int64_t replayed;
        Network on_cpu = train(objectives[o], (Way){.device = "cpu"}, want, NULL);
        Network plain = train(objectives[o], (Way){.device = "cuda"}, want, &replayed);
        if (EMULATED) assert_near_weights(&plain, &on_cpu); /* on a GPU: test_step, test_check */
        assert_int_equal(replayed, 0);
        for (int grow = 0; grow < (o == 0 ? 3 : 1); grow++) {
            const Way way = {.device = "cuda", .graph = 1, .grow = grow};
            Network graph = train(objectives[o], way, have, &replayed);
            for (int i = 0; i < BATCHES; i++) assert_same_report(&have[i], &want[i]);
            assert_same_weights(&graph, &plain);
            assert_true(replayed >= BATCHES / 2); /* the first of each of the two shapes are not */
            free_weights(&graph);
        }
        free_weights(&on_cpu), free_weights(&plain);
    }
}

static void recorded_steps_in_bf16_are_the_steps(void **state)
{
    (void)state;
    StepReport want[BATCHES], have[BATCHES];
    int64_t replayed;
    const Way way = {.device = "cuda", .precision = "bf16"};
    const Way recorded = {.device = "cuda", .precision = "bf16", .graph = 1, .ahead = 1};
    Network plain = train("cross_entropy+double_q", way, want, NULL);
    Network graph = train("cross_entropy+double_q", recorded, have, &replayed);
    for (int i = 0; i < BATCHES; i++) assert_same_report(&have[i], &want[i]);
    assert_same_weights(&graph, &plain);
    assert_true(replayed >= BATCHES - 2);
    free_weights(&graph), free_weights(&plain);
}

static void slots_readers_and_late_reports_change_no_bit(void **state)
{
    (void)state;
    static const Way ways[] = {
        {.device = "cuda", .graph = 1, .ahead = 1},
        {.device = "cuda", .graph = 1, .ahead = 1, .slots = 1, .readers = 1},
        {.device = "cuda", .graph = 1, .ahead = 1, .slots = 2, .readers = 2},
        {.device = "cuda", .graph = 0, .ahead = 1, .slots = 3, .readers = 3},
        {.device = "cpu", .ahead = 0, .readers = 2},
    };
    StepReport want[BATCHES], have[BATCHES];
    Network one = train("cross_entropy+double_q", (Way){.device = "cuda"}, want, NULL);
    for (size_t i = 0; i + 1 < sizeof ways / sizeof *ways; i++) {
        Network other = train("cross_entropy+double_q", ways[i], have, NULL);
        assert_same_weights(&other, &one);
        for (int k = 0; k < BATCHES; k++) assert_same_report(&have[k], &want[k]);
        free_weights(&other);
    }
    free_weights(&one);
}

/* With one slot the host waits for each copy and for no op, so that copies run far ahead of ops. */
static void a_staging_buffer_is_filled_again_when_its_ops_are_done(void **state)
{
    (void)state;
    static Trainer t;
    const Config c = settings("cuda", "cross_entropy");
    const StreamOptions options = stream_options(&c, 0);
    const size_t bytes = (size_t)c.train_tokens * sizeof(int32_t);
    int32_t *want[BATCHES];
    char *seen;
    Stream *stream;
    const Batch *batch;
    assert_ok(trainer_open(&t, &c));
    feed_close(&t.feed);
    assert_ok(feed_open(&t.feed, &t.model, &t.file, c.train_tokens, c.model_length + 1, 1, &t.dev));
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    seen = device_alloc(&t.dev, BATCHES * bytes, "a test");
    for (int i = 0; i < BATCHES; i++) {
        int index;
        const StepNumbers numbers = {.step = i};
        assert_ok(stream_next(stream, &batch));
        const StepInput *in = feed_batch(&t.feed, batch, &numbers, &index);
        assert_int_equal(index, i % FEED_INPUTS);
        device_copy(&t.dev, seen + (size_t)i * bytes, in->batch.item.data, bytes);
        want[i] = malloc(bytes);
        for (int64_t k = 0; k < c.train_tokens; k++)
            want[i][k] = k < batch->used ? batch->item[k] : -1;
    }
    char *have = device_read(&t.dev, seen, BATCHES * bytes);
    assert_ok(device_sync(&t.dev));
    for (int i = 0; i < BATCHES; i++) {
        assert_memory_equal(have + (size_t)i * bytes, want[i], bytes);
        free(want[i]);
    }
    device_read_done(&t.dev, have);
    device_free(&t.dev, seen);
    stream_close(stream);
    trainer_close(&t);
}

/* The batch has fewer windows than the largest shape, for which scratch is reserved. */
static void a_step_takes_what_was_planned(void **state)
{
    (void)state;
    static const char *const objectives[] = {"cross_entropy+double_q", "crr", "snqn"};
    for (size_t o = 0; o < sizeof objectives / sizeof *objectives; o++)
        for (int half = 0; half < 2; half++) {
            static Trainer t, measuring;
            Config c = settings("cuda", objectives[o]);
            const StreamOptions options = stream_options(&c, 0);
            Stream *stream;
            const Batch *batch;
            StepReport report;
            snprintf(c.train_precision, sizeof c.train_precision, "%s", half ? "bf16" : "f32");
            assert_ok(trainer_open(&t, &c));
            trainer_open_measuring(&measuring, &t);
            assert_ok(trainer_take(&measuring));
            trainer_begin(&measuring);
            assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
            assert_ok(stream_next(stream, &batch));
            assert_ok(step_run(&t, batch, &report));
            assert_true(step_measure(&measuring, t.feed.input[0].shape));
            assert_int_equal(t.dev.scratch.high_water, measuring.dev.scratch.high_water);
            assert_true(t.dev.scratch.high_water <= t.plan.part[PLAN_SCRATCH]);
            const size_t held = device_held(&t.dev, NULL), planned = plan_bytes(&t.plan);
            assert_true(held <= planned && (double)held >= 0.98 * (double)planned);
            trainer_close(&measuring);
            stream_close(stream);
            trainer_close(&t);
        }
}

/* step_gradients takes the batch as it is; a step fills it up to constant shapes. On a GPU cuBLASLt
 * may take another algorithm for another number of rows, so there the order of sums may differ. */
static void constant_shapes_change_no_bit(void **state)
{
    (void)state;
    static Trainer plain, padded;
    const Config c = settings("cuda", "cross_entropy+double_q");
    const StreamOptions options = stream_options(&c, 0);
    Stream *stream;
    const Batch *batch;
    assert_ok(trainer_open(&plain, &c));
    assert_ok(trainer_open(&padded, &c));
    assert_ok(stream_open(&stream, &plain.file, &options, (StreamCursor){0}));
    int64_t left = 0;
    for (int i = 0; i < 3; i++) {
        StepReport report;
        double schedule[ADAMW_SCHEDULE];
        assert_ok(stream_next(stream, &batch));
        left += batch->tokens - batch->used;
        const Losses l = step_gradients(&plain, batch);
        const Tensor on_device = plain.feed.input[0].schedule;
        optimizer_schedule(&plain.optimizer, plain.step + 1, schedule);
        device_copy_in(&plain.dev, on_device.data, schedule, sizeof schedule);
        optimizer_step(&plain.dev, &plain.optimizer, &plain.model.params, on_device, plain.sums);
        plain.step++;
        assert_ok(step_run(&padded, batch, &report));
        assert_int_equal(report.losses.targets, l.targets);
        assert_true(EMULATED ? report.losses.total == l.total
                             : fabs(report.losses.total - l.total) <= 1e-6 * l.total);
    }
    assert_true(left > 0);
    Network a = read_weights(&plain), b = read_weights(&padded);
    if (EMULATED) assert_same_weights(&a, &b);
    free_weights(&a), free_weights(&b);
    stream_close(stream);
    trainer_close(&plain);
    trainer_close(&padded);
}

/* A batch whose loss is infinite, and a good one enqueued behind it: neither moves anything, on
 * either device; then the good one trains on. */
static void what_is_not_finite_stops_all_change(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        static Trainer t;
        Config c = settings(k % 2 ? "cuda" : "cpu", "cross_entropy+sarsa");
        c.train_graph = k / 2;
        const StreamOptions options = stream_options(&c, 0);
        Stream *stream;
        const Batch *batch;
        StepReport report;
        assert_ok(trainer_open(&t, &c));
        assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
        for (int i = 0; i < 4; i++) {
            assert_ok(stream_next(stream, &batch));
            assert_ok(step_run(&t, batch, &report));
        }
        Network before = read_weights(&t);
        const float reward = batch->reward[0];
        batch->reward[0] = INFINITY;
        assert_ok(step_enqueue(&t, batch));
        batch->reward[0] = reward;
        assert_ok(step_enqueue(&t, batch));
        assert_int_equal(step_report(&t, &report), ERR_DEVICE);
        assert_non_null(strstr(status_message(), "step 5: the loss is "));
        status_clear();
        assert_int_equal(t.step, 4);
        assert_int_equal(trainer_unreported(&t), 0);
        Network after = read_weights(&t);
        assert_same_weights(&after, &before);
        assert_ok(step_run(&t, batch, &report));
        assert_int_equal(report.step, 5);
        free_weights(&after);
        after = read_weights(&t);
        assert_memory_not_equal(after.copy[PARAM_VALUE], before.copy[PARAM_VALUE],
                                after.bytes[PARAM_VALUE]);
        free_weights(&after), free_weights(&before);
        stream_close(stream);
        trainer_close(&t);
    }
}

/* ---- The loop -------------------------------------------------------------------------------- */

static Config run_settings(const char *name, const char *device, int graph)
{
    Config c = settings(device, "cross_entropy+double_q");
    snprintf(c.train_out, sizeof c.train_out, "%s%s", folder, name);
    c.train_graph = graph;
    c.train_steps = 10;
    c.train_valid_every = c.train_save_every = 5;
    c.train_valid_users = 8;
    return c;
}

static char *read_file(const Config *c, const char *name, size_t *size)
{
    char file[1024];
    snprintf(file, sizeof file, "%s/%s", c->train_out, name);
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = calloc(*size + 1, 1);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

/* The record but for the seconds: which differ from run to run. */
static char *read_record(const Config *c)
{
    size_t size;
    char *text = read_file(c, "metrics.jsonl", &size);
    for (char *at = text; (at = strstr(at, ", \"seconds\": "));)
        memmove(at, strchr(at, '}'), strlen(strchr(at, '}')) + 1);
    return text;
}

static void assert_same_run(const Config *a, const Config *b)
{
    size_t sizes[2];
    char *last[2] = {read_file(a, "last.safetensors", &sizes[0]),
                     read_file(b, "last.safetensors", &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(last[0], last[1], sizes[0]);
    char *record[2] = {read_record(a), read_record(b)};
    assert_string_equal(record[0], record[1]);
    for (int i = 0; i < 2; i++) free(last[i]), free(record[i]);
}

static void remove_run(const Config *c)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "checkpoint.json",
                                        "metrics.jsonl", "catalogue.h5"};
    char file[1024];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(file, sizeof file, "%s/%s", c->train_out, names[i]);
        unlink(file);
    }
    rmdir(c->train_out);
}

/* Steps in order and each once, a validation behind its step. */
static void assert_record_in_order(const Config *c)
{
    char *text = read_record(c), *at = text;
    for (int line = 0, step = 1; line < 12; line++) {
        char want[64];
        snprintf(want, sizeof want, "{\"step\": %d, \"%s\"", step,
                 line % 6 < 5 ? "epoch" : "valid");
        assert_memory_equal(at, want, strlen(want) - 1);
        if (line % 6 != 4) step++;
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(*at, '\0');
    free(text);
}

static void a_run_is_the_same_recorded_or_not_and_resumes_bit_for_bit(void **state)
{
    (void)state;
    const Config whole = run_settings("-whole", "cuda", 1),
                 plain = run_settings("-plain", "cuda", 0);
    Config cut = run_settings("-cut", "cuda", 1);
    assert_ok(loop_run(&whole, (LoopOptions){0}, NULL));
    assert_ok(loop_run(&plain, (LoopOptions){0}, NULL));
    assert_same_run(&whole, &plain);
    assert_record_in_order(&whole);

    cut.train_steps = 5; /* the schedule, and so the run, is that of 10 when it goes on */
    static Trainer t;
    Stream *stream;
    const Batch *batch;
    StepReport report;
    const StreamOptions options = stream_options(&cut, 0);
    assert_ok(trainer_open(&t, &whole));
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    for (int i = 0; i < 3; i++) {
        assert_ok(stream_next(stream, &batch));
        assert_ok(step_run(&t, batch, &report));
    }
    const Progression p = {.best = -1.0, .cursor = {batch->cursor.epoch, batch->cursor.batch + 1}};
    char file[1024];
    mkdir(cut.train_out, 0777);
    snprintf(file, sizeof file, "%s/last.safetensors", cut.train_out);
    assert_ok(checkpoint_write(&t, &p, file, true));
    stream_close(stream);
    trainer_close(&t);
    cut.train_steps = 10, cut.train_readers = 2;
    assert_ok(loop_run(&cut, (LoopOptions){.resume = true}, NULL));
    size_t sizes[2];
    char *last[2] = {read_file(&whole, "last.safetensors", &sizes[0]),
                     read_file(&cut, "last.safetensors", &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(last[0], last[1], sizes[0]);
    free(last[0]), free(last[1]);
    remove_run(&whole), remove_run(&plain), remove_run(&cut);
}

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 12, .features = true, .seed = 5};
    shop_path(path, "cuda_train");
    snprintf(folder, sizeof folder, "%.*s-run", (int)strlen(path) - 3, path);
    return shop_write(&shop, path) != OK;
}
static int remove_shop(void **state)
{
    unlink(path);
    return pair_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_steps_are_the_steps),
        cmocka_unit_test(recorded_steps_in_bf16_are_the_steps),
        cmocka_unit_test(slots_readers_and_late_reports_change_no_bit),
        cmocka_unit_test(a_step_takes_what_was_planned),
        cmocka_unit_test(a_staging_buffer_is_filled_again_when_its_ops_are_done),
        cmocka_unit_test(constant_shapes_change_no_bit),
        cmocka_unit_test(what_is_not_finite_stops_all_change),
        cmocka_unit_test(a_run_is_the_same_recorded_or_not_and_resumes_bit_for_bit),
    };
    if (!pair_open()) return printf("1..0 # SKIP %s\n", status_message()), 77;
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

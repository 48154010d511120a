/* SPDX-License-Identifier: Apache-2.0 */
/* Training as a whole on a small file: it learns, it does not depend on threads, it resumes bit for
 * bit, and a checkpoint is only taken where it fits. */
#include <sys/stat.h>
#include <unistd.h>

#include "shop.h"

#include "model/saved.h"
#include "train/checkpoint.h"
#include "train/loop.h"
#include "train/step.h"
#include "train/trainer_open.h"

static char data[256], folder[256];

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 300, .longest = 30, .features = true, .ties = true, .seed = 5};
    shop_path(data, "training");
    snprintf(folder, sizeof folder, "%.*s-run", (int)strlen(data) - 3, data);
    return shop_write(&shop, data) != OK;
}

static int remove_shop(void **state)
{
    (void)state;
    return unlink(data);
}

static Config small_config(const char *out)
{
    Config c = config_default();
    c.model_text = 1;
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.train_out, sizeof c.train_out, "%s%s", folder, out);
    c.model_dim = 16;
    c.model_length = 12;
    c.train_tokens = 128;
    c.train_steps = 24;
    c.train_valid_every = 8;
    c.train_save_every = 8;
    c.optim_warmup = 4;
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy+double_q");
    return c;
}

/* The settings that a test's state changes. */
typedef struct {
    const char *precision, *objective;
    double entropy;
} Variant;

static Config small_config_in(const char *out, void **state)
{
    Config c = small_config(out);
    const Variant *v = *state;
    if (v && v->precision)
        snprintf(c.train_precision, sizeof c.train_precision, "%s", v->precision);
    if (v && v->objective)
        snprintf(c.learn_objective, sizeof c.learn_objective, "%s", v->objective);
    if (v) c.learn_entropy = v->entropy;
    return c;
}

static void remove_run(const Config *c)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "checkpoint.json",
                                        "metrics.jsonl", "catalogue.h5"};
    char path[1024];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", c->train_out, names[i]);
        unlink(path);
    }
    rmdir(c->train_out);
}

static char *read_last(const Config *c, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/last.safetensors", c->train_out);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void assert_same_checkpoint(const Config *a, const Config *b)
{
    size_t sizes[2];
    char *bytes[2] = {read_last(a, &sizes[0]), read_last(b, &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void threads_and_readers_do_not_change_a_bit(void **state)
{
    static const int64_t threads[] = {2, 4};
    Config one = small_config_in("-one", state);
    one.train_threads = 1, one.train_readers = 0;
    assert_true(one.model_candidates > 0);
    assert_ok(loop_run(&one, (LoopOptions){0}, NULL));
    for (int i = 0; i < 2; i++) {
        Config more = small_config_in("-more", state);
        more.train_threads = threads[i], more.train_readers = 2 - i;
        assert_ok(loop_run(&more, (LoopOptions){0}, NULL));
        assert_same_checkpoint(&one, &more);
        remove_run(&more);
    }
    remove_run(&one);
}

/* The loop saves every 8 steps; stopping it in between loses the steps since, and nothing else. */
static void a_stopped_run_resumes_bit_for_bit(void **state)
{
    Config whole = small_config_in("-whole", state), cut = small_config_in("-cut", state);
    assert_ok(loop_run(&whole, (LoopOptions){0}, NULL));

    Trainer t;
    Stream *stream = NULL;
    const Batch *batch;
    StepReport report;
    Progression p = {.best = -1.0};
    char path[1024];
    cut.train_threads = 1;
    cut.train_readers = 0;
    assert_ok(trainer_open(&t, &cut));
    const StreamOptions options = trainer_stream(&t);
    trainer_schedule(&t, cut.train_steps);
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    for (int i = 0; i < 7; i++) {
        assert_ok(stream_next(stream, &batch));
        assert_ok(step_run(&t, batch, &report));
    }
    p.cursor = (StreamCursor){batch->cursor.epoch, batch->cursor.batch + 1};
    mkdir(cut.train_out, 0777);
    snprintf(path, sizeof path, "%s/last.safetensors", cut.train_out);
    assert_ok(checkpoint_write(&t, &p, path, true));
    stream_close(stream);
    trainer_close(&t);

    cut.train_threads = 2, cut.train_readers = 2;
    assert_ok(loop_run(&cut, (LoopOptions){.resume = true}, NULL));
    assert_same_checkpoint(&whole, &cut);
    remove_run(&whole);
    remove_run(&cut);
}

static double last_loss(const Config *c)
{
    char path[1024], line[1024];
    double loss = NAN;
    snprintf(path, sizeof path, "%s/metrics.jsonl", c->train_out);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *at = strstr(line, "\"cross_entropy\": ");
        if (at) loss = strtod(at + 17, NULL);
    }
    fclose(f);
    return loss;
}

/* A shop where every user walks through the catalogue in order: the next item is certain. */
static void write_walks(const char *path)
{
    static const char *const names[] = {"view", "cart", "purchase"};
    static const float rewards[] = {0.0f, 0.25f, 0.5f};
    const Shop shop = {.users = 200, .longest = 30, .seed = 6};
    const BehaviourHeader header = {
        .actions = SHOP_ACTIONS, .action_name = names, .action_reward = rewards};
    BehaviourWriter *w = NULL;
    ShopUser *u = malloc(sizeof *u);
    assert_ok(behaviour_write_create(&w, path, &header));
    for (int64_t user = 0; user < shop.users; user++) {
        const UserHistory *h = shop_user(&shop, u, user);
        for (int64_t i = 0; i < h->count; i++) u->item[i] = (int32_t)((user + i) % SHOP_ITEMS);
        assert_ok(behaviour_write_append(w, h));
    }
    assert_ok(shop_finish(&shop, w));
    behaviour_write_close(w);
    free(u);
}

static void a_certain_next_item_is_learned(void **state)
{
    char walks[256];
    Config c = small_config_in("-walks", state);
    write_walks(shop_path(walks, "walks"));
    snprintf(c.data_path, sizeof c.data_path, "%s", walks);
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy");
    c.model_dropout = 0;
    c.optim_lr = 2e-2;
    c.train_steps = c.train_valid_every = c.train_save_every = 150;
    assert_ok(loop_run(&c, (LoopOptions){0}, NULL));
    /* Guessing costs log 97 = 4.6. */
    const double loss = last_loss(&c);
    if (!(loss < 0.5)) fail_msg("cross-entropy %g after 150 steps", loss);
    remove_run(&c);
    unlink(walks);
}

static void told(Status st, Status want, const char *message)
{
    assert_int_equal(st, want);
    if (!strstr(status_message(), message))
        fail_msg("told \"%s\", want \"%s\"", status_message(), message);
    status_clear();
}

static void numbers_that_the_log_decided_are_kept(void **state)
{
    (void)state;
    Config c = config_default(), kept;
    Safetensors file;
    char path[1024];
    snprintf(c.data_path, sizeof c.data_path, "%s", data);
    snprintf(c.train_out, sizeof c.train_out, "%s-auto", folder);
    c.model_length = 12;
    c.train_steps = 20;
    c.train_patience = 0;
    for (int round = 0; round < 2; round++) {
        const LoopOptions how = {.resume = round == 1};
        assert_ok(loop_run(&c, how, NULL));
        snprintf(path, sizeof path, "%s/last.safetensors", c.train_out);
        assert_ok(safetensors_open(&file, path));
        assert_ok(saved_config(&kept, &file));
        safetensors_close(&file);
        assert_int_equal(kept.model_dim, 64);
        assert_int_equal(kept.train_tokens, 1024);
        assert_int_equal(kept.train_steps, c.train_steps);
        /* A fifth of the steps, and on resume that of the run, not of the new steps. */
        assert_int_equal(kept.optim_warmup, 4);
        assert_int_equal(kept.train_valid_every, 2);
        c.train_steps = 30;
    }
    /* Passes that are given decide the steps again. */
    c.train_steps = CONFIG_AUTO;
    c.train_epochs = 1;
    LoopEnd end;
    assert_ok(loop_run(&c, (LoopOptions){.resume = true}, &end));
    assert_int_equal(end.steps, 30); /* fewer than were done */
    remove_run(&c);
}

/* What a listener heard. */
typedef struct {
    Listener listener; /* first, so that a listener is its Heard */
    char warnings[1024], remarks[4096];
} Heard;

static void hear(char *all, size_t size, const char *text)
{
    const size_t used = strlen(all);
    snprintf(all + used, size - used, "%s\n", text);
}

static void hear_warning(Listener *self, const char *text)
{
    Heard *h = (Heard *)self;
    hear(h->warnings, sizeof h->warnings, text);
}

static void hear_remark(Listener *self, const char *text)
{
    Heard *h = (Heard *)self;
    hear(h->remarks, sizeof h->remarks, text);
}

static Heard heard_of(const Config *c)
{
    Heard h = {.listener = {.warn = hear_warning, .remark = hear_remark}};
    assert_ok(loop_run(
        c, (LoopOptions){.overwrite = true, .compare = true, .listener = &h.listener}, NULL));
    return h;
}

static void a_training_says_how_it_ended(void **state)
{
    (void)state;
    Config c = small_config("-ended");
    Heard h = heard_of(&c);
    assert_string_equal(h.warnings, "");
    assert_non_null(strstr(h.remarks, "model.dropout=0."));
    assert_null(strstr(h.remarks, "model.dim="));
    assert_non_null(strstr(h.remarks, "the best simple scorer"));
    c.optim_warmup = 25; /* of 24 steps */
    h = heard_of(&c);
    assert_non_null(strstr(h.warnings, "at step 24, inside its warm-up of 25 steps"));
    /* The first validation, at the end, is an improvement. */
    c.optim_warmup = 0;
    c.train_seconds = 0.2;
    c.train_steps = c.train_valid_every = 1000000;
    h = heard_of(&c);
    assert_non_null(strstr(h.warnings, "the clock stopped the training at step "));
    assert_non_null(strstr(h.warnings, " of 1000000, while it was still improving"));
    assert_non_null(strstr(h.remarks, "More time would help"));
    remove_run(&c);
}

static void a_resumed_run_may_change_its_pace_but_nothing_that_is_learned(void **state)
{
    (void)state;
    static const struct {
        const char *assignment, *refusal; /* NULL: none */
    } cases[] = {
        {"learn.gamma=0.5", "was trained with learn.gamma = 0.9"},
        {"train.seed=77", "was trained with train.seed = "},
        {"optim.lr=0.5", "was trained with optim.lr = "},
        {"train.patience=7", NULL},
        {"train.valid_users=3", NULL},
        {"train.threads=1", NULL},
        {"train.seconds=1000", NULL},
        {"world.epsilon=0.5", NULL},
    };
    Config c = small_config("-pace");
    assert_ok(loop_run(&c, (LoopOptions){0}, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config other = c;
        assert_ok(config_assign(&other, cases[i].assignment));
        const Status st = loop_run(&other, (LoopOptions){.resume = true}, NULL);
        if (cases[i].refusal)
            told(st, ERR_USAGE, cases[i].refusal);
        else
            assert_ok(st);
    }
    remove_run(&c);
}

static void runs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    Config c = small_config("-refuse");
    told(loop_run(&c, (LoopOptions){.resume = true}, NULL), ERR_IO,
         "last.safetensors: cannot open");
    assert_ok(loop_run(&c, (LoopOptions){0}, NULL));
    told(loop_run(&c, (LoopOptions){0}, NULL), ERR_USAGE,
         "--resume continues it, --force starts a new training");

    Config other = c;
    other.model_dim = 32;
    told(loop_run(&other, (LoopOptions){.resume = true}, NULL), ERR_USAGE,
         "model.dim = 16, not 32");
    other = c;
    snprintf(other.train_precision, sizeof other.train_precision, "bf16");
    told(loop_run(&other, (LoopOptions){.resume = true}, NULL), ERR_USAGE,
         "train.precision = f32, not bf16");
    snprintf(other.train_precision, sizeof other.train_precision, "f16");
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE, "want f32 or bf16");
    other = c;
    snprintf(other.learn_objective, sizeof other.learn_objective, "sarsa+q_learning");
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "sarsa and q_learning both train q; want agents that train different heads");
    snprintf(other.learn_objective, sizeof other.learn_objective, "cross_entropy+soft_q");
    other.learn_log_values = 1;
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "with learn.log_values = 1: want one of the agents q_learning, double_q, sarsa,");
    snprintf(other.learn_objective, sizeof other.learn_objective, "sarsa");
    other.learn_huber = 0.5;
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "learn.huber = 0.5 is a threshold of squared errors");
    other.learn_huber = other.learn_log_values = 0;
    const Shop without = {.users = 20, .longest = 10, .seed = 5};
    shop_path(other.data_path, "training_without");
    assert_ok(shop_write(&without, other.data_path));
    snprintf(other.learn_objective, sizeof other.learn_objective, "ppo");
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "want /events/propensity");
    unlink(other.data_path);
    other = c;
    other.model_heads = 3;
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "model.heads = 3: want an even dim/heads");
    other = c;
    other.model_length = 4096;
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "want less than train.tokens = 128");
    other = c;
    other.train_tokens = 30000000;
    other.model_dim = 16384;
    other.model_layers = 256;
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_MEMORY, "the plan needs");
    other = c;
    snprintf(other.train_device, sizeof other.train_device, "abacus");
    told(loop_run(&other, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE, "device \"abacus\"");
    remove_run(&c);
}

static Tensor value_of(const Trainer *t, const char *name)
{
    return t->model.params.copy[PARAM_VALUE][params_find(&t->model.params, name)];
}

/* Encoder, items and the policy of the run before; Q, which it did not have, of the seed. */
static void a_run_begins_with_the_weights_of_another(void **state)
{
    (void)state;
    Trainer seeded, begun;
    Safetensors file;
    Tensor want;
    char path[1024];
    Config first = small_config("-first"), c = small_config("-second");
    snprintf(first.learn_objective, sizeof first.learn_objective, "cross_entropy");
    assert_ok(loop_run(&first, (LoopOptions){0}, NULL));
    assert_ok(trainer_open(&seeded, &c));
    snprintf(c.train_from, sizeof c.train_from, "%s", first.train_out);
    assert_ok(trainer_open(&begun, &c));
    assert_ok(checkpoint_begin(&begun, NULL));
    snprintf(path, sizeof path, "%s/best.safetensors", first.train_out);
    assert_ok(safetensors_open(&file, path));
    static const char *const had[] = {"item.id", "block.0.attention.qkv", "policy.bias"};
    for (int i = 0; i < 3; i++) {
        const Tensor have = value_of(&begun, had[i]);
        assert_ok(safetensors_get(&file, had[i], F32, have.rank, have.dim, &want));
        assert_memory_equal(have.data, want.data, tensor_bytes(have));
        assert_true(memcmp(have.data, value_of(&seeded, had[i]).data, tensor_bytes(have)) != 0);
        const Tensor target =
            begun.model.params.copy[PARAM_TARGET][params_find(&begun.model.params, had[i])];
        assert_memory_equal(have.data, target.data, tensor_bytes(have));
    }
    const Tensor q = value_of(&begun, "q.weight");
    assert_memory_equal(q.data, value_of(&seeded, "q.weight").data, tensor_bytes(q));
    safetensors_close(&file);
    trainer_close(&begun);
    trainer_close(&seeded);

    assert_ok(loop_run(&c, (LoopOptions){0}, NULL));
    snprintf(first.train_from, sizeof first.train_from, "%s", c.train_out);
    snprintf(first.learn_objective, sizeof first.learn_objective, "sarsa");
    first.learn_log_values = 1;
    told(loop_run(&first, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "was trained with learn.log_values = 0, not 1");
    c.model_dim = 32;
    told(loop_run(&c, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
         "was trained with model.dim = 16, not 32");
    remove_run(&first);
    remove_run(&c);
}

/* Of the first batch, its rewards times `times`, at learn.reward_scale `scale`: the loss and the
 * gradient. */
static double gradient_of(const char *objective, double scale, float times, float **gradient,
                          size_t *bytes)
{
    Trainer t;
    Stream *stream;
    const Batch *batch;
    Config c = small_config("-scaled");
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.learn_reward_scale = scale;
    assert_ok(trainer_open(&t, &c));
    const StreamOptions options = trainer_stream(&t);
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    assert_ok(stream_next(stream, &batch));
    for (int64_t i = 0; i < batch->used; i++) batch->reward[i] *= times;
    const double loss = step_gradients(&t, batch).total;
    *bytes = (size_t)params_elements(&t.model.params) * sizeof(float);
    *gradient = malloc(*bytes);
    memcpy(*gradient, t.model.params.arena[PARAM_GRAD].base, *bytes);
    stream_close(stream);
    trainer_close(&t);
    return loss;
}

static void rewards_are_learned_from_at_their_scale(void **state)
{
    static const char *const objectives[] = {"double_q", "sarsa_lambda", "ppo"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        float *plain, *scaled, *larger;
        size_t bytes;
        const double loss = gradient_of(objectives[i], 1.0, 1.0f, &plain, &bytes);
        const double at_scale = gradient_of(objectives[i], 4.0, 1.0f, &scaled, &bytes);
        const double of_larger = gradient_of(objectives[i], 1.0, 4.0f, &larger, &bytes);
        assert_true(at_scale == of_larger && at_scale != loss);
        assert_memory_equal(scaled, larger, bytes);
        free(plain);
        free(scaled);
        free(larger);
    }
}

static void a_reward_below_zero_has_no_logarithm(void **state)
{
    (void)state;
    Trainer t;
    Stream *stream;
    const Batch *batch;
    Config c = small_config("-below");
    snprintf(c.learn_objective, sizeof c.learn_objective, "sarsa");
    c.learn_log_values = 1;
    assert_ok(trainer_open(&t, &c));
    const StreamOptions options = trainer_stream(&t);
    assert_ok(stream_open(&stream, &t.file, &options, (StreamCursor){0}));
    assert_ok(stream_next(stream, &batch));
    StepReport report;
    assert_ok(step_run(&t, batch, &report));
    const int64_t at = batch->cu_seqlens[1];
    char row[64];
    snprintf(row, sizeof row, "/events/reward, row %lld: -0.5;",
             (long long)batch->first_event[1] + 1);
    batch->reward[at] = -0.5f;
    told(step_run(&t, batch, &report), ERR_FORMAT, row);
    stream_close(stream);
    trainer_close(&t);
}

static void a_run_that_diverges_stops_and_keeps_its_last_checkpoint(void **state)
{
    (void)state;
    Config c = small_config("-diverge");
    c.optim_lr = 10;
    c.optim_clip = 0;
    c.optim_warmup = 0;
    c.optim_weight_decay = 10; /* p -= lr decay p: grows by 99 a step, beyond floats in 20 */
    c.train_valid_every = 4;
    c.train_save_every = 4;
    told(loop_run(&c, (LoopOptions){0}, NULL), ERR_DEVICE, "a lower optim.lr may help");
    size_t size;
    free(read_last(&c, &size));
    remove_run(&c);
}

int main(void)
{
    static Variant of_bf16 = {.precision = "bf16"};
    static Variant of_reinforce = {.objective = "reinforce", .entropy = 0.02};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_readers_do_not_change_a_bit),
        cmocka_unit_test_prestate(threads_and_readers_do_not_change_a_bit, &of_bf16),
        cmocka_unit_test_prestate(threads_and_readers_do_not_change_a_bit, &of_reinforce),
        cmocka_unit_test(a_stopped_run_resumes_bit_for_bit),
        cmocka_unit_test_prestate(a_stopped_run_resumes_bit_for_bit, &of_bf16),
        cmocka_unit_test_prestate(a_stopped_run_resumes_bit_for_bit, &of_reinforce),
        cmocka_unit_test(a_certain_next_item_is_learned),
        cmocka_unit_test_prestate(a_certain_next_item_is_learned, &of_bf16),
        cmocka_unit_test(numbers_that_the_log_decided_are_kept),
        cmocka_unit_test(a_training_says_how_it_ended),
        cmocka_unit_test(a_resumed_run_may_change_its_pace_but_nothing_that_is_learned),
        cmocka_unit_test(runs_that_do_not_fit_are_refused),
        cmocka_unit_test(a_run_begins_with_the_weights_of_another),
        cmocka_unit_test(rewards_are_learned_from_at_their_scale),
        cmocka_unit_test(a_reward_below_zero_has_no_logarithm),
        cmocka_unit_test(a_run_that_diverges_stops_and_keeps_its_last_checkpoint),
    };
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

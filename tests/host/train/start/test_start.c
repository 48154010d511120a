/* SPDX-License-Identifier: Apache-2.0 */
/* What a training has counted before its first step reaches every use of the model. */
#include "train/start/start.h"

#include <sys/stat.h>

#include "data/counts/tables.h"
#include "infer/session.h"
#include "op.h"
#include "shop.h"
#include "train/checkpoint.h"
#include "train/loop.h"
#include "train/trainer_open.h"

enum { WIDTH = 5 };
static char log_path[256], out[256];
static Behaviour file;

static int open_case(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 20, .seed = 5};
    assert_ok(shop_write(&shop, shop_path(log_path, "start")));
    assert_ok(behaviour_open(&file, log_path));
    shop_path(out, "start-run");
    return 0;
}

static int close_case(void **state)
{
    static const char *const names[] = {"/best.safetensors", "/last.safetensors",
                                        "/checkpoint.json",  "/metrics.jsonl",
                                        "/catalogue.h5",     ""};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s%s", out, names[i]);
        remove(path);
    }
    behaviour_close(&file);
    unlink(log_path);
    return 0;
}

static Config settings(const char *objective)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", log_path);
    snprintf(c.train_out, sizeof c.train_out, "%s", out);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.model_dim = 8;
    c.model_layers = 1;
    c.model_length = 10;
    c.model_neighbours = WIDTH;
    c.train_tokens = 64;
    c.train_steps = 4;
    c.train_threads = 2;
    return c;
}

static void assert_counted(const Model *m)
{
    const CountTable want = {.item = NEW(I32, SHOP_ITEMS, WIDTH),
                             .next = NEW(F32, SHOP_ITEMS, WIDTH),
                             .after = NEW(F32, SHOP_ITEMS, WIDTH),
                             .before = NEW(F32, SHOP_ITEMS, WIDTH),
                             .popularity = NEW(F32, SHOP_ITEMS),
                             .weight = NEW(F32, SHOP_ITEMS)};
    const TablesOptions o = {.counted = COUNTED_TRAIN, .threads = 1};
    assert_ok(tables_count(&want, &file, &o));
    assert_int_equal(m->counted, COUNTED_TRAIN);
    assert_same_bits(m->counts.item, want.item);
    assert_same_bits(m->counts.next, want.next);
    assert_same_bits(m->counts.after, want.after);
    assert_same_bits(m->counts.before, want.before);
    assert_same_bits(m->counts.popularity, want.popularity);
    assert_same_bits(m->counts.weight, want.weight);
    tensors_free();
}

static void a_session_has_the_table_of_the_training(void **state)
{
    (void)state;
    static const char *const names[] = {"best", "last"};
    const Config c = settings("cross_entropy");
    assert_ok(loop_run(&c, (LoopOptions){.overwrite = true}, NULL));
    for (int i = 0; i < 2; i++) {
        char path[512];
        Session *s;
        snprintf(path, sizeof path, "%s/%s.safetensors", out, names[i]);
        assert_ok(session_open(
            &s,
            &(SessionOptions){.checkpoint = path, .file = &file, .device = "cpu", .threads = 1}));
        assert_int_equal(s->model->shape.candidates, 64);
        assert_counted(s->model);
        session_close(s);
    }
}

static void no_policy_or_no_candidates_no_table(void **state)
{
    (void)state;
    Trainer t;
    Config c = settings("double_q");
    assert_ok(trainer_open(&t, &c));
    assert_true(t.model.shape.candidates == 0 && !t.model.counts.item.data);
    trainer_close(&t);
    c = settings("cross_entropy");
    c.model_candidates = 0;
    assert_ok(trainer_open(&t, &c));
    assert_true(t.model.shape.candidates == 0 && !t.model.counts.item.data);
    assert_int_equal(t.plan.part[PLAN_COUNTS], 0);
    trainer_close(&t);
}

static Tensor value_of(const Trainer *t, const char *name)
{
    return t->model.params.copy[PARAM_VALUE][params_find(&t->model.params, name)];
}

static double mean_length(Tensor vectors)
{
    double sum = 0.0;
    for (int64_t i = 0; i < vectors.dim[0]; i++) {
        double square = 0.0;
        for (int64_t c = 0; c < vectors.dim[1]; c++)
            square +=
                (double)f32(vectors)[i * vectors.dim[1] + c] * f32(vectors)[i * vectors.dim[1] + c];
        sum += sqrt(square);
    }
    return sum / (double)vectors.dim[0];
}

/* All 97 items occur in train, so all have neighbours. */
static void weights_start_from_counts(void **state)
{
    (void)state;
    Trainer t;
    Config c = settings("cross_entropy");
    assert_ok(trainer_open(&t, &c));
    for (int64_t a = 0; a < SHOP_ITEMS; a++)
        assert_near(f32(value_of(&t, "policy.bias"))[a],
                    log(f32(t.model.counts.popularity)[a] + 0.5), 1e-6);
    assert_near(mean_length(value_of(&t, "item.id")), 0.6, 1e-5);
    trainer_close(&t);
    c.model_spectral = 0;
    assert_ok(trainer_open(&t, &c));
    assert_near(mean_length(value_of(&t, "item.id")), 0.02 * sqrt(8), 0.01);
    trainer_close(&t);
}

static Status load_last(Trainer *t)
{
    char path[512];
    Progression p = {0};
    snprintf(path, sizeof path, "%s/last.safetensors", out);
    return checkpoint_resume(t, &p, path);
}

/* A new item is where its categories are, and no step moves its id and its bias. */
static void a_new_item_has_no_id_and_stays_so(void **state)
{
    (void)state;
    enum { FRESH = 15 };
    const Shop shop = {.users = 60, .longest = 20, .features = true, .fresh = FRESH, .seed = 5};
    char path[256];
    Trainer t;
    Config c = settings("cross_entropy");
    assert_ok(shop_write(&shop, shop_path(path, "start-new")));
    snprintf(c.data_path, sizeof c.data_path, "%s", path);
    for (int after = 0; after < 2; after++) {
        if (after) assert_ok(loop_run(&c, (LoopOptions){.overwrite = true}, NULL));
        assert_ok(trainer_open(&t, &c));
        if (after) assert_ok(load_last(&t));
        const Tensor id = value_of(&t, "item.id"), bias = value_of(&t, "policy.bias");
        double known = 0.0;
        for (int64_t a = 0; a < SHOP_ITEMS; a++) {
            const bool new = a >= SHOP_ITEMS - FRESH;
            double size = 0.0;
            for (int d = 0; d < 8; d++) size += fabs((double)f32(id)[a * 8 + d]);
            assert_true(!new || size == 0.0);
            if (new) assert_near(f32(bias)[a], log(0.5), 1e-6);
            known += size;
        }
        assert_true(known > 1.0);
        assert_true(mean_length(value_of(&t, "item.category")) > 0.01);
        trainer_close(&t);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_has_the_table_of_the_training),
        cmocka_unit_test(weights_start_from_counts),
        cmocka_unit_test(a_new_item_has_no_id_and_stays_so),
        cmocka_unit_test(no_policy_or_no_candidates_no_table),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

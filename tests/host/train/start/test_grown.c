/* SPDX-License-Identifier: Apache-2.0 */
/* A training on a catalogue that has grown begins with a model of the earlier one: known rows are
 * the model's, new ones are means of known ones, by the rules of the header. */
#include "train/start/grown.h"

#include "ingest_case.h"
#include "model/counts.h"
#include "model/saved.h"
#include "train/checkpoint.h"
#include "train/loop.h"
#include "train/trainer_open.h"

#define MAP                                                                                        \
    "[columns]\nuser = u\nitem = i\ntime = t\ntime_check = no\n[clean]\nmax_per_minute = 0\n"
#define BRANDS "[items]\nbrand = category b\n"

enum { USERS = 40, EVENTS = 15, KNOWN = 20, ALL = 24, DIM = 8, BRANDS_NUMBER = 4 };

/* Item ALL - 1 occurs alone, in the last events; so it has no neighbours in the train split. */
static void write_log_of(const char *name, int items)
{
    static char text[1 << 16];
    size_t used = (size_t)snprintf(text, sizeof text, "u,i,t,b\n");
    for (int t = 0; t < EVENTS; t++)
        for (int u = 0; u < USERS; u++) {
            const Philox p = philox(7, (uint64_t)u, (uint64_t)t);
            const bool last = items == ALL && t == EVENTS - 1 && u == USERS - 1;
            const int item = last ? ALL - 1 : (int)(p.word[0] % (uint32_t)(items - (items == ALL)));
            used += (size_t)snprintf(text + used, sizeof text - used, "u%d,i%d,%d,b%d\n", u, item,
                                     t * USERS + u, item % BRANDS_NUMBER);
        }
    assert_true(used < sizeof text);
    write_text(name, text);
}

static Config settings(const char *data)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", in_folder(data));
    snprintf(c.train_out, sizeof c.train_out, "%s", folder);
    snprintf(c.learn_objective, sizeof c.learn_objective, "cross_entropy+double_q");
    c.model_dim = DIM;
    c.model_layers = 1;
    c.model_length = 10;
    c.model_neighbours = 8;
    c.train_tokens = 64;
    c.train_steps = 6;
    c.train_patience = 0;
    c.train_threads = 2;
    c.train_quiet = 1;
    return c;
}

/* A model of the first log in the folder itself, and the later log in later.h5. */
static void train_and_grow(const char *ini)
{
    static char catalogue[512];
    Config c;
    write_log_of("first", KNOWN);
    write_log_of("second", ALL);
    assert_ok(
        ingest_with((IngestOptions){.plain_keys = true, .force = true}, ini, "first", "first.h5"));
    c = settings("first.h5");
    assert_ok(loop_run(&c, (LoopOptions){.overwrite = true}, NULL));
    snprintf(catalogue, sizeof catalogue, "%s", in_folder("catalogue.h5"));
    assert_ok(
        ingest_with((IngestOptions){.plain_keys = true, .force = true, .catalogue = catalogue}, ini,
                    "second", "later.h5"));
}

static void begin(Trainer *t, bool moments)
{
    Config c = settings("later.h5");
    snprintf(c.train_from, sizeof c.train_from, "%s", folder);
    c.train_moments = moments;
    Behaviour file;
    assert_ok(behaviour_open(&file, c.data_path));
    assert_ok(trainer_open_on(t, &c, file, (TrainerOptions){0}));
    assert_ok(checkpoint_begin(t, NULL));
}

static const float *of_file(const Safetensors *f, const char *name, int64_t rows, int64_t columns)
{
    const int64_t dim[] = {rows, columns};
    Tensor t;
    assert_ok(safetensors_get(f, name, F32, columns ? 2 : 1, dim, &t));
    return f32(t);
}

static const float *of_trainer(const Trainer *t, ParamCopy copy, const char *name)
{
    const int i = params_find(&t->model.params, name);
    assert_true(i >= 0);
    return f32(t->model.params.copy[copy][i]);
}

/* The weighted mean of the known neighbours of `item`, of a table with `columns`; 0: none. */
static double neighbours(const Trainer *t, const float *row, int64_t columns, int32_t item,
                         int64_t column)
{
    const CountTable *c = &t->model.counts;
    const int64_t width = c->item.dim[1];
    double sum = 0.0, all = 0.0;
    for (int64_t j = item * width; j < (item + 1) * width; j++) {
        const int32_t y = i32(c->item)[j];
        if (y < 0 || y >= KNOWN) continue;
        const double w = (double)f32(c->after)[j] + 0.5 * (double)f32(c->before)[j];
        sum += w * (double)row[y * columns + column];
        all += w;
    }
    return all > 0.0 ? sum / all : 0.0;
}

static double mean_of(const float *row, int64_t columns, int64_t column, int brand)
{
    double sum = 0.0;
    int count = 0;
    for (int a = 0; a < KNOWN; a++)
        if (brand < 0 || a % BRANDS_NUMBER == brand)
            sum += (double)row[a * columns + column], count++;
    return sum / count;
}

static int number_of(Trainer *t, int32_t item)
{
    const char *key;
    assert_ok(behaviour_keys_item(&t->file, item, &key));
    return (int)strtol(key + 1, NULL, 10);
}

static void check_items(Trainer *t, bool features)
{
    char path[4096];
    Safetensors file;
    assert_ok(saved_find(path, sizeof path, folder, false));
    assert_ok(safetensors_open(&file, path));
    const float *then = of_file(&file, "item.id", KNOWN, DIM);
    const float *now = of_trainer(t, PARAM_VALUE, "item.id");
    const float *bias = of_trainer(t, PARAM_VALUE, "q.bias");
    assert_memory_equal(now, then, KNOWN * DIM * sizeof *now);
    assert_memory_equal(bias, of_file(&file, "q.bias", KNOWN, 0), KNOWN * sizeof *bias);
    bool alone = false;
    for (int32_t a = KNOWN; a < ALL; a++) {
        const bool last = number_of(t, a) == ALL - 1;
        alone |= last;
        for (int d = 0; d < DIM; d++) {
            const double want = !last      ? neighbours(t, then, DIM, a, d)
                                : features ? 0.0
                                           : mean_of(then, DIM, d, -1);
            assert_near(now[a * DIM + d], want, 1e-6);
        }
        if (last && features) continue;
        assert_near(bias[a], last ? mean_of(bias, 1, 0, -1) : neighbours(t, bias, 1, a, 0), 1e-6);
    }
    assert_true(alone);
    safetensors_close(&file);
}

static void new_items_begin_at_their_neighbours(void **state)
{
    Trainer t;
    (void)state;
    train_and_grow(MAP);
    begin(&t, false);
    assert_int_equal(t.model.shape.items, ALL);
    check_items(&t, false);
    trainer_close(&t);
}

static void features_stand_for_items_without_neighbours(void **state)
{
    Trainer t;
    (void)state;
    train_and_grow(MAP BRANDS);
    begin(&t, false);
    check_items(&t, true);
    trainer_close(&t);
}

static void the_bias_of_the_policy_follows_popularity(void **state)
{
    Trainer t;
    double shift = 0.0;
    (void)state;
    train_and_grow(MAP);
    begin(&t, false);
    const float *bias = of_trainer(&t, PARAM_VALUE, "policy.bias");
    const float *popularity = f32(t.model.counts.popularity);
    for (int a = 0; a < KNOWN; a++) {
        assert_true(popularity[a] > 0.0f);
        shift += ((double)bias[a] - log((double)popularity[a] + 0.5)) / KNOWN;
    }
    for (int a = KNOWN; a < ALL; a++)
        assert_near(bias[a], log((double)popularity[a] + 0.5) + shift, 1e-5);
    trainer_close(&t);
}

static void moments_of_known_items_go_on(void **state)
{
    Trainer t;
    Safetensors file;
    char path[4096];
    (void)state;
    train_and_grow(MAP);
    begin(&t, true);
    assert_ok(saved_find(path, sizeof path, folder, true));
    assert_ok(safetensors_open(&file, path));
    assert_int_equal(t.optimizer.before, 6);
    for (ParamCopy c = PARAM_MOMENT1; c <= PARAM_MOMENT2; c++) {
        const float *now = of_trainer(&t, c, "item.id");
        const float *then =
            of_file(&file, c == PARAM_MOMENT1 ? "adamw.m.item.id" : "adamw.v.item.id", KNOWN, DIM);
        assert_memory_equal(now, then, KNOWN * DIM * sizeof *now);
        assert_true(now[0] != 0.0f);
        for (int i = KNOWN * DIM; i < ALL * DIM; i++) assert_near(now[i], 0.0, 0.0);
    }
    safetensors_close(&file);
    trainer_close(&t);
    begin(&t, false);
    assert_int_equal(t.optimizer.before, 0);
    assert_near(of_trainer(&t, PARAM_MOMENT1, "item.id")[0], 0.0, 0.0);
    trainer_close(&t);
}

/* Without the catalogue that a run keeps beside its model, nothing tells where items are. */
static void a_model_without_its_catalogue_is_refused(void **state)
{
    Trainer t;
    (void)state;
    train_and_grow(MAP);
    assert_int_equal(unlink(in_folder("catalogue.h5")), 0);
    Config c = settings("later.h5");
    snprintf(c.train_from, sizeof c.train_from, "%s", folder);
    Behaviour file;
    assert_ok(behaviour_open(&file, c.data_path));
    assert_ok(trainer_open_on(&t, &c, file, (TrainerOptions){0}));
    assert_fails(checkpoint_begin(&t, NULL), "was trained on catalogue");
    trainer_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_items_begin_at_their_neighbours),
        cmocka_unit_test(features_stand_for_items_without_neighbours),
        cmocka_unit_test(the_bias_of_the_policy_follows_popularity),
        cmocka_unit_test(moments_of_known_items_go_on),
        cmocka_unit_test(a_model_without_its_catalogue_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a training: a refresh changes the counts and the bias alone, by its formula, and a
 * refit is the same training on more events, bit for bit the same whatever the threads. */
#include "train/finish/finish.h"

#include <stdarg.h>
#include <sys/stat.h>

#include "data/counts/tables.h"
#include "model/saved.h"
#include "op.h"
#include "shop.h"
#include "train/finish/refresh.h"
#include "train/loop.h"

enum { WIDTH = 5 };
static char log_path[256], out[256];
static Behaviour file;

static int open_case(void **state)
{
    (void)state;
    const Shop shop = {.users = 60,
                       .longest = 20,
                       .leave_one_out = true,
                       .features = true,
                       .fresh = 12,
                       .seed = 5};
    assert_ok(shop_write(&shop, shop_path(log_path, "finish")));
    assert_ok(behaviour_open(&file, log_path));
    shop_path(out, "finish-run");
    return 0;
}

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int next;
    char *at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", out, name);
    return at;
}

static int close_case(void **state)
{
    static const char *const names[] = {"best.safetensors",
                                        "last.safetensors",
                                        "checkpoint.json",
                                        "metrics.jsonl",
                                        "kept.safetensors",
                                        "catalogue.h5",
                                        ""};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove(in_folder(names[i]));
    behaviour_close(&file);
    unlink(log_path);
    return 0;
}

static Config settings(void)
{
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", log_path);
    snprintf(c.train_out, sizeof c.train_out, "%s", out);
    c.model_dim = 8;
    c.model_layers = 1;
    c.model_length = 10;
    c.model_neighbours = WIDTH;
    c.train_tokens = 64;
    c.train_steps = 12;
    c.train_valid_every = 4;
    c.train_threads = 2;
    return c;
}

static void set(Config *c, const char *assignment) { assert_ok(config_assign(c, assignment)); }
static void train(const Config *c, Listener *listener)
{
    assert_ok(loop_run(c, (LoopOptions){.overwrite = true, .listener = listener}, NULL));
}

/* best.safetensors, until the next training, under another name. */
static Safetensors keep(void)
{
    Safetensors kept;
    remove(in_folder("kept.safetensors"));
    assert_int_equal(rename(in_folder("best.safetensors"), in_folder("kept.safetensors")), 0);
    assert_ok(safetensors_open(&kept, in_folder("kept.safetensors")));
    return kept;
}

static Safetensors best(void)
{
    Safetensors file_now;
    assert_ok(safetensors_open(&file_now, in_folder("best.safetensors")));
    return file_now;
}

static void assert_counts(const Safetensors *s, int counted)
{
    const CountTable want = {.item = NEW(I32, SHOP_ITEMS, WIDTH),
                             .next = NEW(F32, SHOP_ITEMS, WIDTH),
                             .after = NEW(F32, SHOP_ITEMS, WIDTH),
                             .before = NEW(F32, SHOP_ITEMS, WIDTH),
                             .popularity = NEW(F32, SHOP_ITEMS),
                             .weight = NEW(F32, SHOP_ITEMS)};
    int known;
    assert_ok(tables_count(&want, &file, &(TablesOptions){.counted = counted, .threads = 1}));
    assert_ok(saved_known(s, &known));
    assert_int_equal(known, counted);
    assert_same_bits(*safetensors_find(s, "counts.item"), want.item);
    assert_same_bits(*safetensors_find(s, "counts.next"), want.next);
    assert_same_bits(*safetensors_find(s, "counts.after"), want.after);
    assert_same_bits(*safetensors_find(s, "counts.before"), want.before);
    assert_same_bits(*safetensors_find(s, "counts.popularity"), want.popularity);
    assert_same_bits(*safetensors_find(s, "counts.weight"), want.weight);
    tensors_free();
}

static bool same(const Safetensors *a, const Safetensors *b, const char *name)
{
    const Tensor *x = safetensors_find(a, name), *y = safetensors_find(b, name);
    assert_int_equal(tensor_bytes(*x), tensor_bytes(*y));
    return !memcmp(x->data, y->data, tensor_bytes(*x));
}

/* bias + log((new + 1/2) / (old + 1/2)) - log of the ratio of the sums, in double; the first is at
 * least what the calibration added to the score of an item that is no longer new. */
static void assert_bias(const Safetensors *before, const Safetensors *after)
{
    const float *old = f32(*safetensors_find(before, "counts.popularity"));
    const float *new = f32(*safetensors_find(after, "counts.popularity"));
    const float *from = f32(*safetensors_find(before, "policy.bias"));
    const float *to = f32(*safetensors_find(after, "policy.bias"));
    const double cold = (double)*f32(*safetensors_find(before, "calibration.cold")) /
                        (double)*f32(*safetensors_find(before, "calibration.factor"));
    double all[2] = {0};
    int first = 0;
    assert_true(cold != 0.0);
    for (int a = 0; a < SHOP_ITEMS; a++) {
        all[0] += (double)old[a] + 0.5;
        all[1] += (double)new[a] + 0.5;
    }
    for (int a = 0; a < SHOP_ITEMS; a++) {
        const bool now = old[a] == 0.0f && new[a] > 0.0f;
        const double ratio = log(((double)new[a] + 0.5) / ((double)old[a] + 0.5));
        const double more = now && cold > ratio ? cold : ratio;
        assert_near(to[a], from[a] + more + log(all[0] / all[1]), 1e-6);
        first += now;
    }
    assert_true(first > 3);
}

static void a_refresh_changes_counts_and_bias_alone(void **state)
{
    (void)state;
    static const char *const words[] = {"train.refresh=valid", "train.refresh=all"};
    for (int counted = COUNTED_VALID; counted <= COUNTED_ALL; counted++) {
        Config c = settings();
        train(&c, NULL);
        Safetensors before = keep();
        set(&c, words[counted - COUNTED_VALID]);
        train(&c, NULL);
        Safetensors after = best();
        assert_counts(&before, COUNTED_TRAIN);
        assert_counts(&after, counted);
        assert_bias(&before, &after);
        assert_int_equal(before.count, after.count);
        for (int i = 0; i < before.count; i++) {
            const char *name = before.tensors[i].name;
            if (!strncmp(name, "counts.", 7) || !strcmp(name, "policy.bias")) continue;
            assert_true(same(&before, &after, name));
        }
        safetensors_close(&before);
        safetensors_close(&after);
    }
}

static void to_refresh_twice_is_to_refresh_once(void **state)
{
    (void)state;
    Config c = settings();
    set(&c, "train.refresh=valid");
    train(&c, NULL);
    Safetensors once = best();
    for (int threads = 1; threads < 4; threads += 2) {
        assert_ok(refresh(in_folder("best.safetensors"), &file,
                          &(RefreshOptions){.counted = COUNTED_VALID, .threads = threads}));
        Safetensors twice = best();
        assert_int_equal(once.bytes, twice.bytes);
        assert_memory_equal(once.map, twice.map, once.bytes);
        safetensors_close(&twice);
    }
    safetensors_close(&once);
}

static void a_resumed_run_is_finished_again(void **state)
{
    (void)state;
    Config c = settings();
    train(&c, NULL);
    set(&c, "train.refresh=all");
    assert_ok(loop_run(&c, (LoopOptions){.resume = true}, NULL));
    Safetensors now = best();
    assert_counts(&now, COUNTED_ALL);
    safetensors_close(&now);
    assert_ok(safetensors_open(&now, in_folder("last.safetensors")));
    assert_counts(&now, COUNTED_TRAIN);
    safetensors_close(&now);
}

/* As if an earlier version had written the file: its metadata do not say how pairs are weighed. */
static void forget_pairs(const char *path)
{
    Safetensors s;
    int left = 0;
    assert_ok(safetensors_open(&s, path));
    Metadata *metadata = malloc((size_t)s.metadata_count * sizeof *metadata);
    for (int i = 0; i < s.metadata_count; i++)
        if (strcmp(s.metadata[i].key, "pairs")) metadata[left++] = s.metadata[i];
    assert_int_equal(left, s.metadata_count - 1);
    assert_ok(safetensors_write(path, s.tensors, s.count, metadata, left));
    free(metadata);
    safetensors_close(&s);
}

static void a_table_of_earlier_weights_is_not_used_again(void **state)
{
    (void)state;
    const char *want = "by version 1, want version 2";
    Config c = settings(), of_file;
    Device dev;
    Model m;
    train(&c, NULL);
    assert_ok(device_open(&dev, "cpu", 1));
    assert_ok(saved_open(&m, &of_file, &file, &dev, out));
    model_close(&m);
    forget_pairs(in_folder("best.safetensors"));
    forget_pairs(in_folder("last.safetensors"));
    assert_refused(saved_open(&m, &of_file, &file, &dev, out), ERR_FORMAT, want);
    assert_refused(refresh(in_folder("best.safetensors"), &file,
                           &(RefreshOptions){.counted = COUNTED_VALID, .threads = 1}),
                   ERR_FORMAT, want);
    assert_refused(loop_run(&c, (LoopOptions){.resume = true}, NULL), ERR_FORMAT, want);
    device_close(&dev);
}

static void a_refit_has_the_length_and_the_calibration_of_the_best(void **state)
{
    (void)state;
    static const char *const constants[] = {
        "candidates.mean",   "candidates.scale", "calibration.factor", "calibration.linear",
        "calibration.state", "calibration.base", "calibration.dense",  "calibration.cold"};
    Config c = settings();
    train(&c, NULL);
    Safetensors before = keep();
    set(&c, "train.refit=1");
    train(&c, NULL);
    Safetensors after = best();
    assert_counts(&after, COUNTED_VALID);
    assert_string_equal(safetensors_metadata(&before, "step"),
                        safetensors_metadata(&after, "step"));
    assert_string_equal(safetensors_metadata(&before, "best"),
                        safetensors_metadata(&after, "best"));
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        assert_true(same(&before, &after, constants[i]));
    assert_true(f32(*safetensors_find(&after, "calibration.factor"))[0] != 1.0f);
    assert_false(same(&before, &after, "item.id"));
    safetensors_close(&before);
    safetensors_close(&after);
}

static void a_refit_has_the_same_bits_whatever_the_threads(void **state)
{
    (void)state;
    Safetensors run[2];
    for (int k = 0; k < 2; k++) {
        Config c = settings();
        set(&c, "train.refit=1");
        c.train_threads = k ? 3 : 1;
        c.train_readers = k ? 2 : 0;
        train(&c, NULL);
        run[k] = k ? best() : keep();
    }
    assert_int_equal(run[0].bytes, run[1].bytes);
    assert_memory_equal(run[0].map, run[1].map, run[0].bytes);
    for (int k = 0; k < 2; k++) safetensors_close(&run[k]);
}

/* Asks to stop once the refit reports. */
typedef struct {
    Listener listener;
    bool stop;
} Stopper;

static void hear(Listener *self, const StageReport *report)
{
    if (!strcmp(report->stage, "refit") && report->done > 0) ((Stopper *)self)->stop = true;
}
static void ignore(Listener *self, const char *text) { (void)self, (void)text; }
static bool stops(Listener *self) { return ((Stopper *)self)->stop; }

static void a_refit_that_is_stopped_leaves_the_best_as_it_was(void **state)
{
    (void)state;
    Config c = settings();
    LoopEnd end;
    train(&c, NULL);
    Safetensors before = keep();
    set(&c, "train.refit=1");
    Stopper stopper = {{hear, ignore, stops, ignore}, false};
    assert_ok(loop_run(&c, (LoopOptions){.overwrite = true, .listener = &stopper.listener}, &end));
    assert_true(stopper.stop && end.interrupted);
    Safetensors after = best();
    assert_counts(&after, COUNTED_TRAIN);
    for (int i = 0; i < before.count; i++)
        assert_true(same(&before, &after, before.tensors[i].name));
    safetensors_close(&before);
    safetensors_close(&after);
}

static void what_cannot_be_finished_is_refused(void **state)
{
    (void)state;
    Config c = settings();
    set(&c, "train.refresh=every");
    assert_refused(loop_run(&c, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
                   "want none, valid or all");
    c = settings();
    set(&c, "train.refresh=valid");
    set(&c, "learn.objective=double_q");
    assert_refused(loop_run(&c, (LoopOptions){.overwrite = true}, NULL), ERR_USAGE,
                   "want a learn.objective with a policy");
    const Model counts = {.shape = {.candidates = 64}};
    assert_refused(finish_check((Finish){.refit = true}, &counts, 0, "log.h5"), ERR_USAGE,
                   "log.h5 has no validation events");
    assert_ok(finish_check((Finish){.counted = COUNTED_ALL}, &counts, 0, "log.h5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refresh_changes_counts_and_bias_alone),
        cmocka_unit_test(to_refresh_twice_is_to_refresh_once),
        cmocka_unit_test(a_resumed_run_is_finished_again),
        cmocka_unit_test(a_table_of_earlier_weights_is_not_used_again),
        cmocka_unit_test(a_refit_has_the_length_and_the_calibration_of_the_best),
        cmocka_unit_test(a_refit_has_the_same_bits_whatever_the_threads),
        cmocka_unit_test(a_refit_that_is_stopped_leaves_the_best_as_it_was),
        cmocka_unit_test(what_cannot_be_finished_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a saved model says of itself: its settings, by the keys of files, and what is no model. */
#include <sys/stat.h>
#include <unistd.h>

#include "shop.h"

#include "model/saved.h"

static char folder[256];

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/souk-saved-%d", parent ? parent : "/tmp", (int)getpid());
    return mkdir(folder, 0777);
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("last.safetensors"));
    unlink(path_of("best.safetensors"));
    unlink(path_of("catalogue.h5"));
    return rmdir(folder);
}

static void write_file(const char *name, const Metadata *metadata, int count)
{
    static float one[] = {1.0f};
    const NamedTensor tensor = {"weight", TENSOR(one, F32, 1)};
    assert_ok(safetensors_write(path_of(name), &tensor, 1, metadata, count));
}

static Status settings_of(const char *name, Config *c)
{
    Safetensors file;
    TRY(safetensors_open(&file, path_of(name)));
    const Status st = saved_config(c, &file);
    safetensors_close(&file);
    return st;
}

static void settings_are_read_by_the_keys_of_files(void **state)
{
    (void)state;
    const Metadata metadata[] = {
        {"catalogue_hash", "0"}, {"model.dim", "48"}, {"learn.value_weight", "0.25"}};
    Config c;
    write_file("last.safetensors", metadata, 3);
    assert_ok(settings_of("last.safetensors", &c));
    assert_int_equal(c.model_dim, 48);
    assert_near(c.learn_critic_weight, 0.25, 0);
    assert_int_equal(c.model_layers, config_default().model_layers);
}

static void a_file_without_a_catalogue_is_no_model(void **state)
{
    (void)state;
    const Metadata metadata[] = {{"model.dim", "48"}};
    Config c;
    write_file("last.safetensors", metadata, 1);
    assert_refused(settings_of("last.safetensors", &c), ERR_FORMAT, "\"catalogue_hash\"");
}

static void a_run_is_its_best_model_or_to_resume_its_last(void **state)
{
    (void)state;
    char found[512];
    const Metadata metadata[] = {{"catalogue_hash", "0"}};
    write_file("last.safetensors", metadata, 1);
    assert_ok(saved_find(found, sizeof found, folder, false));
    assert_string_equal(found, path_of("last.safetensors"));
    write_file("best.safetensors", metadata, 1);
    assert_ok(saved_find(found, sizeof found, folder, false));
    assert_string_equal(found, path_of("best.safetensors"));
    assert_ok(saved_find(found, sizeof found, folder, true));
    assert_string_equal(found, path_of("last.safetensors"));
    assert_ok(saved_find(found, sizeof found, path_of("last.safetensors"), false));
    assert_string_equal(found, path_of("last.safetensors"));
    assert_refused(saved_find(found, sizeof found, path_of("none"), false), ERR_IO, "none");
}

static void a_file_says_which_splits_it_knows(void **state)
{
    (void)state;
    static const char *const words[] = {NULL, "1", "2", "3", "0", "4", "two"};
    for (int i = 0; i < 7; i++) {
        const Metadata metadata[] = {{"catalogue_hash", "0"}, {"counted", words[i]}};
        Safetensors file;
        int known;
        write_file("last.safetensors", metadata, words[i] ? 2 : 1);
        assert_ok(safetensors_open(&file, path_of("last.safetensors")));
        if (i < 4) {
            assert_ok(saved_known(&file, &known));
            assert_int_equal(known, i ? i : 1);
        } else {
            assert_refused(saved_known(&file, &known), ERR_FORMAT, "want 1, 2 or 3");
        }
        safetensors_close(&file);
    }
}

/* `pairs`: of the metadata; NULL: none, as in files of earlier versions. */
static Status pairs_of(const char *pairs, bool table)
{
    static int32_t none[] = {-1, -1};
    const Metadata metadata[] = {{"catalogue_hash", "0"}, {"pairs", pairs}};
    const NamedTensor tensor = {table ? "counts.item" : "weight", TENSOR(none, I32, 1, 2)};
    Safetensors file;
    assert_ok(safetensors_write(path_of("last.safetensors"), &tensor, 1, metadata, pairs ? 2 : 1));
    assert_ok(safetensors_open(&file, path_of("last.safetensors")));
    const Status st = saved_pairs(&file);
    safetensors_close(&file);
    return st;
}

static void a_table_of_other_weights_is_refused(void **state)
{
    (void)state;
    assert_ok(pairs_of("2", true));
    assert_ok(pairs_of(NULL, false)); /* no table */
    assert_refused(pairs_of(NULL, true), ERR_FORMAT, "by version 1, want version 2");
    assert_refused(pairs_of("3", true), ERR_FORMAT, "by version 3, want version 2");
}

/* A model of a version that kept no catalogue. */
static void a_run_without_a_catalogue_needs_its_data(void **state)
{
    (void)state;
    const Metadata metadata[] = {{"catalogue_hash", "0"}};
    Behaviour b;
    write_file("best.safetensors", metadata, 1);
    assert_refused(saved_open_catalogue(&b, folder), ERR_USAGE,
                   "best.safetensors has no catalogue.h5 beside it");
    assert_refused(saved_open_catalogue(&b, path_of("best.safetensors")), ERR_USAGE,
                   "want the data");
}

/* It is found by the folder of the run and by any model in it. */
static void a_run_keeps_its_catalogue(void **state)
{
    (void)state;
    const Metadata metadata[] = {{"catalogue_hash", "0"}};
    const Shop shop = {.users = 2, .longest = 9, .features = true, .seed = 3};
    char data[256];
    Behaviour file, b;
    assert_ok(shop_write(&shop, shop_path(data, "saved")));
    assert_ok(behaviour_open(&file, data));
    write_file("best.safetensors", metadata, 1);
    assert_ok(saved_write_catalogue(&file, folder));
    for (int i = 0; i < 2; i++) {
        assert_ok(saved_open_catalogue(&b, i ? path_of("best.safetensors") : folder));
        assert_string_equal(b.catalogue_hash, file.catalogue_hash);
        assert_int_equal(b.users, 0);
        behaviour_close(&b);
    }
    behaviour_close(&file);
    unlink(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_by_the_keys_of_files),
        cmocka_unit_test(a_file_without_a_catalogue_is_no_model),
        cmocka_unit_test(a_file_says_which_splits_it_knows),
        cmocka_unit_test(a_table_of_other_weights_is_refused),
        cmocka_unit_test(a_run_is_its_best_model_or_to_resume_its_last),
        cmocka_unit_test(a_run_without_a_catalogue_needs_its_data),
        cmocka_unit_test(a_run_keeps_its_catalogue),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of a behaviour file as a file of its own: it says of items, actions and features
 * what the file says, and has no users and no events. */
#include <glob.h>

#include "data/behaviour/catalogue/write.h"
#include "data/behaviour/identity/inputs.h"
#include "data/behaviour/identity/verify.h"
#include "shop.h"

typedef struct {
    char path[256], alone[256];
    Behaviour file, catalogue;
} Case;

static void open_case(Case *c, const Shop *shop)
{
    assert_ok(shop_write(shop, shop_path(c->path, "whole")));
    assert_ok(behaviour_open(&c->file, c->path));
    assert_ok(catalogue_write(&c->file, shop_path(c->alone, "alone")));
    assert_ok(behaviour_open_catalogue(&c->catalogue, c->alone));
}

static void close_case(Case *c)
{
    behaviour_close(&c->file);
    behaviour_close(&c->catalogue);
    unlink(c->path);
    unlink(c->alone);
}

static void assert_features(const FeatureSet *a, const FeatureSet *b, int64_t rows)
{
    assert_int_equal(a->categories, b->categories);
    assert_memory_equal(a->kind_rows, b->kind_rows, sizeof a->kind_rows);
    assert_memory_equal(a->kind_name, b->kind_name, sizeof a->kind_name);
    assert_memory_equal(a->number_name, b->number_name, sizeof a->number_name);
    assert_memory_equal(a->mean, b->mean, sizeof a->mean);
    assert_memory_equal(a->std, b->std, sizeof a->std);
    for (int64_t i = 0; i < rows * a->kinds; i++) assert_int_equal(a->category[i], b->category[i]);
    for (int64_t i = 0; i < rows * a->numbers; i++) assert_near(a->number[i], b->number[i], 0);
}

static void all_that_a_model_reads_is_there(void **state)
{
    (void)state;
    const Shop shops[] = {
        {.users = 9, .longest = 30, .features = true, .impressions = true, .seed = 3},
        {.users = 9, .longest = 30, .features = true, .plain_keys = true, .ties = true, .seed = 4},
        {.users = 3, .longest = 30, .compress = true, .seed = 5}};
    for (size_t n = 0; n < sizeof shops / sizeof *shops; n++) {
        Case c;
        open_case(&c, &shops[n]);
        const Behaviour *a = &c.file, *b = &c.catalogue;
        assert_int_equal(b->users, 0);
        assert_int_equal(b->events, 0);
        assert_int_equal(b->items, SHOP_ITEMS);
        assert_string_equal(a->catalogue_hash, b->catalogue_hash);
        assert_string_equal(a->split_rule, b->split_rule);
        assert_int_equal(a->plain_keys, b->plain_keys);
        assert_memory_equal(a->action_reward, b->action_reward, sizeof a->action_reward);
        assert_memory_equal(a->action_impression, b->action_impression,
                            sizeof a->action_impression);
        char *inputs = inputs_text(a);
        assert_ok(inputs_check("model", inputs, b, false));
        free(inputs);
        for (int32_t i = 0; i < SHOP_ITEMS; i++) {
            const char *whole, *alone;
            assert_ok(behaviour_keys_item(&c.file, i, &whole));
            assert_ok(behaviour_keys_item(&c.catalogue, i, &alone));
            assert_string_equal(whole, alone);
        }
        assert_features(&a->item_features, &b->item_features, SHOP_ITEMS);
        assert_features(&a->user_features, &b->user_features, 0);
        assert_features(&a->event_features, &b->event_features, 0);
        assert_int_equal(a->texts.rows, b->texts.rows);
        if (a->texts.rows)
            assert_memory_equal(a->texts.row, b->texts.row,
                                (size_t)a->texts.offset[SHOP_ITEMS] * sizeof *a->texts.row);
        close_case(&c);
    }
}

/* The hash that the file says it has is computed from what is in it. */
static void its_hashes_are_those_of_its_data(void **state)
{
    (void)state;
    const Shop shop = {.users = 9, .longest = 30, .features = true, .seed = 3};
    Case c;
    Verified v;
    open_case(&c, &shop);
    assert_ok(verify_file(&v, &c.catalogue));
    assert_true(v.fingerprint);
    close_case(&c);
}

static void it_is_no_behaviour_file_to_train_on(void **state)
{
    (void)state;
    const Shop shop = {.users = 2, .longest = 9, .seed = 3};
    Case c;
    Behaviour b;
    open_case(&c, &shop);
    assert_refused(behaviour_open(&b, c.alone), ERR_FORMAT, "/events/item: 0 rows");
    close_case(&c);
}

static void it_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    const Shop shop = {.users = 2, .longest = 9, .seed = 3};
    Case c;
    char beside[300];
    glob_t found;
    open_case(&c, &shop);
    assert_refused(catalogue_write(&c.file, "/nowhere/at/all.h5"), ERR_IO, "/nowhere/at/all.h5");
    snprintf(beside, sizeof beside, "%s.*", c.alone);
    assert_int_equal(glob(beside, 0, NULL, &found), GLOB_NOMATCH);
    globfree(&found);
    close_case(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_a_model_reads_is_there),
        cmocka_unit_test(its_hashes_are_those_of_its_data),
        cmocka_unit_test(it_is_no_behaviour_file_to_train_on),
        cmocka_unit_test(it_is_written_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

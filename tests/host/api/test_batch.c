/* SPDX-License-Identifier: Apache-2.0 */
/* Histories by key, by number and by user: what souk.h recommends has the bits that the program
 * prints. The program takes all processors, so that ThreadSanitizer, to which OpenMP is unknown,
 * cannot follow it. */
#include "api_case.h"

#include <jansson.h>

#include "cli/cli.h"

enum { K = 6 };

static ApiCase c;
static souk_model *model;

static int open_case(void **state)
{
    (void)state;
    api_case_open(&c);
    model = api_model(&c);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    souk_model_close(model);
    api_case_close(&c);
    return 0;
}

/* What `souk recommend --json` prints for a history or a user. */
static json_t *program(const char *how, const char *what)
{
    char k[16],
        *argv[] = {"souk", "recommend", "--checkpoint", c.run,        "--data", c.data, "--json",
                   "--k",  k,           NULL,           (char *)what, NULL};
    char path[128];
    snprintf(k, sizeof k, "%d", K);
    snprintf(path, sizeof path, "%s/printed.json", c.folder);
    argv[9] = (char *)how;
    fflush(stdout);
    const int out = dup(STDOUT_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    const int code = cli_run(NULL, 11, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    close(file);
    assert_int_equal(code, 0);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static void assert_as_printed(const souk_recommendation *have, json_t *root)
{
    const json_t *list = json_object_get(root, "recommendations");
    assert_int_equal(json_array_size(list), K);
    for (size_t i = 0; i < K; i++) {
        json_t *want = json_array_get(list, i);
        const char *key = json_string_value(json_object_get(want, "item"));
        assert_string_equal(have[i].key, key);
        assert_int_equal(have[i].item, json_integer_value(json_object_get(want, "row")));
        assert_true((double)have[i].score == json_number_value(json_object_get(want, "score")));
        assert_true((double)have[i].probability ==
                    json_number_value(json_object_get(want, "probability")));
        assert_true((double)have[i].q == json_number_value(json_object_get(want, "q")));
    }
    json_decref(root);
}

static void assert_same(const souk_recommendation *have, const souk_recommendation *want)
{
    for (int i = 0; i < K; i++) {
        assert_int_equal(have[i].item, want[i].item);
        assert_ptr_equal(have[i].key, want[i].key);
        assert_memory_equal(&have[i].score, &want[i].score, sizeof(float));
        assert_memory_equal(&have[i].probability, &want[i].probability, sizeof(float));
        assert_memory_equal(&have[i].q, &want[i].q, sizeof(float));
    }
}

static void recommend_one(const souk_history *h, souk_recommendation *out)
{
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    int64_t found;
    o.k = K;
    assert_done(souk_recommend(model, h, 1, &o, out, &found, error));
    assert_int_equal(found, K);
}

static void recommendations_have_the_bits_of_the_program(void **state)
{
    static const char *const name[] = {"view", "purchase", "cart"};
    static const int32_t item[] = {12, 63, 12}, action[] = {0, 2, 1};
    static const int64_t minutes[] = {1700000000000, 1700000060000, 1700000120000};
    souk_history h = SOUK_HISTORY_INIT;
    souk_recommendation by_key[K], by_number[K], of_user[K], of_row[K];
    const char *keys[3];
    (void)state;
    for (int i = 0; i < 3; i++) keys[i] = souk_model_item_key(model, item[i]);
    h.count = 3;
    h.item_key = keys;
    h.action_name = name;
    recommend_one(&h, by_key);
    char list[128];
    snprintf(list, sizeof list, "%s,%s:purchase,%s:cart", keys[0], keys[1], keys[2]);
    assert_as_printed(by_key, program("--history", list));

    h = (souk_history)SOUK_HISTORY_INIT;
    h.count = 3;
    h.item = item;
    h.action = action;
    h.time_ms = minutes;
    recommend_one(&h, by_number);
    assert_same(by_number, by_key);

    h = (souk_history)SOUK_HISTORY_INIT;
    h.user_key = "user-7";
    recommend_one(&h, of_user);
    assert_as_printed(of_user, program("--user", "user-7"));
    h = (souk_history)SOUK_HISTORY_INIT;
    h.has_user = 1;
    h.user = 7;
    recommend_one(&h, of_row);
    assert_same(of_row, of_user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recommendations_have_the_bits_of_the_program),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

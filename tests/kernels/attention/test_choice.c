/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "attention/choice.h"

/* A call that cuDNN serves both ways on sm_90. */
static const AttentionCall good = {.cudnn = true,
                                   .capability = 90,
                                   .aligned = true,
                                   .dtype = BF16,
                                   .tokens = 16384,
                                   .sequences = 32,
                                   .longest = 512,
                                   .heads = 4,
                                   .head_dim = 64};

#define CHOICE(...)                                                                                \
    ({                                                                                             \
        AttentionCall call = good;                                                                 \
        __VA_ARGS__;                                                                               \
        attention_choice(&call);                                                                   \
    })

static void cudnn_serves_long_histories_where_it_is_deterministic(void **state)
{
    (void)state;
    assert_int_equal(CHOICE(), ATTENTION_CUDNN);
    assert_int_equal(CHOICE(call.backward = true), ATTENTION_CUDNN);
    assert_int_equal(CHOICE(call.capability = 100), ATTENTION_CUDNN);
    assert_int_equal(CHOICE(call.capability = 103), ATTENTION_CUDNN);
    assert_int_equal(CHOICE(call.capability = 100, call.backward = true), ATTENTION_MMA);
    for (int backward = 0; backward <= 1; backward++) {
        assert_int_equal(CHOICE(call.backward = backward, call.capability = 80), ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.capability = 89), ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.capability = 120), ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.cudnn = false), ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.longest = 128), ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.longest = 129), ATTENTION_CUDNN);
        assert_int_equal(CHOICE(call.backward = backward, call.head_dim = 80, call.longest = 65),
                         ATTENTION_CUDNN);
        assert_int_equal(CHOICE(call.backward = backward, call.head_dim = 80, call.longest = 64),
                         ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.sequences = 171), ATTENTION_MMA);
        assert_int_equal(CHOICE(call.backward = backward, call.head_dim = 72), ATTENTION_MMA);
    }
}

static void f32_and_odd_rows_stay_on_the_plain_cores(void **state)
{
    (void)state;
    assert_int_equal(CHOICE(call.dtype = F32), ATTENTION_PLAIN);
    assert_int_equal(CHOICE(call.aligned = false), ATTENTION_PLAIN);
    assert_int_equal(CHOICE(call.head_dim = 12), ATTENTION_PLAIN);
}

static void backward_keeps_within_its_workspace(void **state)
{
    (void)state;
    /* 2 bytes x 32 sequences x 4 heads x 2048^2 is 1 GiB */
    assert_int_equal(CHOICE(call.backward = true, call.longest = 2048, call.tokens = 1 << 16),
                     ATTENTION_CUDNN);
    assert_int_equal(CHOICE(call.backward = true, call.longest = 2049, call.tokens = 1 << 16),
                     ATTENTION_MMA);
    assert_int_equal(CHOICE(call.longest = 2049, call.tokens = 1 << 16), ATTENTION_CUDNN);
    assert_int_equal(CHOICE(call.backward = true, call.longest = 2048, call.sequences = 33,
                            call.tokens = 1 << 16),
                     ATTENTION_MMA);
    const AttentionShape s = {true, 32, 2048, 4, 64};
    assert_int_equal(attention_choice_workspace(&s), 1 << 30);
}

static void a_shape_holds_its_calls_and_few_serve_all(void **state)
{
    (void)state;
    int shapes = 0;
    int64_t last = 0;
    AttentionCall call = good;
    for (call.sequences = 0; call.sequences <= 4096; call.sequences++) {
        const AttentionShape s = attention_choice_shape(&call);
        assert_true(s.sequences >= call.sequences && s.sequences >= last);
        assert_true(s.sequences == 8 || s.sequences < 2 * call.sequences);
        shapes += s.sequences != last;
        last = s.sequences;
    }
    assert_int_equal(shapes, 10);
    for (call.longest = 0; call.longest <= 300; call.longest++) {
        const AttentionShape s = attention_choice_shape(&call);
        assert_true(s.longest >= call.longest && s.longest <= call.longest + 128 && s.longest > 0);
        assert_int_equal(s.longest % 128, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cudnn_serves_long_histories_where_it_is_deterministic),
        cmocka_unit_test(f32_and_odd_rows_stay_on_the_plain_cores),
        cmocka_unit_test(backward_keeps_within_its_workspace),
        cmocka_unit_test(a_shape_holds_its_calls_and_few_serve_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

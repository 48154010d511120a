/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "attention/offsets.h"

static void offsets_say_where_each_sequence_is(void **state)
{
    (void)state;
    enum { HEADS = 3, DIM = 48, SEQUENCES = 250 };
    const Tensor cu = NEW(I32, SEQUENCES + 1);
    for (int64_t n = 0; n < SEQUENCES; n++) i32(cu)[n + 1] = i32(cu)[n] + (int32_t)(n % 3);
    const AttentionCall call = {
        .sequences = SEQUENCES, .longest = 2, .heads = HEADS, .head_dim = DIM / HEADS};
    const AttentionShape shape = attention_choice_shape(&call);
    assert_int_equal(shape.sequences, 256);
    const int64_t last = i32(cu)[SEQUENCES];
    const size_t mark = scratch_mark(&gpu);
    const AttentionOffsets at = attention_offsets_cuda(&gpu, on_gpu(cu), last + 9, 2, &shape);
    const Tensor qkv = from_gpu(at.qkv), o = from_gpu(at.o), lse = from_gpu(at.lse);
    const Tensor length = from_gpu(at.length);
    for (int64_t n = 0; n <= shape.sequences; n++) {
        const int64_t first = n < SEQUENCES ? i32(cu)[n] : last;
        assert_int_equal(((int64_t *)qkv.data)[n], first * 3 * DIM);
        assert_int_equal(((int64_t *)o.data)[n], first * DIM);
        assert_int_equal(((int64_t *)lse.data)[n], first * HEADS);
        if (n < shape.sequences) assert_int_equal(i32(length)[n], n < SEQUENCES ? n % 3 : 0);
    }
    scratch_release(&gpu, mark);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_say_where_each_sequence_is),
    };
    return RUN_PAIR_TESTS(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "counts_case.h"

static CountTable table_on_device(const CountTable *t)
{
    return (CountTable){.item = on_gpu(t->item),
                        .next = on_gpu(t->next),
                        .after = on_gpu(t->after),
                        .before = on_gpu(t->before),
                        .popularity = on_gpu(t->popularity),
                        .weight = on_gpu(t->weight)};
}

static CandidatesInput input_on_device(const CandidatesInput *in)
{
    return (CandidatesInput){.item = on_gpu(in->item),
                             .cu_seqlens = on_gpu(in->cu_seqlens),
                             .time = on_gpu(in->time),
                             .own_offset = on_gpu(in->own_offset),
                             .own = on_gpu(in->own),
                             .token = on_gpu(in->token)};
}

/* Each device rounds the argument of a logarithm twice, and the logarithm within 2 ulp. */
static void assert_logs(Tensor have, Tensor want)
{
    const Tensor h = from_gpu(have);
    for (int64_t i = 0; i < tensor_count(want); i++) {
        const double x = f32(want)[i];
        assert_near(f32(h)[i], x, ULP * (2 + 4 * fabs(x)));
    }
}

typedef struct {
    int64_t neighbours, width;
    int32_t length;
    bool own, holes; /* holes: events without an item */
} Shape;

static void candidates_are_as_on_the_cpu(void **state)
{
    (void)state;
    static const Shape shapes[] = {
        {60, 64, 1000, true, false}, {60, 9, 17, true, false}, {7, 64, 1000, true, true},
        {64, 64, 60, false, true},   {1, 4, 1, true, false},   {70, 1, 1000, true, false},
    };
    for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        const Shape s = shapes[n];
        const Log data = make_log(9, 60, n);
        const Counts all = recount(&data, -1);
        const CountTable table = table_of(&all, s.neighbours), on_device = table_on_device(&table);
        int32_t user[256];
        const CandidatesInput in = windows_of(&data, s.length, s.own, user);
        for (int64_t t = 0; s.holes && t < in.item.dim[0]; t += 3) i32(in.item)[t] = -1;
        const CandidatesOutput want = new_output(in.token.dim[0], s.width);
        const CandidatesOutput have = {.item = gpu_space(want.item),
                                       .feature = gpu_space(want.feature),
                                       .state = gpu_space(want.state)};
        candidates(&cpu, want, in, &table);
        candidates(&gpu, have, input_on_device(&in), &on_device);
        assert_same_bits(from_gpu(have.item), want.item);
        assert_logs(have.feature, want.feature);
        assert_logs(have.state, want.state);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

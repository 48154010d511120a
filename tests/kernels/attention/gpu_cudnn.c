/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN's attention on a GPU. It has no emulation; tests/cuda/plans.sh builds its plans without a
 * GPU. */
#include "pair.h"

#include "attention/attention.h"
#include "attention/cudnn.h"
#include "base/device/graph.h"

typedef struct {
    int64_t heads, head_dim;
    int32_t length[8]; /* until -1 */
    int32_t padding;
} Case;

/* Lengths around cuDNN's tiles of 64 and 128 tokens, empty ones, single tokens, tails. */
static const Case cases[] = {
    {2, 64, {300, 1, 0, 129, 64, -1}, 7},
    {4, 32, {1, 1, 1, 1, -1}, 3},
    {1, 16, {127, 128, 65, -1}, 0},
    {3, 128, {0, 0, 257, 0, -1}, 130},
    {2, 80, {63, 513, -1}, 1},
    {1, 64, {1023, -1}, 0},
    {8, 64, {0, -1}, 5},
    {2, 32, {50, 49, 7, 50, 2, 31, 50, -1}, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

/* One batch: its results in f32 and in bf16 (_rounded), both on the CPU, and its inputs on the
 * GPU. */
typedef struct {
    int64_t tokens, longest, heads, used;
    Tensor cu, qkv, dout, o, lse, dqkv;
    Tensor o_rounded, lse_rounded, dqkv_rounded;
    Tensor cug, qkvg, doutg;
} Batch;

/* NaN in the bf16 rows past the last sequence, which no kernel may read. */
static Tensor poisoned(Tensor b, int64_t used)
{
    const Tensor rest = tensor_rows(b, used, b.dim[0] - used);
    memset(rest.data, 0xFF, tensor_bytes(rest));
    return b;
}

static Batch batch_of(const Case *c)
{
    const int64_t dim = c->heads * c->head_dim;
    Batch b = {.heads = c->heads};
    int64_t sequences = 0;
    while (c->length[sequences] >= 0) sequences++;
    b.cu = NEW(I32, sequences + 1);
    for (int64_t n = 0; n < sequences; n++) {
        i32(b.cu)[n + 1] = i32(b.cu)[n] + c->length[n];
        if (c->length[n] > b.longest) b.longest = c->length[n];
    }
    b.used = i32(b.cu)[sequences];
    b.tokens = b.used + c->padding;
    b.qkv = rounded(NORMAL(1, 1.0f, b.tokens, 3 * dim));
    b.dout = rounded(NORMAL(2, 1.0f, b.tokens, dim));
    b.o = NEW(F32, b.tokens, dim), b.o_rounded = NEW(BF16, b.tokens, dim);
    b.lse = NEW(F32, b.tokens, c->heads), b.lse_rounded = NEW(F32, b.tokens, c->heads);
    b.dqkv = NEW(F32, b.tokens, 3 * dim), b.dqkv_rounded = NEW(BF16, b.tokens, 3 * dim);
    const Tensor qkv = to_bf16(b.qkv), dout = to_bf16(b.dout);
    attention_forward(&cpu, b.o, b.lse, b.qkv, b.cu, c->heads, b.longest);
    attention_forward(&cpu, b.o_rounded, b.lse_rounded, qkv, b.cu, c->heads, b.longest);
    attention_backward(&cpu, b.dqkv, b.dout, to_f32(b.o_rounded), b.lse, b.qkv, b.cu, c->heads,
                       b.longest);
    attention_backward(&cpu, b.dqkv_rounded, dout, b.o_rounded, b.lse_rounded, qkv, b.cu, c->heads,
                       b.longest);
    b.cug = on_gpu(b.cu);
    b.qkvg = on_gpu(poisoned(qkv, b.used));
    b.doutg = on_gpu(poisoned(dout, b.used));
    return b;
}

/* Zeros on the GPU: cuDNN leaves rows past the last sequence alone, and the contract wants them
 * 0. */
static Tensor zeros(Tensor like) { return on_gpu(new_tensor(like.dtype, like.rank, like.dim)); }

/* The error of `have`, on the GPU, against `want` is at most 1.5 times that of the CPU in bf16, or
 * of `want` rounded once, plus the rounding of sums of `terms` products in f32. The latter matters
 * where they cancel: for a sequence of one token, dp - delta is the difference of two equal
 * sums. */
static void assert_rounds_as(Tensor have, Tensor want, Tensor on_cpu, int64_t terms)
{
    const double error = distance(to_f32(from_gpu(have)), want);
    const double bound =
        fmax(distance(to_f32(on_cpu), want), distance(rounded(new_copy(want)), want));
    double norm = 0.0;
    for (int64_t i = 0; i < tensor_count(want); i++) norm += (double)f32(want)[i] * f32(want)[i];
    const double sums = (double)terms * ULP * sqrt(norm);
    if (!(error <= 1.5 * bound + sums))
        fail_msg("error %.3g, with rounding %.3g, of sums %.3g", error, bound, sums);
}

static bool has_forward(void)
{
    return gpu.cuda->capability == 90 || gpu.cuda->capability / 10 == 10;
}

static bool has_backward(void) { return gpu.cuda->capability == 90; }

static void cudnn_is_as_the_cpu_and_its_two_runs_are_the_same(void **state)
{
    (void)state;
    for (int n = 0; n < CASES && has_forward(); n++) {
        const Batch b = batch_of(&cases[n]);
        if (b.longest == 0) continue; /* no call without a token is sent to cuDNN */
        Tensor o[2], lse[2], dqkv[2];
        const Tensor seen = on_gpu(poisoned(new_copy(b.o_rounded), b.used));
        for (int run = 0; run < 2; run++) {
            o[run] = zeros(b.o_rounded), lse[run] = zeros(b.lse), dqkv[run] = zeros(b.dqkv_rounded);
            attention_cudnn_forward(&gpu, o[run], lse[run], b.qkvg, b.cug, b.heads, b.longest);
            if (has_backward())
                attention_cudnn_backward(&gpu, dqkv[run], b.doutg, seen, lse[run], b.qkvg, b.cug,
                                         b.heads, b.longest);
        }
        assert_rounds_as(o[0], b.o, b.o_rounded, cases[n].head_dim);
        assert_as_cpu(lse[0], b.lse, 80);
        if (has_backward()) assert_rounds_as(dqkv[0], b.dqkv, b.dqkv_rounded, cases[n].head_dim);
        assert_same_bits(from_gpu(o[0]), from_gpu(o[1]));
        assert_same_bits(from_gpu(lse[0]), from_gpu(lse[1]));
        assert_same_bits(from_gpu(dqkv[0]), from_gpu(dqkv[1]));
        pair_free();
    }
}

/* The op itself, with the kernel that attention_choice() takes; and with souk's own kernel, which
 * many empty sequences enforce. */
static void the_op_is_as_the_cpu_whichever_kernel_serves(void **state)
{
    (void)state;
    for (int n = 0; n < CASES; n++) {
        const Batch b = batch_of(&cases[n]);
        const int64_t sequences = b.cu.dim[0] - 1, many = b.tokens + sequences;
        const Tensor cu = NEW(I32, many + 1);
        for (int64_t i = 0; i <= many; i++) i32(cu)[i] = i32(b.cu)[i < sequences ? i : sequences];
        const Tensor ends[] = {b.cug, on_gpu(cu)}, seen = on_gpu(b.o_rounded);
        for (int own = 0; own <= 1; own++) {
            const Tensor o = gpu_space(b.o_rounded), lse = gpu_space(b.lse);
            const Tensor dqkv = gpu_space(b.dqkv_rounded);
            attention_forward(&gpu, o, lse, b.qkvg, ends[own], b.heads, b.longest);
            attention_backward(&gpu, dqkv, b.doutg, seen, lse, b.qkvg, ends[own], b.heads,
                               b.longest);
            assert_rounds_as(o, b.o, b.o_rounded, cases[n].head_dim);
            assert_as_cpu(lse, b.lse, 80);
            assert_rounds_as(dqkv, b.dqkv, b.dqkv_rounded, cases[n].head_dim);
        }
        pair_free();
    }
}

/* Forward and backward, once. o and dqkv are 0 before. */
static void run_both(const Batch *b, Tensor o, Tensor lse, Tensor dqkv)
{
    attention_cudnn_forward(&gpu, o, lse, b->qkvg, b->cug, b->heads, b->longest);
    if (has_backward())
        attention_cudnn_backward(&gpu, dqkv, b->doutg, o, lse, b->qkvg, b->cug, b->heads,
                                 b->longest);
}

static void a_recorded_graph_gives_the_same_bits(void **state)
{
    (void)state;
    if (!has_forward()) skip();
    const Batch b = batch_of(&cases[0]);
    const Tensor o[] = {zeros(b.o_rounded), zeros(b.o_rounded)}, lse = zeros(b.lse);
    const Tensor dqkv[] = {zeros(b.dqkv_rounded), zeros(b.dqkv_rounded)};
    for (int run = 0; run < 2; run++) run_both(&b, o[0], lse, dqkv[0]); /* settles the scratch */
    assert_ok(device_sync(&gpu));
    assert_true(device_graph_possible(&gpu));
    device_graph_begin(&gpu);
    run_both(&b, o[1], lse, dqkv[1]);
    DeviceGraph *graph = device_graph_end(&gpu);
    assert_non_null(graph);
    device_graph_run(&gpu, graph);
    assert_same_bits(from_gpu(o[1]), from_gpu(o[0]));
    assert_same_bits(from_gpu(dqkv[1]), from_gpu(dqkv[0]));
    device_graph_close(&gpu, graph);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cudnn_is_as_the_cpu_and_its_two_runs_are_the_same),
        cmocka_unit_test(the_op_is_as_the_cpu_whichever_kernel_serves),
        cmocka_unit_test(a_recorded_graph_gives_the_same_bits),
    };
    return RUN_PAIR_TESTS(tests);
}

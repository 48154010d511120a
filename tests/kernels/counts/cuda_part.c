/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "counts/part.h"

static const int64_t sizes[] = {1, 37, 700};
enum { SIZES = sizeof sizes / sizeof *sizes, WIDTH = 64, ITEMS = 500, COLUMNS = 5 };

/* Scores, which are -inf at the same places. */
static void assert_scores_as_cpu(Tensor have, Tensor want, double ulps)
{
    const Tensor on_host = from_gpu(have), finite = new_copy(want);
    for (int64_t at = 0; at < tensor_count(want); at++) {
        if (f32(want)[at] != -INFINITY) continue;
        assert_true(f32(on_host)[at] == -INFINITY);
        f32(on_host)[at] = f32(finite)[at] = 0.0f;
    }
    assert_as_cpu(on_gpu(on_host), finite, ulps);
}

/* Rows have from no candidate to WIDTH of them. */
static void the_candidates_part_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        const int64_t rows = sizes[k];
        const Tensor z = NORMAL(1, 2, rows, WIDTH), r = NORMAL(2, 2, rows, WIDTH);
        const Tensor q = NORMAL(3, 1, rows, WIDTH), s = NEW(F32, rows, WIDTH);
        const Tensor item = NEW(I32, rows, WIDTH), wanted = NEW(I32, rows, COLUMNS);
        const Tensor score = NORMAL(4, 1, rows, COLUMNS), top = NEW(F32, rows);
        const Tensor weight = NORMAL(5, 1, rows), total = NEW(F32, rows), mean = NORMAL(6, 1, rows);
        const Tensor dz = NEW(F32, rows, WIDTH), dr = NEW(F32, rows, WIDTH);
        const Tensor stats = NEW(U8, rows, (int64_t)sizeof(RowStats));
        const Tensor best = NEW(U8, rows, (int64_t)sizeof(RowBest));
        for (int64_t at = 0; at < rows * WIDTH; at++) {
            const bool there = at % WIDTH < (at / WIDTH * 13) % (WIDTH + 1);
            i32(item)[at] = there ? (int32_t)((at / WIDTH + 7 * (at % WIDTH)) % ITEMS) : -1;
            if (!there) f32(r)[at] = -INFINITY;
        }
        for (int64_t at = 0; at < rows * COLUMNS; at++)
            i32(wanted)[at] = at % 3 ? i32(item)[at / COLUMNS * WIDTH + at % COLUMNS] : 3;
        for (int64_t i = 0; i < rows; i++) f32(top)[i] = 3.0f, f32(total)[i] = 8.0f;

        const Tensor z_g = on_gpu(z), r_g = on_gpu(r), q_g = on_gpu(q), item_g = on_gpu(item);
        const Tensor s_g = gpu_space(s), dz_g = gpu_space(dz), dr_g = gpu_space(dr);
        const Tensor score_g = on_gpu(score), wanted_g = on_gpu(wanted), top_g = on_gpu(top);
        const Tensor stats_g = gpu_space(stats), best_g = gpu_space(best);
        counts_part_scores(&cpu, s, z, r);
        counts_part_scores(&gpu, s_g, z_g, r_g);
        assert_scores_as_cpu(s_g, s, 8);
        /* The same scores for both: what follows is held against them. */
        const Tensor same = on_gpu(s);
        const CountsPart part = {item, z, s}, part_g = {item_g, z_g, same};
        counts_part_items(&cpu, score, part, wanted);
        counts_part_items(&gpu, score_g, part_g, wanted_g);
        assert_scores_as_cpu(score_g, score, 0);
        counts_part_cooled(&cpu, dr, part, 0.7f);
        counts_part_cooled(&gpu, dr_g, part_g, 0.7f);
        assert_scores_as_cpu(dr_g, dr, 16);
        counts_part_entropy(&cpu, dz, dr, part, (CountsEntropy){r, weight, total, mean});
        counts_part_entropy(&gpu, dz_g, dr_g, part_g,
                            (CountsEntropy){r_g, on_gpu(weight), on_gpu(total), on_gpu(mean)});
        assert_as_cpu(dz_g, dz, 16);
        assert_as_cpu(dr_g, dr, 16);
        for (int pass = 0; pass < 2; pass++) {
            counts_part_stats(&cpu, stats, part, pass ? q : (Tensor){0}, 0.5f);
            counts_part_stats(&gpu, stats_g, part_g, pass ? q_g : (Tensor){0}, 0.5f);
            RowStats *have = malloc(tensor_bytes(stats));
            const RowStats *want = stats.data;
            device_copy_out(&gpu, have, stats_g.data, tensor_bytes(stats));
            for (int64_t i = 0; i < rows; i++) {
                assert_true(have[i].max == want[i].max && have[i].argmax == want[i].argmax);
                assert_near(have[i].sum, want[i].sum, 1e-12 * (1 + fabs(want[i].sum)));
                assert_near(have[i].weighted, want[i].weighted,
                            1e-11 * (1 + fabs(want[i].weighted)));
            }
            free(have);
        }
        counts_part_allowed(&cpu, best, part, q, top, 0.1f);
        counts_part_allowed(&gpu, best_g, part_g, q_g, top_g, 0.1f);
        RowBest *have = malloc(tensor_bytes(best));
        device_copy_out(&gpu, have, best_g.data, tensor_bytes(best));
        assert_memory_equal(have, best.data, tensor_bytes(best));
        free(have);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_candidates_part_is_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

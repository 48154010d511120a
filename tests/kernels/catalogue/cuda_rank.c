/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/rank.h"
#include "catalogue_case.h"

#include "excluded.h"

/* With and without features; the 40,000 items take several tiles (of 16,384), the 1,030 rows two
 * blocks (of 1,024). */
static const Shape shapes[] = {
    {1, 1, 2, 0, 0, 0, true},      {3, 5, 4, 1, 3, 0, true},      {7, 255, 6, 0, 0, 2, true},
    {33, 257, 16, 2, 9, 3, true},  {65, 131, 40, 0, 0, 0, false}, {9, 40000, 3, 1, 5, 0, true},
    {1030, 130, 2, 0, 0, 0, true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void ranks_ties_and_best_items_are_the_same(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        Shape s = shapes[n / 2];
        const Tensor none = {0};
        const int64_t best = n % 2 ? 300 : s.rows > 100 ? 1 : 7;
        if (best > 7 && s.rows > 7) continue;
        s.kinds = s.numbers = 0;
        s.bias = false;
        Case c = make_case(s, 10 * (uint64_t)n + 3);
        make_exact(&c);
        if (s.rows > 2) f32(c.u)[2 * s.dim] = NAN;
        const Excluded excluded = make_excluded(s.rows, s.items);
        const Exclusion out = exclusion_of(excluded);
        const Exclusion outg =
            exclusion_of((Excluded){on_gpu(excluded.offset), on_gpu(excluded.item)});
        const Tensor above = NEW(I32, s.rows), ties = NEW(I32, s.rows);
        const Tensor item = NEW(I32, s.rows, best), score = NEW(F32, s.rows, best);
        const Tensor aboveg = gpu_space(above), tiesg = gpu_space(ties), itemg = gpu_space(item);
        const Tensor scoreg = gpu_space(score), ug = on_gpu(c.u);
        catalogue_rank(&cpu, above, ties, item, score, c.u, &c.table, none, c.target, out);
        catalogue_rank(&gpu, aboveg, tiesg, itemg, scoreg, ug, &c.table_gpu, none, on_gpu(c.target),
                       outg);
        assert_same_bits(from_gpu(aboveg), above);
        assert_same_bits(from_gpu(tiesg), ties);
        assert_same_bits(from_gpu(itemg), item);
        assert_same_bits(from_gpu(scoreg), score);

        if (best != 7) {
            pair_free();
            continue;
        }
        catalogue_rank(&cpu, none, none, item, score, c.u, &c.table, none, none, out);
        catalogue_rank(&gpu, none, none, itemg, scoreg, ug, &c.table_gpu, none, none, outg);
        assert_same_bits(from_gpu(itemg), item);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_ties_and_best_items_are_the_same),
    };
    return RUN_PAIR_TESTS(tests);
}

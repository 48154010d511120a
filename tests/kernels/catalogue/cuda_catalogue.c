/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue_case.h"
#include "mixture.h"

/* With and without features; the 40,000 items take several tiles (of 16,384), the 1,030 rows two
 * blocks (of 1,024). */
static const Shape shapes[] = {
    {1, 1, 2, 0, 0, 0, true},      {3, 5, 4, 1, 3, 0, true},      {7, 255, 6, 0, 0, 2, true},
    {33, 257, 16, 2, 9, 3, true},  {65, 131, 40, 0, 0, 0, false}, {9, 40000, 3, 1, 5, 0, true},
    {1030, 130, 2, 0, 0, 0, true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Relative L2 error of 1e-5, in spacings of f32. */
static const double ulps = 80;

static void check_cross_entropy(const Case *c, const CatalogueMixture *m)
{
    const Shape s = c->shape;
    const Tensor loss = NEW(F32, s.rows), du = NEW(F32, s.rows, s.dim);
    const Tensor did = NORMAL(99, 1, s.items, s.dim), dbias = NORMAL(98, 1, s.items);
    const Tensor lossg = gpu_space(loss), dug = gpu_space(du), didg = on_gpu(did);
    const Tensor dbiasg = on_gpu(dbias);
    CatalogueMixture mg = {0};
    if (m->other.data)
        mg = (CatalogueMixture){on_gpu(m->other), on_gpu(m->other_target), gpu_space(m->logsumexp),
                                gpu_space(m->share)};
    catalogue_cross_entropy_with(&cpu, loss, du, did, dbias, c->u, &c->table, c->bias, c->target,
                                 c->weight, *m);
    catalogue_cross_entropy_with(&gpu, lossg, dug, didg, dbiasg, on_gpu(c->u), &c->table_gpu,
                                 on_gpu(c->bias), on_gpu(c->target), on_gpu(c->weight), mg);
    assert_as_cpu(lossg, loss, ulps);
    assert_as_cpu(dug, du, ulps);
    assert_as_cpu(didg, did, ulps);
    assert_as_cpu(dbiasg, dbias, ulps);
    if (!m->other.data) return;
    assert_as_cpu(mg.logsumexp, m->logsumexp, ulps);
    assert_as_cpu(mg.share, m->share, ulps);
}

static void cross_entropy_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const Case c = make_case(shapes[n], 10 * (uint64_t)n + 1);
        const CatalogueMixture none = {0}, m = make_mixture(c.shape.rows);
        check_cross_entropy(&c, &none);
        check_cross_entropy(&c, &m);
        pair_free();
    }
}

static void statistics_and_single_scores_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        const Shape s = shapes[n / 2];
        const bool half = n % 2;
        /* the CPU does not round what it adds up; and the many rows are slow to emulate */
        if (half && (s.kinds || s.numbers || s.rows > 1000)) continue;
        const Case c = make_case(s, 10 * (uint64_t)n + 2);
        const CatalogueStats want = {NEW(F32, s.rows), NEW(I32, s.rows), NEW(F32, s.rows),
                                     NEW(F32, s.rows)};
        const CatalogueStats have = {gpu_space(want.max), gpu_space(want.argmax),
                                     gpu_space(want.logsumexp), gpu_space(want.expectation)};
        const Tensor ug = as_gpu(half ? BF16 : F32, c.u), biasg = on_gpu(c.bias);
        catalogue_stats(&cpu, want, c.u, &c.table, c.bias, 0.5f);
        catalogue_stats(&gpu, have, ug, &c.table_gpu, biasg, 0.5f);
        assert_as_cpu(have.max, want.max, ulps);
        assert_as_cpu(have.logsumexp, want.logsumexp, ulps);
        assert_as_cpu(have.expectation, want.expectation, ulps);

        /* The best item may be another of nearly the same score: compare what they score. */
        const Tensor picked = NEW(F32, s.rows), pickedg = gpu_space(picked);
        catalogue_score(&gpu, pickedg, ug, &c.table_gpu, biasg, have.argmax);
        assert_as_cpu(pickedg, want.max, ulps);
        catalogue_score(&cpu, picked, c.u, &c.table, c.bias, c.target);
        catalogue_score(&gpu, pickedg, ug, &c.table_gpu, biasg, on_gpu(c.target));
        assert_as_cpu(pickedg, picked, 8);
        pair_free();
    }
}

/* In double, with the gradient of scores rounded to bf16 or not. */
static void dense_gradients(Tensor du, Tensor did, const Case *c, bool round)
{
    const Shape s = c->shape;
    double *z = malloc((size_t)s.items * sizeof *z), *sum = calloc((size_t)s.dim, sizeof *sum);
    for (int64_t i = 0; i < s.rows; i++) {
        const float *u = f32(c->u) + i * s.dim, *e = f32(c->table.id);
        double max = -INFINITY, total = 0.0;
        memset(sum, 0, (size_t)s.dim * sizeof *sum);
        for (int64_t a = 0; a < s.items; a++) {
            z[a] = s.bias ? f32(c->bias)[a] : 0.0;
            for (int64_t d = 0; d < s.dim; d++) z[a] += (double)u[d] * e[a * s.dim + d];
            max = fmax(max, z[a]);
        }
        for (int64_t a = 0; a < s.items; a++) total += exp(z[a] - max);
        for (int64_t a = 0; a < s.items && i32(c->target)[i] >= 0; a++) {
            double g = f32(c->weight)[i] * (exp(z[a] - max) / total - (a == i32(c->target)[i]));
            if (round) g = bf16_rounded((float)g);
            for (int64_t d = 0; d < s.dim; d++) {
                sum[d] += g * e[a * s.dim + d];
                f32(did)[a * s.dim + d] += (float)(g * u[d]);
            }
        }
        for (int64_t d = 0; d < s.dim; d++)
            f32(du)[i * s.dim + d] = round ? bf16_rounded((float)sum[d]) : (float)sum[d];
    }
    free(z), free(sum);
}

static void in_bf16_errors_are_those_of_the_rounding(void **state)
{
    (void)state;
    const Shape s = {65, 131, 40, 0, 0, 0, true};
    const Case c = make_case(s, 7);
    const Tensor du = NEW(F32, s.rows, s.dim), did = NEW(F32, s.items, s.dim);
    const Tensor du_round = NEW(F32, s.rows, s.dim), did_round = NEW(F32, s.items, s.dim);
    dense_gradients(du, did, &c, false);
    dense_gradients(du_round, did_round, &c, true);
    const Tensor ug = on_gpu(to_bf16(c.u)), dug = gpu_space(ug);
    const Tensor didg = on_gpu(NEW(F32, s.items, s.dim)), dbias = on_gpu(NEW(F32, s.items));
    catalogue_cross_entropy(&gpu, gpu_space(NEW(F32, s.rows)), dug, didg, dbias, ug, &c.table_gpu,
                            on_gpu(c.bias), on_gpu(c.target), on_gpu(c.weight));
    assert_true(distance(to_f32(from_gpu(dug)), du) <= 1.5 * distance(du_round, du));
    assert_true(distance(from_gpu(didg), did) <= 1.5 * distance(did_round, did));
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy_is_as_on_the_cpu),
        cmocka_unit_test(statistics_and_single_scores_are_as_on_the_cpu),
        cmocka_unit_test(in_bf16_errors_are_those_of_the_rounding),
    };
    return RUN_PAIR_TESTS(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head in bf16 with scores in registers, against scores in double of the same bf16
 * numbers. All operands are multiples of 2^-7 or less fine, so that the vectors of items, sums of
 * features, are the same f32 numbers in any order, and round to the same bf16. */
#include "catalogue_case.h"
#include "mixture.h"

/* Ragged rows (tiles of 128), items (of 128 or 256), elements (slabs of 32 or 64); features. 4,100
 * items are split over all multiprocessors and take two tiles of a gradient (of 4,096), 33,000 two
 * launches (of 32,768); the 4,110 rows two blocks of a gradient (of 2,048 or 4,096); 2,100 items of
 * 264 elements go round the ring of stages; of 904 elements not all of a row's stay (where they do
 * not fit, tiles serve). */
static const Shape shapes[] = {
    {1, 1, 8, 0, 0, 0, true},      {3, 5, 16, 1, 3, 0, true},     {7, 255, 24, 0, 0, 2, false},
    {130, 257, 40, 2, 9, 3, true}, {65, 600, 72, 0, 0, 0, false}, {5, 4100, 8, 0, 0, 0, true},
    {2, 33000, 8, 0, 0, 0, false}, {4110, 130, 8, 0, 0, 0, true}, {140, 2100, 264, 0, 0, 0, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void coarsen(Tensor t)
{
    for (int64_t i = 0; t.data && i < tensor_count(t); i++)
        f32(t)[i] = rintf(f32(t)[i] * 128.0f) / 128.0f;
}

/* A case with coarse operands; u fits bf16, and e [items, dim] is what the vectors round to. The
 * last item is what row 0 looks for. */
static Case coarse_case(Shape s, uint64_t seed, Tensor *e)
{
    Case c = make_case(s, seed);
    const Tensor parts[] = {
        c.u, c.bias, c.table.id, c.table.category_table, c.table.numeric, c.table.numeric_weight};
    for (int i = 0; i < 6; i++) coarsen(parts[i]);
    for (int64_t i = 0; c.table.numeric.data && i < tensor_count(c.table.numeric); i++)
        f32(c.table.numeric)[i] = rintf(f32(c.table.numeric)[i]);
    c.u = rounded(c.u);
    for (int64_t d = 0; d < s.dim; d++)
        f32(c.table.id)[(s.items - 1) * s.dim + d] = 2.0f * f32(c.u)[d];
    c.table_gpu = table_on_gpu(&c.table);
    const Tensor ids = NEW(I32, s.items);
    for (int64_t a = 0; a < s.items; a++) i32(ids)[a] = (int32_t)a;
    *e = NEW(F32, s.items, s.dim);
    items_gather(&cpu, *e, &c.table, ids);
    *e = rounded(*e);
    return c;
}

/* z [items] of a row, and a bound on the error of f32 sums of its products in any order. */
static double dense_row(double *z, const Case *c, Tensor e, int64_t row)
{
    const int64_t dim = c->shape.dim;
    double largest = 0.0;
    for (int64_t a = 0; a < c->shape.items; a++) {
        double sizes = z[a] = c->bias.data ? f32(c->bias)[a] : 0.0;
        sizes = fabs(sizes);
        for (int64_t d = 0; d < dim; d++) {
            const double v = (double)f32(c->u)[row * dim + d] * f32(e)[a * dim + d];
            z[a] += v;
            sizes += fabs(v);
        }
        largest = fmax(largest, sizes);
    }
    return largest * (double)(dim + 1) * ULP;
}

/* Sums of exponentials: 2 ULP each, the spacing of exponents to 64, and some 128 + 40 additions of
 * a row's tiles and merges, all relative to the sum. */
static const double sum_error = (2 + 64 + 168) * ULP;

static void statistics_are_those_of_double(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const Shape s = shapes[n];
        Tensor e;
        const Case c = coarse_case(s, 10 * (uint64_t)n + 1, &e);
        const Tensor like = NEW(F32, s.rows);
        const CatalogueStats g = {gpu_space(like), gpu_space(NEW(I32, s.rows)), gpu_space(like),
                                  gpu_space(like)};
        const Tensor ug = on_gpu(to_bf16(c.u)), biasg = on_gpu(c.bias);
        const double scale = n % 2 ? 1.0 : 2.0;
        if (s.dim <= 384) assert_int_not_equal(catalogue_choice_cuda(&gpu, ug), CATALOGUE_TILES);
        if (EMULATED && gpu.cuda->capability == 90)
            assert_int_equal(catalogue_choice_cuda(&gpu, ug), CATALOGUE_WGMMA);
        catalogue_stats(&gpu, g, ug, &c.table_gpu, biasg, (float)(1.0 / scale));
        const Tensor max = from_gpu(g.max), argmax = from_gpu(g.argmax);
        const Tensor logsumexp = from_gpu(g.logsumexp), expectation = from_gpu(g.expectation);
        double *z = malloc((size_t)s.items * sizeof *z);
        for (int64_t i = 0; i < s.rows; i++) {
            const double near = dense_row(z, &c, e, i);
            double top = -INFINITY, sum = 0.0, mean = 0.0, largest = 0.0;
            for (int64_t a = 0; a < s.items; a++) {
                top = fmax(top, z[a]);
                largest = fmax(largest, fabs(z[a]));
            }
            for (int64_t a = 0; a < s.items; a++) sum += exp((z[a] - top) * scale);
            for (int64_t a = 0; a < s.items; a++) mean += exp((z[a] - top) * scale) / sum * z[a];
            const double want = top * scale + log(sum), weights = 2 * near * scale + 2 * sum_error;
            const int32_t best = i32(argmax)[i];
            assert_true(best >= 0 && best < s.items);
            assert_near(f32(max)[i], top, near);
            assert_near(z[best], top, 2 * near);
            assert_near(f32(logsumexp)[i], want,
                        near * scale + sum_error + (fabs(want) + largest * scale) * ULP);
            assert_near(f32(expectation)[i], mean, near + 2 * weights * largest);
        }
        free(z);
        pair_free();
    }
}

/* Whole numbers: the same bits as on the CPU, whatever the order of sums. */
static void ties_and_scores_without_a_number_are_as_on_the_cpu(void **state)
{
    (void)state;
    const Shape some[] = {{70, 1300, 16, 0, 0, 0, true}, {4, 3, 8, 0, 0, 0, true}};
    for (int n = 0; n < 6; n++) {
        const Shape s = some[n / 3];
        Case c = make_case(s, 10 * (uint64_t)n + 2);
        make_exact(&c);
        for (int64_t a = 0; a < s.items; a++) f32(c.bias)[a] = (float)(a % 3);
        if (n % 3 == 0) { /* equal but for the bias */
            for (int64_t a = 0; a < s.items * s.dim; a++) f32(c.table.id)[a] = 1.0f;
            c.table_gpu = table_on_gpu(&c.table);
        } else if (n % 3 == 1) { /* a row, and an item that were the best */
            for (int64_t d = 0; d < s.dim; d++) f32(c.u)[2 * s.dim + d] = NAN;
            f32(c.bias)[s.items / 2] = NAN;
        } else if (n % 3 == 2) {
            for (int64_t a = 0; a < s.items - 1; a++) f32(c.bias)[a] = -INFINITY;
        }
        const CatalogueStats want = {.max = NEW(F32, s.rows), .argmax = NEW(I32, s.rows)};
        const CatalogueStats have = {.max = gpu_space(want.max), .argmax = gpu_space(want.argmax)};
        const Tensor u = to_bf16(c.u);
        catalogue_stats(&cpu, want, u, &c.table, c.bias, 1.0f);
        catalogue_stats(&gpu, have, on_gpu(u), &c.table_gpu, on_gpu(c.bias), 1.0f);
        assert_same_bits(from_gpu(have.max), want.max);
        assert_same_bits(from_gpu(have.argmax), want.argmax);

        CatalogueStats sums = {.logsumexp = NEW(F32, s.rows)};
        CatalogueStats sumsg = {.logsumexp = gpu_space(sums.logsumexp)};
        catalogue_stats(&cpu, sums, u, &c.table, c.bias, 1.0f);
        catalogue_stats(&gpu, sumsg, on_gpu(u), &c.table_gpu, on_gpu(c.bias), 1.0f);
        const Tensor logsumexp = from_gpu(sumsg.logsumexp);
        for (int64_t i = 0; i < s.rows; i++) {
            const float b = f32(sums.logsumexp)[i];
            if (isnan(b))
                assert_true(isnan(f32(logsumexp)[i]));
            else
                assert_near(f32(logsumexp)[i], b, 2 * sum_error + 2 * fabsf(b) * ULP);
        }
        pair_free();
    }
}

typedef struct {
    Tensor loss, share, du, did, dbias;
} Gradients;

static Gradients gradients_of(Shape s)
{
    return (Gradients){NEW(F32, s.rows), NEW(F32, s.rows), NEW(F32, s.rows, s.dim),
                       NEW(F32, s.items, s.dim), NEW(F32, s.items)};
}

/* In double; m->other may be absent. Returns the bound on what f32 errs in the probabilities: of a
 * row, relative. */
static double dense_gradients(Gradients to, const Case *c, Tensor e, const CatalogueMixture *m)
{
    const Shape s = c->shape;
    double *z = malloc((size_t)s.items * sizeof *z), error = 0.0;
    double *did = calloc((size_t)(s.items * s.dim), sizeof *did);
    double *dbias = calloc((size_t)s.items, sizeof *dbias), *du = malloc((size_t)s.dim * 8);
    for (int64_t i = 0; i < s.rows; i++) {
        const int32_t target = i32(c->target)[i];
        if (target < 0) continue;
        const double near = dense_row(z, c, e, i), weight = f32(c->weight)[i];
        const double other = m->other.data ? f32(m->other)[i] : -INFINITY;
        const double other_target = m->other.data ? f32(m->other_target)[i] : -INFINITY;
        double top = other;
        for (int64_t a = 0; a < s.items; a++) top = fmax(top, z[a]);
        double total = exp(other - top);
        for (int64_t a = 0; a < s.items; a++) total += exp(z[a] - top);
        const double logsumexp = top + log(total);
        const double share = 1.0 / (1.0 + exp(other_target - z[target]));
        f32(to.loss)[i] = (float)(weight * (logsumexp - z[target] + log(share)));
        f32(to.share)[i] = (float)share;
        error = fmax(error, 2 * near + sum_error + 4 * fabs(logsumexp) * ULP);
        memset(du, 0, (size_t)s.dim * 8);
        for (int64_t a = 0; a < s.items; a++) {
            const double g = weight * (exp(z[a] - logsumexp) - (a == target ? share : 0.0));
            dbias[a] += g;
            for (int64_t d = 0; d < s.dim; d++) {
                du[d] += g * f32(e)[a * s.dim + d];
                did[a * s.dim + d] += g * f32(c->u)[i * s.dim + d];
            }
        }
        for (int64_t d = 0; d < s.dim; d++) f32(to.du)[i * s.dim + d] = (float)du[d];
    }
    for (int64_t a = 0; a < s.items * s.dim; a++) f32(to.did)[a] = (float)did[a];
    for (int64_t a = 0; a < s.items; a++) f32(to.dbias)[a] = (float)dbias[a];
    free(z), free(did), free(dbias), free(du);
    return error;
}

static const CatalogueMixture none;

static Gradients run(Device *dev, const Case *c, const CatalogueMixture *m, bool onto)
{
    const Shape s = c->shape;
    const bool gpu_runs = dev == &gpu;
    Gradients g = gradients_of(s);
    if (onto) f32(g.did)[0] = 3.0f;
    if (onto) f32(g.dbias)[0] = 2.0f;
    const Tensor u = to_bf16(c->u), du = to_bf16(g.du);
    CatalogueMixture with = {m->other, m->other_target, .share = g.share};
    if (!gpu_runs) {
        catalogue_cross_entropy_with(dev, g.loss, du, g.did, g.dbias, u, &c->table, c->bias,
                                     c->target, c->weight, with);
        g.du = to_f32(du);
        return g;
    }
    with =
        (CatalogueMixture){on_gpu(m->other), on_gpu(m->other_target), .share = gpu_space(g.share)};
    const Gradients to = {gpu_space(g.loss), with.share, gpu_space(du), on_gpu(g.did),
                          on_gpu(g.dbias)};
    catalogue_cross_entropy_with(dev, to.loss, to.du, to.did, to.dbias, on_gpu(u), &c->table_gpu,
                                 on_gpu(c->bias), on_gpu(c->target), on_gpu(c->weight), with);
    return (Gradients){from_gpu(to.loss), from_gpu(to.share), to_f32(from_gpu(to.du)),
                       from_gpu(to.did), from_gpu(to.dbias)};
}

static double norm(const float *x, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
    return sqrt(sum);
}

/* No further from double than 1.5 times the CPU, which rounds at the same places, and what f32 errs
 * in the probabilities: relative to |p| weight, of which a row has its weight. */
static void assert_close(Tensor have, Tensor cpu_has, Tensor exact, double f32_error)
{
    const double error = distance(have, exact), yardstick = distance(cpu_has, exact);
    if (!(error <= 1.5 * yardstick + f32_error))
        fail_msg("error %.3g, on the CPU %.3g, of f32 %.3g", error, yardstick, f32_error);
}

static void gradients_err_as_the_cpu_in_bf16(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        const Shape s = shapes[n / 2];
        Tensor e;
        const Case c = coarse_case(s, 5 * (uint64_t)n + 3, &e);
        const CatalogueMixture m = n % 2 ? make_mixture(s.rows) : none;
        const Gradients exact = gradients_of(s), want = run(&cpu, &c, &m, false);
        const double relative = dense_gradients(exact, &c, e, &m);
        const Gradients have = run(&gpu, &c, &m, false);
        double longest = 0.0;
        for (int64_t a = 0; a < s.items; a++)
            longest = fmax(longest, norm(f32(e) + a * s.dim, s.dim));
        const double weights = norm(f32(c.weight), s.rows) * relative;
        assert_close(have.loss, want.loss, exact.loss, weights);
        assert_close(have.share, want.share, exact.share, relative * sqrt((double)s.rows));
        assert_close(have.du, want.du, exact.du, weights * longest);
        assert_close(have.did, want.did, exact.did, weights * norm(f32(c.u), s.rows * s.dim));
        for (int64_t i = 0; i < s.rows; i++) {
            if (i32(c.target)[i] >= 0) continue;
            assert_true(f32(have.loss)[i] == 0.0f);
            for (int64_t d = 0; d < s.dim; d++) assert_true(f32(have.du)[i * s.dim + d] == 0.0f);
        }
        if (s.bias)
            assert_close(have.dbias, want.dbias, exact.dbias, weights * sqrt((double)s.rows));
        pair_free();
    }
}

static void gradients_add_to_what_is_there(void **state)
{
    (void)state;
    Tensor e;
    const Case c = coarse_case((Shape){20, 300, 16, 0, 0, 0, true}, 4, &e);
    const Gradients alone = run(&gpu, &c, &none, false), onto = run(&gpu, &c, &none, true);
    f32(alone.did)[0] += 3.0f;
    f32(alone.dbias)[0] += 2.0f;
    assert_true(distance(onto.did, alone.did) <= 4 * ULP);
    assert_true(distance(onto.dbias, alone.dbias) <= 4 * ULP);
    assert_same_bits(onto.du, alone.du);
    pair_free();
}

static void equal_runs_have_equal_bits(void **state)
{
    (void)state;
    Tensor e;
    const Case c = coarse_case((Shape){140, 700, 40, 1, 4, 1, true}, 5, &e);
    const Gradients a = run(&gpu, &c, &none, false), b = run(&gpu, &c, &none, false);
    assert_same_bits(a.loss, b.loss);
    assert_same_bits(a.du, b.du);
    assert_same_bits(a.did, b.did);
    assert_same_bits(a.dbias, b.dbias);
    const Tensor like = NEW(F32, c.shape.rows), ug = on_gpu(to_bf16(c.u)), biasg = on_gpu(c.bias);
    CatalogueStats s[2];
    for (int k = 0; k < 2; k++) {
        s[k] = (CatalogueStats){.logsumexp = gpu_space(like), .expectation = gpu_space(like)};
        catalogue_stats(&gpu, s[k], ug, &c.table_gpu, biasg, 1.0f);
    }
    assert_same_bits(from_gpu(s[0].logsumexp), from_gpu(s[1].logsumexp));
    assert_same_bits(from_gpu(s[0].expectation), from_gpu(s[1].expectation));
    pair_free();
}

static CatalogueStats stats_by(CatalogueKernel kernel, const Case *c, Tensor u)
{
    const int64_t rows = c->shape.rows, size = sizeof(RowStats);
    const Tensor part = gpu_space(NEW(U8, 1, rows, size)), like = NEW(F32, rows);
    const CatalogueStats stats = {.max = gpu_space(like), .logsumexp = gpu_space(like)};
    const size_t mark = scratch_mark(&gpu);
    catalogue_stats_cuda(&gpu, kernel, TENSOR(part.data, U8, rows, size), u, &c->table_gpu,
                         on_gpu(c->bias), 1.0f, STATS_SUM);
    scratch_release(&gpu, mark);
    catalogue_merge_stats(&gpu, stats, part, 1.0f);
    return stats;
}

/* The other path on the same call: the sums of the two differ by their order. */
static void tiles_serve_the_same_calls(void **state)
{
    (void)state;
    Tensor e;
    const Shape s = {33, 700, 40, 0, 0, 0, true};
    const Case c = coarse_case(s, 6, &e);
    const Tensor ug = on_gpu(to_bf16(c.u));
    const CatalogueStats fused = stats_by(catalogue_choice_cuda(&gpu, ug), &c, ug);
    const CatalogueStats tiles = stats_by(CATALOGUE_TILES, &c, ug);
    assert_as_cpu(fused.max, from_gpu(tiles.max), 2 * (double)s.dim);
    assert_as_cpu(fused.logsumexp, from_gpu(tiles.logsumexp),
                  2 * (double)s.dim + 2 * sum_error / ULP);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_those_of_double),
        cmocka_unit_test(ties_and_scores_without_a_number_are_as_on_the_cpu),
        cmocka_unit_test(gradients_err_as_the_cpu_in_bf16),
        cmocka_unit_test(gradients_add_to_what_is_there),
        cmocka_unit_test(equal_runs_have_equal_bits),
        cmocka_unit_test(tiles_serve_the_same_calls),
    };
    return RUN_PAIR_TESTS(tests);
}

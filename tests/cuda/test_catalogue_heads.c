/* Draws, two heads over one catalogue, and the entropy, on both devices. */
#include "pair.h"

#include "catalogue/entropy.h"
#include "catalogue/policy.h"
#include "catalogue/regression.h"
#include "catalogue/sample.h"
#include "excluded.h"
#include "heads.h"

/* With and without features; the 40,000 items take several tiles, the 1,030 rows two blocks. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},      {3, 5, 4, true, true},     {33, 257, 16, true, true},
    {65, 131, 40, false, false}, {9, 40000, 3, true, true}, {1030, 130, 2, false, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Relative L2 error of 1e-5, in spacings of f32. */
static const double ulps = 80;

static ItemTable table_on_gpu(const ItemTable *t)
{
    return (ItemTable){on_gpu(t->id), on_gpu(t->category), on_gpu(t->category_table),
                       on_gpu(t->numeric), on_gpu(t->numeric_weight)};
}

static void draws_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1);
        const ItemTable table = table_on_gpu(&c.table);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const Tensor item = NEW(I32, rows), logp = NEW(F32, rows), stream = NEW(I64, rows);
        const Tensor itemg = gpu_room(item), logpg = gpu_room(logp);
        for (int64_t i = 0; i < rows; i++) ((int64_t *)stream.data)[i] = 31 * i - 9;
        const Excluded out = make_excluded(rows, items);
        SampleOptions o = {.seed = 5,
                           .step = 6,
                           .stream = stream,
                           .exclusion = exclusion_of(out),
                           .temperature = 0.5f};
        catalogue_sample(&cpu, item, logp, c.u, &c.table, c.bias, o);
        o.stream = on_gpu(stream);
        o.exclusion = exclusion_of((Excluded){on_gpu(out.offset), on_gpu(out.item)});
        catalogue_sample(&gpu, itemg, logpg, on_gpu(c.u), &table, on_gpu(c.bias), o);

        const Tensor have = from_gpu(itemg), logp_have = from_gpu(logpg);
        double *z = dense_scores(&c);
        int64_t others = 0;
        for (int64_t i = 0; i < rows; i++) {
            const int32_t a = i32(have)[i], b = i32(item)[i];
            if (a == b) {
                assert_near(f32(logp_have)[i], f32(logp)[i], ulps * ULP * 8);
                continue;
            }
            const int64_t s = ((int64_t *)stream.data)[i];
            others++;
            assert_near(z[i * items + a] * 2 + dense_noise(5, s, 6, a),
                        z[i * items + b] * 2 + dense_noise(5, s, 6, b),
                        ((double)c.shape.dim * 8 + 8 * 23) * ULP);
        }
        assert_true(others <= 1); /* keys as near as rounding are rare */
        free(z);
        pair_free();
    }
}

static void two_heads_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        HeadShape other = shapes[n];
        other.dim += 3;
        other.bias = !other.bias;
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 2), d = make_head(other, 77);
        const ItemTable zs = table_on_gpu(&c.table), qs = table_on_gpu(&d.table);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const CatalogueHead z = {c.u, &c.table, c.bias}, q = {d.u, &d.table, d.bias};
        const CatalogueHead zg = {on_gpu(c.u), &zs, on_gpu(c.bias)};
        const CatalogueHead qg = {on_gpu(d.u), &qs, on_gpu(d.bias)};
        const Tensor mean = NEW(F32, rows), meang = gpu_room(mean);
        const Tensor best = NEW(I32, rows), bestg = gpu_room(best);
        catalogue_policy_expectation(&cpu, mean, z, q, 0.6f);
        catalogue_policy_expectation(&gpu, meang, zg, qg, 0.6f);
        assert_as_cpu(meang, mean, ulps);

        catalogue_policy_allowed_best(&cpu, best, z, q, 0.3f);
        catalogue_policy_allowed_best(&gpu, bestg, zg, qg, 0.3f);
        const Tensor have = from_gpu(bestg);
        double *qs_dense = dense_scores(&d);
        for (int64_t i = 0; i < rows; i++)
            assert_near(qs_dense[i * items + i32(have)[i]], qs_dense[i * items + i32(best)[i]],
                        64 * (double)d.shape.dim * ULP);
        free(qs_dense);
        pair_free();
    }
}

static void entropy_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        const bool half = n % 2;
        const HeadCase c = make_head(shapes[n / 2], 10 * (uint64_t)n + 3);
        if (half && (c.shape.rows > 1000 || c.shape.items == 1)) continue;
        if (half) rounded(c.u);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const ItemTable table = table_on_gpu(&c.table);
        const Tensor u = half ? to_bf16(c.u) : c.u, weight = NORMAL(5, 1, rows);
        const Tensor loss = NEW(F32, rows), du = new_tensor(u.dtype, 2, u.dim);
        const Tensor did = NEW(F32, items, dim), dbias = NEW(F32, items);
        const Tensor lossg = gpu_room(loss), dug = gpu_room(du);
        const Tensor didg = on_gpu(did), dbiasg = on_gpu(dbias);
        catalogue_entropy(&cpu, loss, du, did, dbias, u, &c.table, c.bias, weight);
        catalogue_entropy(&gpu, lossg, dug, didg, dbiasg, on_gpu(u), &table, on_gpu(c.bias),
                          on_gpu(weight));
        /* bf16: both round a score's gradient; where the f32 before it differs in a last place, by up
         * to 2^-8 of it */
        const double bound = half ? 0x1p-9 / ULP : c.shape.items == 1 ? 1e9 : ulps;
        assert_as_cpu(lossg, loss, ulps);
        assert_as_cpu(didg, did, bound);
        if (c.shape.bias) assert_as_cpu(dbiasg, dbias, bound);
        const Tensor dug_f32 = on_gpu(to_f32(from_gpu(dug)));
        assert_as_cpu(dug_f32, to_f32(du), bound);
        pair_free();
    }
}

/* The same products on both devices; what is left of sums that cancel is small beside their terms, so that
 * the bound is one of the terms' size. */
static void regressions_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        const bool half = n % 2;
        const HeadCase c = make_head(shapes[n / 2], 10 * (uint64_t)n + 4);
        if (half) rounded(c.u);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const ItemTable table = table_on_gpu(&c.table);
        const Tensor u = half ? to_bf16(c.u) : c.u, u_g = on_gpu(u), bias_g = on_gpu(c.bias);
        const Tensor target = NEW(I32, rows), y = NORMAL(6, 1, rows), weight = NORMAL(5, 1, rows);
        const Tensor mean = NEW(F32, rows), mean_g = gpu_room(mean);
        for (int64_t i = 0; i < rows; i++) i32(target)[i] = (int32_t)(i * 7 % items);
        for (int64_t i = 3; i < rows; i += 4) i32(target)[i] = -1, f32(weight)[i] = 0.0f;
        const RegressionOut out = {NEW(F32, rows), NEW(F32, rows), new_tensor(u.dtype, 2, u.dim),
                                   NEW(F32, items, dim), NEW(F32, items)};
        const RegressionOut out_g = {gpu_room(out.loss), gpu_room(out.dshift), gpu_room(out.du),
                                     on_gpu(out.did), on_gpu(out.dbias)};
        catalogue_regression_mean(&cpu, mean, u, &c.table, c.bias);
        catalogue_regression_mean(&gpu, mean_g, u_g, &table, bias_g);
        assert_as_cpu(mean_g, mean, ulps);
        catalogue_regression(&cpu, out, u, &c.table, c.bias, target, y, weight);
        catalogue_regression(&gpu, out_g, u_g, &table, bias_g, on_gpu(target), on_gpu(y),
                             on_gpu(weight));
        assert_as_cpu(out_g.loss, out.loss, ulps);
        assert_as_cpu(out_g.dshift, out.dshift, ulps);
        assert_as_cpu(out_g.did, out.did, ulps);
        if (c.shape.bias) assert_as_cpu(out_g.dbias, out.dbias, ulps);
        const Tensor du_g = on_gpu(to_f32(from_gpu(out_g.du)));
        assert_as_cpu(du_g, to_f32(out.du), half ? 0x1p-9 / ULP : ulps);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_as_on_the_cpu),
        cmocka_unit_test(two_heads_are_as_on_the_cpu),
        cmocka_unit_test(entropy_is_as_on_the_cpu),
        cmocka_unit_test(regressions_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two heads over one catalogue, against dense formulas in double. */
#include "heads.h"

#include "catalogue/catalogue.h"
#include "catalogue/merge.h"
#include "catalogue/policy.h"
#include "excluded.h"

/* Around the tile of 512 items and the block of 256 rows; the last keeps no scores. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},     {3, 5, 4, true, false},     {7, 511, 6, false, false},
    {33, 1025, 16, true, true}, {530, 600, 5, false, true}, {9, 140000, 3, false, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* q of another network: other vectors, other width. */
static HeadCase other_head(const HeadCase *z, uint64_t seed)
{
    HeadShape s = z->shape;
    s.dim += 3;
    s.bias = !s.bias;
    return make_head(s, seed);
}

static CatalogueHead head(const HeadCase *c) { return (CatalogueHead){c->u, &c->table, c->bias}; }

static void worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* pi = (1/2, 1/8, 3/8), q = (1, 5, -3) */
    float one[] = {1}, z[] = {logf(4), 0, logf(3)}, q[] = {1, 5, -3}, mean[1];
    int32_t best[1];
    const ItemTable zs = {.id = TENSOR(z, F32, 3, 1)}, qs = {.id = TENSOR(q, F32, 3, 1)};
    const Tensor u = TENSOR(one, F32, 1, 1);
    const CatalogueHead zh = {.u = u, .table = &zs}, qh = {.u = u, .table = &qs};
    catalogue_policy_expectation(&dev, TENSOR(mean, F32, 1), zh, qh, 1.0f);
    assert_near(mean[0], 0.5 + 0.625 - 1.125, 1e-6);
    const struct {
        float ratio;
        int32_t best;
    } cases[] = {{0.0f, 1}, {0.2f, 1}, {0.3f, 0}, {0.8f, 0}};
    for (int k = 0; k < 4; k++) {
        catalogue_policy_allowed_best(&dev, TENSOR(best, I32, 1), zh, qh, cases[k].ratio);
        assert_int_equal(best[0], cases[k].best);
    }
    q[0] = NAN;
    catalogue_policy_allowed_best(&dev, TENSOR(best, I32, 1), zh, qh, 0.3f);
    assert_int_equal(best[0], 2);
    device_close(&dev);
}

static void expectations_match_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1), d = other_head(&c, 77);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const Tensor have = NEW(F32, rows), again = NEW(F32, rows);
        double *z = dense_scores(&c), *q = dense_scores(&d);
        catalogue_policy_expectation(&dev, have, head(&c), head(&d), 0.6f);
        for (int64_t i = 0; i < rows; i++) {
            const double *zi = z + i * items, scale = 1.0 / (double)0.6f;
            const double logsumexp = dense_logsumexp(zi, items, scale);
            double want = 0.0, size = 0.0;
            for (int64_t a = 0; a < items; a++) {
                want += exp(zi[a] * scale - logsumexp) * q[i * items + a];
                size += exp(zi[a] * scale - logsumexp) * fabs(q[i * items + a]);
            }
            /* a score errs by dim spacings of |u||E|, about sqrt(dim); a weight relatively by
             * that */
            const double dim = (double)d.shape.dim;
            assert_near(f32(have)[i], want, (dim * sqrt(dim) + 32) * 2 * ULP * (size + 1));
        }
        Device one;
        assert_ok(device_open(&one, "cpu", 1));
        catalogue_policy_expectation(&one, again, head(&c), head(&d), 0.6f);
        assert_same_bits(have, again);
        device_close(&one);
        free(z), free(q);
        tensors_free();
    }
    device_close(&dev);
}

static void the_best_allowed_action_is_that_of_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 2), d = other_head(&c, 78);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const Tensor have = NEW(I32, rows);
        double *z = dense_scores(&c), *q = dense_scores(&d);
        int64_t least = 0;
        catalogue_policy_allowed_best(&dev, have, head(&c), head(&d), 0.3f);
        for (int64_t i = 0; i < rows; i++) {
            const double *zi = z + i * items, *qi = q + i * items;
            const double near = 64 * (double)d.shape.dim * ULP;
            double top = -INFINITY, best = -INFINITY;
            for (int64_t a = 0; a < items; a++) top = fmax(top, zi[a]);
            /* leave to rounding what lies at the edge of the allowed set */
            for (int64_t a = 0; a < items; a++)
                if (zi[a] - top > log((double)0.3f) + near) best = fmax(best, qi[a]);
            const int32_t a = i32(have)[i];
            assert_in_range(a, 0, items - 1);
            assert_true(zi[a] - top > log((double)0.3f) - near);
            assert_true(qi[a] >= best - near);
            double highest = -INFINITY;
            for (int64_t b = 0; b < items; b++) highest = fmax(highest, qi[b]);
            least += qi[a] < highest - near;
        }
        if (items > 500) assert_true(least > 0); /* the mask does something */
        free(z), free(q);
        tensors_free();
    }
    device_close(&dev);
}

/* A score errs by dim spacings of |u||E|, about sqrt(dim); a sum of two by their weighted
 * errors, and an exponential relatively by the error of its argument. */
static double blend_error(const HeadCase *c, const HeadCase *d, double z_weight, double q_weight,
                          double value)
{
    const double ez = (double)c->shape.dim * sqrt((double)c->shape.dim) + 4;
    const double eq = (double)d->shape.dim * sqrt((double)d->shape.dim) + 4;
    return 4 * ULP * (z_weight * ez + q_weight * (1.0 + value) * eq);
}

static void check_blend(const HeadCase *c, const HeadCase *d, bool logarithms, bool threshold)
{
    const int64_t rows = c->shape.rows, items = c->shape.items;
    const Tensor table = NEW(F32, items, rows), again = NEW(F32, items, rows);
    const Tensor shift = NORMAL(9, 0.5f, rows), floor = NORMAL(10, 1.0f, rows);
    const Excluded x = make_excluded(rows, items);
    const CatalogueBlend b = {.z_weight = threshold ? 0.0f : 1.0f,
                              .q_weight = 0.75f,
                              .logarithms = logarithms,
                              .shift = shift,
                              .floor = threshold ? floor : (Tensor){0},
                              .exclusion = exclusion_of(x)};
    double *z = dense_scores(c), *q = dense_scores(d);
    Device one, many;
    assert_ok(device_open(&one, "cpu", 1));
    assert_ok(device_open(&many, "cpu", 3));
    catalogue_policy_blend(&one, table, head(c), head(d), b);
    catalogue_policy_blend(&many, again, head(c), head(d), b);
    assert_same_bits(table, again);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t a = 0; a < items; a++) {
            const double have = f32(table)[a * rows + i], zi = z[i * items + a];
            const double qi = q[i * items + a] + f32(shift)[i], value = logarithms ? exp(qi) : qi;
            const double error = blend_error(c, d, b.z_weight, 0.75, fabs(value));
            const double far = zi - (double)f32(floor)[i]; /* as near as that, either may be */
            if (is_excluded(x, i, a) || (threshold && far < -1e-5))
                assert_near(have, CATALOGUE_NEVER, 0);
            else if (!threshold || far > 1e-5)
                assert_near(have, b.z_weight * zi + 0.75 * value, error);
        }
    device_close(&one);
    device_close(&many);
    free(z), free(q);
}

static void a_blend_is_that_of_double(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        if (shapes[n].rows * shapes[n].items > 500000) continue;
        for (int kind = 0; kind < 3; kind++) {
            const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 3), d = other_head(&c, 78);
            check_blend(&c, &d, kind == 1, kind == 2);
            tensors_free();
        }
    }
}

/* What a table is for: the scores of the identity against it are its numbers. */
static void a_table_takes_the_place_of_item_vectors(void **state)
{
    (void)state;
    enum { ROWS = 7, ITEMS = 1100 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const HeadCase c = make_head((HeadShape){ROWS, ITEMS, 6, true, true}, 4), d = other_head(&c, 5);
    const Tensor table = NEW(F32, ITEMS, ROWS), identity = NEW(F32, ROWS, ROWS);
    const Tensor ids = NEW(I32, ROWS), score = NEW(F32, ROWS);
    const Excluded x = make_excluded(ROWS, ITEMS);
    const ItemTable items = {.id = table};
    catalogue_policy_blend(
        &dev, table, head(&c), head(&d),
        (CatalogueBlend){
            .z_weight = 1.0f, .q_weight = 2.0f, .logarithms = true, .exclusion = exclusion_of(x)});
    for (int i = 0; i < ROWS; i++) f32(identity)[i * ROWS + i] = 1.0f;
    for (int a = 0; a < ITEMS; a++) {
        for (int i = 0; i < ROWS; i++) i32(ids)[i] = (a + 31 * i) % ITEMS;
        catalogue_score(&dev, score, identity, &items, (Tensor){0}, ids);
        for (int i = 0; i < ROWS; i++)
            assert_near(f32(score)[i], f32(table)[i32(ids)[i] * ROWS + i], 0);
    }
    catalogue_stats(&dev, (CatalogueStats){.max = score, .argmax = ids}, identity, &items,
                    (Tensor){0}, 1.0f);
    for (int i = 0; i < ROWS; i++) {
        int best = 0;
        for (int a = 1; a < ITEMS; a++)
            if (f32(table)[a * ROWS + i] > f32(table)[best * ROWS + i]) best = a;
        assert_int_equal(i32(ids)[i], best);
        assert_near(f32(score)[i], f32(table)[best * ROWS + i], 0);
    }
    tensors_free();
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_by_hand),
        cmocka_unit_test(expectations_match_double),
        cmocka_unit_test(the_best_allowed_action_is_that_of_double),
        cmocka_unit_test(a_blend_is_that_of_double),
        cmocka_unit_test(a_table_takes_the_place_of_item_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

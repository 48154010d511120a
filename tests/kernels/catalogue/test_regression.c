/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from sums over the items, against dense formulas in double. */
#include "heads.h"

#include "catalogue/regression.h"

/* Around the tile of 8192 items, with and without features. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},     {3, 5, 4, true, false},     {7, 511, 6, false, false},
    {33, 1025, 16, true, true}, {130, 600, 5, false, true}, {9, 8193, 3, true, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct {
    Tensor target, y, weight;
} Rows;

/* Every fourth row has no target. */
static Rows make_rows(const HeadCase *c, uint64_t seed)
{
    const int64_t rows = c->shape.rows;
    Rows r = {NEW(I32, rows), NORMAL(seed, 1, rows), NORMAL(seed + 1, 1, rows)};
    for (int64_t i = 0; i < rows; i++) {
        i32(r.target)[i] = (int32_t)(philox_u64(seed, 2, (uint64_t)i) % (uint64_t)c->shape.items);
        if (i % 4 == 3) i32(r.target)[i] = -1, f32(r.weight)[i] = 0.0f;
    }
    return r;
}

static RegressionOut make_out(const HeadCase *c)
{
    const HeadShape s = c->shape;
    return (RegressionOut){.loss = NEW(F32, s.rows),
                           .dshift = NEW(F32, s.rows),
                           .du = NEW(F32, s.rows, s.dim),
                           .did = NORMAL(91, 1, s.items, s.dim),
                           .dbias = s.bias ? NORMAL(92, 1, s.items) : (Tensor){0}};
}

static void worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* z = 2 E + bias = 3, 1, -3; two others than item 1, on y = 1: errors 2, -4 */
    float two[] = {2}, e[] = {1, 0, -1}, b[] = {1, 1, -1}, mean[1], y[] = {1}, w[] = {4};
    float loss[1], shift[1], du[1], did[] = {100, 0, 0}, dbias[] = {0, 0, 10};
    int32_t target[] = {1};
    const ItemTable table = {.id = TENSOR(e, F32, 3, 1)};
    const Tensor u = TENSOR(two, F32, 1, 1), bias = TENSOR(b, F32, 3);
    catalogue_regression_mean(&dev, TENSOR(mean, F32, 1), u, &table, bias);
    assert_near(mean[0], 1.0 / 3.0, ULP);
    const RegressionOut out = {TENSOR(loss, F32, 1), TENSOR(shift, F32, 1), TENSOR(du, F32, 1, 1),
                               TENSOR(did, F32, 3, 1), TENSOR(dbias, F32, 3)};
    catalogue_regression(&dev, out, u, &table, bias, TENSOR(target, I32, 1), TENSOR(y, F32, 1),
                         TENSOR(w, F32, 1));
    assert_near(loss[0], 2 * (4 + 16) / 2.0, 0);
    assert_near(shift[0], 2 * (2 - 4), 0);
    assert_near(du[0], 2 * (2 * 1 + -4 * -1), 0);
    const float want_did[] = {100 + 2 * 2 * 2, 0, 2 * -4 * 2}, want_dbias[] = {4, 0, 10 - 8};
    for (int a = 0; a < 3; a++) assert_true(did[a] == want_did[a] && dbias[a] == want_dbias[a]);
    device_close(&dev);
}

static void means_match_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const Tensor have = NEW(F32, rows);
        double *z = dense_scores(&c);
        catalogue_regression_mean(&dev, have, c.u, &c.table, c.bias);
        for (int64_t i = 0; i < rows; i++) {
            double want = 0.0, size = 1.0;
            for (int64_t a = 0; a < items; a++) {
                want += z[i * items + a] / (double)items;
                size += fabs(z[i * items + a]) / (double)items;
            }
            assert_near(f32(have)[i], want, 4 * (double)c.shape.dim * ULP * size);
        }
        free(z);
        tensors_free();
    }
    device_close(&dev);
}

/* Sums over items, in double, and the sums of their sizes: what f32 errs by spacings of. */
typedef struct {
    double *value, *size;
    int64_t count;
} Sums;

static Sums sums_new(int64_t count)
{
    return (Sums){calloc((size_t)count, sizeof(double)), calloc((size_t)count, sizeof(double)),
                  count};
}
static void sums_add(Sums *s, int64_t at, double value, double size)
{
    s->value[at] += value;
    s->size[at] += size;
}
static void assert_sums(Sums *s, Tensor have, double spacings)
{
    for (int64_t i = 0; have.data && i < s->count; i++)
        assert_near(f32(have)[i], s->value[i], spacings * ULP * s->size[i] + 1e-30);
    free(s->value);
    free(s->size);
}

/* The square is summed as (z - y)^2 = z z - 2 z y + y y, every z as a sum of products: the sizes
 * are those of all of these. */
static void regressions_match_double(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 3);
        const Rows r = make_rows(&c, 55 + (uint64_t)n);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const RegressionOut out = make_out(&c);
        Sums loss = sums_new(rows), shift = sums_new(rows), du = sums_new(rows * dim);
        Sums did = sums_new(items * dim), dbias = sums_new(items);
        for (int64_t k = 0; k < items * dim; k++)
            sums_add(&did, k, f32(out.did)[k], fabs(f32(out.did)[k]));
        for (int64_t a = 0; a < items && c.shape.bias; a++)
            sums_add(&dbias, a, f32(out.dbias)[a], fabs(f32(out.dbias)[a]));
        double *z = dense_scores(&c);
        for (int64_t i = 0; i < rows; i++) {
            const double y = f32(r.y)[i],
                         w = items > 1 ? f32(r.weight)[i] / (double)(items - 1) : 0;
            const float *u = f32(c.u) + i * dim;
            for (int64_t a = 0; a < items; a++) {
                double size = fabs(y) + (c.shape.bias ? fabs(f32(c.bias)[a]) : 0);
                for (int64_t d = 0; d < dim; d++) size += fabs(u[d] * item_vector(&c, a, d));
                const bool in = a != i32(r.target)[i];
                const double e = z[i * items + a] - y, g = in ? w * e : 0, gs = fabs(w) * size;
                sums_add(&loss, i, g * e / 2, gs * size / 2);
                sums_add(&shift, i, g, gs);
                sums_add(&dbias, a, g, gs);
                for (int64_t d = 0; d < dim; d++) {
                    sums_add(&du, i * dim + d, g * item_vector(&c, a, d),
                             gs * fabs(item_vector(&c, a, d)));
                    sums_add(&did, a * dim + d, g * u[d], gs * fabs(u[d]));
                }
            }
        }
        free(z);
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            const RegressionOut again = {NEW(F32, rows), NEW(F32, rows), NEW(F32, rows, dim),
                                         new_copy(out.did),
                                         out.dbias.data ? new_copy(out.dbias) : out.dbias};
            assert_ok(device_open(&dev, "cpu", threads));
            catalogue_regression(&dev, threads < 3 ? again : out, c.u, &c.table, c.bias, r.target,
                                 r.y, r.weight);
            device_close(&dev);
            if (threads == 3) break;
            const Tensor have[] = {again.loss, again.dshift, again.du, again.did, again.dbias};
            static Tensor first[5];
            for (int k = 0; k < 5; k++)
                if (threads == 1)
                    first[k] = have[k];
                else if (have[k].data)
                    assert_same_bits(have[k], first[k]);
        }
        /* each sum rounds its terms and, beyond that, itself: as a random walk */
        const double spacings = 4 + 2 * sqrt((double)(items > rows ? items : rows)) / 8;
        assert_sums(&loss, out.loss, spacings);
        assert_sums(&shift, out.dshift, spacings);
        assert_sums(&du, out.du, spacings);
        assert_sums(&did, out.did, spacings);
        assert_sums(&dbias, out.dbias, spacings);
        tensors_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_by_hand),
        cmocka_unit_test(means_match_double),
        cmocka_unit_test(regressions_match_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

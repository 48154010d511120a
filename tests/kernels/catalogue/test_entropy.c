/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy of the softmax over the catalogue and its gradient, against dense formulas in double,
 * which are themselves held against differences. */
#include "heads.h"

#include "catalogue/entropy.h"

static const HeadShape shapes[] = {
    {1, 1, 2, false, true},     {3, 5, 4, true, false},     {7, 511, 6, false, false},
    {33, 1025, 16, true, true}, {530, 600, 5, false, true}, {9, 140000, 3, false, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double entropy(const double *z, int64_t items)
{
    const double logsumexp = dense_logsumexp(z, items, 1.0);
    double sum = 0.0;
    for (int64_t a = 0; a < items; a++) sum -= exp(z[a] - logsumexp) * (z[a] - logsumexp);
    return sum;
}

/* dH/dz */
static void gradient(double *g, const double *z, int64_t items)
{
    const double logsumexp = dense_logsumexp(z, items, 1.0), h = entropy(z, items);
    for (int64_t a = 0; a < items; a++) g[a] = -exp(z[a] - logsumexp) * (z[a] - logsumexp + h);
}

static double entropy_of(const double *z, const void *items)
{
    return entropy(z, *(const int64_t *)items);
}

static void the_formula_is_the_derivative(void **state)
{
    (void)state;
    enum { ITEMS = 9 };
    const int64_t items = ITEMS;
    double z[ITEMS], want[ITEMS], have[ITEMS];
    for (int a = 0; a < ITEMS; a++) z[a] = sin(3.0 * a) * 1.5;
    differences(want, entropy_of, &items, z, ITEMS);
    gradient(have, z, ITEMS);
    for (int a = 0; a < ITEMS; a++) assert_near(have[a], want[a], 1e-8);
}

static void uniform_and_certain(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float u[] = {0, 1}, e[] = {200, 0, 0, 0}, weight[] = {1, 1}, loss[2], du[2], did[4] = {0};
    const ItemTable table = {.id = TENSOR(e, F32, 4, 1)};
    catalogue_entropy(&dev, TENSOR(loss, F32, 2), TENSOR(du, F32, 2, 1), TENSOR(did, F32, 4, 1),
                      (Tensor){0}, TENSOR(u, F32, 2, 1), &table, (Tensor){0},
                      TENSOR(weight, F32, 2));
    assert_near(loss[0], log(4), 1e-6);
    assert_near(loss[1], 0, 1e-6);
    assert_near(du[0], 0, 1e-5);
    assert_near(du[1], 0, 1e-6);
    device_close(&dev);
}

/* What should come out, in double, and the sizes of the terms that cancel in it: |logsumexp| + |m|
 * for an entropy, p (|z| + |m|) for a gradient. Rounding errs by a share of the sizes, not of the
 * results. */
typedef struct {
    Tensor loss, du, did, dbias;
} Dense;

static Dense new_dense(const HeadShape *s)
{
    return (Dense){NEW(F64, s->rows), NEW(F64, s->rows, s->dim), NEW(F64, s->items, s->dim),
                   NEW(F64, s->items)};
}

static double *f64(Tensor t) { return t.data; }

/* The share of one row and item. */
static void dense_add(const HeadCase *c, Dense *to, int64_t i, int64_t a, double g, bool size)
{
    const int64_t dim = c->shape.dim;
    f64(to->dbias)[a] += g;
    for (int64_t d = 0; d < dim; d++) {
        const double e = item_vector(c, a, d), u = f32(c->u)[i * dim + d];
        f64(to->du)[i * dim + d] += g * (size ? fabs(e) : e);
        f64(to->did)[a * dim + d] += g * (size ? fabs(u) : u);
    }
}

static void dense(const HeadCase *c, Tensor weight, Dense *want, Dense *size)
{
    const int64_t rows = c->shape.rows, items = c->shape.items;
    double *z = dense_scores(c), *g = malloc((size_t)items * sizeof *g);
    for (int64_t i = 0; i < rows; i++) {
        const double *row = z + i * items, w = f32(weight)[i];
        const double h = entropy(row, items), logsumexp = dense_logsumexp(row, items, 1.0);
        const double mean = fabs(logsumexp - h);
        f64(want->loss)[i] = w * h;
        f64(size->loss)[i] = fabs(w) * (fabs(logsumexp) + mean);
        gradient(g, row, items);
        for (int64_t a = 0; a < items; a++) {
            const double p = exp(row[a] - logsumexp);
            dense_add(c, want, i, a, w * g[a], false);
            dense_add(c, size, i, a, fabs(w) * p * (fabs(row[a]) + mean), true);
        }
    }
    free(z), free(g);
}

/* Scores, of size up to 16, are rounded sums of up to 16 products, and p has their absolute error
 * as its relative one: below 16 half spacings of 16, about 2^-16, of the sizes. */
static void assert_close(Tensor have, Tensor want, Tensor size)
{
    double difference = 0.0, norm = 0.0;
    for (int64_t i = 0; i < tensor_count(want); i++) {
        const double d = f32(have)[i] - f64(want)[i];
        difference += d * d;
        norm += f64(size)[i] * f64(size)[i];
    }
    if (!(sqrt(difference) <= 0x1p-16 * sqrt(norm)))
        fail_msg("error %.3g, terms %.3g", sqrt(difference), sqrt(norm));
}

static void losses_and_gradients_match_double(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const Tensor weight = NORMAL(50, 1, rows), loss = NEW(F32, rows), du = NEW(F32, rows, dim);
        Dense want = new_dense(&c.shape), size = new_dense(&c.shape);
        Tensor did[2], dbias[2];
        dense(&c, weight, &want, &size);
        for (int threads = 1; threads <= 2; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            did[threads - 1] = NEW(F32, items, dim);
            dbias[threads - 1] = NEW(F32, items);
            catalogue_entropy(&dev, loss, du, did[threads - 1], dbias[threads - 1], c.u, &c.table,
                              c.bias, weight);
            device_close(&dev);
        }
        assert_same_bits(did[0], did[1]);
        assert_same_bits(dbias[0], dbias[1]);
        assert_close(loss, want.loss, size.loss);
        assert_close(du, want.du, size.du);
        assert_close(did[0], want.did, size.did);
        if (c.shape.bias) assert_close(dbias[0], want.dbias, size.dbias);
        tensors_free();
    }
}

/* What is there already is added to. */
static void gradients_accumulate(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    const HeadCase c = make_head((HeadShape){5, 30, 4, false, true}, 1);
    const Tensor weight = NORMAL(50, 1, 5), loss = NEW(F32, 5), du = NEW(F32, 5, 4);
    const Tensor did = NEW(F32, 30, 4), dbias = NEW(F32, 30), again = NORMAL(8, 1, 30, 4);
    const Tensor start = new_copy(again), bias_again = NEW(F32, 30);
    catalogue_entropy(&dev, loss, du, did, dbias, c.u, &c.table, c.bias, weight);
    catalogue_entropy(&dev, loss, du, again, bias_again, c.u, &c.table, c.bias, weight);
    for (int64_t i = 0; i < 120; i++)
        assert_near(f32(again)[i], (double)f32(start)[i] + f32(did)[i], 1e-6);
    device_close(&dev);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_formula_is_the_derivative),
        cmocka_unit_test(uniform_and_certain),
        cmocka_unit_test(losses_and_gradients_match_double),
        cmocka_unit_test(gradients_accumulate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The entropy of the softmax over the catalogue and its gradient, against dense formulas in double,
 * which are themselves held against differences. */
#include "heads.h"

#include "catalogue_entropy.h"

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

/* du, did, dbias in double. */
static void dense(const HeadCase *c, Tensor weight, double *loss, double *du, double *did,
                  double *dbias)
{
    const int64_t rows = c->shape.rows, items = c->shape.items, dim = c->shape.dim;
    double *z = dense_scores(c), *g = malloc((size_t)items * sizeof *g);
    memset(du, 0, (size_t)(rows * dim) * sizeof *du);
    memset(did, 0, (size_t)(items * dim) * sizeof *did);
    memset(dbias, 0, (size_t)items * sizeof *dbias);
    for (int64_t i = 0; i < rows; i++) {
        loss[i] = f32(weight)[i] * entropy(z + i * items, items);
        gradient(g, z + i * items, items);
        for (int64_t a = 0; a < items; a++) {
            const double ga = f32(weight)[i] * g[a];
            dbias[a] += ga;
            for (int64_t d = 0; d < dim; d++) {
                du[i * dim + d] += ga * item_vector(c, a, d);
                did[a * dim + d] += ga * f32(c->u)[i * dim + d];
            }
        }
    }
    free(z), free(g);
}

static void losses_and_gradients_match_double(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const Tensor weight = NORMAL(50, 1, rows), loss = NEW(F32, rows), du = NEW(F32, rows, dim);
        const Tensor want_loss = NEW(F64, rows), want_du = NEW(F64, rows, dim);
        const Tensor want_did = NEW(F64, items, dim), want_dbias = NEW(F64, items);
        Tensor did[2], dbias[2];
        dense(&c, weight, want_loss.data, want_du.data, want_did.data, want_dbias.data);
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
        /* one item has no entropy: only rounding is left */
        const double bound = items == 1 ? 1e-4 : 1e-5;
        assert_true(relative_l2(f32(loss), want_loss.data, rows) <= bound);
        assert_true(relative_l2(f32(du), want_du.data, rows * dim) <= bound);
        assert_true(relative_l2(f32(did[0]), want_did.data, items * dim) <= bound);
        if (c.shape.bias) assert_true(relative_l2(f32(dbias[0]), want_dbias.data, items) <= bound);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head and the item encoder, against dense formulas in double. */
#include "op.h"

#include "base/bf16.h"
#include "catalogue/catalogue.h"
#include "catalogue/rank.h"
#include "excluded.h"
#include "mixture.h"

typedef struct {
    int64_t rows, items, dim, kinds, categories, numbers;
    bool bias;
} Shape;

/* Ragged on purpose: around the tile of 512 items and the block of 256 rows, with and without
 * features; the last needs several blocks, the one of 140,000 items does not keep its scores. */
static const Shape shapes[] = {
    {1, 1, 2, 0, 0, 0, true},      {3, 5, 4, 1, 3, 0, true},      {7, 511, 6, 0, 0, 2, true},
    {33, 513, 16, 2, 9, 3, true},  {65, 1031, 8, 0, 0, 0, false}, {530, 600, 5, 1, 4, 1, true},
    {9, 140000, 3, 0, 0, 0, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };
static const double BF16_SPACING = 0x1p-7; /* relative, at most */

typedef struct {
    Shape shape;
    ItemTable table;
    Tensor u, bias, target, weight;
    double *e; /* [items, dim] */
} Case;

static Case make_case(Shape s, uint64_t seed)
{
    Case c = {.shape = s, .u = NORMAL(seed, 1, s.rows, s.dim)};
    c.table.id = NORMAL(seed + 1, 0.7f, s.items, s.dim);
    if (s.bias) c.bias = NORMAL(seed + 2, 0.5f, s.items);
    if (s.kinds) {
        c.table.category = NEW(I32, s.items, s.kinds);
        c.table.category_table = NORMAL(seed + 3, 0.3f, s.categories, s.dim);
        for (int64_t i = 0; i < s.items * s.kinds; i++)
            i32(c.table.category)[i] =
                (int32_t)(philox_u64(seed, 1, (uint64_t)i) % (uint64_t)s.categories);
    }
    if (s.numbers) {
        c.table.numeric = NORMAL(seed + 4, 1, s.items, s.numbers);
        c.table.numeric_weight = NORMAL(seed + 5, 0.3f, s.numbers, s.dim);
    }
    c.target = NEW(I32, s.rows);
    c.weight = NEW(F32, s.rows);
    for (int64_t i = 0; i < s.rows; i++) {
        i32(c.target)[i] = (int32_t)(philox_u64(seed, 2, (uint64_t)i) % (uint64_t)s.items);
        if (i % 5 == 4) i32(c.target)[i] = -1;
        f32(c.weight)[i] = 0.1f + (float)(i % 3);
    }
    c.e = malloc((size_t)(s.items * s.dim) * sizeof *c.e);
    for (int64_t a = 0; a < s.items; a++)
        for (int64_t d = 0; d < s.dim; d++) {
            double e = f32(c.table.id)[a * s.dim + d];
            for (int64_t k = 0; k < s.kinds; k++)
                e +=
                    f32(c.table.category_table)[i32(c.table.category)[a * s.kinds + k] * s.dim + d];
            for (int64_t f = 0; f < s.numbers; f++)
                e += (double)f32(c.table.numeric)[a * s.numbers + f] *
                     f32(c.table.numeric_weight)[f * s.dim + d];
            c.e[a * s.dim + d] = e;
        }
    return c;
}

static void free_case(Case *c)
{
    free(c->e);
    tensors_free();
}

static double score(const Case *c, int64_t i, int64_t a)
{
    double z = c->shape.bias ? f32(c->bias)[a] : 0.0;
    for (int64_t d = 0; d < c->shape.dim; d++)
        z += (double)f32(c->u)[i * c->shape.dim + d] * c->e[a * c->shape.dim + d];
    return z;
}

/* Scores err by about dim ulp of |u||e|, here at most a few; softmax passes that on as a factor. */
static double bound(const Case *c) { return (double)(c->shape.dim + 16) * ULP; }

static void two_items_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* z = (log 3, 0): softmax (3/4, 1/4). */
    float u[] = {1}, e[] = {logf(3), 0}, loss[1], du[1], de[2] = {0}, weight[] = {2};
    int32_t target[] = {1};
    const ItemTable table = {.id = TENSOR(e, F32, 2, 1)};
    catalogue_cross_entropy(&dev, TENSOR(loss, F32, 1), TENSOR(du, F32, 1, 1),
                            TENSOR(de, F32, 2, 1), (Tensor){0}, TENSOR(u, F32, 1, 1), &table,
                            (Tensor){0}, TENSOR(target, I32, 1), TENSOR(weight, F32, 1));
    assert_near(loss[0], 2 * log(4), 1e-6);
    assert_near(de[0], 1.5, 1e-6);
    assert_near(de[1], -1.5, 1e-6);
    assert_near(du[0], 1.5 * log(3), 1e-6);

    float max[1], logsumexp[1], expectation[1];
    int32_t argmax[1];
    catalogue_stats(&dev,
                    (CatalogueStats){TENSOR(max, F32, 1), TENSOR(argmax, I32, 1),
                                     TENSOR(logsumexp, F32, 1), TENSOR(expectation, F32, 1)},
                    TENSOR(u, F32, 1, 1), &table, (Tensor){0}, 1.0f);
    assert_near(max[0], log(3), 1e-7);
    assert_int_equal(argmax[0], 0);
    assert_near(logsumexp[0], log(4), 1e-6);
    assert_near(expectation[0], 0.75 * log(3), 1e-6);
    device_close(&dev);
}

typedef struct {
    double *du, *did, *dbias;
} Dense;

static Dense new_dense(Shape s, Tensor did, Tensor dbias)
{
    const Dense d = {calloc((size_t)(s.rows * s.dim), sizeof(double)),
                     calloc((size_t)(s.items * s.dim), sizeof(double)),
                     calloc((size_t)s.items, sizeof(double))};
    to_double(d.did, did);
    to_double(d.dbias, dbias);
    return d;
}

/* Adds a row's gradients to `to`, and returns its loss; log_all is log(Z + R), *share that of the
 * target. z: space for the scores. */
static double dense_row(const Case *c, const Dense *to, double *z, int64_t i, double other,
                        double other_target, double *log_all, double *share)
{
    const Shape s = c->shape;
    const int32_t target = i32(c->target)[i];
    const double weight = f32(c->weight)[i];
    double max = other;
    for (int64_t a = 0; a < s.items; a++) max = fmax(max, z[a] = score(c, i, a));
    double sum = exp(other - max);
    for (int64_t a = 0; a < s.items; a++) sum += exp(z[a] - max);
    *log_all = max + log(sum);
    *share = 1.0 / (1.0 + exp(other_target - z[target]));
    for (int64_t a = 0; a < s.items; a++) {
        const double g = weight * (exp(z[a] - *log_all) - (a == target ? *share : 0.0));
        to->dbias[a] += g;
        for (int64_t d = 0; d < s.dim; d++) {
            to->du[i * s.dim + d] += g * c->e[a * s.dim + d];
            to->did[a * s.dim + d] += g * f32(c->u)[i * s.dim + d];
        }
    }
    return weight * (*log_all - z[target] + log(*share));
}

static void check_cross_entropy(const Case *c, Device *dev, CatalogueMixture m)
{
    const Shape s = c->shape;
    const Tensor loss = NEW(F32, s.rows), du = NEW(F32, s.rows, s.dim);
    const Tensor did = NORMAL(99, 1, s.items, s.dim), dbias = NORMAL(98, 1, s.items);
    const Dense want = new_dense(s, did, dbias);
    double *z = malloc((size_t)s.items * sizeof *z);
    catalogue_cross_entropy_with(dev, loss, du, did, dbias, c->u, &c->table, c->bias, c->target,
                                 c->weight, m);
    for (int64_t i = 0; i < s.rows; i++) {
        double log_all = 0.0, share = 0.0, row = 0.0;
        if (i32(c->target)[i] >= 0)
            row = dense_row(c, &want, z, i, m.other.data ? f32(m.other)[i] : -INFINITY,
                            m.other.data ? f32(m.other_target)[i] : -INFINITY, &log_all, &share);
        const double slack = bound(c) * (8 + fabs(log_all) + fabs(row));
        assert_near(f32(loss)[i], row, i32(c->target)[i] < 0 ? 0 : 3 * slack);
        if (!m.other.data) continue;
        assert_near(f32(m.logsumexp)[i], log_all, slack);
        assert_near(f32(m.share)[i], share, slack);
    }
    assert_true(relative_l2(f32(du), want.du, s.rows * s.dim) < 4 * bound(c));
    assert_true(relative_l2(f32(did), want.did, s.items * s.dim) < 4 * bound(c));
    if (s.bias) assert_true(relative_l2(f32(dbias), want.dbias, s.items) < 4 * bound(c));
    free(z), free(want.du), free(want.did), free(want.dbias);
}

static void cross_entropy_and_its_gradients_match_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        Case c = make_case(shapes[n], 10 * (uint64_t)n + 1);
        check_cross_entropy(&c, &dev, (CatalogueMixture){0});
        check_cross_entropy(&c, &dev, make_mixture(c.shape.rows));
        free_case(&c);
    }
    device_close(&dev);
}

static void a_mixture_without_mass_is_none_to_the_bit(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    Case c = make_case(shapes[5], 8);
    const Shape s = c.shape;
    const CatalogueMixture m = {.other = NEW(F32, s.rows), .other_target = NEW(F32, s.rows)};
    Tensor loss[2], du[2], did[2], dbias[2];
    for (int64_t i = 0; i < s.rows; i++) f32(m.other)[i] = f32(m.other_target)[i] = -INFINITY;
    for (int k = 0; k < 2; k++) {
        loss[k] = NEW(F32, s.rows), du[k] = NEW(F32, s.rows, s.dim);
        did[k] = NEW(F32, s.items, s.dim), dbias[k] = NEW(F32, s.items);
        catalogue_cross_entropy_with(&dev, loss[k], du[k], did[k], dbias[k], c.u, &c.table, c.bias,
                                     c.target, c.weight, k ? m : (CatalogueMixture){0});
    }
    assert_same_bits(loss[0], loss[1]);
    assert_same_bits(du[0], du[1]);
    assert_same_bits(did[0], did[1]);
    assert_same_bits(dbias[0], dbias[1]);
    free_case(&c);
    device_close(&dev);
}

static void statistics_match_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        Case c = make_case(shapes[n], 10 * (uint64_t)n + 2);
        const Shape s = c.shape;
        const double temperature = 0.5;
        CatalogueStats stats = {NEW(F32, s.rows), NEW(I32, s.rows), NEW(F32, s.rows),
                                NEW(F32, s.rows)};
        Tensor picked = NEW(F32, s.rows);
        catalogue_stats(&dev, stats, c.u, &c.table, c.bias, (float)temperature);
        catalogue_score(&dev, picked, c.u, &c.table, c.bias, c.target);
        for (int64_t i = 0; i < s.rows; i++) {
            double max = -INFINITY, sum = 0.0, weighted = 0.0;
            for (int64_t a = 0; a < s.items; a++) max = fmax(max, score(&c, i, a));
            for (int64_t a = 0; a < s.items; a++) {
                const double z = score(&c, i, a), p = exp((z - max) / temperature);
                sum += p;
                weighted += p * z;
            }
            const double slack = bound(&c) * (8 + fabs(max)) / temperature;
            assert_near(f32(stats.max)[i], max, slack);
            assert_near(score(&c, i, i32(stats.argmax)[i]), max, slack);
            assert_near(f32(stats.logsumexp)[i], max / temperature + log(sum), 2 * slack);
            assert_near(f32(stats.expectation)[i], weighted / sum, 4 * slack);
            const int32_t target = i32(c.target)[i];
            assert_near(f32(picked)[i], target < 0 ? 0 : score(&c, i, target), 2 * slack);
        }
        free_case(&c);
    }
    device_close(&dev);
}

/* Small whole numbers, so that scores are exact and ties plenty. */
static void make_exact(Case *c)
{
    for (int64_t i = 0; i < tensor_count(c->u); i++) f32(c->u)[i] = (float)(i * 7 % 3 - 1);
    for (int64_t i = 0; i < tensor_count(c->table.id); i++)
        f32(c->table.id)[i] = (float)c->e[i] > 0 ? 1.0f : -1.0f;
    for (int64_t i = 0; i < tensor_count(c->table.id); i++) c->e[i] = f32(c->table.id)[i];
    for (int64_t i = 0; i < c->shape.rows; i++)
        if (i32(c->target)[i] < 0) i32(c->target)[i] = 0;
}

static void ranks_ties_and_best_items_are_exact(void **state)
{
    (void)state;
    enum { BEST = 7 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        Shape s = shapes[n];
        s.kinds = s.numbers = 0;
        s.bias = false;
        Case c = make_case(s, 10 * (uint64_t)n + 3);
        make_exact(&c);
        const Excluded excluded = make_excluded(s.rows, s.items);
        Tensor above = NEW(I32, s.rows), ties = NEW(I32, s.rows);
        Tensor item = NEW(I32, s.rows, BEST), best = NEW(F32, s.rows, BEST);
        catalogue_rank(&dev, above, ties, item, best, c.u, &c.table, c.bias, c.target,
                       exclusion_of(excluded));
        for (int64_t i = 0; i < s.rows; i++) {
            const int32_t target = i32(c.target)[i];
            const double aim = score(&c, i, target);
            int64_t greater = 0, equal = 0, found = 0;
            double last = INFINITY;
            int32_t last_item = -1;
            for (int64_t a = 0; a < s.items; a++) {
                if (a != target && is_excluded(excluded, i, a)) continue;
                greater += score(&c, i, a) > aim;
                equal += a != target && score(&c, i, a) == aim;
            }
            assert_int_equal(i32(above)[i], greater);
            assert_int_equal(i32(ties)[i], equal);
            for (; found < BEST && i32(item)[i * BEST + found] >= 0; found++) {
                const int32_t a = i32(item)[i * BEST + found];
                const double z = score(&c, i, a);
                assert_near(f32(best)[i * BEST + found], z, 0);
                assert_true(z < last || (z == last && a > last_item));
                if (a == target) assert_true(found >= greater && found <= greater + equal);
                last = z, last_item = a;
            }
            const bool listed = greater + equal < BEST;
            bool seen = false;
            for (int64_t k = 0; k < found; k++) seen |= i32(item)[i * BEST + k] == target;
            if (listed) assert_true(seen);
        }
        free_case(&c);
    }
    device_close(&dev);
}

/* The best item alone takes another path. Exact scores, ties plenty, with biases that differ in
 * sign, one item that is not a number and one that is out of the question; rows of one block and of
 * several, tiles of one group and of several. */
static void the_best_item_alone_is_exact(void **state)
{
    (void)state;
    static const Shape more[] = {{1, 1, 1, 0, 0, 0, true},      {2, 31, 7, 0, 0, 0, true},
                                 {13, 33, 3, 0, 0, 0, false},   {25, 1500, 67, 0, 0, 0, true},
                                 {1030, 700, 5, 0, 0, 0, true}, {2050, 8200, 4, 0, 0, 0, true}};
    for (int n = 0; n < (int)(sizeof more / sizeof *more); n++) {
        Case c = make_case(more[n], 10 * (uint64_t)n + 5);
        const Shape s = c.shape;
        make_exact(&c);
        for (int64_t a = 0; s.bias && a < s.items; a++) f32(c.bias)[a] = (float)(a * 5 % 4 - 2);
        const int64_t nan = s.items > 2 ? s.items / 2 : -1, never = s.bias && s.items > 2 ? 1 : -1;
        if (nan >= 0) f32(c.table.id)[nan * s.dim] = NAN;
        if (never >= 0) f32(c.bias)[never] = -INFINITY;
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            Tensor max = NEW(F32, s.rows), argmax = NEW(I32, s.rows);
            catalogue_stats(&dev, (CatalogueStats){.max = max, .argmax = argmax}, c.u, &c.table,
                            c.bias, 1.0f);
            device_close(&dev);
            for (int64_t i = 0; i < s.rows; i++) {
                int64_t best = -1;
                for (int64_t a = 0; a < s.items; a++)
                    if (a != nan && a != never &&
                        (best < 0 || score(&c, i, a) > score(&c, i, best)))
                        best = a;
                assert_int_equal(i32(argmax)[i], best);
                assert_near(f32(max)[i], score(&c, i, best), 0);
            }
        }
        free_case(&c);
    }
}

static void the_best_item_alone_matches_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++)
        for (int dtype = 0; dtype < 2; dtype++) {
            Case c = make_case(shapes[n], 10 * (uint64_t)n + 6);
            const Shape s = c.shape;
            const bool rounded = dtype == 1;
            Tensor u = rounded ? NEW(BF16, s.rows, s.dim) : c.u;
            double greatest = 0; /* |e| that, summed in f32, may round to bf16 differently */
            if (rounded) bf16_round_into(&dev, u, c.u);
            for (int64_t i = 0; rounded && i < s.rows * s.dim; i++)
                f32(c.u)[i] = bf16_rounded(f32(c.u)[i]);
            for (int64_t i = 0; rounded && i < s.items * s.dim; i++) {
                c.e[i] = (double)bf16_rounded((float)c.e[i]);
                if (s.kinds || s.numbers) greatest = fmax(greatest, fabs(c.e[i]));
            }
            Tensor max = NEW(F32, s.rows), argmax = NEW(I32, s.rows);
            catalogue_stats(&dev, (CatalogueStats){.max = max}, u, &c.table, c.bias, 1.0f);
            catalogue_stats(&dev, (CatalogueStats){.argmax = argmax}, u, &c.table, c.bias, 1.0f);
            for (int64_t i = 0; i < s.rows; i++) {
                double want = -INFINITY, length = 0;
                for (int64_t a = 0; a < s.items; a++) want = fmax(want, score(&c, i, a));
                for (int64_t d = 0; d < s.dim; d++) length += fabsf(f32(c.u)[i * s.dim + d]);
                const double slack =
                    bound(&c) * (8 + fabs(want)) + length * greatest * BF16_SPACING;
                assert_near(f32(max)[i], want, slack);
                assert_near(score(&c, i, i32(argmax)[i]), want, 2 * slack);
            }
            free_case(&c);
        }
    device_close(&dev);
}

static void gradients_of_single_scores_and_features_match_differences(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    Case c = make_case((Shape){9, 31, 6, 2, 7, 3, true}, 77);
    const Shape s = c.shape;
    Tensor g = NORMAL(5, 1, s.rows), du = NEW(F32, s.rows, s.dim), did = NEW(F32, s.items, s.dim);
    Tensor dbias = NEW(F32, s.items), dcategory = NEW(F32, s.categories, s.dim);
    Tensor dweight = NEW(F32, s.numbers, s.dim);
    catalogue_score_backward(&dev, du, did, dbias, g, c.u, &c.table, c.target);
    items_features_backward(&dev, dcategory, dweight, did, &c.table);
    /* The score is linear in each parameter: one difference per parameter is exact in double. */
    for (int64_t k = 0; k < s.categories; k++)
        for (int64_t d = 0; d < s.dim; d++) {
            double want = 0.0;
            for (int64_t i = 0; i < s.rows; i++)
                for (int64_t j = 0; i32(c.target)[i] >= 0 && j < s.kinds; j++)
                    if (i32(c.table.category)[i32(c.target)[i] * s.kinds + j] == k)
                        want += (double)f32(g)[i] * f32(c.u)[i * s.dim + d];
            assert_near(f32(dcategory)[k * s.dim + d], want, 64 * ULP * (1 + fabs(want)));
        }
    for (int64_t f = 0; f < s.numbers; f++)
        for (int64_t d = 0; d < s.dim; d++) {
            double want = 0.0;
            for (int64_t i = 0; i < s.rows; i++)
                if (i32(c.target)[i] >= 0)
                    want += (double)f32(g)[i] * f32(c.u)[i * s.dim + d] *
                            f32(c.table.numeric)[i32(c.target)[i] * s.numbers + f];
            assert_near(f32(dweight)[f * s.dim + d], want, 64 * ULP * (1 + fabs(want)));
        }
    for (int64_t i = 0; i < s.rows; i++)
        for (int64_t d = 0; d < s.dim; d++) {
            const int32_t target = i32(c.target)[i];
            const double want = target < 0 ? 0 : f32(g)[i] * c.e[target * s.dim + d];
            assert_near(f32(du)[i * s.dim + d], want, 16 * ULP * (1 + fabs(want)));
        }
    free_case(&c);
    device_close(&dev);
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    Case c = make_case(shapes[5], 5);
    const Shape s = c.shape;
    Tensor loss[3], du[3], did[3], dbias[3];
    for (int t = 0; t < 3; t++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", t + 1));
        loss[t] = NEW(F32, s.rows), du[t] = NEW(F32, s.rows, s.dim);
        did[t] = NEW(F32, s.items, s.dim), dbias[t] = NEW(F32, s.items);
        catalogue_cross_entropy_with(&dev, loss[t], du[t], did[t], dbias[t], c.u, &c.table, c.bias,
                                     c.target, c.weight, make_mixture(s.rows));
        device_close(&dev);
        assert_same_bits(loss[0], loss[t]);
        assert_same_bits(du[0], du[t]);
        assert_same_bits(did[0], did[t]);
        assert_same_bits(dbias[0], dbias[t]);
    }
    free_case(&c);
}

static void scores_that_are_not_numbers_stay_in_bounds(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    Case c = make_case(shapes[3], 7);
    const Shape s = c.shape;
    Tensor argmax = NEW(I32, s.rows), above = NEW(I32, s.rows), ties = NEW(I32, s.rows), none = {0};
    for (int64_t i = 0; i < tensor_count(c.u); i++) f32(c.u)[i] = i % 2 ? NAN : -INFINITY;
    for (int64_t i = 0; i < s.rows; i++)
        if (i32(c.target)[i] < 0) i32(c.target)[i] = 0;
    catalogue_stats(&dev, (CatalogueStats){.argmax = argmax}, c.u, &c.table, c.bias, 1.0f);
    catalogue_rank(&dev, above, ties, none, none, c.u, &c.table, c.bias, c.target, (Exclusion){0});
    for (int64_t i = 0; i < s.rows; i++) {
        assert_in_range(i32(argmax)[i], 0, s.items - 1);
        assert_int_equal(i32(above)[i], s.items - 1);
        assert_int_equal(i32(ties)[i], 0);
    }
    free_case(&c);
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_items_worked_by_hand),
        cmocka_unit_test(cross_entropy_and_its_gradients_match_double),
        cmocka_unit_test(a_mixture_without_mass_is_none_to_the_bit),
        cmocka_unit_test(statistics_match_double),
        cmocka_unit_test(ranks_ties_and_best_items_are_exact),
        cmocka_unit_test(the_best_item_alone_is_exact),
        cmocka_unit_test(the_best_item_alone_matches_double),
        cmocka_unit_test(gradients_of_single_scores_and_features_match_differences),
        cmocka_unit_test(scores_that_are_not_numbers_stay_in_bounds),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Draws from the softmax over the catalogue: the items that the header's formula says, with the
 * frequencies of the softmax. */
#include "heads.h"

#include "catalogue/sample.h"
#include "excluded.h"

/* Around the tile of 512 items and the block of 256 rows; the last does not keep its scores. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},     {3, 5, 4, true, false},    {7, 511, 6, false, false},
    {33, 1025, 16, true, true}, {530, 60, 5, false, true}, {9, 140000, 3, false, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const int64_t STEP = 4000000000;

static void assert_draws(const HeadCase *c, Tensor item, Tensor log_probability, SampleOptions o,
                         Excluded excluded)
{
    const int64_t items = c->shape.items;
    const double scale = 1.0 / (double)o.temperature;
    /* a key: a score (dim products of sizes around 1) over the temperature, and noise below 23 */
    const double near = ((double)c->shape.dim * 4 * scale + 8 * 23) * ULP;
    double *z = dense_scores(c);
    for (int64_t i = 0; i < c->shape.rows; i++) {
        for (int64_t a = 0; o.exclusion.offset && a < items; a++)
            if (is_excluded(excluded, i, a)) z[i * items + a] = -INFINITY;
        const int64_t stream = o.stream.data ? ((int64_t *)o.stream.data)[i] : i;
        const int32_t drawn = i32(item)[i];
        double best = -INFINITY, key = -INFINITY;
        assert_in_range(drawn, 0, items - 1);
        for (int64_t a = 0; a < items; a++) {
            const double k = z[i * items + a] * scale + dense_noise(o.seed, stream, o.step, a);
            best = fmax(best, k);
            if (a == drawn) key = k;
        }
        assert_near(key, best, near);
        assert_near(f32(log_probability)[i],
                    z[i * items + drawn] * scale - dense_logsumexp(z + i * items, items, scale),
                    (double)(c->shape.dim + 16) * 4 * scale * ULP);
    }
    free(z);
}

static void draws_are_those_of_the_formula(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1);
        const int64_t rows = c.shape.rows;
        const Tensor item = NEW(I32, rows), log_probability = NEW(F32, rows);
        const Tensor stream = NEW(I64, rows);
        const Excluded excluded = make_excluded(rows, c.shape.items);
        for (int64_t i = 0; i < rows; i++) ((int64_t *)stream.data)[i] = 1000 - 7 * i;
        SampleOptions o = {.seed = 5, .step = STEP, .stream = stream, .temperature = 0.5f};
        catalogue_sample(&dev, item, log_probability, c.u, &c.table, c.bias, o);
        assert_draws(&c, item, log_probability, o, excluded);
        o = (SampleOptions){.seed = 6, .temperature = 2.0f, .exclusion = exclusion_of(excluded)};
        catalogue_sample(&dev, item, log_probability, c.u, &c.table, c.bias, o);
        assert_draws(&c, item, log_probability, o, excluded);
        tensors_free();
    }
    device_close(&dev);
}

/* Rows of one state, each its own stream: as many draws from one softmax. */
static void items_come_as_often_as_the_softmax_says(void **state)
{
    (void)state;
    enum { ROWS = 100000, ITEMS = 8 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor u = NEW(F32, ROWS, 1), item = NEW(I32, ROWS), none = {0};
    const Tensor id = NORMAL(3, 1, ITEMS, 1);
    const ItemTable table = {.id = id};
    int64_t count[ITEMS] = {0};
    double sum = 0.0, chi = 0.0;
    for (int64_t i = 0; i < ROWS; i++) f32(u)[i] = 1.0f;
    catalogue_sample(&dev, item, none, u, &table, none,
                     (SampleOptions){.seed = 11, .temperature = 0.7f});
    for (int64_t i = 0; i < ROWS; i++) count[i32(item)[i]]++;
    for (int a = 0; a < ITEMS; a++) sum += exp(f32(id)[a] / 0.7);
    for (int a = 0; a < ITEMS; a++) {
        const double want = ROWS * exp(f32(id)[a] / 0.7) / sum;
        chi += ((double)count[a] - want) * ((double)count[a] - want) / want;
    }
    /* chi square of 7 degrees of freedom: above 40 once in a million */
    assert_true(chi < 40.0);
    device_close(&dev);
    tensors_free();
}

/* A draw belongs to its stream and step: not to threads, nor to the rows beside it. */
static void draws_depend_on_stream_and_step_alone(void **state)
{
    (void)state;
    const HeadCase c = make_head((HeadShape){300, 1500, 4, false, true}, 3);
    const int64_t rows = c.shape.rows;
    const Tensor item = NEW(I32, rows), log_probability = NEW(F32, rows), stream = NEW(I64, rows);
    int64_t *number = stream.data;
    for (int64_t i = 0; i < rows; i++) number[i] = 77 + i;
    SampleOptions o = {.seed = 5, .step = 9, .stream = stream, .temperature = 1};
    for (int threads = 1; threads <= 4; threads += 3) {
        const Tensor again = NEW(I32, rows), log_again = NEW(F32, rows);
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        catalogue_sample(&dev, again, log_again, c.u, &c.table, c.bias, o);
        if (threads == 1) {
            memcpy(item.data, again.data, tensor_bytes(item));
            memcpy(log_probability.data, log_again.data, tensor_bytes(log_probability));
        }
        assert_same_bits(again, item);
        assert_same_bits(log_again, log_probability);

        o.stream = tensor_rows(stream, 100, 1);
        catalogue_sample(&dev, tensor_rows(again, 0, 1), (Tensor){0}, tensor_rows(c.u, 100, 1),
                         &c.table, c.bias, o);
        assert_int_equal(i32(again)[0], i32(item)[100]);
        o.stream = stream;

        int64_t moved = 0;
        o.step = 10;
        catalogue_sample(&dev, again, (Tensor){0}, c.u, &c.table, c.bias, o);
        for (int64_t i = 0; i < rows; i++) moved += i32(again)[i] != i32(item)[i];
        assert_true(moved > rows / 2);
        o.step = 9;
        device_close(&dev);
    }
    tensors_free();
}

static void nan_is_never_drawn(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float u[] = {1, NAN}, e[] = {NAN, 0, -1};
    int32_t item[2];
    const ItemTable table = {.id = TENSOR(e, F32, 3, 1)};
    for (int64_t step = 0; step < 50; step++) {
        catalogue_sample(&dev, TENSOR(item, I32, 2), (Tensor){0}, TENSOR(u, F32, 2, 1), &table,
                         (Tensor){0}, (SampleOptions){.step = step, .temperature = 1});
        assert_in_range(item[0], 1, 2);
        assert_in_range(item[1], 0, 2);
    }
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_those_of_the_formula),
        cmocka_unit_test(items_come_as_often_as_the_softmax_says),
        cmocka_unit_test(draws_depend_on_stream_and_step_alone),
        cmocka_unit_test(nan_is_never_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

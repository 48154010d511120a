/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates' part joined to the part of all items, against sums over a whole small catalogue
 * in double. */
#include "op.h"

#include "catalogue/catalogue.h"
#include "catalogue/entropy.h"
#include "catalogue/gather.h"
#include "catalogue/policy.h"
#include "counts/part.h"

enum { ITEMS = 13, DIM = 4, ROWS = 12, WIDTH = 6 };

typedef struct {
    Tensor u, id, bias, q, r, item, z, s;
    ItemTable table;
    CountsPart part;
} Policy;

/* Row 3 has no candidates; row 6 has scores of candidates that dwarf the others, row 7 dwarfed
 * ones. */
static Policy make_policy(Device *dev)
{
    Policy p = {.u = NORMAL(1, 1, ROWS, DIM),
                .id = NORMAL(2, 1, ITEMS, DIM),
                .bias = NORMAL(3, 0.5f, ITEMS),
                .q = NORMAL(6, 1, ROWS, DIM),
                .r = NORMAL(4, 1, ROWS, WIDTH),
                .item = NEW(I32, ROWS, WIDTH),
                .z = NEW(F32, ROWS, WIDTH),
                .s = NEW(F32, ROWS, WIDTH)};
    for (int64_t at = 0; at < ROWS * WIDTH; at++) {
        const int64_t i = at / WIDTH, j = at % WIDTH;
        const bool there = i != 3 && (j < 4 || i % 2);
        i32(p.item)[at] = there ? (int32_t)((i + 2 * j) % ITEMS) : -1;
        f32(p.r)[at] = there ? f32(p.r)[at] + (i == 6 ? 30.0f : i == 7 ? -30.0f : 0.0f) : -INFINITY;
    }
    p.table = (ItemTable){.id = p.id};
    catalogue_gather(dev, p.z, p.u, &p.table, p.bias, p.item);
    counts_part_scores(dev, p.s, p.z, p.r);
    p.part = (CountsPart){p.item, p.z, p.s};
    return p;
}

/* <u[row], E[item]> + bias[item] */
static double dense(Tensor u, const Policy *p, int64_t row, int64_t item)
{
    double z = (double)f32(p->bias)[item];
    for (int64_t c = 0; c < DIM; c++)
        z += (double)f32(u)[row * DIM + c] * (double)f32(p->id)[item * DIM + c];
    return z;
}

/* The scores of a row over the catalogue. */
static void all_scores(const Policy *p, int64_t row, double s[ITEMS])
{
    for (int64_t a = 0; a < ITEMS; a++) s[a] = dense(p->u, p, row, a);
    for (int64_t j = row * WIDTH; j < (row + 1) * WIDTH; j++)
        if (i32(p->item)[j] >= 0) {
            double *at = &s[i32(p->item)[j]];
            *at = log(exp(*at) + exp((double)f32(p->r)[j]));
        }
}

/* Scores are sums of DIM products of a few units: errors of some 2^-24 times 10. */
static const double NEAR = 1e-5;

static void statistics_are_those_of_the_whole_catalogue(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Policy p = make_policy(&dev);
    const float temperatures[] = {1, 0.3f, 4};
    for (int k = 0; k < 3; k++) {
        const double scale = 1.0 / (double)temperatures[k];
        const int64_t size = sizeof(RowStats);
        const Tensor pair = NEW(U8, 2, ROWS, size),
                     second = TENSOR((char *)pair.data + ROWS * size, U8, ROWS, size);
        const Tensor max = NEW(F32, ROWS), argmax = NEW(I32, ROWS), total = NEW(F32, ROWS);
        const Tensor own = NEW(F32, ROWS), of_q = NEW(F32, ROWS), q_part = NEW(F32, ROWS, WIDTH);
        catalogue_stats_partial(&dev, TENSOR(pair.data, U8, ROWS, size), p.u, &p.table, p.bias,
                                temperatures[k], STATS_EXPECTATION);
        counts_part_stats(&dev, second, p.part, (Tensor){0}, temperatures[k]);
        catalogue_merge_stats(&dev, (CatalogueStats){max, argmax, total, own}, pair,
                              temperatures[k]);
        catalogue_policy_expectation_partial(
            &dev, TENSOR(pair.data, U8, ROWS, size), (CatalogueHead){p.u, &p.table, p.bias},
            (CatalogueHead){p.q, &p.table, p.bias}, temperatures[k]);
        catalogue_gather(&dev, q_part, p.q, &p.table, p.bias, p.item);
        counts_part_stats(&dev, second, p.part, q_part, temperatures[k]);
        catalogue_merge_stats(&dev, (CatalogueStats){.expectation = of_q}, pair, temperatures[k]);
        for (int64_t i = 0; i < ROWS; i++) {
            double s[ITEMS], sum = 0, mean = 0, mean_q = 0;
            int best = 0;
            all_scores(&p, i, s);
            for (int a = 1; a < ITEMS; a++)
                if (s[a] > s[best]) best = a;
            for (int a = 0; a < ITEMS; a++) {
                const double weight = exp((s[a] - s[best]) * scale);
                sum += weight;
                mean += weight * s[a];
                mean_q += weight * dense(p.q, &p, i, a);
            }
            assert_near(f32(max)[i], s[best], NEAR * (1 + fabs(s[best])));
            assert_int_equal(i32(argmax)[i], best);
            assert_near(f32(total)[i], s[best] * scale + log(sum), NEAR * scale * 40);
            assert_near(f32(own)[i], mean / sum, NEAR * 40);
            assert_near(f32(of_q)[i], mean_q / sum, NEAR * 10);
        }
    }
    tensors_free();
    device_close(&dev);
}

static void the_best_allowed_item_is_that_of_the_whole_catalogue(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    const Policy p = make_policy(&dev);
    const int64_t size = sizeof(RowBest);
    const float ratio = 0.2f;
    const Tensor pair = NEW(U8, 2, ROWS, size), top = NEW(F32, ROWS), best = NEW(I32, ROWS);
    const Tensor q_part = NEW(F32, ROWS, WIDTH);
    for (int64_t i = 0; i < ROWS; i++) {
        double s[ITEMS];
        all_scores(&p, i, s);
        f32(top)[i] = -INFINITY;
        for (int a = 0; a < ITEMS; a++) f32(top)[i] = fmaxf(f32(top)[i], (float)s[a]);
    }
    catalogue_policy_allowed_partial(&dev, TENSOR(pair.data, U8, ROWS, size), top,
                                     (CatalogueHead){p.u, &p.table, p.bias},
                                     (CatalogueHead){p.q, &p.table, p.bias}, ratio);
    catalogue_gather(&dev, q_part, p.q, &p.table, p.bias, p.item);
    counts_part_allowed(&dev, TENSOR((char *)pair.data + ROWS * size, U8, ROWS, size), p.part,
                        q_part, top, ratio);
    catalogue_merge_best(&dev, best, pair);
    for (int64_t i = 0; i < ROWS; i++) {
        double s[ITEMS];
        int want = -1;
        all_scores(&p, i, s);
        for (int a = 0; a < ITEMS; a++)
            if (s[a] - (double)f32(top)[i] > log((double)ratio) &&
                (want < 0 || dense(p.q, &p, i, a) > dense(p.q, &p, i, want)))
                want = a;
        assert_int_equal(i32(best)[i], want);
    }
    tensors_free();
    device_close(&dev);
}

static void cooled_scores_and_scores_of_items(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    const Policy p = make_policy(&dev);
    const float temperature = 2.5f;
    const Tensor r = NEW(F32, ROWS, WIDTH), score = NEW(F32, ROWS, 2), wanted = NEW(I32, ROWS, 2);
    counts_part_cooled(&dev, r, p.part, temperature);
    for (int64_t at = 0; at < ROWS * WIDTH; at++) {
        const double z = (double)f32(p.z)[at] / (double)temperature;
        const double s = (double)f32(p.s)[at] / (double)temperature;
        if (i32(p.item)[at] < 0)
            assert_true(f32(r)[at] == -INFINITY);
        else
            assert_near(log(exp(z) + exp((double)f32(r)[at])), s, NEAR);
    }
    /* Where the candidate's mass is lost in the rounding of s, r is -inf and the score stays z / T:
     * row 7 has such candidates. */
    const Tensor cooled_z = NEW(F32, ROWS, WIDTH), cooled_s = NEW(F32, ROWS, WIDTH);
    for (int64_t at = 0; at < ROWS * WIDTH; at++) f32(cooled_z)[at] = f32(p.z)[at] / temperature;
    counts_part_scores(&dev, cooled_s, cooled_z, r);
    int lost = 0;
    for (int64_t at = 0; at < ROWS * WIDTH; at++) {
        if (i32(p.item)[at] < 0) continue;
        lost += f32(r)[at] == -INFINITY;
        assert_near(f32(cooled_s)[at], (double)f32(p.s)[at] / (double)temperature, NEAR);
    }
    assert_true(lost > 0);
    for (int64_t i = 0; i < ROWS; i++) {
        f32(score)[2 * i] = f32(score)[2 * i + 1] = 7.0f;
        i32(wanted)[2 * i] = i32(p.item)[i * WIDTH + 1];
        i32(wanted)[2 * i + 1] = (int32_t)((i + 1) % ITEMS);
    }
    counts_part_items(&dev, score, p.part, wanted);
    for (int64_t at = 0; at < 2 * ROWS; at++) {
        float want = 7.0f;
        for (int64_t j = at / 2 * WIDTH; j < (at / 2 + 1) * WIDTH; j++)
            if (i32(wanted)[at] >= 0 && i32(p.item)[j] == i32(wanted)[at]) want = f32(p.s)[j];
        assert_true(f32(score)[at] == want);
    }
    tensors_free();
    device_close(&dev);
}

/* sum_i weight[i] H_i of the whole catalogue, where a score z of the dense half or r of a candidate
 * is moved by `step`; in double. place < 0: none is. */
static double entropies(const Policy *p, Tensor weight, int64_t row, int64_t item, int64_t place,
                        double step)
{
    double total = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        double s[ITEMS], sum = 0, mean = 0;
        for (int64_t a = 0; a < ITEMS; a++)
            s[a] = dense(p->u, p, i, a) + (i == row && a == item ? step : 0.0);
        for (int64_t j = i * WIDTH; j < (i + 1) * WIDTH; j++)
            if (i32(p->item)[j] >= 0) {
                double *at = &s[i32(p->item)[j]];
                *at = log(exp(*at) + exp((double)f32(p->r)[j] + (j == place ? step : 0.0)));
            }
        for (int a = 0; a < ITEMS; a++) sum += exp(s[a]), mean += exp(s[a]) * s[a];
        total += (double)f32(weight)[i] * (log(sum) - mean / sum);
    }
    return total;
}

/* The dense op's gradient, given total and mean of the mixture, and the candidates' part of it are
 * together the gradient by differences: of the bias, which sums the rows' dz, and of each r. */
static void the_gradient_of_the_entropy(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Policy p = make_policy(&dev);
    const double step = 1e-4;
    const Tensor weight = NORMAL(8, 1, ROWS), total = NEW(F32, ROWS), mean = NEW(F32, ROWS);
    const Tensor dz = NEW(F32, ROWS, WIDTH), dr = NEW(F32, ROWS, WIDTH), loss = NEW(F32, ROWS);
    const Tensor du = NEW(F32, ROWS, DIM), did = NEW(F32, ITEMS, DIM), dbias = NEW(F32, ITEMS);
    for (int64_t i = 0; i < ROWS; i++) {
        double s[ITEMS], sum = 0, expected = 0;
        all_scores(&p, i, s);
        for (int a = 0; a < ITEMS; a++) sum += exp(s[a]), expected += exp(s[a]) * s[a];
        f32(total)[i] = (float)log(sum), f32(mean)[i] = (float)(expected / sum);
    }
    catalogue_entropy_given(&dev, loss, du, did, dbias, p.u, &p.table, p.bias, weight, total, mean);
    counts_part_entropy(&dev, dz, dr, p.part, (CountsEntropy){p.r, weight, total, mean});
    for (int64_t j = 0; j < ROWS * WIDTH; j++) {
        if (i32(p.item)[j] < 0) {
            assert_true(f32(dz)[j] == 0.0f && f32(dr)[j] == 0.0f);
            continue;
        }
        f32(dbias)[i32(p.item)[j]] += f32(dz)[j];
        const double want =
            (entropies(&p, weight, -1, -1, j, step) - entropies(&p, weight, -1, -1, j, -step)) /
            (2 * step);
        assert_near(f32(dr)[j], want, 1e-4);
    }
    for (int64_t a = 0; a < ITEMS; a++) {
        double want = 0;
        for (int64_t i = 0; i < ROWS; i++)
            want +=
                (entropies(&p, weight, i, a, -1, step) - entropies(&p, weight, i, a, -1, -step)) /
                (2 * step);
        assert_near(f32(dbias)[a], want, 2e-4);
    }
    tensors_free();
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_those_of_the_whole_catalogue),
        cmocka_unit_test(the_best_allowed_item_is_that_of_the_whole_catalogue),
        cmocka_unit_test(cooled_scores_and_scores_of_items),
        cmocka_unit_test(the_gradient_of_the_entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

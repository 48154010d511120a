/* SPDX-License-Identifier: Apache-2.0 */
/* The mass of the candidates and its gradient, and the loss of the two masses as a whole. */
#include "op.h"

#include "catalogue/catalogue.h"
#include "counts/mass.h"

enum { ITEMS = 11, DIM = 3, ROWS = 9, WIDTH = 5 };

static void a_row_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* e^r = (3, 1), and a row without candidates. */
    float r[] = {logf(3), 0, -INFINITY, -INFINITY, -INFINITY, -INFINITY}, mass[2], score[2];
    int32_t item[] = {5, 2, -1, -1, -1, -1}, target[] = {2, 5};
    const Tensor items = TENSOR(item, I32, 2, 3), scores = TENSOR(r, F32, 2, 3);
    const Tensor targets = TENSOR(target, I32, 2);
    counts_mass(&dev, TENSOR(mass, F32, 2), TENSOR(score, F32, 2), scores, items, targets);
    assert_near(mass[0], log(4), 1e-6);
    assert_near(score[0], 0, 0);
    assert_true(mass[1] == -INFINITY && score[1] == -INFINITY);
    /* Z = 4, e^z_y = 3: p = (3 + 1) / 8. */
    float weight[] = {2, 2}, logsumexp[] = {logf(8), 1}, share[] = {0.75f, 1}, dr[6];
    const MassLoss loss = {scores,
                           items,
                           targets,
                           TENSOR(weight, F32, 2),
                           TENSOR(logsumexp, F32, 2),
                           TENSOR(share, F32, 2)};
    counts_mass_backward(&dev, TENSOR(dr, F32, 2, 3), &loss);
    assert_near(dr[0], 2 * 3.0 / 8, 1e-6);
    assert_near(dr[1], 2 * (1.0 / 8 - 0.25), 1e-6);
    for (int k = 2; k < 6; k++) assert_near(dr[k], 0, 0);
    device_close(&dev);
}

/* A small catalogue with a bias, candidates of each row, and the parameters u, E, bias, r in one
 * array, for differences. */
typedef struct {
    Tensor u, id, bias, r, item, target, weight;
} Policy;
enum { AT_ID = ROWS * DIM, AT_BIAS = AT_ID + ITEMS * DIM, AT_R = AT_BIAS + ITEMS };
enum { PARAMETERS = AT_R + ROWS * WIDTH };

/* Row 2 has no target, row 3 no candidates, row 4 a target outside of the candidates, row 5 one
 * among them; row 6 a mass that dwarfs the other one, row 7 one that is dwarfed. */
static Policy make_policy(void)
{
    Policy p = {NORMAL(1, 1, ROWS, DIM),   NORMAL(2, 1, ITEMS, DIM), NORMAL(3, 0.5f, ITEMS),
                NORMAL(4, 1, ROWS, WIDTH), NEW(I32, ROWS, WIDTH),    NEW(I32, ROWS),
                NORMAL(5, 1, ROWS)};
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < WIDTH; j++) {
            const bool present = i != 3 && (j < 3 || i % 2);
            i32(p.item)[i * WIDTH + j] = present ? (int32_t)((i + 2 * j) % ITEMS) : -1;
            if (!present) f32(p.r)[i * WIDTH + j] = -INFINITY;
            if (present && i == 6) f32(p.r)[i * WIDTH + j] += 30;
            if (present && i == 7) f32(p.r)[i * WIDTH + j] -= 30;
        }
        i32(p.target)[i] = i == 2 ? -1 : (int32_t)(i == 4 ? 10 : (i + 2) % ITEMS);
    }
    return p;
}

static double loss_of(const double *x, const void *context)
{
    const Policy *p = context;
    double sum = 0.0;
    for (int64_t i = 0; i < ROWS; i++) {
        const int32_t target = i32(p->target)[i];
        double all = 0.0, hit = 0.0;
        if (target < 0) continue;
        for (int64_t a = 0; a < ITEMS; a++) {
            double z = x[AT_BIAS + a];
            for (int64_t d = 0; d < DIM; d++) z += x[i * DIM + d] * x[AT_ID + a * DIM + d];
            all += exp(z);
            if (a == target) hit += exp(z);
        }
        for (int64_t j = 0; j < WIDTH; j++) {
            const int32_t item = i32(p->item)[i * WIDTH + j];
            if (item >= 0) all += exp(x[AT_R + i * WIDTH + j]);
            if (item == target) hit += exp(x[AT_R + i * WIDTH + j]);
        }
        sum += f32(p->weight)[i] * (log(all) - log(hit));
    }
    return sum;
}

static void the_gradients_of_both_masses_match_differences(void **state)
{
    (void)state;
    const Policy p = make_policy();
    double x[PARAMETERS], want[PARAMETERS];
    to_double(x, p.u);
    to_double(x + AT_ID, p.id);
    to_double(x + AT_BIAS, p.bias);
    to_double(x + AT_R, p.r);
    for (int k = AT_R; k < PARAMETERS; k++) x[k] = fmax(x[k], -100); /* no candidate: unused */
    const double total = loss_of(x, &p);
    differences(want, loss_of, &p, x, PARAMETERS);
    Tensor dr[3];
    for (int threads = 1; threads <= 2; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        const Tensor loss = NEW(F32, ROWS), du = NEW(F32, ROWS, DIM), did = NEW(F32, ITEMS, DIM);
        const Tensor dbias = NEW(F32, ITEMS);
        const CatalogueMixture m = {NEW(F32, ROWS), NEW(F32, ROWS), NEW(F32, ROWS), NEW(F32, ROWS)};
        const ItemTable table = {.id = p.id};
        dr[threads] = NEW(F32, ROWS, WIDTH);
        counts_mass(&dev, m.other, m.other_target, p.r, p.item, p.target);
        catalogue_cross_entropy_with(&dev, loss, du, did, dbias, p.u, &table, p.bias, p.target,
                                     p.weight, m);
        const MassLoss of = {p.r, p.item, p.target, p.weight, m.logsumexp, m.share};
        counts_mass_backward(&dev, dr[threads], &of);
        device_close(&dev);
        double sum = 0.0;
        for (int64_t i = 0; i < ROWS; i++) sum += f32(loss)[i];
        assert_near(sum, total, 1e-4); /* the loss of row 6 is 30 */
        assert_true(relative_l2(f32(du), want, ROWS * DIM) < 1e-6);
        assert_true(relative_l2(f32(did), want + AT_ID, ITEMS * DIM) < 1e-6);
        assert_true(relative_l2(f32(dbias), want + AT_BIAS, ITEMS) < 1e-6);
        assert_true(relative_l2(f32(dr[threads]), want + AT_R, ROWS * WIDTH) < 1e-6);
    }
    assert_same_bits(dr[1], dr[2]);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_worked_by_hand),
        cmocka_unit_test(the_gradients_of_both_masses_match_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

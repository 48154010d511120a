/* SPDX-License-Identifier: Apache-2.0 */
/* The fit of the outcome head's calibration: it finds the numbers by which answers were drawn, and
 * its loss has no direction down. */
#include "op.h"

#include "base/rng.h"
#include "train/outcome/fit.h"

enum { COUNT = 40000, KINDS = 4, COLUMNS = 2 * KINDS };

static float logits[COUNT * COLUMNS];
static uint8_t kind[COUNT];
static int8_t left[COUNT];

static const double factor[2] = {0.6, 1.4};
static const double shift[KINDS] = {0.0, -0.7, 0.4, 0.3}, end_shift = 0.5;

/* Answers drawn from the changed logits; every fifth end is not known. */
static void draw_answers(void)
{
    fill_normal(logits, COUNT * COLUMNS, 11, 1.5f);
    for (int i = 0; i < COUNT; i++) {
        const Philox r = philox(12, 0, (uint64_t)i);
        const float *z = logits + i * COLUMNS;
        double p[KINDS], sum = 0.0, at = (double)philox_uniform(r.word[0]);
        for (int k = 0; k < KINDS; k++) sum += p[k] = exp(factor[0] * z[k] + shift[k]);
        int y = 0;
        while (y < KINDS - 1 && at >= p[y] / sum) at -= p[y++] / sum;
        const double end = 1.0 / (1.0 + exp(-(factor[1] * z[KINDS + y] + end_shift)));
        kind[i] = (uint8_t)y;
        left[i] = i % 5 == 4 ? -1 : (double)philox_uniform(r.word[1]) < end;
    }
}

static const FitAnswers drawn = {COUNT, KINDS, logits, kind, left};

/* What fit.h says that the numbers x minimise: the factor and the shifts of kinds, then those of
 * ends. */
static double total(const double *x, const void *context)
{
    const FitAnswers *a = context;
    double sum = 0.0;
    for (int i = 0; i < KINDS + 3; i++) {
        const double change = x[i] - (i == 0 || i == KINDS + 1 ? 1.0 : 0.0);
        sum += change * change / 2.0;
    }
    for (int64_t i = 0; i < a->count; i++) {
        const float *z = a->logits + i * COLUMNS;
        const int y = a->kind[i];
        double all = 0.0;
        for (int k = 0; k < KINDS; k++) all += exp(x[0] * z[k] + x[1 + k]);
        sum += log(all) - x[0] * z[y] - x[1 + y];
        const double t = x[KINDS + 1] * z[KINDS + y] + x[KINDS + 2];
        if (a->left[i] >= 0) sum += log(1.0 + exp(t)) - a->left[i] * t;
    }
    return sum;
}

static void fitted(const FitAnswers *a, double x[KINDS + 3])
{
    float f[2], s[COLUMNS];
    assert_ok(fit_answers(a, f, s));
    x[0] = (double)f[0], x[KINDS + 1] = (double)f[1];
    for (int k = 0; k < KINDS; k++) x[1 + k] = (double)s[k];
    for (int k = KINDS; k < COLUMNS; k++) assert_true(s[k] == s[KINDS]);
    x[KINDS + 2] = (double)s[KINDS];
}

/* 40,000 answers: the standard errors of the numbers are below 0.02. Shifts have one in common that
 * changes no probability. */
static void the_numbers_that_made_the_answers_are_found(void **state)
{
    (void)state;
    double x[KINDS + 3], slope[KINDS + 3];
    draw_answers();
    fitted(&drawn, x);
    assert_near(x[0], factor[0], 0.05);
    for (int k = 1; k < KINDS; k++) assert_near(x[1 + k] - x[1], shift[k] - shift[0], 0.06);
    assert_near(x[KINDS + 1], factor[1], 0.06);
    assert_near(x[KINDS + 2], end_shift, 0.06);
    differences(slope, total, &drawn, x, KINDS + 3);
    /* The numbers were rounded to f32; the second derivatives are at most COUNT times 4. */
    for (int i = 0; i < KINDS + 3; i++) assert_near(slope[i], 0.0, COUNT * 4.0 * 0x1p-23);
}

/* A kind that never came, in 30 answers, gets a finite shift; without answers nothing changes. */
static void few_answers_change_little(void **state)
{
    (void)state;
    double x[KINDS + 3], before[KINDS + 3] = {[0] = 1.0, [KINDS + 1] = 1.0};
    draw_answers();
    for (int i = 0; i < 30; i++) kind[i] %= KINDS - 1;
    const FitAnswers few = {30, KINDS, logits, kind, left}, none = {0, KINDS, logits, kind, left};
    fitted(&few, x);
    assert_true(isfinite(x[KINDS]) && x[KINDS] < 0.0 && x[KINDS] > -5.0);
    assert_true(total(x, &few) < total(before, &few));
    fitted(&none, x);
    for (int i = 0; i < KINDS + 3; i++) assert_near(x[i], before[i], 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_that_made_the_answers_are_found),
        cmocka_unit_test(few_answers_change_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

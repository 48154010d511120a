/* SPDX-License-Identifier: Apache-2.0 */
/* The AUC against its definition, and its error against the jackknife. */
#include "test.h"

#include "evaluate/statistics/auc.h"

static double draw(uint64_t seed, uint64_t i)
{
    return (double)(philox_u64(77, seed, i) >> 11) * 0x1p-53;
}

static void auc_counts_ties_half(void **state)
{
    (void)state;
    /* Positives 3, 2; negatives 2, 1: pairs 3>2, 3>1, 2=2, 2>1. */
    const float score[] = {3, 2, 2, 1};
    const uint8_t label[] = {1, 1, 0, 0};
    const int64_t first[] = {0, 1, 2, 3, 4};
    Auc a;
    assert_ok(auc_measure(&a, score, label, first, 4));
    assert_near(a.auc.value, 3.5 / 4.0, 1e-15);
    /* d: (1 - 7/8)/2, (3/4 - 7/8)/2, the same for the negatives: 4/256; times U/(U-1) = 4/3. */
    assert_near(a.auc.error, sqrt(4.0 / 3.0 * 4.0 / 256.0), 1e-15);
    assert_int_equal(a.positives, 2);

    const float flat[] = {1, 1, 1, 1};
    assert_ok(auc_measure(&a, flat, label, first, 4));
    assert_near(a.auc.value, 0.5, 0.0);
    assert_near(a.auc.error, 0.0, 0.0);
}

static void auc_is_undefined_without_both_kinds_and_refuses_nan(void **state)
{
    (void)state;
    float score[] = {1, 2};
    const uint8_t label[] = {1, 1};
    const int64_t first[] = {0, 1, 2};
    Auc a;
    assert_ok(auc_measure(&a, score, label, first, 2));
    assert_true(isnan(a.auc.value));
    score[1] = NAN;
    assert_int_equal(auc_measure(&a, score, label, first, 2), ERR_FORMAT);
    assert_non_null(strstr(status_message(), "event 1"));
    status_clear();
}

static void auc_equals_the_count_over_all_pairs(void **state)
{
    (void)state;
    enum { COUNT = 400, USERS = 80 };
    float score[COUNT];
    uint8_t label[COUNT];
    int64_t first[USERS + 1];
    for (int64_t u = 0; u <= USERS; u++) first[u] = u * (COUNT / USERS);
    for (uint64_t i = 0; i < COUNT; i++) {
        label[i] = draw(5, i) < 0.2;
        score[i] = (float)floor(10.0 * (draw(6, i) + 0.3 * label[i])); /* many ties */
    }
    double pairs = 0.0, wins = 0.0;
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            if (label[i] && !label[j]) {
                pairs += 1.0;
                wins += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
            }
    Auc a;
    assert_ok(auc_measure(&a, score, label, first, USERS));
    assert_near(a.auc.value, wins / pairs, 1e-12);

    /* The influence of users is the derivative: leave one user out (jackknife) agrees to O(1/U). */
    double mean = 0.0, square = 0.0;
    for (int64_t u = 0; u < USERS; u++) {
        double p = 0.0, w = 0.0;
        for (int i = 0; i < COUNT; i++)
            for (int j = 0; j < COUNT; j++)
                if (label[i] && !label[j] && i / (COUNT / USERS) != u && j / (COUNT / USERS) != u) {
                    p += 1.0;
                    w += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
                }
        mean += w / p / USERS;
        square += w / p * w / p / USERS;
    }
    const double jackknife = sqrt((USERS - 1.0) * (square - mean * mean));
    assert_near(a.auc.error / jackknife, 1.0, 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auc_counts_ties_half),
        cmocka_unit_test(auc_is_undefined_without_both_kinds_and_refuses_nan),
        cmocka_unit_test(auc_equals_the_count_over_all_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

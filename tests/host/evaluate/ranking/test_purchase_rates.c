/* SPDX-License-Identifier: Apache-2.0 */
#include "ranking_world.h"

#include "evaluate/ranking/purchase_rates.h"

/* Train transitions of `tiny`: (0,a0)->a0, (1,a0)->a1, (0,a0)->a1, (0,a0)->a0: p = 3/6. */
static void purchase_rates_are_as_worked_by_hand(void **state)
{
    (void)state;
    PurchaseRates r;
    assert_ok(purchase_rates_fit(&r, &tiny, 1));
    assert_near(r.overall, 0.5, 1e-15);
    assert_near(r.item[0], (1.0 + 5.0) / (3.0 + 10.0), 1e-15);
    assert_near(r.item[1], (1.0 + 5.0) / (1.0 + 10.0), 1e-15);
    assert_near(r.item[4], 0.5, 1e-15);
    assert_near(r.action[0], (2.0 + 5.0) / (4.0 + 10.0), 1e-15);
    assert_near(r.action[1], 0.5, 1e-15);

    Scorer scorer[RATES];
    ScoredEvents s;
    const ScoreOptions options = {true, 1, 1, NULL};
    float score[4];
    purchase_rates_scorers(&r, scorer);
    assert_ok(histories_scored_select(&s, &tiny, &(ScoredOptions){0}));
    assert_ok(scorer[RATE_USER].score(&scorer[RATE_USER], &tiny, &s, &options, NULL, score));
    assert_near(score[0], 6.0 / 13.0, 1e-7); /* actions 0 0 1 */
    assert_near(score[3], 5.0 / 11.0, 1e-7); /* action 0 */
    assert_ok(scorer[RATE_ITEM].score(&scorer[RATE_ITEM], &tiny, &s, &options, NULL, score));
    assert_near(score[3], 6.0 / 13.0, 1e-7); /* last item 0 */
    histories_scored_close(&s);
    purchase_rates_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(purchase_rates_are_as_worked_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Validations of one training are compared event by event with those that are kept, and with the
 * best simple scorer. */
#include <math.h>
#include <unistd.h>

#include "shop.h"

#include "evaluate/ranking/validation.h"

static char data[256];
static Behaviour file;
static Validation v;

static int open_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 200, .longest = 30, .features = true, .seed = 5};
    if (shop_write(&shop, shop_path(data, "validation")) != OK) return -1;
    return behaviour_open(&file, data) != OK || validation_open(&v, &file, 0, 1) != OK;
}

static int close_shop(void **state)
{
    (void)state;
    validation_close(&v);
    behaviour_close(&file);
    return unlink(data);
}

/* As a run does, the places given: event i is at place place[i % period]. */
static void rank_at(const int32_t *place, int period)
{
    ranking_close(&v.now);
    assert_ok(ranking_open(&v.now, &v.events));
    for (int64_t i = 0; i < v.events.count; i++) {
        v.now.above[i] = place[i % period];
        v.now.ties[i] = 0;
    }
}

static void nothing_is_gained_before_something_is_kept(void **state)
{
    (void)state;
    assert_true(v.events.count > 50);
    rank_at((int32_t[]){0}, 1);
    assert_true(isnan(validation_gain(&v, VALIDATION_BEST).value));
    assert_true(isnan(validation_gain(&v, VALIDATION_REFERENCE).value));
}

static void gains_are_those_of_the_events(void **state)
{
    (void)state;
    rank_at((int32_t[]){2, 100}, 2);
    validation_keep(&v, VALIDATION_REFERENCE);
    assert_true(isnan(validation_gain(&v, VALIDATION_BEST).value));
    /* Place 2 has 1 / log2(4), place 0 has 1; the odd events stay without a hit. */
    rank_at((int32_t[]){0, 100}, 2);
    const Estimate gain = validation_gain(&v, VALIDATION_REFERENCE);
    const int64_t evens = (v.events.count + 1) / 2;
    const double even = (double)evens / (double)v.events.count;
    assert_near(gain.value, 0.5 * even, 1e-12);
    assert_true(gain.error > 0 && gain.error < gain.value);
    /* Where each event gains the same, a gain has no noise: that of the users cancels. */
    rank_at((int32_t[]){0}, 1);
    validation_keep(&v, VALIDATION_BEST);
    rank_at((int32_t[]){2}, 1);
    const Estimate loss = validation_gain(&v, VALIDATION_BEST);
    assert_near(loss.value, -0.5, 1e-12);
    assert_near(loss.error, 0, 1e-9);
    assert_near(validation_gain(&v, VALIDATION_REFERENCE).value, 0.5 - 0.5 * even, 1e-12);
}

static void the_bar_is_ranked_on_the_same_events(void **state)
{
    (void)state;
    ValidationBar bar, again;
    rank_at((int32_t[]){0}, 1);
    validation_keep(&v, VALIDATION_BEST);
    assert_ok(validation_bar(&v, &bar, 1));
    assert_true(bar.ndcg10 > 0 && bar.ndcg10 < 1);
    assert_near(bar.more.value, 1.0 - bar.ndcg10, 1e-12);
    assert_true(bar.more.low > 0 && bar.more.low < bar.more.value);
    rank_at((int32_t[]){100}, 1);
    validation_keep(&v, VALIDATION_BEST);
    assert_ok(validation_bar(&v, &again, 3));
    assert_string_equal(again.name, bar.name);
    assert_near(again.more.value, -bar.ndcg10, 1e-12);
    assert_true(again.more.high < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_gained_before_something_is_kept),
        cmocka_unit_test(gains_are_those_of_the_events),
        cmocka_unit_test(the_bar_is_ranked_on_the_same_events),
    };
    return cmocka_run_group_tests(tests, open_shop, close_shop);
}

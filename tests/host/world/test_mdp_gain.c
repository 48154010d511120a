/* SPDX-License-Identifier: Apache-2.0 */
/* The mean reward in the long run of MDPs worked by hand. */
#include "test.h"
#include "world/mdp_gain.h"

/* Two states that take turns, with the rewards 1 and 3, so that the chain is periodic; state 0 may
 * also be kept, for the reward `staying`. */
static Mdp two_states(double staying)
{
    Mdp m;
    assert_ok(mdp_open(&m, 2, 2, 1.0));
    assert_ok(mdp_add(&m, 1, 1.0, 1.0));
    mdp_next(&m);
    assert_ok(mdp_add(&m, 0, 1.0, staying));
    mdp_next(&m);
    assert_ok(mdp_add(&m, 0, 1.0, 3.0));
    mdp_next(&m);
    mdp_next(&m);
    return m;
}

static void a_periodic_chain_has_its_mean(void **state)
{
    (void)state;
    Mdp m = two_states(1.5);
    double gain, h[2];
    int64_t policy[2];
    assert_ok(mdp_gain(&m, 1e-9, 10000, &gain, h, policy));
    assert_near(gain, 2.0, 1e-9);
    assert_int_equal(policy[0], 0);
    assert_near(h[1] - h[0], 1.0, 1e-8);
    mdp_close(&m);
}

static void the_better_mean_is_chosen(void **state)
{
    (void)state;
    Mdp m = two_states(2.5);
    double gain, h[2];
    int64_t policy[2];
    assert_ok(mdp_gain(&m, 1e-9, 10000, &gain, h, policy));
    assert_near(gain, 2.5, 1e-9);
    assert_int_equal(policy[0], 1);
    mdp_close(&m);
}

static void too_few_sweeps_fail(void **state)
{
    (void)state;
    Mdp m = two_states(2.5);
    double gain, h[2];
    assert_refused(mdp_gain(&m, 1e-9, 1, &gain, h, NULL), ERR_FORMAT, "after 1 sweeps");
    mdp_close(&m);
}

static void an_mdp_that_ends_is_refused(void **state)
{
    (void)state;
    Mdp m = two_states(2.5);
    double gain, h[2];
    m.outcome[1].next = MDP_TERMINAL;
    assert_refused(mdp_gain(&m, 1e-9, 10, &gain, h, NULL), ERR_USAGE, "terminal");
    mdp_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_periodic_chain_has_its_mean),
        cmocka_unit_test(the_better_mean_is_chosen),
        cmocka_unit_test(too_few_sweeps_fail),
        cmocka_unit_test(an_mdp_that_ends_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

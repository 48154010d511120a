/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of agents. */
#include "test.h"

#include "learn/agent.h"

static void agents_read_the_learn_settings_in_single_precision(void **state)
{
    (void)state;
    Config c = config_default();
    assert_ok(config_assign(&c, "learn.gamma=0.3"));
    assert_ok(config_assign(&c, "learn.ratio_max=1e-3"));
    assert_ok(config_assign(&c, "learn.n_step=7"));
    assert_ok(config_assign(&c, "learn.slate=3"));
    assert_ok(config_assign(&c, "learn.log_values=1"));
    assert_ok(config_assign(&c, "train.seed=123456789012345678"));
    const AgentOptions o = agent_options(&c);
    assert_true(o.gamma == 0.3f);
    assert_true(o.ratio_max == 1e-3f);
    assert_true(o.critic_weight == (float)c.learn_critic_weight);
    assert_int_equal(o.n_step, 7);
    assert_int_equal(o.slate, 3);
    assert_true(o.log_values);
    assert_true(o.seed == 123456789012345678);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_read_the_learn_settings_in_single_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which objectives there are: sums of agents that train different heads, and what others are
 * answered. */
#include "test.h"

#include "learn/agents.h"
#include "learn/objective.h"

static Objective parsed(const char *terms)
{
    Objective o = {0};
    assert_ok(objective_parse(&o, terms));
    return o;
}

static void each_agent_is_an_objective_by_itself(void **state)
{
    (void)state;
    for (int i = 0; agents[i]; i++) {
        const Objective o = parsed(agents[i]->name);
        assert_int_equal(o.terms, 1);
        assert_ptr_equal(o.term[0], agents[i]);
        assert_ptr_equal(agents_find(agents[i]->name), agents[i]);
        assert_int_equal(o.trains, agents[i]->trains);
        assert_true(heads_choosing(o.trains) != 0);
        assert_int_equal(o.target, agents[i]->target);
    }
    assert_null(agents_find("bandit"));
}

static void the_order_of_the_terms_is_that_of_the_list(void **state)
{
    (void)state;
    const Objective o = parsed("double_q+cross_entropy"), same = parsed("cross_entropy+double_q");
    assert_int_equal(o.terms, 2);
    assert_ptr_equal(o.term[0], &cross_entropy_agent);
    assert_ptr_equal(o.term[1], &double_q_agent);
    assert_memory_equal(&o, &same, sizeof o);
    assert_int_equal(o.trains, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q));
    assert_true(o.target);
}

static void the_next_action_is_trained_where_it_has_a_weight(void **state)
{
    (void)state;
    Objective o = {.options = {.action_weight = 0.1f}};
    assert_ok(objective_parse(&o, "cross_entropy"));
    assert_int_equal(o.trains, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_NEXT_ACTION));
    assert_true(o.options.action_weight == 0.1f);
}

static void an_unknown_agent_and_a_head_trained_twice_have_their_own_messages(void **state)
{
    (void)state;
    Objective o = {0};
    assert_refused(objective_parse(&o, "cross_entropy+double"), ERR_USAGE,
                   "there is no agent \"double\" (did you mean \"double_q\"?)");
    assert_refused(objective_parse(&o, ""), ERR_USAGE, "there is no agent \"\"");
    assert_refused(objective_parse(&o, "cross_entropy+sarsa+double_q"), ERR_USAGE,
                   "sarsa and double_q both train q;");
    assert_refused(objective_parse(&o, "sqn+bcq"), ERR_USAGE, "both train policy and q;");
    assert_refused(objective_parse(&o, "sarsa+sarsa"), ERR_USAGE, "sarsa and sarsa both train q;");
}

static void logarithms_are_learned_by_single_backups_only(void **state)
{
    (void)state;
    Objective o = parsed("cross_entropy+sarsa");
    o.options.log_values = true;
    assert_ok(objective_check(&o, "cross_entropy+sarsa"));
    o.options.huber = 1.0f;
    assert_refused(objective_check(&o, "cross_entropy+sarsa"), ERR_USAGE, "learn.huber = 1");
    static const char *const refused[] = {"cross_entropy", "expected_sarsa", "vtrace"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        o = parsed(refused[i]);
        o.options.log_values = true;
        assert_refused(objective_check(&o, refused[i]), ERR_USAGE,
                       "want one of the agents q_learning, double_q, sarsa");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_agent_is_an_objective_by_itself),
        cmocka_unit_test(the_order_of_the_terms_is_that_of_the_list),
        cmocka_unit_test(the_next_action_is_trained_where_it_has_a_weight),
        cmocka_unit_test(an_unknown_agent_and_a_head_trained_twice_have_their_own_messages),
        cmocka_unit_test(logarithms_are_learned_by_single_backups_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

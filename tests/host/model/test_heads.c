/* SPDX-License-Identifier: Apache-2.0 */
/* The table of heads: what it declares, which head a name means, and what a wrong name is
 * answered. */
#include "test.h"

#include "model/heads.h"
#include "model/outcome/params.h"

enum { DIM = 4, ITEMS = 6, ACTIONS = 3 };
static const HeadSet ALL = HEAD_BIT(HEADS) - 1;

static void each_row_is_complete_and_no_name_is_taken_twice(void **state)
{
    (void)state;
    for (HeadId h = 0; h < HEADS; h++) {
        const HeadInfo *head = &heads_table[h];
        assert_true(head->name && head->help && head->weight && head->bias);
        assert_true(!head->state_weight == !head->state_bias);
        assert_true(!head->chooses || head->kind == HEAD_OF_ITEMS);
        for (HeadId other = 0; other < h; other++)
            assert_string_not_equal(head->name, heads_table[other].name);
    }
}

static void assert_declared(const Params *p, int at, const char *name, int64_t rows,
                            int64_t columns)
{
    assert_int_equal(at, params_find(p, name));
    assert_int_equal(p->info[at].shape.dim[0], rows);
    assert_int_equal(p->info[at].shape.rank, columns ? 2 : 1);
    if (columns) assert_int_equal(p->info[at].shape.dim[1], columns);
}

static void the_parameters_of_a_set_are_declared_in_the_order_of_checkpoints(void **state)
{
    (void)state;
    Params p = {0};
    HeadParams at[HEADS];
    heads_declare(&p, ALL, DIM, ITEMS, ACTIONS, at);
    const int before = p.count;
    heads_declare_aside(&p, ALL, DIM, ITEMS, ACTIONS, at);
    static const char *const order[] = {
        "policy.weight",    "policy.bias",      "q.weight",
        "q.bias",           "value.weight",     "value.bias",
        "next.weight",      "next.bias",        "critic.weight",
        "critic.bias",      "behaviour.weight", "behaviour.bias",
        "second_q.weight",  "second_q.bias",    "second_value.weight",
        "second_value.bias"};
    assert_int_equal(p.count, sizeof order / sizeof *order);
    assert_int_equal(before, p.count - 4);
    assert_int_equal(p.aside, before);
    for (int i = 0; i < p.count; i++) assert_true(p.info[i].later == (i >= before));
    for (int i = 0; i < p.count; i++) assert_string_equal(p.info[i].name, order[i]);
    assert_declared(&p, at[HEAD_Q].weight, "q.weight", DIM, DIM);
    assert_declared(&p, at[HEAD_Q].bias, "q.bias", ITEMS, 0);
    assert_declared(&p, at[HEAD_Q].state_weight, "value.weight", 1, DIM);
    assert_declared(&p, at[HEAD_NEXT_ACTION].weight, "next.weight", ACTIONS, DIM);
    assert_declared(&p, at[HEAD_CRITIC].bias, "critic.bias", 1, 0);
    assert_int_equal(at[HEAD_POLICY].state_weight, -1);
    assert_true(p.info[at[HEAD_CRITIC].weight].product);
    assert_false(p.info[at[HEAD_NEXT_ACTION].weight].product);
    params_close(&p);
}

static void the_outcome_head_has_two_logits_of_each_kind(void **state)
{
    (void)state;
    Params p = {0};
    HeadParams none[HEADS];
    heads_declare(&p, HEAD_BIT(HEAD_OUTCOME), DIM, ITEMS, ACTIONS, none);
    assert_int_equal(p.count, 0);
    const OutcomeParams at = outcome_params_declare(&p, DIM, ACTIONS);
    assert_int_equal(p.count, 7);
    assert_declared(&p, at.hidden_state, "outcome.hidden.state", 2 * OUTCOME_UNITS, DIM);
    assert_declared(&p, at.hidden_item, "outcome.hidden.item", 2 * OUTCOME_UNITS, DIM);
    assert_declared(&p, at.hidden_bias, "outcome.hidden.bias", 2 * OUTCOME_UNITS, 0);
    assert_declared(&p, at.weight, heads_table[HEAD_OUTCOME].weight, 2 * ACTIONS, OUTCOME_UNITS);
    assert_declared(&p, at.bias, heads_table[HEAD_OUTCOME].bias, 2 * ACTIONS, 0);
    assert_declared(&p, at.factor, "calibration.outcome_factor", 2, 0);
    assert_declared(&p, at.shift, "calibration.outcome_shift", 2 * ACTIONS, 0);
    for (int i = 0; i < p.count; i++)
        assert_true(p.info[i].rate == (i == at.factor || i == at.shift ? 0.0f : 1.0f));
    params_close(&p);
}

static void a_head_outside_the_set_has_no_parameters(void **state)
{
    (void)state;
    Params p = {0};
    HeadParams at[HEADS];
    heads_declare(&p, HEAD_BIT(HEAD_CRITIC), DIM, ITEMS, ACTIONS, at);
    assert_int_equal(p.count, 2);
    assert_int_equal(at[HEAD_CRITIC].weight, 0);
    for (HeadId h = 0; h < HEADS; h++)
        if (h != HEAD_CRITIC)
            assert_true(at[h].weight == -1 && at[h].bias == -1 && at[h].state_weight == -1 &&
                        at[h].state_bias == -1);
    params_close(&p);
}

static void items_are_chosen_by_the_policy_or_else_by_q(void **state)
{
    (void)state;
    assert_int_equal(heads_default(ALL), HEAD_POLICY);
    assert_int_equal(heads_default(ALL & ~HEAD_BIT(HEAD_POLICY)), HEAD_Q);
    assert_int_equal(heads_choosing(ALL), HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q));
}

static void a_log_with_propensities_needs_no_behaviour_head(void **state)
{
    (void)state;
    assert_int_equal(heads_of_log(ALL, false), ALL);
    assert_int_equal(heads_of_log(ALL, true), ALL & ~HEAD_BIT(HEAD_BEHAVIOUR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_complete_and_no_name_is_taken_twice),
        cmocka_unit_test(the_parameters_of_a_set_are_declared_in_the_order_of_checkpoints),
        cmocka_unit_test(the_outcome_head_has_two_logits_of_each_kind),
        cmocka_unit_test(a_head_outside_the_set_has_no_parameters),
        cmocka_unit_test(items_are_chosen_by_the_policy_or_else_by_q),
        cmocka_unit_test(a_log_with_propensities_needs_no_behaviour_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What every world has. */
#include "world_case.h"

static void policies_are_found_by_name(void **state)
{
    (void)state;
    World w;
    open_world(&w, "shop:items=1000");
    assert_non_null(world_baseline(&w, "random"));
    assert_string_equal(world_baseline(&w, "popularity")->name, "popularity");
    assert_null(world_baseline(&w, "best"));
    assert_refused(
        world_no_policy(&w, "--policy", "popular", "optimal"), ERR_USAGE,
        "--policy = \"popular\": the world shop has no policy of this name (did you mean "
        "\"popularity\"?)");
    assert_refused(world_no_policy(&w, "--policy", "optmal", "optimal"), ERR_USAGE, "\"optimal\"?");
    assert_refused(world_no_policy(&w, "world.first", "optmal", NULL), ERR_USAGE, "this name;");
    world_close(&w);
}

/* Of 5 choices each is made in a fifth of all draws. */
static void the_random_policy_is_uniform(void **state)
{
    (void)state;
    enum { ITEMS = 5, DRAWS = 100000 };
    const World w = {.spec = {.items = ITEMS}, .kind = &(WorldKind){0}};
    const WorldBaseline *random = world_baseline(&w, "random");
    int64_t count[ITEMS] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        WorldDraw draw = {1, i, 0};
        float propensity;
        count[random->act(&w, NULL, &draw, &propensity)]++;
        assert_near(propensity, 0.2, 1e-7);
    }
    for (int i = 0; i < ITEMS; i++) assert_share(count[i], DRAWS, 0.2);
}

static void an_mdp_has_the_discount_of_the_world(void **state)
{
    (void)state;
    World w;
    Mdp mdp;
    open_world(&w, "small-shop:discount=0.5");
    assert_ok(world_mdp(&w, &mdp));
    assert_near(mdp.discount, 0.5, 0.0);
    mdp_close(&mdp);
    world_close(&w);
}

static void a_world_that_is_no_mdp_says_so(void **state)
{
    (void)state;
    World w;
    Mdp mdp;
    open_world(&w, "shop:items=100");
    assert_refused(world_mdp(&w, &mdp), ERR_USAGE, "shop is not a finite MDP");
    world_close(&w);
}

static void an_option_of_two_values_is_one_of_them(void **state)
{
    (void)state;
    const WorldOption option = {.name = "issue", .value = "oldest"};
    bool other;
    assert_ok(world_either("x", &option, "oldest", "youngest", &other));
    assert_false(other);
    assert_ok(world_either("x", &option, "youngest", "youngest", &other));
    assert_true(other);
    assert_refused(world_either("x", &option, "any", "youngest", &other), ERR_USAGE,
                   "world x: issue=\"any\", want oldest or youngest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_found_by_name),
        cmocka_unit_test(the_random_policy_is_uniform),
        cmocka_unit_test(an_mdp_has_the_discount_of_the_world),
        cmocka_unit_test(a_world_that_is_no_mdp_says_so),
        cmocka_unit_test(an_option_of_two_values_is_one_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* train/check.h on both devices: it passes, in f32 and in bf16, and what one device has wrong it
 * names. So this is also the test of whole training steps in bf16. */
#include "pair.h"
#include "shop.h"

#include "learn/agents.h"
#include "train/check.h"

enum { STEPS = 3 }; /* and one where a fault is planted: it shows at once */
static char path[256];

static Config settings(const char *objective)
{
    Config c = config_default();
    c.model_text = 1;
    snprintf(c.data_path, sizeof c.data_path, "%s", path);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    snprintf(c.train_device, sizeof c.train_device, "cuda");
    c.model_dim = 16;
    c.model_length = 12;
    c.train_tokens = 96;
    c.train_steps = 100;
    c.train_threads = 2;
    c.optim_warmup = 1;
    return c;
}

static void print_rows(const CheckReport *r)
{
    for (int i = 0; i < r->count; i++)
        print_message("%s %s %s: relative %.3g, bound %.3g%s\n", tensor_dtype_name(r->precision),
                      check_kind_name(r->row[i].kind), r->row[i].name, r->row[i].relative,
                      r->row[i].bound,
                      r->row[i].pooled   ? " (pooled)"
                      : r->row[i].passed ? ""
                                         : " FAILED");
}

static void take_steps(Check *c, const char *objective, Dtype precision, int steps)
{
    const Config config = settings(objective);
    assert_ok(check_open(c, &config, precision));
    assert_int_equal(c->subject.dev.kind, DEVICE_CUDA);
    assert_int_equal(c->subject.model.shape.activation, precision);
    for (int step = 0; step < steps; step++) assert_ok(check_step(c));
}

static void assert_passes(const char *objective, Dtype precision, int steps)
{
    static Check c;
    CheckReport r;
    take_steps(&c, objective, precision, steps);
    assert_ok(check_compare(&c, &r));
    if (!r.passed) {
        print_rows(&r);
        fail_msg("%s in %s", objective, tensor_dtype_name(precision));
    }
    assert_int_equal(r.steps, steps);
    assert_true(r.count > 2 * c.reference.model.params.count);
    check_report_close(&r);
    check_close(&c);
}

static void passes_in_f32(void **state) { assert_passes(*state, F32, STEPS); }
static void passes_in_bf16(void **state) { assert_passes(*state, BF16, STEPS); }

/* Each alone: that its heads take bf16 and round where the CPU does. */
static void every_agent_passes_in_bf16(void **state)
{
    (void)state;
    for (int i = 0; agents[i]; i++) assert_passes(agents[i]->name, BF16, 1);
}

/* ---- Planted faults -------------------------------------------------------------------------- */

static const CheckRow *row_of(const CheckReport *r, CheckKind kind, const char *name)
{
    for (int i = 0; i < r->count; i++)
        if (r->row[i].kind == kind && !strcmp(r->row[i].name, name)) return &r->row[i];
    fail_msg("no %s %s", check_kind_name(kind), name);
    return NULL;
}

static void poke(Device *dev, void *at, float value)
{
    device_copy_in(dev, at, &value, sizeof value);
}

/* One number of one tensor: that one fails, and comes first. */
static void one_wrong_parameter_is_named(void **state)
{
    (void)state;
    static Check c;
    CheckReport r;
    take_steps(&c, "cross_entropy", F32, 1);
    const Params *p = &c.subject.model.params;
    const int wrong = params_find(p, "block.1.mlp.down");
    poke(&c.subject.dev, f32(p->copy[PARAM_VALUE][wrong]) + 77, 0.9f);
    assert_ok(check_compare(&c, &r));
    assert_false(r.passed);
    assert_string_equal(r.row[0].name, "block.1.mlp.down");
    assert_int_equal(r.row[0].kind, CHECK_PARAMETER);
    assert_false(r.row[0].passed);
    for (int i = 1; i < r.count; i++) assert_true(r.row[i].passed);
    check_report_close(&r);
    check_close(&c);
}

/* A price that the device has wrong: the gradients say so, those of what it does not touch do
 * not. */
static void wrong_data_on_the_device_shows(void **state)
{
    (void)state;
    for (int precision = F32; precision <= BF16; precision += BF16 - F32) {
        static Check c;
        CheckReport r;
        take_steps(&c, "cross_entropy", (Dtype)precision, 1);
        const Tensor number = c.subject.model.item_number;
        for (int64_t i = 0; i < number.dim[0]; i += 2)
            poke(&c.subject.dev, f32(number) + i * number.dim[1], 3.0f);
        assert_ok(check_compare(&c, &r));
        assert_false(r.passed);
        assert_false(row_of(&r, CHECK_GRADIENT, "item.number")->passed &&
                     row_of(&r, CHECK_GRADIENT, "(pooled)")->passed);
        assert_true(row_of(&r, CHECK_PARAMETER, "policy.weight")->passed);
        check_report_close(&r);
        check_close(&c);
    }
}

/* What is not a number never passes. */
static void nan_fails(void **state)
{
    (void)state;
    static Check c;
    CheckReport r;
    take_steps(&c, "cross_entropy", F32, 1);
    const Params *p = &c.subject.model.params;
    poke(&c.subject.dev, p->copy[PARAM_VALUE][params_find(p, "final.norm")].data, NAN);
    assert_ok(check_compare(&c, &r));
    assert_false(r.passed);
    assert_string_equal(r.row[0].name, "final.norm");
    assert_true(isnan(r.row[0].relative));
    check_report_close(&r);
    check_close(&c);
}

int main(void)
{
#define CASE(precision, objective)                                                                 \
    {                                                                                              \
        objective " passes in " #precision, passes_in_##precision, NULL, NULL, objective           \
    }
    const struct CMUnitTest tests[] = {
        CASE(f32, "cross_entropy+double_q"),
        CASE(bf16, "cross_entropy+double_q"),
        CASE(bf16, "cross_entropy"),
        cmocka_unit_test(every_agent_passes_in_bf16),
        cmocka_unit_test(one_wrong_parameter_is_named),
        cmocka_unit_test(wrong_data_on_the_device_shows),
        cmocka_unit_test(nan_fails),
    };
    if (!pair_open()) return printf("1..0 # SKIP %s\n", status_message()), 77;
    const Shop shop = {.users = 120, .longest = 14, .features = true, .seed = 5};
    shop_path(path, "cuda_check");
    if (shop_write(&shop, path) != OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, pair_close);
    unlink(path);
    return failed;
}

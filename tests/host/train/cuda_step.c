/* SPDX-License-Identifier: Apache-2.0 */
/* Whole training steps on both devices, from the same file with the same settings: the same losses,
 * and after three steps the same parameters, moments and target network. */
#include "pair.h"
#include "shop.h"

#include "train/step.h"
#include "train/trainer_open.h"

enum { STEPS = 3 };
static char path[256], without[256]; /* the log has features and propensities, or neither */

static Config settings(const char *device, const char *objective, const char *log)
{
    Config c = config_default();
    c.model_text = 1;
    snprintf(c.data_path, sizeof c.data_path, "%s", log);
    snprintf(c.train_device, sizeof c.train_device, "%s", device);
    snprintf(c.learn_objective, sizeof c.learn_objective, "%s", objective);
    c.model_dim = 16;
    c.model_length = 12;
    c.learn_outcome = 0.5;
    c.train_tokens = 96;
    c.train_steps = 100;
    c.train_threads = 2;
    c.optim_warmup = 1;
    /* with AdamW's usual 1e-8 the first step is the gradient's sign, also where that is rounding
     * alone */
    c.optim_eps = 1e-4;
    return c;
}

static void next_batch(Batch *batch, const Trainer *t, int step)
{
    Window windows[12];
    int64_t count = 0, tokens = 0;
    for (int64_t user = 10 * step; count < 12; user++) {
        const int64_t first = t->file.offset[user], all = t->file.offset[user + 1] - first;
        const int64_t length = all < 12 ? all : 12;
        if (tokens + length > t->config.train_tokens) break;
        windows[count++] = (Window){.user = user, .first = first, .end = first + length};
        tokens += length;
    }
    assert_ok(batch_fill(batch, &t->file, windows, count));
}

static double relative(double have, double want)
{
    return fabs(have - want) / (fabs(want) > 0.0 ? fabs(want) : 1.0);
}

static void assert_same_losses(const StepReport *have, const StepReport *want)
{
    assert_int_equal(have->losses.targets, want->losses.targets);
    assert_int_equal(have->losses.backups, want->losses.backups);
    for (int i = 0; i < LOSSES; i++)
        assert_true(relative(have->losses.mean[i], want->losses.mean[i]) <= 1e-5);
    assert_true(relative(have->gradient_norm, want->gradient_norm) <= 1e-5);
}

/* The second moment is of squares, whose relative errors are twice those of the gradients. A step
 * of AdamW moves a number by at most about its learning rate, whatever the gradient's size: where a
 * parameter starts at 0, these steps are all that it is, and their error is that of gradients whose
 * terms cancel. */
static void assert_same_copy(Trainer *on_gpu_trainer, Trainer *on_cpu, ParamCopy copy)
{
    const Params *p = &on_cpu->model.params;
    const double bound = copy == PARAM_MOMENT2 ? 2e-5 : 1e-5;
    const bool value = copy == PARAM_VALUE || copy == PARAM_TARGET;
    if (!p->copy[copy]) return;
    float *all = device_read(&on_gpu_trainer->dev, on_gpu_trainer->model.params.arena[copy].base,
                             p->arena[copy].used);
    assert_ok(device_sync(&on_gpu_trainer->dev));
    for (int i = 0; i < p->count; i++) {
        const float *have = all + params_first(p, i), *want = f32(p->copy[copy][i]);
        const double count = (double)tensor_count(p->info[i].shape);
        const double rate = on_cpu->config.optim_lr * (double)p->info[i].rate;
        const double steps = value ? STEPS * rate * sqrt(count) : 0.0;
        double error = 0.0, norm = 0.0;
        for (int64_t e = 0; e < tensor_count(p->info[i].shape); e++) {
            error += ((double)have[e] - want[e]) * ((double)have[e] - want[e]);
            norm += (double)want[e] * want[e];
        }
        if (!(sqrt(error) <= bound * (sqrt(norm) + steps)))
            fail_msg("copy %d of %s: error %.3g, norm %.3g", (int)copy, p->info[i].name,
                     sqrt(error), sqrt(norm));
    }
    device_read_done(&on_gpu_trainer->dev, all);
}

static void take_steps_on(const char *objective, const char *log)
{
    static Trainer here, there;
    Batch batch;
    const Config c = settings("cpu", objective, log), g = settings("cuda", objective, log);
    assert_ok(trainer_open(&here, &c));
    assert_ok(trainer_open(&there, &g));
    assert_int_equal(there.dev.kind, DEVICE_CUDA);
    assert_ok(batch_open(&batch, &here.file, c.train_tokens, here.model.counted,
                         batch_own_capacity(&here.file, here.model.counted, c.train_tokens)));
    assert_same_copy(&there, &here, PARAM_VALUE);
    for (int step = 0; step < STEPS; step++) {
        StepReport want, have;
        next_batch(&batch, &here, step);
        assert_ok(step_run(&here, &batch, &want));
        assert_ok(step_run(&there, &batch, &have));
        assert_same_losses(&have, &want);
    }
    for (ParamCopy copy = PARAM_VALUE; copy < PARAM_COPIES; copy++)
        if (copy != PARAM_GRAD) assert_same_copy(&there, &here, copy);
    batch_close(&batch);
    trainer_close(&there);
    trainer_close(&here);
}

static void take_steps(const char *objective) { take_steps_on(objective, path); }

static void cross_entropy(void **state)
{
    (void)state;
    take_steps("cross_entropy");
}
static void cross_entropy_and_double_q(void **state)
{
    (void)state;
    take_steps("cross_entropy+double_q");
}
static void q_learning(void **state)
{
    (void)state;
    take_steps("q_learning");
}
static void sarsa(void **state)
{
    (void)state;
    take_steps("cross_entropy+sarsa");
}
static void expected_sarsa(void **state)
{
    (void)state;
    take_steps("expected_sarsa");
}

static void soft_q(void **state)
{
    (void)state;
    take_steps("soft_q");
}
static void cql(void **state)
{
    (void)state;
    take_steps("cross_entropy+cql");
}
static void sqn(void **state)
{
    (void)state;
    take_steps("sqn");
}

static void sarsa_lambda(void **state)
{
    (void)state;
    take_steps("cross_entropy+sarsa_lambda");
}
static void retrace(void **state)
{
    (void)state;
    take_steps("retrace");
}
static void bcq(void **state)
{
    (void)state;
    take_steps("bcq");
}
static void snqn(void **state)
{
    (void)state;
    take_steps("snqn");
}
static void sa2c(void **state)
{
    (void)state;
    take_steps("sa2c");
    take_steps_on("sa2c", without);
}
static void iql(void **state)
{
    (void)state;
    take_steps("iql");
}
static void crr(void **state)
{
    (void)state;
    take_steps("crr");
}
static void ppo(void **state)
{
    (void)state;
    take_steps("ppo");
}
/* The behaviour policy as the log has it, and estimated. */
static void reinforce(void **state)
{
    (void)state;
    take_steps("reinforce");
    take_steps_on("reinforce", without);
}
static void vtrace(void **state)
{
    (void)state;
    take_steps("vtrace");
    take_steps_on("vtrace", without);
}

static int make_shop(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 14, .features = true, .seed = 5};
    const Shop plain = {.users = 60, .longest = 14, .seed = 5};
    shop_path(path, "cuda_step");
    shop_path(without, "cuda_step_plain");
    return shop_write(&shop, path) != OK || shop_write(&plain, without) != OK;
}
static int remove_shop(void **state)
{
    unlink(path);
    unlink(without);
    return pair_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy),
        cmocka_unit_test(cross_entropy_and_double_q),
        cmocka_unit_test(q_learning),
        cmocka_unit_test(sarsa),
        cmocka_unit_test(expected_sarsa),
        cmocka_unit_test(soft_q),
        cmocka_unit_test(cql),
        cmocka_unit_test(sqn),
        cmocka_unit_test(sarsa_lambda),
        cmocka_unit_test(retrace),
        cmocka_unit_test(bcq),
        cmocka_unit_test(snqn),
        cmocka_unit_test(sa2c),
        cmocka_unit_test(iql),
        cmocka_unit_test(crr),
        cmocka_unit_test(reinforce),
        cmocka_unit_test(vtrace),
        cmocka_unit_test(ppo),
    };
    if (!pair_open()) return printf("1..0 # SKIP %s\n", status_message()), 77;
    return cmocka_run_group_tests(tests, make_shop, remove_shop);
}

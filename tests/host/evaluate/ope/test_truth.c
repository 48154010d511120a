/* SPDX-License-Identifier: Apache-2.0 */
/* Off-policy estimates against a value that is known exactly: of the policy that shows any item of
 * the small shop alike, by policy evaluation of its MDP, told from the log of a model that has its
 * likes.
 *
 * An interval is about four standard errors wide: by more than that no estimate is off, and it is
 * off by more what the log itself earned. (FQE has a bias beside, as far as Q is not linear in the
 * model's states.) */
#include <unistd.h>

#include "evaluate/ope/ope.h"
#include "evaluate/ope/policy_model.h"
#include "test.h"
#include "train/step.h"
#include "train/trainer_open.h"
#include "world/log.h"
#include "world/model_actor.h"
#include "world/open.h"

/* LeakSanitizer asks for this: the HDF5 library loses memory of its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

enum { EPISODES = 3000, LENGTH = 8 };

static char path[2][256]; /* what it is trained on; what it did */
static World world;
static Trainer trainer;
static double earned;

static void play_into(const char *to, Actor actor, uint64_t seed)
{
    static double value[EPISODES];
    const PlayOptions o = {.episodes = EPISODES, .slots = 256, .seed = seed};
    PlayResult r = {.value = value};
    WorldLog *log;
    assert_ok(world_log_open(&log, to, &world, 2, "a test"));
    assert_ok(play(&world, &o, actor, world_log_sink(log), &r));
    assert_ok(world_log_finish(log));
    world_log_close(log);
    earned = play_interval(value, EPISODES).mean;
}

static void train(int steps)
{
    const StreamOptions options = trainer_stream(&trainer);
    const Batch *batch;
    Stream *stream;
    StepReport report;
    trainer_schedule(&trainer, steps);
    assert_ok(stream_open(&stream, &trainer.file, &options, (StreamCursor){0}));
    for (int i = 0; i < steps; i++) {
        assert_ok(stream_next(stream, &batch));
        assert_ok(step_run(&trainer, batch, &report));
    }
    stream_close(stream);
}

static int make_log(void **state)
{
    const char *folder = getenv("TMPDIR");
    ModelActor *actor;
    Session *session;
    (void)state;
    for (int k = 0; k < 2; k++)
        snprintf(path[k], sizeof path[k], "%s/souk-%d-truth-%d.h5", folder ? folder : "/tmp",
                 (int)getpid(), k);
    assert_ok(world_open(&world, "small-shop"));
    play_into(path[0], play_baseline_actor(world_baseline(&world, "random")), 2);
    Config c = config_default();
    snprintf(c.data_path, sizeof c.data_path, "%s", path[0]);
    snprintf(c.learn_objective, sizeof c.learn_objective, "double_q");
    c.learn_gamma = world.spec.discount;
    c.optim_lr = 0.01;
    c.model_dim = 8;
    c.model_length = LENGTH;
    c.train_tokens = 512;
    assert_ok(trainer_open(&trainer, &c));
    train(200);
    assert_ok(trainer_session(&trainer, &session));
    assert_ok(model_actor_open(&actor, session, &world, &(ActOptions){.temperature = 1.0}));
    play_into(path[1], model_actor(actor), 3);
    model_actor_close(actor);
    session_close(session);
    return 0;
}

static int remove_log(void **state)
{
    (void)state;
    trainer_close(&trainer);
    world_close(&world);
    for (int k = 0; k < 2; k++) unlink(path[k]);
    return 0;
}

/* Bounded to 1e-9; cutting episodes at the horizon takes at most discount^200 of it. */
static double uniform_value(void)
{
    Mdp mdp;
    assert_ok(world_mdp(&world, &mdp));
    const size_t pairs = (size_t)(mdp.states * mdp.actions);
    double *v = calloc((size_t)mdp.states, sizeof *v), *share = calloc(pairs, sizeof *share);
    for (size_t i = 0; i < pairs; i++) share[i] = 1.0 / (double)mdp.actions;
    assert_ok(mdp_evaluate_mixed(&mdp, share, 1e-9, 100000, v));
    const double value = mdp_start_value(&mdp, v);
    free(v);
    free(share);
    mdp_close(&mdp);
    return value;
}

static const OpeEstimate *estimate_named(const OpeResult *r, const char *name)
{
    for (int k = 0; k < r->estimators; k++)
        if (!strcmp(r->estimator[k]->name, name)) return &r->estimate[k];
    fail_msg("no estimator %s", name);
    return NULL;
}

static void the_truth_is_found(void **state)
{
    static const char *const names[] = {"PDIS", "FQE", "seq-DR"};
    const double truth = uniform_value();
    Behaviour file;
    Session *session;
    const OpeOptions options = {.gamma = world.spec.discount,
                                .ridge = 10.0,
                                .folds = 2,
                                .ess_wanted = 100.0,
                                .fqe_steps = 6000,
                                .bootstrap = {.replicates = 1000, .seed = 1, .threads = 2}};
    OpeLog log;
    OpeResult r;
    char why[256] = "";
    (void)state;
    assert_ok(behaviour_open(&file, path[1]));
    assert_ok(session_open(&session, &(SessionOptions){.model = &trainer.model,
                                                       .length = LENGTH,
                                                       .file = &file,
                                                       .dev = &trainer.dev}));
    const OpeModelPolicy any = {session, 1.0, 1.0, NULL};
    const OpePolicy policy = ope_policy_model(&any);
    assert_ok(ope_log_open(&log, &file,
                           &(OpeLogOptions){.split = SPLITS, .sequential = true, .history = true}));
    assert_ok(ope_run(&r, &log, &policy, &options));
    const OpeEstimate *logged = estimate_named(&r, "the log");
    if (!ope_overlaps(&r, &log, why, sizeof why)) fail_msg("%s", why);
    print_message("# truth %.4f; the model earned %.4f\n", truth, earned);
    for (int k = 0; k < 3; k++) {
        const OpeEstimate *e = estimate_named(&r, names[k]);
        print_message("# %-6s %.4f, %.4f .. %.4f\n", names[k], e->value, e->low, e->high);
        assert_true(fabs(e->value - truth) < e->high - e->low);
        assert_true(fabs(logged->value - truth) > e->high - e->low);
    }
    ope_log_close(&log);
    session_close(session);
    behaviour_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_truth_is_found)};
    return cmocka_run_group_tests(tests, make_log, remove_log);
}

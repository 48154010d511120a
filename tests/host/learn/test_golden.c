/* SPDX-License-Identifier: Apache-2.0 */
/* The whole model against PyTorch: every objective's losses, every gradient and the parameters
 * after 20 steps, from the files of tests/golden (made by reference.py in float64).
 *
 * The bound, relative L2 <= 1e-5 a tensor: rounding to float32 is 6e-8, and the reference itself
 * run in float32 is within 1.5e-6 of its float64 result. A wrong formula shows as 1e-3 or more. In
 * bf16 the files have every rounding of the page's section 8 too.
 */
#include "test.h"

#include "data/behaviour/catalogue/texts.h"
#include "model/counts.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { STEPS = 20 };
static const double BOUND = 1e-5;

typedef struct {
    Safetensors inputs, want;
    Behaviour file; /* in memory: the sizes and features that the inputs have */
    Batch batch;
    uint64_t tie;    /* the file has ties */
    int32_t *no_own; /* offsets of nothing, where the inputs have no count table */
    Trainer trainer;
} Golden;

/* ---- The inputs as a behaviour file and a batch ---------------------------------------------- */

/* A case may have inputs of its own. */
static Tensor input(const Golden *g, const char *name)
{
    const Tensor *t = safetensors_find(&g->want, name);
    if (!t) t = safetensors_find(&g->inputs, name);
    return t ? *t : (Tensor){0};
}

static int64_t rows(const Golden *g, const char *name)
{
    const Tensor t = input(g, name);
    return t.data ? t.dim[0] : 0;
}

/* The profile of user w is what the first token of window w has. */
static void *profiles(Tensor per_token, const int32_t *cu_seqlens, int64_t windows)
{
    if (!per_token.data) return NULL;
    const size_t bytes = (size_t)per_token.dim[1] * 4;
    char *out = malloc((size_t)windows * bytes);
    for (int64_t w = 0; w < windows; w++)
        memcpy(out + (size_t)w * bytes, (char *)per_token.data + (size_t)cu_seqlens[w] * bytes,
               bytes);
    return out;
}

static void fill_file(Golden *g)
{
    Behaviour *b = &g->file;
    const Tensor category = input(g, "catalogue.category"), number = input(g, "catalogue.number");
    const Tensor user_category = input(g, "batch.user_category");
    const Tensor user_number = input(g, "batch.user_number"), feature = input(g, "batch.feature");
    b->items = rows(g, "param.item.id");
    b->actions = (int)rows(g, "param.action.embedding");
    b->item_features = (FeatureSet){.kinds = category.data ? (int)category.dim[1] : 0,
                                    .categories = (int32_t)rows(g, "param.item.category"),
                                    .numbers = number.data ? (int)number.dim[1] : 0,
                                    .category = category.data,
                                    .number = number.data};
    if (rows(g, "catalogue.text_offset")) {
        b->texts = (ItemTexts){.rows = rows(g, "param.item.text"),
                               .offset = input(g, "catalogue.text_offset").data,
                               .row = input(g, "catalogue.text").data};
        assert_ok(texts_index(&b->texts, "golden", b->items));
    }
    b->user_features =
        (FeatureSet){.kinds = user_category.data ? (int)user_category.dim[1] : 0,
                     .categories = (int32_t)rows(g, "param.user.category"),
                     .numbers = user_number.data ? (int)user_number.dim[1] : 0,
                     .category = profiles(user_category, g->batch.cu_seqlens, g->batch.windows),
                     .number = profiles(user_number, g->batch.cu_seqlens, g->batch.windows)};
    b->has_propensity = g->batch.propensity != NULL;
    b->tie = g->batch.state ? &g->tie : NULL;
    b->event_features.numbers = feature.data ? (int)feature.dim[1] : 0;
}

static void fill_batch(Golden *g)
{
    const Tensor cu_seqlens = input(g, "batch.cu_seqlens");
    const int64_t windows = cu_seqlens.dim[0] - 1, tokens = i32(cu_seqlens)[windows];
    g->batch = (Batch){
        .tokens = tokens,
        .used = tokens,
        .windows = windows,
        .cu_seqlens = i32(cu_seqlens),
        .user = calloc((size_t)windows, sizeof(int64_t)),
        .item = input(g, "batch.item").data,
        .action = input(g, "batch.action").data,
        .gap = input(g, "batch.gap").data,
        .position = input(g, "batch.position").data,
        .state = input(g, "batch.state").data,
        .target = input(g, "batch.target").data,
        .target_action = input(g, "batch.target_action").data,
        .reward = input(g, "batch.reward").data,
        .end = input(g, "batch.end").data,
        .feature = input(g, "batch.feature").data,
        .time = input(g, "batch.time").data,
        .own_offset = input(g, "batch.own_offset").data,
        .own = input(g, "batch.own").data,
    };
    if (!g->batch.own_offset)
        g->batch.own_offset = g->no_own = calloc((size_t)windows + 1, sizeof(int32_t));
    if (safetensors_metadata(&g->want, "propensity"))
        g->batch.propensity = input(g, "batch.propensity").data;
    for (int64_t w = 0; w < windows; w++) g->batch.user[w] = w;
}

/* ---- The trainer, with the case's settings and weights --------------------------------------- */

static Config settings(const Golden *g)
{
    Config c = config_default();
    c.model_candidates = 0;
    for (int i = 0; i < config_count(); i++) {
        const char *value = safetensors_metadata(&g->want, config_file_key(i));
        if (value) assert_ok(config_set(&c, config_key(i), value));
    }
    c.train_tokens = g->batch.tokens;
    c.model_length = g->batch.tokens - 1;
    c.train_threads = 2;
    return c;
}

/* How many parameters the page of the files knows: all but those that stand aside. */
static int known(const Params *p) { return p->aside ? p->aside : p->count; }

static void load(const Golden *g, ParamCopy copy, const char *prefix)
{
    const Params *p = &g->trainer.model.params;
    for (int i = 0; p->copy[copy] && i < known(p); i++) {
        char name[96];
        Tensor t;
        snprintf(name, sizeof name, "%s.%s", prefix, p->info[i].name);
        assert_ok(safetensors_get(safetensors_find(&g->want, name) ? &g->want : &g->inputs, name,
                                  F32, p->info[i].shape.rank, p->info[i].shape.dim, &t));
        memcpy(p->copy[copy][i].data, t.data, (size_t)tensor_count(t) * sizeof(float));
    }
}

static void open_case(Golden *g, const char *name)
{
    char path[1024];
    *g = (Golden){0};
    snprintf(path, sizeof path, "%s/%s.safetensors", GOLDEN_FOLDER, name);
    assert_ok(safetensors_open(&g->want, path));
    snprintf(path, sizeof path, "%s/%s.safetensors", GOLDEN_FOLDER,
             safetensors_metadata(&g->want, "inputs"));
    assert_ok(safetensors_open(&g->inputs, path));
    fill_batch(g);
    fill_file(g);
    const Config c = settings(g);
    assert_ok(trainer_open_on(&g->trainer, &c, g->file, (TrainerOptions){.restored = true}));
    load(g, PARAM_VALUE, "param");
    load(g, PARAM_TARGET, "target_param");
    Model *m = &g->trainer.model;
    if (m->shape.candidates) {
        const Tensor popularity = input(g, "counts.popularity");
        assert_ok(counts_load(&m->counts, &m->counts_memory, &g->inputs,
                              &(CatalogueMatch){.same = true}));
        memcpy(m->counts.popularity.data, popularity.data, tensor_bytes(popularity));
    }
    params_refresh(&g->trainer.dev, &g->trainer.model.params, PARAM_VALUE);
    params_refresh(&g->trainer.dev, &g->trainer.model.params, PARAM_TARGET);
}

static void close_case(Golden *g)
{
    g->trainer.file = (Behaviour){0};
    trainer_close(&g->trainer);
    free(g->file.texts.row_offset);
    free(g->file.texts.item);
    free(g->file.user_features.category);
    free(g->file.user_features.number);
    free(g->batch.user);
    free(g->no_own);
    safetensors_close(&g->inputs);
    safetensors_close(&g->want);
}

/* ---- Comparison ------------------------------------------------------------------------------ */

/* True when `have` is the file's `prefix.name`, or the file has none and `optional`. */
static bool same(const Golden *g, Tensor have, const char *prefix, const char *name, bool optional)
{
    char full[128];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    const Tensor *want = safetensors_find(&g->want, full);
    if (!want && optional) return true;
    if (!want || tensor_count(*want) != tensor_count(have)) {
        print_error("%s: not in the golden file in this shape\n", full);
        return false;
    }
    const int64_t elements = tensor_count(have);
    double *exact = malloc((size_t)elements * sizeof *exact);
    for (int64_t i = 0; i < elements; i++) exact[i] = f32(*want)[i];
    const double error = relative_l2(f32(have), exact, elements);
    free(exact);
    if (error <= BOUND) return true;
    print_error("%s: relative L2 %.2e, want at most %.0e\n", full, error, BOUND);
    return false;
}

static int compare(const Golden *g, ParamCopy copy, const char *prefix, bool optional)
{
    const Params *p = &g->trainer.model.params;
    int bad = 0;
    for (int i = 0; p->copy[copy] && i < known(p); i++)
        bad += !same(g, p->copy[copy][i], prefix, p->info[i].name, optional);
    return bad;
}

static void assert_loss(const Golden *g, const char *name, double have)
{
    const Tensor *want = safetensors_find(&g->want, name);
    const double value = want ? *(double *)want->data : 0.0;
    if (!(fabs(have - value) <= BOUND * fabs(value)))
        fail_msg("%s = %.9g, want %.9g", name, have, value);
}

/* The golden file has a gradient for each of the model's parameters and no other. */
static void assert_parameters(const Golden *g)
{
    int gradients = 0;
    for (int i = 0; i < g->want.count; i++)
        gradients += !strncmp(g->want.tensors[i].name, "grad.", 5);
    assert_int_equal(gradients, known(&g->trainer.model.params));
}

static void check(void **state)
{
    Golden g;
    StepReport report;
    open_case(&g, *state);
    assert_parameters(&g);

    const Losses l = step_gradients(&g.trainer, &g.batch);
    for (int i = 0; i < LOSSES; i++) {
        char loss[64];
        snprintf(loss, sizeof loss, "loss.%s", objective_loss_name[i]);
        assert_loss(&g, loss, l.mean[i]);
    }
    assert_loss(&g, "loss.total", l.total);
    assert_int_equal(compare(&g, PARAM_GRAD, "grad", false), 0);

    const Params *p = &g.trainer.model.params;
    for (int i = 0; i < p->count; i++)
        memset(p->copy[PARAM_GRAD][i].data, 0,
               (size_t)tensor_count(p->info[i].shape) * sizeof(float));
    for (int i = 0; i < STEPS; i++) assert_ok(step_run(&g.trainer, &g.batch, &report));
    assert_int_equal(compare(&g, PARAM_VALUE, "after20", false), 0);
    assert_int_equal(compare(&g, PARAM_TARGET, "after20_target", true), 0);
    close_case(&g);
}

/* ---- bf16 ------------------------------------------------------------------------------------ */

/* Of one gradient: how far souk and the page's own roundings are from the exact one, and from one
 * another. */
typedef struct {
    double souk, page, apart;
} Far;

static Far far_of(const float *souk, const float *page, const float *exact, int64_t count)
{
    Far f = {0};
    for (int64_t i = 0; i < count; i++) {
        f.souk += pow((double)souk[i] - exact[i], 2.0);
        f.page += pow((double)page[i] - exact[i], 2.0);
        f.apart += pow((double)souk[i] - page[i], 2.0);
    }
    return (Far){sqrt(f.souk), sqrt(f.page), sqrt(f.apart)};
}

/* Where the page rounds souk rounds, and nowhere else: the errors are not only of one size, they
 * are mostly the same errors, so that the two are closer to one another than to the exact gradient.
 * (They part where another order of sums turns a rounding; independent errors would be apart by 1.4
 * of one.) */
static void check_bf16(void **state)
{
    Golden g;
    Safetensors exact;
    char path[1024];
    open_case(&g, *state);
    assert_int_equal(g.trainer.model.shape.activation, BF16);
    assert_parameters(&g);
    snprintf(path, sizeof path, "%s/%s.safetensors", GOLDEN_FOLDER,
             safetensors_metadata(&g.want, "exact"));
    assert_ok(safetensors_open(&exact, path));
    step_gradients(&g.trainer, &g.batch);
    const Params *p = &g.trainer.model.params;
    for (int i = 0; i < known(p); i++) {
        char name[96];
        Tensor page, want;
        snprintf(name, sizeof name, "grad.%s", p->info[i].name);
        const Tensor shape = p->info[i].shape;
        assert_ok(safetensors_get(&g.want, name, F32, shape.rank, shape.dim, &page));
        assert_ok(safetensors_get(&exact, name, F32, shape.rank, shape.dim, &want));
        const Far f =
            far_of(f32(p->copy[PARAM_GRAD][i]), f32(page), f32(want), tensor_count(shape));
        if (!(f.souk <= 1.5 * f.page && f.apart < f.page))
            fail_msg("%s: error %.3g, the page's %.3g, apart %.3g", name, f.souk, f.page, f.apart);
    }
    safetensors_close(&exact);
    close_case(&g);
}

#define BF16_CASE(name)                                                                            \
    {                                                                                              \
        "gradients rounded where the page rounds: " name, check_bf16, NULL, NULL, name             \
    }
#define CASE(name)                                                                                 \
    {                                                                                              \
        "losses, gradients and 20 steps as PyTorch has them: " name, check, NULL, NULL, name       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("cross_entropy"),
        CASE("cross_entropy_dropout"),
        CASE("joint_ties"),
        CASE("outcome"),
        CASE("text"),
        CASE("sarsa_lambda_ties"),
        CASE("q_learning"),
        CASE("double_q"),
        CASE("sarsa"),
        CASE("expected_sarsa"),
        CASE("soft_q"),
        CASE("cql"),
        CASE("sqn"),
        CASE("snqn"),
        CASE("sa2c"),
        CASE("sarsa_lambda"),
        CASE("retrace"),
        CASE("bcq"),
        CASE("iql"),
        CASE("crr"),
        CASE("reinforce"),
        CASE("vtrace"),
        CASE("vtrace_logged"),
        CASE("ppo"),
        CASE("double_q_n_step"),
        CASE("double_q_log"),
        CASE("sarsa_lambda_log"),
        CASE("joint"),
        CASE("plain"),
        CASE("candidates"),
        CASE("candidates_joint"),
        CASE("candidates_reinforce"),
        CASE("candidates_bcq"),
        CASE("candidates_crr"),
        CASE("candidates_cold"),
        CASE("candidates_retrace"),
        BF16_CASE("cross_entropy_bf16"),
        BF16_CASE("joint_bf16"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Fitted Q evaluation against its definition, in dense double: the fixed point, the influences, the
 * channels, and the estimates made of them. */
#include "shop.h"

#include "evaluate/ope/ope.h"
#include "evaluate/ope/policy_model.h"
#include "infer/states.h"
#include "items.h"

enum { DIM = 4, LENGTH = 12, COLUMNS = DIM * DIM + DIM + 1 + SHOP_ITEMS };
static const double gamma_ = 0.8, ridge = 3.0;

typedef struct {
    Behaviour file;
    Device dev;
    Model model;
    OpeLog log;
    Session *session;
    char path[256];
    float *h, *vectors; /* [count, DIM], [items, DIM] */
    double *share;      /* [count, items] the policy */
    bool *blank;        /* [count] a decision without a history: the policy does what the log did */
    double states;      /* how many are not */
} Case;

static Status keep_states(void *context, const StateBatch *batch)
{
    Case *c = context;
    for (int64_t i = 0; i < batch->count; i++)
        memcpy(c->h + batch->index[i] * DIM, f32(batch->rows.h) + i * DIM, DIM * sizeof(float));
    return OK;
}

static const float *value_of(const Case *c, int at)
{
    return f32(c->model.params.copy[PARAM_VALUE][at]);
}

/* Softmax of the policy head's scores at `temperature`, or its best item with 1 - epsilon. */
static void policy_shares(Case *c, double temperature, double epsilon)
{
    const float *w = value_of(c, c->model.at.head[HEAD_POLICY].weight),
                *b = value_of(c, c->model.at.head[HEAD_POLICY].bias);
    for (int64_t i = 0; i < c->log.count; i++) {
        double z[SHOP_ITEMS], sum = 0.0;
        int best = 0;
        for (int a = 0; a < SHOP_ITEMS; a++) {
            z[a] = (double)b[a];
            for (int j = 0; j < DIM; j++)
                for (int k = 0; k < DIM; k++)
                    z[a] += (double)w[j * DIM + k] * c->h[i * DIM + k] * c->vectors[a * DIM + j];
            if (z[a] > z[best]) best = a;
            sum += exp(z[a] / temperature);
        }
        for (int a = 0; a < SHOP_ITEMS; a++)
            c->share[i * SHOP_ITEMS + a] =
                epsilon >= 0.0 ? epsilon / SHOP_ITEMS + (a == best ? 1.0 - epsilon : 0.0)
                               : exp(z[a] / temperature) / sum;
    }
}

static void open_case(Case *c)
{
    const Shop shop = {
        .users = 40, .longest = LENGTH, .features = true, .plain_keys = true, .seed = 9};
    ModelShape shape = {
        .dim = DIM, .layers = 1, .heads = 2, .init_std = 0.5f, .head_set = HEAD_BIT(HEAD_POLICY)};
    *c = (Case){0};
    assert_ok(shop_write(&shop, shop_path(c->path, "ope-fqe")));
    assert_ok(behaviour_open(&c->file, c->path));
    assert_ok(device_open(&c->dev, "cpu", 2));
    model_shape_of_file(&shape, &c->file);
    assert_ok(model_open(&c->model, &shape, &c->file, &c->dev));
    assert_ok(params_open(&c->model.params, PARAM_VALUE, &c->dev));
    params_init(&c->model.params, 4);
    assert_ok(session_open(
        &c->session,
        &(SessionOptions){.model = &c->model, .length = LENGTH, .file = &c->file, .dev = &c->dev}));
    assert_ok(ope_log_open(&c->log, &c->file,
                           &(OpeLogOptions){.split = SPLITS, .sequential = true, .history = true}));
    const size_t n = (size_t)c->log.count;
    c->h = calloc(n * DIM, sizeof *c->h);
    c->vectors = calloc(SHOP_ITEMS * DIM, sizeof *c->vectors);
    c->share = calloc(n * SHOP_ITEMS, sizeof *c->share);
    c->blank = calloc(n, sizeof *c->blank);
    for (int64_t u = 0; u < c->log.users; u++)
        for (int64_t i = c->log.first[u]; i < c->log.stated[u]; i++) c->blank[i] = true;
    c->states = (double)(c->log.count - c->log.as_logged);
    assert_true(c->log.as_logged > 10);
    const LogEvents events = {
        .users = c->log.users, .user = c->log.user, .first = c->log.first, .event = c->log.event};
    assert_ok(states_before(c->session, &events, "states", NULL, (StateSink){keep_states, c}));
    int32_t all[SHOP_ITEMS];
    for (int a = 0; a < SHOP_ITEMS; a++) all[a] = a;
    const ItemTable items = model_items(&c->model, c->model.params.copy[PARAM_VALUE], (Tensor){0});
    items_gather(&c->dev, TENSOR(c->vectors, F32, SHOP_ITEMS, DIM), &items,
                 TENSOR(all, I32, SHOP_ITEMS));
}

static void close_case(Case *c)
{
    free(c->h);
    free(c->vectors);
    free(c->share);
    free(c->blank);
    ope_log_close(&c->log);
    session_close(c->session);
    model_close(&c->model);
    device_close(&c->dev);
    behaviour_close(&c->file);
    unlink(c->path);
}

/* ---- Dense ----------------------------------------------------------------------------------- */

/* phi += scale phi(h_i, a) */
static void add_features(const Case *c, int64_t i, int a, double scale, double *phi)
{
    const float *h = c->h + i * DIM, *e = c->vectors + a * DIM;
    for (int j = 0; j < DIM; j++)
        for (int k = 0; k < DIM; k++) phi[j * DIM + k] += scale * (double)e[j] * h[k];
    for (int k = 0; k < DIM; k++) phi[DIM * DIM + k] += scale * (double)h[k];
    phi[DIM * DIM + DIM] += scale;
    phi[DIM * DIM + DIM + 1 + a] += scale;
}

/* Gauss, with pivots: a is overwritten, b becomes x. */
static void solve(double (*a)[COLUMNS], double *b)
{
    for (int k = 0; k < COLUMNS; k++) {
        int pivot = k;
        for (int r = k + 1; r < COLUMNS; r++)
            if (fabs(a[r][k]) > fabs(a[pivot][k])) pivot = r;
        for (int j = 0; j < COLUMNS; j++) {
            const double t = a[k][j];
            a[k][j] = a[pivot][j], a[pivot][j] = t;
        }
        const double t = b[k];
        b[k] = b[pivot], b[pivot] = t;
        for (int r = k + 1; r < COLUMNS; r++) {
            const double f = a[r][k] / a[k][k];
            for (int j = k; j < COLUMNS; j++) a[r][j] -= f * a[k][j];
            b[r] -= f * b[k];
        }
    }
    for (int k = COLUMNS - 1; k >= 0; k--) {
        for (int j = k + 1; j < COLUMNS; j++) b[k] -= a[k][j] * b[j];
        b[k] /= a[k][k];
    }
}

static double dot(const double *a, const double *b)
{
    double sum = 0.0;
    for (int k = 0; k < COLUMNS; k++) sum += a[k] * b[k];
    return sum;
}

/* What the sweeps tend to: theta of (M - gamma phi^T E_pi phi') theta = phi^T r, and lambda of its
 * transpose. */
typedef struct {
    double (*shown)[COLUMNS], (*mean)[COLUMNS]; /* [count] phi(h_i, a_i), E_pi phi(h_i, .) */
    bool *next;
    double *value, *fitted, *influence; /* [count] */
    double first[512];
} Dense;

static Dense dense_fqe(const Case *c, const float *reward)
{
    const int64_t n = c->log.count;
    Dense d = {.shown = calloc((size_t)n, sizeof *d.shown),
               .mean = calloc((size_t)n, sizeof *d.mean),
               .next = calloc((size_t)n, 1),
               .value = calloc((size_t)n, sizeof(double)),
               .fitted = calloc((size_t)n, sizeof(double)),
               .influence = calloc((size_t)n, sizeof(double))};
    static double a[COLUMNS][COLUMNS], at[COLUMNS][COLUMNS], theta[COLUMNS], lambda[COLUMNS];
    memset(a, 0, sizeof a), memset(theta, 0, sizeof theta), memset(lambda, 0, sizeof lambda);
    for (int64_t i = 0; i < n; i++) {
        if (c->blank[i]) continue;
        add_features(c, i, c->log.item[i], 1.0, d.shown[i]);
        for (int x = 0; x < SHOP_ITEMS; x++)
            add_features(c, i, x, c->share[i * SHOP_ITEMS + x], d.mean[i]);
    }
    for (int64_t k = 0; k < c->log.episodes; k++)
        for (int64_t i = c->log.episode[k]; i < c->log.episode[k + 1]; i++) {
            d.next[i] = i + 1 < c->log.episode[k + 1];
            const int64_t t = i - c->log.episode[k]; /* steps without a state before this one */
            bool first = !c->blank[i];
            for (int64_t b = i - t; b < i; b++) first &= c->blank[b];
            for (int j = 0; j < COLUMNS && first; j++)
                lambda[j] += pow(gamma_, (double)t) * d.mean[i][j] / (double)c->log.episodes;
        }
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < COLUMNS; j++) {
            theta[j] += d.shown[i][j] * (double)reward[i];
            for (int k = 0; k < COLUMNS; k++)
                a[j][k] +=
                    d.shown[i][j] * (d.shown[i][k] - (d.next[i] ? gamma_ * d.mean[i + 1][k] : 0.0));
            a[j][j] += (j < COLUMNS - SHOP_ITEMS ? ridge / c->states : 0.0) * d.shown[i][j] *
                       d.shown[i][j];
        }
    for (int j = COLUMNS - SHOP_ITEMS; j < COLUMNS; j++) a[j][j] += ridge;
    for (int j = 0; j < COLUMNS; j++)
        for (int k = 0; k < COLUMNS; k++) at[j][k] = a[k][j];
    solve(a, theta);
    solve(at, lambda);
    for (int64_t i = 0; i < n; i++) {
        d.value[i] = dot(d.mean[i], theta);
        d.fitted[i] = dot(d.shown[i], theta);
    }
    double sum = 0.0, states = 0.0;
    for (int64_t i = n; i-- > 0;) /* what the log did, where there is no state */
        if (c->blank[i])
            d.value[i] = d.fitted[i] =
                (double)reward[i] + (d.next[i] ? gamma_ * d.value[i + 1] : 0.0);
    for (int64_t k = 0; k < c->log.episodes; k++) d.first[k] = d.value[c->log.episode[k]];
    for (int64_t i = 0; i < n; i++) {
        if (c->blank[i]) continue;
        states += 1.0;
        const double next = d.next[i] ? gamma_ * d.value[i + 1] : 0.0;
        d.influence[i] = (double)c->log.episodes * dot(d.shown[i], lambda) *
                         ((double)reward[i] + next - d.fitted[i]);
        sum += d.influence[i];
    }
    for (int64_t i = 0; i < n; i++)
        if (!c->blank[i]) d.influence[i] -= sum / states;
    return d;
}

static void dense_close(Dense *d)
{
    free(d->shown), free(d->mean), free(d->next);
    free(d->value), free(d->fitted), free(d->influence);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Root mean square of a - b over that of b. */
static double apart(const double *a, const double *b, int64_t count)
{
    double error = 0.0, size = 0.0;
    for (int64_t i = 0; i < count; i++) {
        error += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return sqrt(error / size);
}

/* Sweeps stop where V moves by less than 5e-4 and contract by gamma: within 5e-4 gamma / (1 -
 * gamma) of the limit, and each leaves 5e-5 of its equations. */
static void check(Case *c, OpeModelPolicy policy)
{
    const OpeFqeOptions options = {
        .gamma = gamma_, .ridge = ridge, .channels = true, .steps = 2000};
    const double bound = 5e-4 * (1.0 + gamma_ / (1.0 - gamma_));
    OpeFqe fqe, again;
    assert_in_range(c->log.episodes, 40, 512);
    policy_shares(c, policy.temperature, policy.epsilon);
    assert_ok(ope_fqe_fit(&fqe, &c->log, &policy, &options));
    Dense want = dense_fqe(c, c->log.reward);
    assert_true(fqe.fit.converged && fqe.fit.sweeps > 2);
    assert_true(apart(fqe.value, want.value, c->log.count) < bound);
    assert_true(apart(fqe.fitted, want.fitted, c->log.count) < bound);
    assert_true(apart(fqe.influence, want.influence, c->log.count) < 4.0 * bound);
    dense_close(&want);

    float *reward = calloc((size_t)c->log.count, sizeof *reward);
    double *sum = calloc((size_t)c->log.episodes, sizeof *sum);
    double *first = calloc((size_t)c->log.episodes, sizeof *first);
    for (int64_t k = 0; k < c->log.episodes; k++) first[k] = fqe.value[c->log.episode[k]];
    for (int kind = 0; kind < c->file.actions; kind++) {
        bool any = false;
        for (int64_t i = 0; i < c->log.count; i++) {
            reward[i] = c->log.action[i] == kind ? c->log.reward[i] : 0.0f;
            any |= reward[i] != 0.0f;
        }
        const double *channel = fqe.channel + kind * c->log.episodes;
        for (int64_t k = 0; k < c->log.episodes; k++) sum[k] += channel[k];
        if (!any) continue;
        want = dense_fqe(c, reward);
        assert_true(apart(channel, want.first, c->log.episodes) < bound);
        dense_close(&want);
    }
    assert_true(apart(sum, first, c->log.episodes) < 2.0 * bound);
    free(reward);
    free(sum);
    free(first);

    const size_t bytes = (size_t)c->log.count * sizeof *fqe.value;
    for (int threads = 1; threads <= 3; threads += 2) {
        c->dev.threads = threads;
        assert_ok(ope_fqe_fit(&again, &c->log, &policy, &options));
        assert_memory_equal(again.value, fqe.value, bytes);
        assert_memory_equal(again.fitted, fqe.fitted, bytes);
        assert_memory_equal(again.influence, fqe.influence, bytes);
        ope_fqe_close(&again);
    }
    c->dev.threads = 2;
    ope_fqe_close(&fqe);
}

static void a_softmax_policy(void **state)
{
    Case *c = *state;
    check(c, (OpeModelPolicy){c->session, 0.7, -1.0, NULL});
}

static void the_best_item_or_any(void **state)
{
    Case *c = *state;
    check(c, (OpeModelPolicy){c->session, 1.0, 0.3, NULL});
}

/* ---- Estimates ------------------------------------------------------------------------------- */

static double estimate_named(const OpeResult *r, const char *name)
{
    for (int k = 0; k < r->estimators; k++)
        if (!strcmp(r->estimator[k]->name, name)) return r->estimate[k].value;
    fail_msg("no estimator %s", name);
    return NAN;
}

/* seq-DR unrolled, over N episodes: sum V(x_first) + sum_t gamma^t w_t (r_t + gamma V(x_{t+1}) -
 * Q(x_t, a_t)), w_t the product of the ratios up to t: forwards, where the estimator runs
 * backwards. A V or Q that is off by `bound` of its root mean square is off by it in each term with
 * a state, times gamma^t w_t (1 + gamma): *slack. */
static double unrolled_dr(const Case *c, const Dense *d, double bound, double *slack)
{
    double sum = 0.0, spread = 0.0, size = 0.0;
    for (int64_t i = 0; i < c->log.count; i++)
        size += d->fitted[i] * d->fitted[i] / (double)c->log.count;
    for (int64_t k = 0; k < c->log.episodes; k++) {
        double scale = 1.0;
        sum += d->first[k];
        spread += 1.0;
        for (int64_t i = c->log.episode[k]; i < c->log.episode[k + 1]; i++) {
            if (!c->blank[i])
                scale *= c->share[i * SHOP_ITEMS + c->log.item[i]] / (double)c->log.propensity[i];
            sum += scale * ((double)c->log.reward[i] +
                            (d->next[i] ? gamma_ * d->value[i + 1] : 0.0) - d->fitted[i]);
            if (!c->blank[i]) spread += scale * (1.0 + gamma_);
            scale *= gamma_;
        }
    }
    *slack = bound * sqrt(size) * spread / (double)c->log.episodes;
    return sum / (double)c->log.episodes;
}

static void a_fit_that_diverges_says_so(void **state)
{
    Case *c = *state;
    const OpeModelPolicy policy = {c->session, 0.7, -1.0, NULL};
    OpeFqe fqe;
    const OpeFqeOptions options = {.gamma = 1e6, .ridge = ridge, .steps = 2000};
    assert_refused(ope_fqe_fit(&fqe, &c->log, &policy, &options), ERR_USAGE, "FQE diverges");
}

static void the_estimates_are_their_formulas(void **state)
{
    Case *c = *state;
    OpeModelPolicy model = {c->session, 0.7, -1.0, NULL};
    const OpePolicy policy = ope_policy_model(&model);
    const OpeOptions options = {.gamma = gamma_,
                                .ridge = ridge,
                                .folds = 2,
                                .fqe_steps = 2000,
                                .bootstrap = {.replicates = 40, .seed = 1, .threads = 2}};
    const double bound = 5e-4 * (1.0 + gamma_ / (1.0 - gamma_));
    OpeResult r;
    policy_shares(c, model.temperature, model.epsilon);
    Dense d = dense_fqe(c, c->log.reward);
    assert_ok(ope_run(&r, &c->log, &policy, &options));
    double slack, mean = 0.0;
    for (int64_t k = 0; k < c->log.episodes; k++) mean += d.first[k] / (double)c->log.episodes;
    assert_near(estimate_named(&r, "FQE"), mean, bound * fabs(mean));
    const double want = unrolled_dr(c, &d, bound, &slack);
    assert_true(fabs(want - mean) > 2.0 * slack); /* the correction shows */
    assert_near(estimate_named(&r, "seq-DR"), want, slack);
    dense_close(&d);
}

static int setup(void **state)
{
    static Case c;
    open_case(&c);
    *state = &c;
    return 0;
}
static int teardown(void **state)
{
    close_case(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_softmax_policy),
        cmocka_unit_test(the_best_item_or_any),
        cmocka_unit_test(a_fit_that_diverges_says_so),
        cmocka_unit_test(the_estimates_are_their_formulas),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

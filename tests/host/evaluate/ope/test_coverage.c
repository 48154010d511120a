/* SPDX-License-Identifier: Apache-2.0 */
/* Do the 95 % intervals of off-policy estimates hold the truth in 95 % of the logs? Logs are drawn
 * from logging policies and rewards that are known, so the value of the evaluated policy is too.
 *
 * Of 1,000 logs an exact 95 % interval covers the truth in 950 +- 6.9 (binomial). The test wants
 * 930 .. 970, 2.9 standard deviations on either side: were the true coverage 92 % it would fail
 * with probability 0.89. The empirical Bernstein interval is conservative by design: at least 950.
 */
#include "base/parallel.h"
#include "evaluate/ope/ope.h"
#include "evaluate/ope/policy_model.h"
#include "test.h"

enum { LOGS = 1000, USERS = 400, ITEMS = 5, SLOTS = 2, STEPS_MAX = 3 };

/* What a context does to items. With `steps` > 1 the context is the item before, the first one
 * 0. */
typedef struct {
    int steps, contexts;
    double beta[ITEMS][ITEMS];   /* [context, item] the logging policy */
    double reward[ITEMS][ITEMS]; /* chance of a reward of 1 */
    double gamma;
} Truth;

typedef struct {
    Behaviour file;
    OpeLog log;
    int64_t user[USERS], first[USERS + 1], episode[USERS + 1], event[USERS * STEPS_MAX];
    int32_t item[USERS * STEPS_MAX];
    float reward[USERS * STEPS_MAX], propensity[USERS * STEPS_MAX];
    uint8_t end[USERS * STEPS_MAX], slot[USERS * STEPS_MAX];
} Drawn;

/* Weights up to 2: a log as one may hope for. `additive`: the reward model's form holds. */
static Truth make_truth(int steps, int contexts, bool additive, uint64_t seed)
{
    Truth t = {.steps = steps, .contexts = contexts, .gamma = 0.9};
    for (int x = 0; x < contexts; x++) {
        double sum = 0.0;
        for (int a = 0; a < ITEMS; a++) {
            const Philox p = philox(seed, (uint64_t)x, (uint64_t)a);
            t.beta[x][a] = 0.4 + 1.2 * (double)philox_uniform(p.word[0]);
            sum += t.beta[x][a];
            t.reward[x][a] =
                additive ? 0.2 + 0.1 * a + 0.2 * x : 0.1 + 0.8 * (double)philox_uniform(p.word[1]);
        }
        for (int a = 0; a < ITEMS; a++) t.beta[x][a] /= sum;
    }
    return t;
}

/* The value of choosing uniformly, from context x with `left` steps to go. */
static double value_from(const Truth *t, int x, int left)
{
    double v = 0.0;
    for (int a = 0; a < ITEMS && left > 0; a++)
        v += (t->reward[x][a] + t->gamma * value_from(t, a, left - 1)) / ITEMS;
    return v;
}

static double true_value(const Truth *t)
{
    if (t->steps > 1) return value_from(t, 0, t->steps);
    double v = 0.0;
    for (int x = 0; x < t->contexts; x++) v += value_from(t, x, 1) / t->contexts;
    return v;
}

static int draw_item(const double *share, uint32_t word)
{
    double u = ((double)word + 0.5) * 0x1p-32;
    int a = 0;
    while (a < ITEMS - 1 && u >= share[a]) u -= share[a++];
    return a;
}

static void draw_log(Drawn *d, const Truth *t, uint64_t seed)
{
    *d = (Drawn){.file = {.path = "drawn", .users = USERS, .items = ITEMS}};
    d->log = (OpeLog){.file = &d->file,
                      .sequential = t->steps > 1,
                      .items = ITEMS,
                      .choices = ITEMS,
                      .count = USERS * t->steps,
                      .users = USERS,
                      .episodes = USERS,
                      .user = d->user,
                      .first = d->first,
                      .episode = d->episode,
                      .event = d->event,
                      .item = d->item,
                      .reward = d->reward,
                      .propensity = d->propensity,
                      .end = d->end,
                      .slot = d->slot,
                      .slots = t->steps > 1 ? 1 : SLOTS};
    for (int64_t u = 0; u <= USERS; u++) d->first[u] = d->episode[u] = u * t->steps;
    for (int64_t u = 0; u < USERS; u++) {
        int x = t->steps > 1 ? 0 : (int)(philox(seed, 9, (uint64_t)u).word[0] % SLOTS);
        d->user[u] = u;
        for (int64_t i = d->first[u]; i < d->first[u + 1]; i++) {
            const Philox p = philox(seed, 0, (uint64_t)i);
            const int a = draw_item(t->beta[x], p.word[0]);
            d->event[i] = i;
            d->item[i] = a;
            d->propensity[i] = (float)t->beta[x][a];
            d->reward[i] = ((double)p.word[1] + 0.5) * 0x1p-32 < t->reward[x][a];
            d->slot[i] = (uint8_t)(t->steps > 1 ? 0 : x);
            if (t->steps > 1) x = a;
        }
    }
}

typedef struct {
    int estimators, covered[ESTIMATORS], bernstein[ESTIMATORS];
    double sum[ESTIMATORS];
    const OpeEstimator *estimator[ESTIMATORS];
} Coverage;

static void measure(Coverage *c, const Truth *t, uint64_t seed)
{
    const OpePolicy uniform = ope_policy_uniform();
    const OpeOptions options = {
        .gamma = t->gamma,
        .ridge = 0.01,
        .folds = 5,
        .bootstrap = {.replicates = 499, .seed = 1, .threads = parallel_processors()}};
    const double truth = true_value(t);
    static Drawn drawn;
    *c = (Coverage){0};
    for (uint64_t n = 0; n < LOGS; n++) {
        OpeResult r;
        draw_log(&drawn, t, (seed << 32) + n);
        assert_ok(ope_run(&r, &drawn.log, &uniform, &options));
        c->estimators = r.estimators;
        for (int k = 0; k < r.estimators; k++) {
            const OpeEstimate *e = &r.estimate[k];
            c->estimator[k] = r.estimator[k];
            c->covered[k] += e->low <= truth && truth <= e->high;
            c->bernstein[k] += e->bernstein_low <= truth && truth <= e->bernstein_high;
            c->sum[k] += e->value;
        }
    }
    for (int k = 0; k < c->estimators; k++)
        printf("# %-12s %d of %d, Bernstein %d; mean %.4f, truth %.4f\n", c->estimator[k]->name,
               c->covered[k], LOGS, c->bernstein[k], c->sum[k] / LOGS, truth);
}

static void check(const Coverage *c, int estimators, const char *but)
{
    assert_int_equal(c->estimators, estimators);
    for (int k = 0; k < c->estimators; k++) {
        const char *name = c->estimator[k]->name;
        if (!strcmp(name, "the log") || (but && !strcmp(name, but))) continue;
        if (c->covered[k] < 930 || c->covered[k] > 970)
            fail_msg("%s: %d of %d intervals cover", name, c->covered[k], LOGS);
        if (c->estimator[k]->bernstein && c->bernstein[k] < 950)
            fail_msg("%s: %d of %d Bernstein intervals cover", name, c->bernstein[k], LOGS);
    }
}

static void intervals_of_bandit_logs_cover(void **state)
{
    (void)state;
    Coverage c;
    Truth t = make_truth(1, SLOTS, true, 1);
    measure(&c, &t, 1);
    check(&c, 9, NULL);
}

/* With interactions that the reward model does not have: DM is off, the corrected ones are not. */
static void a_wrong_reward_model_is_corrected(void **state)
{
    (void)state;
    Coverage c;
    Truth t = make_truth(1, SLOTS, false, 2);
    measure(&c, &t, 2);
    check(&c, 9, "DM");
}

static void intervals_of_sequential_logs_cover(void **state)
{
    (void)state;
    Coverage c;
    Truth t = make_truth(STEPS_MAX, ITEMS, false, 3);
    measure(&c, &t, 3);
    check(&c, 4, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_of_bandit_logs_cover),
        cmocka_unit_test(a_wrong_reward_model_is_corrected),
        cmocka_unit_test(intervals_of_sequential_logs_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

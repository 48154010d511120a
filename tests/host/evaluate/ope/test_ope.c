/* SPDX-License-Identifier: Apache-2.0 */
/* souk ope: every estimator against its formula; the command, its refusals, a model's
 * probabilities. */
#include "shop.h"

#include <fcntl.h>
#include <jansson.h>

#include "cli/cli.h"
#include "evaluate/ope/ope.h"
#include "evaluate/ope/policy_model.h"
#include "infer/acting.h"
#include "infer/recommend.h"

enum { USERS = 60, ITEMS = 4, SLOTS = 2, FOLDS = 3, COLUMNS = 1 + ITEMS + SLOTS };

/* A log in memory, nothing behind it: one decision a user, or `steps` of them. */
typedef struct {
    Behaviour file;
    OpeLog log;
    int64_t user[USERS], first[USERS + 1], episode[4 * USERS + 1], event[4 * USERS];
    int32_t item[4 * USERS];
    float reward[4 * USERS], propensity[4 * USERS];
    uint8_t end[4 * USERS], slot[4 * USERS];
} SmallLog;

static const OpeOptions options = {.gamma = 0.9,
                                   .ridge = 2.0,
                                   .folds = FOLDS,
                                   .ess_wanted = 5,
                                   .clip = 1.5,
                                   .bootstrap = {.replicates = 200, .seed = 3, .threads = 1}};

static void make_log(SmallLog *s, int steps, bool sequential)
{
    *s = (SmallLog){.file = {.path = "small", .users = USERS, .items = ITEMS}};
    s->log = (OpeLog){.file = &s->file,
                      .sequential = sequential,
                      .items = ITEMS,
                      .choices = ITEMS,
                      .count = USERS * steps,
                      .users = USERS,
                      .episodes = sequential ? USERS : USERS * steps,
                      .user = s->user,
                      .first = s->first,
                      .stated = s->first,
                      .episode = s->episode,
                      .event = s->event,
                      .item = s->item,
                      .reward = s->reward,
                      .propensity = s->propensity,
                      .end = s->end,
                      .slot = s->slot,
                      .slots = SLOTS};
    for (int64_t u = 0; u <= USERS; u++) {
        s->first[u] = u * steps;
        if (u < USERS) s->user[u] = u;
    }
    for (int64_t k = 0; k <= s->log.episodes; k++) s->episode[k] = sequential ? k * steps : k;
    for (int64_t i = 0; i < s->log.count; i++) {
        const Philox p = philox(7, 0, (uint64_t)i);
        s->item[i] = (int32_t)(p.word[0] % ITEMS);
        s->reward[i] = (float)(p.word[1] % 100) * 0.01f;
        s->propensity[i] = 0.05f + 0.9f * philox_uniform(p.word[2]);
        s->slot[i] = (uint8_t)(p.word[3] % SLOTS);
    }
}

static double estimate_named(const OpeResult *r, const char *name)
{
    for (int k = 0; k < r->estimators; k++)
        if (!strcmp(r->estimator[k]->name, name)) return r->estimate[k].value;
    fail_msg("no estimator %s", name);
    return NAN;
}

/* ---- Bandit logs ----------------------------------------------------------------------------- */

/* x = A^-1 b by elimination without pivoting: A is symmetric and positive definite. */
static void solve_dense(double a[COLUMNS][COLUMNS], double *b, double *x)
{
    for (int c = 0; c < COLUMNS; c++)
        for (int r = c + 1; r < COLUMNS; r++) {
            const double by = a[r][c] / a[c][c];
            for (int k = c; k < COLUMNS; k++) a[r][k] -= by * a[c][k];
            b[r] -= by * b[c];
        }
    for (int r = COLUMNS - 1; r >= 0; r--) {
        x[r] = b[r];
        for (int k = r + 1; k < COLUMNS; k++) x[r] -= a[r][k] * x[k];
        x[r] /= a[r][r];
    }
}

/* The ridge model of the users outside fold k, by its normal equations. */
static void fit_dense(const SmallLog *s, int fold, double *theta)
{
    double a[COLUMNS][COLUMNS] = {0}, b[COLUMNS] = {0};
    for (int c = 1; c < COLUMNS; c++) a[c][c] = options.ridge;
    for (int64_t i = 0; i < s->log.count; i++) {
        if (i % FOLDS == fold) continue;
        const int on[] = {0, 1 + s->item[i], 1 + ITEMS + s->slot[i]};
        for (int p = 0; p < 3; p++) {
            for (int q = 0; q < 3; q++) a[on[p]][on[q]] += 1.0;
            b[on[p]] += (double)s->reward[i];
        }
    }
    solve_dense(a, b, theta);
}

typedef struct {
    double n, ips, clipped, weight, direct, residual, switched, shrunk;
} Sums;

static Sums sums_of(const SmallLog *s)
{
    Sums sum = {.n = (double)s->log.count};
    double theta[FOLDS][COLUMNS];
    for (int k = 0; k < FOLDS; k++) fit_dense(s, k, theta[k]);
    for (int64_t i = 0; i < s->log.count; i++) {
        const double *t = theta[i % FOLDS], w = 1.0 / ITEMS / (double)s->propensity[i];
        const double context = t[0] + t[1 + ITEMS + s->slot[i]], m = options.clip;
        const double left = (double)s->reward[i] - context - t[1 + s->item[i]];
        sum.weight += w;
        sum.ips += w * (double)s->reward[i];
        sum.clipped += fmin(w, m) * (double)s->reward[i];
        for (int a = 0; a < ITEMS; a++) sum.direct += (context + t[1 + a]) / ITEMS;
        sum.residual += w * left;
        sum.switched += (w <= m ? w : 0.0) * left;
        sum.shrunk += m * m * w / (w * w + m * m) * left;
    }
    return sum;
}

static void bandit_estimators_are_their_formulas(void **state)
{
    (void)state;
    static SmallLog s;
    make_log(&s, 1, false);
    const Sums sum = sums_of(&s);
    const OpePolicy uniform = ope_policy_uniform();
    OpeResult r;
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    const double close = 1e-9; /* conjugate gradients stop at 1e-10 of the way */
    assert_near(estimate_named(&r, "IPS"), sum.ips / sum.n, close);
    assert_near(estimate_named(&r, "clipped IPS"), sum.clipped / sum.n, close);
    assert_near(estimate_named(&r, "SNIPS"), sum.ips / sum.weight, close);
    assert_near(estimate_named(&r, "DM"), sum.direct / sum.n, close);
    assert_near(estimate_named(&r, "DR"), (sum.direct + sum.residual) / sum.n, close);
    assert_near(estimate_named(&r, "SN-DR"), sum.direct / sum.n + sum.residual / sum.weight, close);
    assert_near(estimate_named(&r, "Switch-DR"), (sum.direct + sum.switched) / sum.n, close);
    assert_near(estimate_named(&r, "DRos"), (sum.direct + sum.shrunk) / sum.n, close);
    assert_near(r.overlap.mean, sum.weight / sum.n, 1e-12);
    assert_true(sum.clipped < sum.ips && sum.switched != sum.residual);
}

static void the_threads_do_not_matter(void **state)
{
    (void)state;
    static SmallLog s;
    make_log(&s, 1, false);
    const OpePolicy uniform = ope_policy_uniform();
    OpeOptions more = options;
    more.bootstrap.threads = 3;
    OpeResult a, b;
    assert_ok(ope_run(&a, &s.log, &uniform, &options));
    assert_ok(ope_run(&b, &s.log, &uniform, &more));
    assert_int_equal(a.estimators, 9);
    assert_memory_equal(a.estimate, b.estimate, sizeof a.estimate);
}

/* ---- Sequential logs ------------------------------------------------------------------------- */

static void sequential_estimators_are_their_formulas(void **state)
{
    (void)state;
    static SmallLog s;
    enum { STEPS = 3 };
    make_log(&s, STEPS, true);
    double tis = 0.0, pdis = 0.0, weights = 0.0, squares = 0.0, logged = 0.0;
    for (int u = 0; u < USERS; u++) {
        double w = 1.0, g = 0.0, discount = 1.0;
        for (int t = 0; t < STEPS; t++) {
            const int i = u * STEPS + t;
            w *= 1.0 / ITEMS / (double)s.propensity[i];
            pdis += discount * w * (double)s.reward[i];
            g += discount * (double)s.reward[i];
            discount *= options.gamma;
        }
        tis += w * g;
        logged += g;
        weights += w;
        squares += w * w;
    }
    const OpePolicy uniform = ope_policy_uniform();
    OpeResult r;
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    assert_int_equal(r.estimators, 4);
    assert_near(estimate_named(&r, "PDIS"), pdis / USERS, 1e-12);
    assert_near(estimate_named(&r, "TIS"), tis / USERS, 1e-12);
    assert_near(estimate_named(&r, "SN-TIS"), tis / weights, 1e-12);
    assert_near(estimate_named(&r, "the log"), logged / USERS, 1e-12);
    assert_near(r.overlap.ess, weights * weights / squares, 1e-9);
}

/* 400 steps with a ratio of 12.5 (odd users) or 5/18: W leaves the range of a double. */
static void long_episodes_are_weighed_in_logarithms(void **state)
{
    (void)state;
    static float propensity[USERS * 400], reward[USERS * 400];
    static int32_t item[USERS * 400];
    static uint8_t slot[USERS * 400];
    static SmallLog s;
    enum { STEPS = 400 };
    make_log(&s, 1, true);
    for (int64_t u = 0; u <= USERS; u++) s.first[u] = s.episode[u] = u * STEPS;
    s.log.count = USERS * STEPS;
    s.log.propensity = propensity, s.log.reward = reward, s.log.item = item, s.log.slot = slot;
    double odd = 0.0;
    for (int64_t i = 0; i < s.log.count; i++) {
        const bool often = i / STEPS % 2;
        propensity[i] = often ? 0.02f : 0.9f;
        reward[i] = (float)(i % 7) * 0.25f;
        if (often) odd += pow(options.gamma, (double)(i % STEPS)) * (double)reward[i];
    }
    const OpePolicy uniform = ope_policy_uniform();
    OpeResult r;
    char why[256];
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    assert_near(r.overlap.ess, USERS / 2.0, 1e-9);
    assert_near(r.overlap.log_scale, STEPS * log(0.25 / (double)0.02f), 1e-9);
    assert_near(r.overlap.scaled_mean, 0.5, 1e-12);
    assert_true(isinf(r.overlap.mean));
    assert_false(ope_overlaps(&r, &s.log, why, sizeof why));
    assert_non_null(strstr(why, "have mean 10^438.5 with standard error 10^437.6, wanted 1"));
    assert_near(estimate_named(&r, "SN-TIS"), odd / (USERS / 2.0), 1e-9);
    assert_true(isnan(estimate_named(&r, "TIS")) && isnan(estimate_named(&r, "PDIS")));
    for (int64_t i = 0; i < s.log.count; i++) propensity[i] = 0.9f; /* all far below 1 */
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    assert_near(r.overlap.ess, USERS, 1e-9);
    assert_true(r.overlap.mean < 1e-222 && !ope_overlaps(&r, &s.log, why, sizeof why));
    assert_non_null(strstr(why, "e-223 with"));
    assert_true(isfinite(estimate_named(&r, "SN-TIS")));
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void too_little_overlap_is_refused(void **state)
{
    (void)state;
    static SmallLog s;
    char why[256];
    OpeResult r;
    const OpePolicy uniform = ope_policy_uniform();
    make_log(&s, 1, false);
    for (int i = 0; i < USERS; i++) s.propensity[i] = 1.0f / ITEMS;
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    assert_true(ope_overlaps(&r, &s.log, why, sizeof why));
    s.propensity[11] = 1e-6f; /* one decision outweighs all others */
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    assert_false(ope_overlaps(&r, &s.log, why, sizeof why));
    assert_non_null(strstr(why, "effective sample size of 1.0 of 60 decisions, wanted 5"));
    /* A log that always showed what it showed: equal weights, and still no support. */
    for (int i = 0; i < USERS; i++) s.propensity[i] = 1.0f;
    assert_ok(ope_run(&r, &s.log, &uniform, &options));
    assert_near(r.overlap.ess, USERS, 1e-9);
    assert_false(ope_overlaps(&r, &s.log, why, sizeof why));
    assert_non_null(strstr(why,
                           "mean 0.2500 with standard error 0.0000, wanted 1: propensities are too "
                           "large"));
}

/* The exit code of `souk ope ARGUMENT...`; what it said on standard error in `said`. */
static int ope(char said[512], char *a, char *b, char *c, char *d)
{
    char *argv[] = {"souk", "ope", "--quiet", a, b, c, d, NULL};
    int argc = 0;
    while (argv[argc]) argc++;
    char name[] = "/tmp/souk-ope-XXXXXX";
    fflush(stdout);
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), file = mkstemp(name),
              away = open("/dev/null", O_WRONLY);
    unlink(name);
    dup2(away, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    const int code = cli_run(NULL, argc, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    memset(said, 0, 512);
    assert_true(pread(file, said, 511, 0) >= 0);
    close(out);
    close(err);
    close(file);
    close(away);
    return code;
}

static void the_command_refuses_by_its_exit_code(void **state)
{
    (void)state;
    const Shop shop = {.users = 80, .longest = 9, .features = true, .plain_keys = true, .seed = 5};
    char data[256], json[300], out[320], said[512];
    assert_ok(shop_write(&shop, shop_path(data, "ope")));
    snprintf(json, sizeof json, "%s.json", data);
    snprintf(out, sizeof out, "--json=%s", json);
    /* Its propensities, 0.5 .. 1 for 97 items, are not those of how it was drawn. */
    assert_int_equal(ope(said, "--data", data, out, NULL), 3);
    assert_non_null(strstr(said, "wanted 100"));
    assert_int_equal(access(json, F_OK), -1);
    assert_int_equal(ope(said, "--data", data, out, "--force"), 0);
    json_t *root = json_load_file(json, 0, NULL);
    assert_non_null(root);
    assert_non_null(json_string_value(json_object_get(root, "refusal")));
    json_decref(root);
    assert_int_equal(ope(said, "--data", data, "--policy=logged", "--min-ess=50"), 0);
    assert_int_equal(ope(said, "--data", data, "--policy=logged", "--min-ess=800"), 3);
    assert_int_equal(ope(said, "--data", data, "--policy=best", NULL), 2);
    assert_non_null(strstr(said, "uniform, popularity, logged"));
    assert_int_equal(ope(said, "--data", data, "--position=price", "--force"), 2);
    assert_non_null(strstr(said, "more than 64"));
    assert_int_equal(ope(said, "--data", data, "--epsilon=1.5", NULL), 2);
    unlink(json);
    const Shop bare = {.users = 8, .longest = 9, .plain_keys = true};
    assert_ok(shop_write(&bare, data));
    assert_int_equal(ope(said, "--data", data, NULL, NULL), 1);
    assert_non_null(strstr(said, "has no /events/propensity"));
    unlink(data);
}

/* ---- What could be shown; a policy of probabilities ------------------------------------------ */

/* Writes `text` to a file and evaluates with `option` = its path. */
static int ope_with(char said[512], const char *data, const char *option, const char *text,
                    char *more, char *most)
{
    char path[300], of[256], argument[340];
    snprintf(path, sizeof path, "%s.txt", data);
    snprintf(argument, sizeof argument, "--%s=%s", option, path);
    snprintf(of, sizeof of, "--data=%s", data);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    const int code = ope(said, of, argument, more, most);
    unlink(path);
    return code;
}

/* A uniform logging policy over 12 items of which the log shows 8: the true propensity is 1/12. */
static void write_uniform_log(const char *path)
{
    char csv[300], *argv[] = {"souk",
                              "ingest",
                              "--quiet",
                              "--force",
                              "--plain-keys",
                              "--set",
                              "split.rule=leave-one-out",
                              csv,
                              (char *)path,
                              NULL};
    snprintf(csv, sizeof csv, "%s.csv", path);
    FILE *out = fopen(csv, "w");
    assert_non_null(out);
    fputs("user,item,time,propensity,reward\n", out);
    for (int u = 0; u < 600; u++) {
        const uint32_t word = philox(21, 0, (uint64_t)u).word[0];
        fprintf(out, "u%d,i%d,%d,%.9g,%d\n", u, (int)(word % 8), 1700000000 + u, 1.0 / 12.0, u % 2);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(cli_run(NULL, 9, argv), 0);
    unlink(csv);
}

static void the_catalogue_may_be_larger_than_the_file(void **state)
{
    (void)state;
    char data[256], of[300], said[512], list[200] = "";
    write_uniform_log(shop_path(data, "ope-catalogue"));
    snprintf(of, sizeof of, "--data=%s", data);
    assert_int_equal(ope(said, of, NULL, NULL, NULL), 3); /* uniform over 8: each weight is 1.5 */
    assert_non_null(strstr(said, "mean 1.5000"));
    assert_non_null(strstr(said, "more than 8 items could be shown (--catalogue)"));
    assert_int_equal(ope(said, of, "--catalogue=12", NULL, NULL), 0);
    assert_int_equal(ope(said, of, "--catalogue=16", NULL, NULL), 3); /* four are never shown */
    assert_non_null(strstr(said, "the log never shows what the policy would"));
    assert_int_equal(ope(said, of, "--catalogue=7", NULL, NULL), 2);
    for (int a = 0; a < 12; a++) snprintf(list + strlen(list), 8, "i%d\n", a % 12);
    assert_int_equal(ope_with(said, data, "catalogue", list, NULL, NULL), 0);
    assert_int_equal(ope_with(said, data, "catalogue", "i0\ni1\n", NULL, NULL), 1);
    assert_non_null(strstr(said, "does not list"));
    assert_int_equal(ope_with(said, data, "catalogue", "\n", NULL, NULL), 1);
    unlink(data);
}

static void a_policy_may_be_a_file_of_probabilities(void **state)
{
    (void)state;
    static char text[600 * 12 + 1];
    char data[256], json[300], out[320], said[512];
    write_uniform_log(shop_path(data, "ope-file"));
    snprintf(json, sizeof json, "%s.json", data);
    snprintf(out, sizeof out, "--json=%s", json);
    /* Rewards are 1 for every other event: a policy that shows what was rewarded twice as often. */
    for (int i = 0; i < 600; i++) memcpy(text + 6 * i, i % 2 ? "0.125\n" : ".0417\n", 7);
    assert_int_equal(ope_with(said, data, "probabilities", text, out, NULL), 0);
    json_t *root = json_load_file(json, 0, NULL);
    json_t *ips = json_array_get(json_object_get(root, "estimators"), 1);
    assert_string_equal(json_string_value(json_object_get(ips, "name")), "IPS");
    assert_near(json_real_value(json_object_get(ips, "value")), 0.5 * 0.125 * 12.0, 1e-6);
    json_decref(root);
    unlink(json);
    assert_int_equal(ope_with(said, data, "probabilities", text + 6, NULL, NULL), 1);
    assert_non_null(strstr(said, "has 599 lines, want 600"));
    text[12] = '7';
    assert_int_equal(ope_with(said, data, "probabilities", text, NULL, NULL), 1);
    assert_non_null(strstr(said, "line 3: \"70417\", want a probability"));
    memcpy(text + 12, "  nan", 5);
    assert_int_equal(ope_with(said, data, "probabilities", text, NULL, NULL), 1);
    assert_non_null(strstr(said, "line 3: no probability, want one"));
    assert_int_equal(ope_with(said, data, "probabilities", text, "--policy=uniform", NULL), 2);
    unlink(data);
}

/* ---- A model --------------------------------------------------------------------------------- */

enum { LENGTH = 12 };

/* The probabilities that the recommender gives the items before decision i; -1: the rule leaves the
 * item out. Returns how many items are left. */
static int64_t recommended(Session *s, const OpeLog *log, int64_t i, int64_t user,
                           double share[SHOP_ITEMS])
{
    static int32_t item[SHOP_LONGEST];
    static uint8_t action[SHOP_LONGEST];
    static int64_t time_ms[SHOP_LONGEST];
    static Recommendation all[SHOP_ITEMS];
    const RecommendOptions every = {.k = SHOP_ITEMS, .include_seen = true};
    const int64_t start = s->file->offset[user], count = log->event[i] - start;
    const History h = {
        .count = count, .user = -1, .item = item, .action = action, .time_ms = time_ms};
    int64_t found;
    assert_ok(columns_read(s->file, COLUMN_ITEM, start, count, item));
    assert_ok(columns_read(s->file, COLUMN_ACTION, start, count, action));
    assert_ok(columns_read(s->file, COLUMN_TIME, start, count, time_ms));
    assert_ok(recommend_best(s, &h, 1, &every, all, &found));
    double sum = 0.0;
    for (int a = 0; a < SHOP_ITEMS; a++) share[a] = -1.0;
    for (int64_t k = 0; k < found; k++) sum += (double)all[k].probability;
    for (int64_t k = 0; k < found; k++) share[all[k].item] = (double)all[k].probability / sum;
    return found;
}

typedef struct {
    double *chosen, *mean, *mass, *want_mean, *want_mass, *want_chosen;
    uint8_t *fold;
    double *worth;
} Distribution;

static Distribution make_distribution(const OpeLog *log)
{
    const size_t n = (size_t)log->count, table = FOLDS * SHOP_ITEMS;
    Distribution d = {calloc(n, 8),     calloc(n, 8), calloc(table, 8), calloc(n, 8),
                      calloc(table, 8), calloc(n, 8), calloc(n, 1),     calloc(table, 8)};
    for (size_t k = 0; k < table; k++) d.worth[k] = (double)philox_uniform(philox(3, 0, k).word[0]);
    for (size_t i = 0; i < n; i++) d.fold[i] = (uint8_t)(i * 7 % FOLDS);
    return d;
}

static void close_distribution(Distribution *d)
{
    void *all[] = {d->chosen,    d->mean,        d->mass, d->want_mean,
                   d->want_mass, d->want_chosen, d->fold, d->worth};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
}

/* What the probabilities that it recommends with amount to. */
static void expect_distribution(Distribution *d, Session *s, const OpeLog *log, double epsilon)
{
    for (int64_t u = 0; u < log->users; u++)
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            double share[SHOP_ITEMS];
            int best = 0;
            const int64_t left = recommended(s, log, i, log->user[u], share);
            for (int a = 1; a < SHOP_ITEMS; a++)
                if (share[a] > share[best]) best = a;
            for (int a = 0; a < SHOP_ITEMS && epsilon >= 0.0; a++)
                share[a] = (share[a] >= 0.0 ? epsilon / (double)left : 0.0) +
                           (a == best ? 1.0 - epsilon : 0.0);
            for (int a = 0; a < SHOP_ITEMS; a++) share[a] = fmax(share[a], 0.0);
            d->want_chosen[i] = share[log->item[i]];
            for (int a = 0; a < SHOP_ITEMS; a++) {
                d->want_mean[i] += share[a] * d->worth[d->fold[i] * SHOP_ITEMS + a];
                d->want_mass[d->fold[i] * SHOP_ITEMS + a] += share[a];
            }
        }
}

/* Both sides are exponentials of differences of f32 scores, which err by their size. */
static void assert_chance(double have, double want)
{
    const double least = 1e-30; /* in f32 such a chance may be 0 */
    assert_near(have, want, want > least ? 1e-5 * (4.0 + fabs(log(want))) * want : least);
}

/* Both sides are f32 with logits of order 1; masses are sums over the decisions. */
static void check_model(Session *s, const OpeLog *log, ActingRule rule, double epsilon)
{
    assert_ok(session_act_by(s, &rule));
    Distribution d = make_distribution(log);
    OpeModelPolicy model = {s, 1.0, epsilon, NULL};
    OpePolicy policy = ope_policy_model(&model);
    const OpeQuestion question = {FOLDS, d.fold, d.worth};
    assert_ok(policy.answer(&policy, log, NULL, &(OpeAnswer){.chosen = d.chosen}));
    expect_distribution(&d, s, log, epsilon);
    for (int64_t i = 0; i < log->count; i++) assert_chance(d.chosen[i], d.want_chosen[i]);
    assert_ok(policy.answer(&policy, log, &question, &(OpeAnswer){d.chosen, d.mean, d.mass}));
    for (int64_t i = 0; i < log->count; i++) {
        assert_chance(d.chosen[i], d.want_chosen[i]);
        assert_near(d.mean[i] / d.want_mean[i], 1.0, 4e-5);
    }
    for (int k = 0; k < FOLDS * SHOP_ITEMS; k++)
        assert_near(d.mass[k], d.want_mass[k], 4e-5 * (d.want_mass[k] + 1.0));
    close_distribution(&d);
}

static void a_models_probabilities_are_those_it_recommends_with(void **state)
{
    (void)state;
    const Shop shop = {
        .users = 12, .longest = LENGTH, .features = true, .plain_keys = true, .seed = 9};
    const ModelShape base = {.dim = 16,
                             .layers = 1,
                             .heads = 2,
                             .init_std = 0.1f,
                             .head_set = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q)};
    char path[256];
    Behaviour file;
    Device dev;
    Model model;
    OpeLog log;
    Session *session;
    assert_ok(shop_write(&shop, shop_path(path, "ope-model")));
    assert_ok(behaviour_open(&file, path));
    file.event_features.numbers = 0; /* a history that is no user of a file has none */
    file.user_features.kinds = file.user_features.numbers = 0;
    assert_ok(device_open(&dev, "cpu", 2));
    ModelShape shape = base;
    model_shape_of_file(&shape, &file);
    assert_ok(model_open(&model, &shape, &file, &dev));
    assert_ok(params_open(&model.params, PARAM_VALUE, &dev));
    params_init(&model.params, 4);
    assert_ok(session_open(
        &session,
        &(SessionOptions){.model = &model, .length = LENGTH, .file = &file, .dev = &dev}));
    assert_ok(ope_log_open(&log, &file, &(OpeLogOptions){.split = SPLITS, .history = true}));
    static const ActingRule rules[] = {
        {0}, {.exclude_last = 2}, {ACTING_MIXED, 50, 0}, {ACTING_MIXED, 50, 3}};
    for (size_t n = 0; n < sizeof rules / sizeof *rules; n++)
        for (int logarithms = 0; logarithms < 2; logarithms++) {
            ActingRule rule = rules[n];
            if (logarithms) rule.number *= 200.0; /* exponentials are larger numbers */
            model.shape.log_values = logarithms;
            check_model(session, &log, rule, -1.0);
            check_model(session, &log, rule, 0.2);
        }
    ope_log_close(&log);
    session_close(session);
    model_close(&model);
    device_close(&dev);
    behaviour_close(&file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bandit_estimators_are_their_formulas),
        cmocka_unit_test(the_threads_do_not_matter),
        cmocka_unit_test(sequential_estimators_are_their_formulas),
        cmocka_unit_test(long_episodes_are_weighed_in_logarithms),
        cmocka_unit_test(too_little_overlap_is_refused),
        cmocka_unit_test(the_command_refuses_by_its_exit_code),
        cmocka_unit_test(the_catalogue_may_be_larger_than_the_file),
        cmocka_unit_test(a_policy_may_be_a_file_of_probabilities),
        cmocka_unit_test(a_models_probabilities_are_those_it_recommends_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

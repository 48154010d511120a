/* SPDX-License-Identifier: Apache-2.0 */
/* Which items a split shows, with which answers; the rates that a model has to beat; and the
 * measures, recomputed from the log and the model's answers. */
#include "infer_case.h"

#include "evaluate/outcome/measure.h"
#include "evaluate/outcome/rates.h"
#include "infer/answers.h"
#include "train/outcome/calibrate.h"

static const HeadSet HEADS_OF_CASE = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_OUTCOME);

/* Events of a user's first time are not shown; those of one time end together. */
static void shown_items_are_those_with_a_history(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 40, .ties = true, .seed = 21};
    static ShopUser u;
    char path[256];
    Behaviour b;
    Shown s;
    int64_t n = 0, left_out = 0, ended = 0;
    assert_ok(shop_write(&shop, shop_path(path, "shown")));
    assert_ok(behaviour_open(&b, path));
    assert_ok(shown_read(&s, &b, &(ShownOptions){.split = SPLIT_TRAIN}));
    for (int64_t user = 0; user < b.users; user++) {
        const UserHistory *h = shop_user(&shop, &u, user);
        const int64_t end = b.split[SPLIT_TRAIN][user][1] - b.offset[user];
        for (int64_t i = 0; i < end; i++) {
            int64_t last = i;
            if (u.time[i] == u.time[0]) {
                left_out++;
                continue;
            }
            while (last + 1 < h->count && u.time[last + 1] == u.time[i]) last++;
            assert_int_equal(s.event[n], b.offset[user] + i);
            assert_int_equal(s.item[n], u.item[i]);
            assert_int_equal(s.kind[n], u.action[i]);
            assert_int_equal(s.left[n], u.end[last] == END_TRUNCATED ? -1 : u.end[last]);
            assert_true(s.reward[n] == u.reward[i]);
            ended += last > i && s.left[n] == 1;
            n++;
        }
    }
    assert_int_equal(s.count, n);
    assert_true(left_out > 60 && ended > 0 && n > 300);
    shown_close(&s);
    assert_ok(shown_read(&s, &b, &(ShownOptions){.split = SPLIT_TRAIN, .users = 10, .most = 50}));
    assert_true(s.users <= 10 && s.count <= 50 && s.count > 20);
    for (int64_t k = 0; k < s.users; k++) {
        assert_true(s.first[k + 1] > s.first[k]);
        for (int64_t i = s.first[k]; i < s.first[k + 1]; i++)
            assert_true(s.event[i] >= b.offset[s.user[k]] && s.event[i] < b.offset[s.user[k] + 1]);
    }
    shown_close(&s);
    behaviour_close(&b);
    unlink(path);
}

static void rates_are_counts_drawn_to_those_of_all(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 40, .seed = 22};
    static ShopUser u;
    char path[256];
    Behaviour b;
    Rates r;
    double count[SHOP_ITEMS][SHOP_ACTIONS] = {0}, all[SHOP_ACTIONS] = {0}, total = 0;
    assert_ok(shop_write(&shop, shop_path(path, "rates")));
    assert_ok(behaviour_open(&b, path));
    assert_ok(rates_open(&r, &b));
    for (int64_t user = 0; user < b.users; user++) {
        shop_user(&shop, &u, user);
        for (int64_t i = 0; i < b.split[SPLIT_TRAIN][user][1] - b.offset[user]; i++)
            count[u.item[i]][u.action[i]]++, all[u.action[i]]++, total++;
    }
    /* The shop draws kinds without a look at the item: the more the rates are drawn together, the
     * better. */
    assert_near(r.strength, 1000.0, 0.0);
    for (int k = 0; k < SHOP_ACTIONS; k++) {
        const double share = (all[k] + 1.0) / (total + SHOP_ACTIONS);
        assert_near(rates_of_all(&r, k), share, 1e-12);
        for (int32_t a = 0; a < SHOP_ITEMS; a++) {
            const double n = count[a][0] + count[a][1] + count[a][2];
            assert_near(rates_of_item(&r, a, k), (count[a][k] + 1000 * share) / (n + 1000), 1e-12);
        }
    }
    rates_close(&r);
    behaviour_close(&b);
    unlink(path);
}

/* Mann and Whitney's count. */
static double auc_of(const double *score, const bool *positive, int64_t count)
{
    double above = 0.0, pairs = 0.0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            if (!positive[i] || positive[j]) continue;
            pairs++;
            above += score[i] > score[j] ? 1.0 : score[i] == score[j] ? 0.5 : 0.0;
        }
    return above / pairs;
}

/* Weights of the head that say something. */
static void open_case(InferCase *c)
{
    infer_case_open(c, HEADS_OF_CASE, 12, 2);
    const Tensor weight = c->model.params.copy[PARAM_VALUE][c->model.at.outcome.weight];
    fill_normal(f32(weight), tensor_count(weight), 3, 0.002f);
}

static void check_kind(const OutcomeMeasures *m, const Shown *s, const float *p, int k)
{
    const int64_t n = s->count;
    double *score = malloc((size_t)n * sizeof *score), share = 0.0, foretold = 0.0;
    bool *positive = malloc((size_t)n * sizeof *positive);
    for (int64_t i = 0; i < n; i++) {
        score[i] = (double)p[i * 2 * SHOP_ACTIONS + k];
        positive[i] = s->kind[i] == k;
        share += positive[i] / (double)n;
        foretold += score[i] / (double)n;
    }
    assert_near(m->kind_rate[k].seen.value, share, 1e-9);
    assert_near(m->kind_rate[k].foretold.value, foretold, 1e-9);
    assert_near(m->auc[k].auc.value, auc_of(score, positive, n), 1e-9);
    free(score);
    free(positive);
}

static void measures_are_those_of_the_answers(void **state)
{
    (void)state;
    InferCase c;
    Shown s;
    OutcomeMeasures m;
    open_case(&c);
    assert_ok(measure_outcome(&m, c.session, SPLIT_VALID, 0, 1, NULL));
    assert_ok(shown_read(&s, &c.file, &(ShownOptions){.split = SPLIT_VALID}));
    const int64_t n = s.count;
    assert_true(n > 100);
    assert_int_equal(m.count, n);
    assert_int_equal(m.users, s.users);
    float *p = malloc((size_t)n * 2 * SHOP_ACTIONS * sizeof *p);
    double likelihood = 0.0, reward = 0.0, known = 0.0;
    const LogEvents events = shown_events(&s);
    assert_ok(answers_before(c.session, &events, s.item, ANSWERS_CALIBRATED, NULL, p));
    for (int64_t i = 0; i < n; i++) {
        likelihood += log((double)p[i * 2 * SHOP_ACTIONS + s.kind[i]]) / (double)n;
        reward += (double)c.file.action_reward[s.kind[i]] / (double)n;
        known += s.left[i] >= 0;
    }
    assert_near(m.likelihood.value, likelihood, 1e-9);
    assert_near(m.more.value, m.likelihood.value - m.of_items.value, 1e-9);
    assert_near(m.reward.seen.value, reward, 1e-9);
    assert_near((double)m.ends_known, known, 0.0);
    for (int k = 0; k < SHOP_ACTIONS; k++) check_kind(&m, &s, p, k);
    double seen = 0.0, foretold = 0.0;
    for (int g = 0; g < MEASURE_GROUPS; g++) {
        if (g) assert_true(m.taken_group[g].foretold.value >= m.taken_group[g - 1].foretold.value);
        seen += m.reward_group[g].seen.value / MEASURE_GROUPS;
        foretold += m.reward_group[g].foretold.value / MEASURE_GROUPS;
    }
    /* Groups differ by one answer at most. */
    assert_near(seen, m.reward.seen.value, 20.0 / (double)n);
    assert_near(foretold, m.reward.foretold.value, 20.0 / (double)n);
    free(p);
    shown_close(&s);
    infer_case_close(&c);
}

/* After the calibration the mean probability of each kind is its share, up to the prior of one
 * answer, and the answers are likelier than before. */
static void the_calibration_fits_the_validation(void **state)
{
    (void)state;
    InferCase c;
    OutcomeMeasures before, after;
    open_case(&c);
    assert_ok(measure_outcome(&before, c.session, SPLIT_VALID, 0, 1, NULL));
    assert_ok(calibrate_outcome(c.session, &c.model, 1));
    assert_ok(measure_outcome(&after, c.session, SPLIT_VALID, 0, 1, NULL));
    assert_true(after.likelihood.value > before.likelihood.value + 0.01);
    for (int k = 0; k < SHOP_ACTIONS; k++)
        assert_near(after.kind_rate[k].foretold.value, after.kind_rate[k].seen.value,
                    2.0 / (double)after.count);
    infer_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_items_are_those_with_a_history),
        cmocka_unit_test(rates_are_counts_drawn_to_those_of_all),
        cmocka_unit_test(measures_are_those_of_the_answers),
        cmocka_unit_test(the_calibration_fits_the_validation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bellman's equations: the phone and its accessories by hand, chains by recursion, random processes
 * by linear equations, and processes that are none. */
#include <stdbool.h>

#include "world/mdp.h"

#include "test.h"

/* ---- The phone ------------------------------------------------------------------------------- */

/* datasets/README.md: a shopper without (0) and with (1) a phone is shown a phone, an accessory, a
 * book or the entrance. Half of those without a phone buy one, for 1, and are then in state 1;
 * everything else is the end: an accessory is worth 0.1 without a phone and 0.8 with one, a book
 * 0.4. */
enum { PHONE, ACCESSORY, BOOK, ENTRANCE };

static void make_phone(Mdp *m)
{
    assert_ok(mdp_open(m, 2, 4, 0.9));
    m->start[0] = 1.0;
    for (int64_t s = 0; s < 2; s++) {
        const double worth[] = {0.0, s ? 0.8 : 0.1, 0.4, 0.0};
        for (int64_t a = 0; a < 4; a++) {
            const bool buys = s == 0 && a == PHONE;
            if (buys) assert_ok(mdp_add(m, 1, 0.5, 1.0));
            assert_ok(mdp_add(m, MDP_TERMINAL, buys ? 0.5 : 1.0, worth[a]));
            mdp_next(m);
        }
    }
    assert_ok(mdp_check(m));
}

static void the_phone_by_hand(void **state)
{
    Mdp m;
    double v[2], q[8];
    int64_t policy[2];
    (void)state;
    make_phone(&m);
    assert_ok(mdp_solve(&m, 1e-12, 100, v, policy));
    mdp_action_values(&m, q, v);
    /* With a phone: max(0, 0.8, 0.4, 0). Without: 0.5 (1 + 0.9 x 0.8) = 0.86, 0.1, 0.4, 0. */
    const double want[] = {0.86, 0.1, 0.4, 0.0, 0.0, 0.8, 0.4, 0.0};
    for (int i = 0; i < 8; i++) assert_near(q[i], want[i], 1e-12);
    assert_near(v[0], 0.86, 1e-12);
    assert_near(v[1], 0.8, 1e-12);
    assert_int_equal(policy[0], PHONE);
    assert_int_equal(policy[1], ACCESSORY);
    assert_near(mdp_start_value(&m, v), 0.86, 1e-12);
    /* Who sees the next reward alone takes the phone for 0.5. */
    assert_ok(mdp_solve_steps(&m, 1, v, policy));
    assert_near(v[0], 0.5, 1e-12);
    mdp_close(&m);
}

static void an_action_that_does_not_exist(void **state)
{
    Mdp m;
    double v[1], q[2];
    (void)state;
    assert_ok(mdp_open(&m, 1, 2, 0.9));
    m.start[0] = 1.0;
    assert_ok(mdp_add(&m, MDP_TERMINAL, 1.0, -3.0));
    mdp_next(&m);
    mdp_next(&m);
    assert_ok(mdp_check(&m));
    assert_ok(mdp_solve(&m, 1e-12, 100, v, NULL));
    mdp_action_values(&m, q, v);
    assert_near(v[0], -3.0, 1e-12);
    assert_true(isinf(q[1]) && q[1] < 0);
    mdp_close(&m);
}

/* ---- Deterministic: R_t = r + gamma max R_{t+1} ---------------------------------------------- */

enum { STEPS = 9, CHOICES = 3 };

static double reward_of(int64_t step, int64_t choice)
{
    return philox_uniform(philox(3, (uint64_t)step, (uint64_t)choice).word[0]) - 0.3f;
}

/* A walk of STEPS states; choice c moves on by 1 + c states, past the last one it ends. */
static double best_from(int64_t step, double gamma)
{
    double best = -INFINITY;
    if (step >= STEPS) return 0.0;
    for (int64_t c = 0; c < CHOICES; c++)
        best = fmax(best, reward_of(step, c) + gamma * best_from(step + 1 + c, gamma));
    return best;
}

static void a_deterministic_walk(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const double gamma = k ? 1.0 : 0.7;
        Mdp m;
        double v[STEPS];
        assert_ok(mdp_open(&m, STEPS, CHOICES, gamma));
        m.start[0] = 1.0;
        for (int64_t s = 0; s < STEPS; s++)
            for (int64_t c = 0; c < CHOICES; c++) {
                const int64_t next = s + 1 + c < STEPS ? s + 1 + c : MDP_TERMINAL;
                assert_ok(mdp_add(&m, next, 1.0, reward_of(s, c)));
                mdp_next(&m);
            }
        assert_ok(mdp_check(&m));
        assert_ok(mdp_solve(&m, 1e-12, 1000, v, NULL));
        for (int64_t s = 0; s < STEPS; s++) assert_near(v[s], best_from(s, gamma), 1e-12);
        mdp_close(&m);
    }
}

/* ---- Random processes, by linear equations --------------------------------------------------- */

enum { STATES = 7, ACTIONS = 4 };

static void make_random(Mdp *m, uint64_t seed, double discount)
{
    assert_ok(mdp_open(m, STATES, ACTIONS, discount));
    m->start[seed % STATES] = 1.0;
    for (int64_t pair = 0; pair < STATES * ACTIONS; pair++) {
        double p[STATES + 1], sum = 0.0;
        for (int64_t n = 0; n <= STATES; n++) {
            const Philox d = philox(seed, (uint64_t)pair, (uint64_t)n);
            p[n] = d.word[0] % 3 || n == STATES ? 0.01 + philox_uniform(d.word[1]) : 0.0;
            sum += p[n];
        }
        for (int64_t n = 0; n <= STATES; n++) {
            const Philox d = philox(seed, (uint64_t)pair, (uint64_t)n);
            assert_ok(mdp_add(m, n < STATES ? n : MDP_TERMINAL, p[n] / sum,
                              philox_uniform(d.word[2]) - 0.5f));
        }
        mdp_next(m);
    }
    assert_ok(mdp_check(m));
}

/* V of a policy: solve (I - gamma P) V = r by elimination with pivoting. */
static void evaluate_by_elimination(const Mdp *m, const double *probability, double *v)
{
    double a[STATES][STATES + 1] = {{0}};
    for (int64_t s = 0; s < STATES; s++) {
        a[s][s] += 1.0;
        for (int64_t c = 0; c < ACTIONS; c++) {
            const int64_t pair = s * ACTIONS + c;
            for (int64_t i = m->first[pair]; i < m->first[pair + 1]; i++) {
                const double p = probability[pair] * m->outcome[i].probability;
                a[s][STATES] += p * m->outcome[i].reward;
                if (m->outcome[i].next >= 0) a[s][m->outcome[i].next] -= m->discount * p;
            }
        }
    }
    for (int k = 0; k < STATES; k++) {
        int pivot = k;
        for (int r = k + 1; r < STATES; r++)
            if (fabs(a[r][k]) > fabs(a[pivot][k])) pivot = r;
        for (int c = 0; c <= STATES; c++) {
            const double swap = a[k][c];
            a[k][c] = a[pivot][c];
            a[pivot][c] = swap;
        }
        for (int r = 0; r < STATES; r++) {
            const double factor = r == k ? 0.0 : a[r][k] / a[k][k];
            for (int c = k; c <= STATES; c++) a[r][c] -= factor * a[k][c];
        }
    }
    for (int s = 0; s < STATES; s++) v[s] = a[s][STATES] / a[s][s];
}

static void random_processes_by_elimination(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        Mdp m;
        double v[STATES], want[STATES], again[STATES], q[STATES * ACTIONS];
        double mixed[STATES * ACTIONS], greedy[STATES * ACTIONS] = {0};
        int64_t policy[STATES];
        make_random(&m, seed, seed % 2 ? 0.95 : 1.0);
        for (int64_t i = 0; i < STATES * ACTIONS; i++) mixed[i] = 1.0 / ACTIONS;
        assert_ok(mdp_evaluate_mixed(&m, mixed, 1e-12, 100000, v));
        evaluate_by_elimination(&m, mixed, want);
        for (int s = 0; s < STATES; s++) assert_near(v[s], want[s], 1e-9);

        assert_ok(mdp_solve(&m, 1e-12, 100000, v, policy));
        for (int s = 0; s < STATES; s++) greedy[s * ACTIONS + policy[s]] = 1.0;
        evaluate_by_elimination(&m, greedy, want);
        assert_ok(mdp_evaluate(&m, policy, 1e-12, 100000, again));
        mdp_action_values(&m, q, want);
        for (int s = 0; s < STATES; s++) {
            assert_near(v[s], want[s], 1e-9);
            assert_near(again[s], want[s], 1e-9);
            /* No single deviation gains: a policy that this holds of is optimal. */
            for (int a = 0; a < ACTIONS; a++) assert_true(q[s * ACTIONS + a] <= want[s] + 1e-9);
        }
        mdp_close(&m);
    }
}

/* ---- What is not an MDP ---------------------------------------------------------------------- */

static void refused(Mdp *m, const char *saying)
{
    assert_refused(mdp_check(m), ERR_FORMAT, saying);
}

static void bad_processes_are_refused(void **state)
{
    Mdp m;
    double v[2];
    (void)state;
    make_phone(&m);
    m.outcome[0].probability = 0.6;
    refused(&m, "state 0, action 0: probabilities add up to 1.1");
    m.outcome[0].probability = 0.5;
    m.outcome[0].next = 2;
    refused(&m, "state 0, action 0 leads to state 2, want below 2");
    m.outcome[0].next = 1;
    m.outcome[3].reward = NAN;
    refused(&m, "state 0, action 2: reward nan, want a finite one");
    m.outcome[3].reward = 0.4;
    m.start[0] = 0.5;
    refused(&m, "first state add up to 0.5");
    mdp_close(&m);

    assert_ok(mdp_open(&m, 1, 1, 1.0));
    m.start[0] = 1.0;
    refused(&m, "0 pairs are filled, want 1");
    assert_ok(mdp_add(&m, 0, 1.0, 1.0));
    mdp_next(&m);
    assert_ok(mdp_check(&m));
    assert_int_equal(mdp_solve(&m, 1e-6, 50, v, NULL), ERR_FORMAT); /* never ends: no value */
    status_clear();
    mdp_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_phone_by_hand),
        cmocka_unit_test(an_action_that_does_not_exist),
        cmocka_unit_test(a_deterministic_walk),
        cmocka_unit_test(random_processes_by_elimination),
        cmocka_unit_test(bad_processes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The fit of a calibration: of events that were drawn by a known one, on a catalogue small enough
 * to sum over. */
#include "train/calibration/fit.h"

#include "test.h"

enum {
    EVENTS = 6000,
    ITEMS = 40,
    WIDTH = 8,
    NEW = 30, /* items NEW .. ITEMS - 1 are new */
    NUMBERS = 1 + COUNT_STATE_FEATURES + CALIBRATION_SCORES + 1
};

typedef struct {
    double z[EVENTS][ITEMS]; /* of the dense half; items 0 .. WIDTH - 1 are the candidates */
    CalibrationSample sample;
} World;

static World world;
static const Calibration planted = {.dense = 0.55,
                                    .state = {0.3, -0.2, 0.4, 0, 0.1, -0.3, 0.2, -0.1},
                                    .score = {-0.5, 0.8, 0.3},
                                    .cold = 0.7};

static double uniform(uint64_t seed, int64_t i, int64_t k)
{
    return (double)philox_uniform(philox(seed, (uint64_t)i, (uint64_t)k).word[0]);
}

/* r' of candidate j of event i */
static double score_of(const Calibration *c, int64_t i, int64_t j)
{
    const CalibrationSample *s = &world.sample;
    const int64_t at = i * WIDTH + j;
    double score = (double)s->score[at] + c->score[0] + c->score[1] * s->seen[at] +
                   c->score[2] * (double)s->dense[at];
    for (int k = 0; k < COUNT_STATE_FEATURES; k++)
        score += c->state[k] * (double)s->state[i * COUNT_STATE_FEATURES + k];
    return score;
}

/* mass[a] = exp z'[a] + exp r'[a]; returns their sum. */
static double masses(const Calibration *c, int64_t i, double mass[ITEMS])
{
    double sum = 0.0;
    for (int a = 0; a < ITEMS; a++) {
        mass[a] = exp(c->dense * world.z[i][a] + (a >= NEW ? c->cold : 0.0));
        if (a < WIDTH && world.sample.score[i * WIDTH + a] > -INFINITY)
            mass[a] += exp(score_of(c, i, a));
        sum += mass[a];
    }
    return sum;
}

static int target_of(int64_t i)
{
    double mass[ITEMS], left = masses(&planted, i, mass) * uniform(9, i, 0);
    int a = 0;
    while (a < ITEMS - 1 && left >= mass[a]) left -= mass[a++];
    return a;
}

/* Over the items from `first` on. */
static void fill_sums(double *log_z, double *mean, int64_t i, double factor, int first)
{
    double sum = 0.0, weighted = 0.0;
    for (int a = first; a < ITEMS; a++) {
        const double share = exp(factor * world.z[i][a]);
        sum += share, weighted += share * world.z[i][a];
    }
    *log_z = log(sum);
    *mean = weighted / sum;
}

static void fill_event(CalibrationSample *s, int64_t i)
{
    float z[ITEMS];
    fill_normal(z, ITEMS, 100 + (uint64_t)i, 0.7f);
    for (int a = 0; a < ITEMS; a++) world.z[i][a] = (double)z[a];
    for (int f = 0; f < CALIBRATION_FACTORS; f++) {
        const int64_t at = i * CALIBRATION_FACTORS + f;
        fill_sums(&s->log_z[at], &s->mean[at], i, calibration_factor[f], 0);
        fill_sums(&s->log_new[at], &s->mean_new[at], i, calibration_factor[f], NEW);
    }
    fill_normal(s->score + i * WIDTH, WIDTH, 100000 + (uint64_t)i, 1.0f);
    fill_normal(s->state + i * COUNT_STATE_FEATURES, COUNT_STATE_FEATURES, 200000 + (uint64_t)i,
                1.0f);
    for (int64_t j = 0; j < WIDTH; j++) {
        s->dense[i * WIDTH + j] = z[j];
        s->seen[i * WIDTH + j] = uniform(7, i, j) < 0.3;
        if (j >= WIDTH - i % 3) s->score[i * WIDTH + j] = -INFINITY;
    }
    const int a = target_of(i);
    s->target[i] = z[a];
    s->followed[i] = a >= NEW;
    s->place[i] = a < WIDTH && s->score[i * WIDTH + a] > -INFINITY ? a : -1;
}

static int open_world(void **state)
{
    (void)state;
    static double log_z[EVENTS * CALIBRATION_FACTORS], mean[EVENTS * CALIBRATION_FACTORS];
    static float target[EVENTS], score[EVENTS * WIDTH], dense[EVENTS * WIDTH];
    static float of_state[EVENTS * COUNT_STATE_FEATURES];
    static double log_new[EVENTS * CALIBRATION_FACTORS], mean_new[EVENTS * CALIBRATION_FACTORS];
    static uint8_t seen[EVENTS * WIDTH], followed[EVENTS];
    static int32_t place[EVENTS];
    world.sample = (CalibrationSample){.count = EVENTS,
                                       .width = WIDTH,
                                       .log_z = log_z,
                                       .mean = mean,
                                       .log_new = log_new,
                                       .mean_new = mean_new,
                                       .followed = followed,
                                       .target = target,
                                       .score = score,
                                       .dense = dense,
                                       .seen = seen,
                                       .place = place,
                                       .state = of_state};
    for (int64_t i = 0; i < EVENTS; i++) fill_event(&world.sample, i);
    return 0;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static double exact_loss(const Calibration *c)
{
    double loss = 0.0, mass[ITEMS];
    for (int64_t i = 0; i < EVENTS; i++) {
        const CalibrationSample *s = &world.sample;
        const double sum = masses(c, i, mass);
        double own = exp(c->dense * (double)s->target[i] + c->cold * s->followed[i]);
        if (s->place[i] >= 0) own += exp(score_of(c, i, s->place[i]));
        loss += log(sum / own);
    }
    return loss / EVENTS;
}

/* The error of a cubic by values and derivatives: h^4 / 384 times the fourth derivative of
 * log sum exp, a cumulant of z, which is at most range^4 / 8. */
static double between(double h)
{
    double range = 0.0;
    for (int64_t i = 0; i < EVENTS; i++) {
        double low = INFINITY, high = -INFINITY;
        for (int a = 0; a < ITEMS; a++)
            low = fmin(low, world.z[i][a]), high = fmax(high, world.z[i][a]);
        range += pow(high - low, 4.0) / EVENTS;
    }
    return pow(h, 4.0) / 384.0 * range / 8.0;
}

static void the_loss_is_that_of_the_whole_catalogue(void **state)
{
    (void)state;
    Calibration c = planted;
    for (int f = 0; f < CALIBRATION_FACTORS; f++) {
        c.dense = calibration_factor[f];
        assert_near(calibration_fit_loss(&world.sample, &c, 2), exact_loss(&c), 1e-10);
        if (f == 0) continue;
        const double h = calibration_factor[f] - calibration_factor[f - 1];
        c.dense -= 0.4 * h;
        assert_near(calibration_fit_loss(&world.sample, &c, 2), exact_loss(&c), between(h));
    }
}

static void factors_outside_of_the_sample_are_held(void **state)
{
    (void)state;
    Calibration c = planted, at = planted;
    c.dense = 3.0, at.dense = calibration_factor[CALIBRATION_FACTORS - 1];
    assert_true(calibration_fit_loss(&world.sample, &c, 1) ==
                calibration_fit_loss(&world.sample, &at, 1));
    c.dense = -1.0, at.dense = calibration_factor[0];
    assert_true(calibration_fit_loss(&world.sample, &c, 1) ==
                calibration_fit_loss(&world.sample, &at, 1));
}

/* Twice the gain in log-likelihood over the truth has the chi-squared distribution of NUMBERS = 13
 * degrees (Wilks 1938): it is above 45 with probability 1e-5. */
static void a_planted_calibration_is_recovered(void **state)
{
    (void)state;
    const Calibration c = calibration_fit(&world.sample, 2);
    const double have = exact_loss(&c), truth = exact_loss(&planted);
    const double before = exact_loss(&calibration_none);
    assert_true(2.0 * EVENTS * (truth - have) < 45.0);
    assert_true(2.0 * EVENTS * (truth - have) > 0.0);
    assert_true(2.0 * EVENTS * (before - have) > 10.0 * 45.0);
    /* Each number by itself, within five of its standard errors, which are below 0.05. */
    assert_near(c.dense, planted.dense, 0.25);
    for (int k = 0; k < COUNT_STATE_FEATURES; k++) assert_near(c.state[k], planted.state[k], 0.25);
    for (int k = 0; k < CALIBRATION_SCORES; k++) assert_near(c.score[k], planted.score[k], 0.25);
    assert_near(c.cold, planted.cold, 0.25);
}

static double *number(Calibration *c, int k)
{
    if (k == 0) return &c->dense;
    if (k == NUMBERS - 1) return &c->cold;
    return k <= COUNT_STATE_FEATURES ? &c->state[k - 1] : &c->score[k - 1 - COUNT_STATE_FEATURES];
}

/* The loss with its prior. */
static double objective(Calibration *c)
{
    Calibration none = calibration_none;
    double value = calibration_fit_loss(&world.sample, c, 2);
    for (int k = 0; k < NUMBERS; k++)
        value += 0.5 * pow(*number(c, k) - *number(&none, k), 2.0) / (double)world.sample.count;
    return value;
}

/* By differences: a step along one number gains slope^2 / 2 / curvature. The search ends where a
 * step gains less than 1e-7. */
static void no_number_of_the_fit_could_be_better(void **state)
{
    (void)state;
    const double h = 1e-3;
    static const int64_t counts[] = {EVENTS, 50, 1};
    for (int n = 0; n < 3; n++) {
        world.sample.count = counts[n];
        Calibration c = calibration_fit(&world.sample, 2);
        const double here = objective(&c);
        for (int k = 0; k < NUMBERS; k++) {
            Calibration up = c, down = c;
            *number(&up, k) += h, *number(&down, k) -= h;
            const double right = objective(&up), left = objective(&down);
            const double slope = (right - left) / (2.0 * h);
            const double curvature = (right - 2.0 * here + left) / (h * h);
            const double held = c.dense <= calibration_factor[0] ||
                                c.dense >= calibration_factor[CALIBRATION_FACTORS - 1];
            if (k == 0 && held) continue;
            assert_true(curvature > 0.0);
            if (!(slope * slope / 2.0 / curvature < 1e-6))
                fail_msg("%d events, number %d: slope %g, curvature %g", (int)counts[n], k, slope,
                         curvature);
        }
    }
    world.sample.count = EVENTS;
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    const Calibration one = calibration_fit(&world.sample, 1);
    for (int threads = 2; threads <= 5; threads++) {
        const Calibration many = calibration_fit(&world.sample, threads);
        assert_memory_equal(&many, &one, sizeof one);
    }
}

static void without_events_nothing_is_changed(void **state)
{
    (void)state;
    const CalibrationSample none = {.width = WIDTH};
    const Calibration c = calibration_fit(&none, 2);
    assert_memory_equal(&c, &calibration_none, sizeof c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_that_of_the_whole_catalogue),
        cmocka_unit_test(factors_outside_of_the_sample_are_held),
        cmocka_unit_test(a_planted_calibration_is_recovered),
        cmocka_unit_test(no_number_of_the_fit_could_be_better),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(without_events_nothing_is_changed),
    };
    return cmocka_run_group_tests(tests, open_world, NULL);
}

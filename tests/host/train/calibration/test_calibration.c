/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration of a model: what its sample reads, and that a session's scores are changed by the
 * numbers that were fitted. */
#include "train/calibration/calibration.h"

#include "catalogue/gather.h"
#include "infer/states.h"
#include "infer_case.h"
#include "model/scores.h"

enum { WIDTH = 20, LENGTH = 12, MOST = 600 };
enum { FIRST_NEW = SHOP_ITEMS - 11 }; /* what the model has not counted: shop.fresh */

static InferCase c;
static Histories valid;
static ScoredEvents events;

/* Of each event, before and after: z of all items, r of the candidates; and what is the same. */
typedef struct {
    float z[MOST][SHOP_ITEMS], r[MOST][WIDTH];
} Scores;
static Scores plain, calibrated;
static float dense[MOST][WIDTH], feature[MOST][WIDTH][COUNT_FEATURES];
static float of_state[MOST][COUNT_STATE_FEATURES];
static int32_t item[MOST][WIDTH];

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), LENGTH, 2, WIDTH);
    assert_ok(histories_read(&valid, &c.file, SPLIT_VALID));
    assert_ok(histories_scored_select(&events, &valid, &(ScoredOptions){0}));
    assert_true(events.count > 100 && events.count <= MOST);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    histories_scored_close(&events);
    histories_close(&valid);
    infer_case_close(&c);
    return 0;
}

static Status take(void *context, const StateBatch *batch)
{
    Scores *to = context;
    const Session *s = c.session;
    StateRows rows = batch->rows;
    assert_true(rows.calibrated);
    rows.calibrated = to == &calibrated;
    const HeadScores z = scores_ranking(s->dev, s->model, session_weights(s), HEAD_POLICY, &rows);
    static int32_t id[MOST * SHOP_ITEMS];
    static float of_all[MOST * SHOP_ITEMS];
    for (int64_t i = 0; i < batch->count * SHOP_ITEMS; i++) id[i] = (int32_t)(i % SHOP_ITEMS);
    catalogue_gather(s->dev, TENSOR(of_all, F32, batch->count, SHOP_ITEMS), z.u, &z.items, z.bias,
                     TENSOR(id, I32, batch->count, SHOP_ITEMS));
    for (int64_t i = 0; i < batch->count; i++) {
        const int64_t e = batch->index[i];
        memcpy(to->z[e], of_all + i * SHOP_ITEMS, sizeof to->z[e]);
        memcpy(to->r[e], f32(z.counted.score) + i * WIDTH, sizeof to->r[e]);
        memcpy(dense[e], f32(z.counted.dense) + i * WIDTH, sizeof dense[e]);
        memcpy(item[e], (int32_t *)z.counted.item.data + i * WIDTH, sizeof item[e]);
        memcpy(feature[e], f32(rows.candidates.feature) + i * WIDTH * COUNT_FEATURES,
               sizeof feature[e]);
        memcpy(of_state[e], f32(rows.candidates.state) + i * COUNT_STATE_FEATURES,
               sizeof of_state[e]);
    }
    return OK;
}

static void take_all(Scores *to)
{
    const LogEvents wanted = {events.users, events.user, events.first, events.event};
    assert_ok(states_before(c.session, &wanted, "states", NULL, (StateSink){take, to}));
}

/* Whether the item is in the context of the event. */
static bool in_history(int64_t event, int64_t user_start, int32_t wanted)
{
    const int64_t end = events.known[event];
    const int64_t first = end - user_start > LENGTH ? end - LENGTH : user_start;
    for (int64_t row = first; row < end; row++)
        if (valid.item[row] == wanted) return true;
    return false;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Over the items from `first` on. */
static void check_sums(const double *log_z, const double *mean, int64_t e, int first)
{
    for (int f = 0; f < CALIBRATION_FACTORS; f++) {
        double sum = 0.0, weighted = 0.0;
        for (int a = first; a < SHOP_ITEMS; a++) {
            const double share = exp(calibration_factor[f] * (double)plain.z[e][a]);
            sum += share, weighted += share * (double)plain.z[e][a];
        }
        const int64_t at = e * CALIBRATION_FACTORS + f;
        assert_near(log_z[at], log(sum), 1e-5 * (1.0 + fabs(log(sum))));
        assert_near(mean[at], weighted / sum, 1e-4);
    }
}

static void check_event(const CalibrationSample *s, int64_t e, int64_t user)
{
    const float *z = plain.z[e];
    check_sums(s->log_z, s->mean, e, 0);
    check_sums(s->log_new, s->mean_new, e, FIRST_NEW);
    assert_int_equal(s->followed[e], events.target[e] >= FIRST_NEW);
    int place = -1;
    assert_near(s->target[e], z[events.target[e]], 1e-5 * (1.0 + fabs((double)s->target[e])));
    assert_memory_equal(s->state + e * COUNT_STATE_FEATURES, of_state[e], sizeof of_state[e]);
    assert_memory_equal(s->score + e * WIDTH, plain.r[e], sizeof plain.r[e]);
    for (int j = 0; j < WIDTH && item[e][j] >= 0; j++) {
        if (item[e][j] == events.target[e]) place = j;
        assert_near(s->dense[e * WIDTH + j], dense[e][j], 1e-5);
        assert_int_equal(s->seen[e * WIDTH + j], in_history(e, c.file.offset[user], item[e][j]));
    }
    assert_int_equal(s->place[e], place);
}

/* The model's calibration, which is not none here, is left out. */
static void a_sample_has_the_scores_before_the_events(void **state)
{
    (void)state;
    CalibrationSample s;
    int placed = 0;
    take_all(&plain);
    assert_ok(calibration_sample_open(&s, c.session, &events));
    assert_int_equal(s.count, events.count);
    assert_int_equal(s.width, WIDTH);
    for (int64_t u = 0; u < events.users; u++)
        for (int64_t e = events.first[u]; e < events.first[u + 1]; e++) {
            check_event(&s, e, events.user[u]);
            placed += s.place[e] >= 0;
        }
    assert_true(placed > 10 && placed < events.count);
    calibration_sample_close(&s);
}

/* r of candidate j with the calibration. */
static double changed(const Calibration *k, int64_t e, int j)
{
    double score = (double)plain.r[e][j] + k->score[0] + k->score[1] * (double)feature[e][j][8] +
                   k->score[2] * (double)dense[e][j];
    for (int f = 0; f < COUNT_STATE_FEATURES; f++) score += k->state[f] * (double)of_state[e][f];
    return score;
}

static double mean_loss(const Scores *s)
{
    double loss = 0.0;
    for (int64_t e = 0; e < events.count; e++) {
        double sum = 0.0, own = exp((double)s->z[e][events.target[e]]);
        for (int a = 0; a < SHOP_ITEMS; a++) sum += exp((double)s->z[e][a]);
        for (int j = 0; j < WIDTH && item[e][j] >= 0; j++) {
            sum += exp((double)s->r[e][j]);
            if (item[e][j] == events.target[e]) own += exp((double)s->r[e][j]);
        }
        loss += log(sum / own) / (double)events.count;
    }
    return loss;
}

static void the_scores_are_changed_by_the_numbers_that_were_fitted(void **state)
{
    (void)state;
    CalibrationSample s;
    assert_ok(calibration_sample_open(&s, c.session, &events));
    const Calibration k = calibration_fit(&s, 1);
    calibration_sample_close(&s);
    assert_ok(calibration_run(c.session, &c.model, &valid, 3));
    take_all(&plain);
    take_all(&calibrated);
    for (int64_t e = 0; e < events.count; e++) {
        for (int a = 0; a < SHOP_ITEMS; a++)
            assert_near(calibrated.z[e][a],
                        k.dense * (double)plain.z[e][a] + (a >= FIRST_NEW ? k.cold : 0.0), 1e-4);
        for (int j = 0; j < WIDTH && item[e][j] >= 0; j++)
            assert_near(calibrated.r[e][j], changed(&k, e, j), 1e-4);
    }
    assert_true(fabs(k.dense - 1.0) > 0.05 && fabs(k.cold) > 0.05);
    assert_true(mean_loss(&calibrated) < mean_loss(&plain) - 0.1);
}

static void without_events_nothing_is_changed(void **state)
{
    (void)state;
    Histories none = valid;
    none.users = 0;
    assert_ok(calibration_run(c.session, &c.model, &none, 3));
    take_all(&plain);
    take_all(&calibrated);
    assert_memory_equal(&plain, &calibrated, sizeof plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_has_the_scores_before_the_events),
        cmocka_unit_test(the_scores_are_changed_by_the_numbers_that_were_fitted),
        cmocka_unit_test(without_events_nothing_is_changed),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

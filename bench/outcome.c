/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome head of a model beside the truth of the simulated shop, which knows the probability
 * of each kind of event of every item that it could show.
 *
 *     outcome WORLD POLICY EPISODES SEED MODEL FILE.h5 OUT.json
 *
 * The policy of the world plays episodes. In each state the model is asked about the item that the
 * policy shows, and about an item that is drawn uniformly: the log has few of those. Truth is the
 * law of the shop in its hidden state; the history shows that state in part only, so no model can
 * tell all of it, but a calibrated one is right on average wherever it says the same.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/report.h"
#include "infer/answers.h"
#include "world/open.h"
#include "world/play.h"
#include "world/shop/shop.h"
#include "world/shop/world.h"

enum { ARMS = 2, GROUPS = 10, THREADS = 1, SLOTS = 256, ASKED_MAX = 1 << 20 };
static const char *const arm_name[ARMS] = {"shown", "random"};

/* What the truth and the model say about one item in one state. */
typedef struct {
    double truth, taken; /* the expected reward; the probability of a look, a cart, a purchase */
    double says, says_taken, says_leave, leave;
} Asked;

typedef struct {
    const WorldBaseline *baseline;
    Session *session;
    const World *world;
    int64_t count;
    Asked *asked[ARMS]; /* [ASKED_MAX] */
} Bench;

/* ---- Playing --------------------------------------------------------------------------------- */

/* The history of a slot as arrays, in `space`. */
typedef struct {
    int32_t *item;
    uint8_t *action;
    int64_t *time;
} Arrays;

static History history_of(const PlayHistory *h, const Arrays *to, int64_t from)
{
    for (int64_t i = 0; i < h->count; i++) {
        to->item[from + i] = h->event[i].item;
        to->action[from + i] = h->event[i].action;
        to->time[from + i] = h->event[i].time;
    }
    return (History){.count = h->count,
                     .user = -1,
                     .item = to->item + from,
                     .action = to->action + from,
                     .time_ms = to->time + from};
}

static void fill(Asked *to, const double *law, const float *p, const AnswersReward *reward)
{
    *to = (Asked){.truth = shop_event_expected_reward(law),
                  .leave = law[SHOP_LEAVE],
                  .says = answers_reward(reward, p, 0),
                  .says_leave = (double)p[SHOP_LEAVE]};
    for (int k = 0; k < SHOP_KINDS; k++) {
        if (shop_event_impression[k]) continue;
        to->taken += law[k];
        to->says_taken += (double)p[k];
    }
}

/* Asks the model about the item that each slot will show, and about a random one. */
static Status ask(Bench *b, const Episodes *e, const PlayHistory *history, int64_t count,
                  const int64_t *slot, const int32_t *item, const History *of, float *p,
                  int32_t *shown)
{
    const AnswersReward reward = {.kinds = SHOP_KINDS, .of_kind = shop_event_reward};
    const int64_t width = answers_width(b->session);
    for (int arm = 0; arm < ARMS; arm++) {
        for (int64_t i = 0; i < count; i++) {
            const PlayHistory *h = &history[slot[i]];
            const Philox r = philox(99, (uint64_t)h->episode, (uint64_t)h->count);
            shown[i] = arm == 0 ? item[i] : (int32_t)(r.word[0] % (uint32_t)b->world->spec.items);
        }
        TRY(answers_after(b->session, of, count, shown, p));
        for (int64_t i = 0; i < count && b->count + i < ASKED_MAX; i++) {
            double law[SHOP_KINDS];
            shop_item_law(b->world->parameters, episodes_state(e, slot[i]), shown[i], law);
            fill(&b->asked[arm][b->count + i], law, p + i * width, &reward);
        }
    }
    b->count = b->count + count < ASKED_MAX ? b->count + count : ASKED_MAX;
    return OK;
}

static Status act(void *self, const Episodes *e, const PlayHistory *history, int64_t count,
                  const int64_t *slot, int32_t *item, float *propensity)
{
    Bench *b = self;
    int64_t events = 0, used = 0;
    for (int64_t i = 0; i < count; i++) events += history[slot[i]].count;
    const size_t n = (size_t)events + 1;
    const Arrays to = {malloc(n * sizeof *to.item), malloc(n), malloc(n * sizeof *to.time)};
    History *of = malloc((size_t)count * sizeof *of);
    float *p = malloc((size_t)(count * answers_width(b->session)) * sizeof *p);
    int32_t *shown = malloc((size_t)count * sizeof *shown);
    Status st;
    if (!to.item || !to.action || !to.time || !of || !p || !shown)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %ld histories", (long)count));
    episodes_act(e, b->baseline, count, slot, item, propensity);
    for (int64_t i = 0; i < count; used += history[slot[i]].count, i++)
        of[i] = history_of(&history[slot[i]], &to, used);
    TRY_OR_FAIL(st, ask(b, e, history, count, slot, item, of, p, shown));
fail:
    free(to.item);
    free(to.action);
    free(to.time);
    free(of);
    free(p);
    free(shown);
    return st;
}

/* ---- What it amounts to ---------------------------------------------------------------------- */

static int by_says(const void *a, const void *b)
{
    const double x = ((const Asked *)a)->says, y = ((const Asked *)b)->says;
    return (x > y) - (x < y);
}

/* Correlation, and the slope of truth on what the model says; then the means of ten groups. */
static json_t *result(Asked *asked, int64_t count)
{
    double truth = 0, says = 0, tt = 0, ss = 0, ts = 0, taken = 0, says_taken = 0;
    double leave = 0, says_leave = 0;
    const double n = (double)count;
    for (int64_t i = 0; i < count; i++) {
        truth += asked[i].truth / n, says += asked[i].says / n;
        taken += asked[i].taken / n, says_taken += asked[i].says_taken / n;
        leave += asked[i].leave / n, says_leave += asked[i].says_leave / n;
    }
    for (int64_t i = 0; i < count; i++) {
        const double t = asked[i].truth - truth, s = asked[i].says - says;
        tt += t * t, ss += s * s, ts += t * s;
    }
    json_t *groups = json_array();
    qsort(asked, (size_t)count, sizeof *asked, by_says);
    for (int g = 0; g < GROUPS; g++) {
        double sum[2] = {0}, of = 0;
        for (int64_t i = g * count / GROUPS; i < (g + 1) * count / GROUPS; i++, of++)
            sum[0] += asked[i].says, sum[1] += asked[i].truth;
        json_array_append_new(groups,
                              json_pack("{s:f, s:f}", "model", sum[0] / of, "truth", sum[1] / of));
    }
    return json_pack("{s:{s:f, s:f}, s:{s:f, s:f}, s:{s:f, s:f}, s:f, s:f, s:o}", "reward", "model",
                     says, "truth", truth, "taken", "model", says_taken, "truth", taken, "leave",
                     "model", says_leave, "truth", leave, "correlation", ts / sqrt(tt * ss),
                     "slope", ts / ss, "tenths", groups);
}

static Status bench(Bench *b, World *w, char *argument[])
{
    int64_t episodes, seed;
    double real;
    const NumberRange range = {.whole = true, .low = 1, .high = 1e9};
    TRY(number_parse("EPISODES", argument[3], &range, &real, &episodes));
    TRY(number_parse("SEED", argument[4], &range, &real, &seed));
    const PlayOptions options = {
        .episodes = episodes, .slots = SLOTS, .seed = (uint64_t)seed, .threads = THREADS};
    PlayResult played = {.value = malloc((size_t)options.episodes * sizeof(double) + 1)};
    b->baseline = world_baseline(w, argument[2]);
    if (w->kind != &shop_world || !b->baseline || !answers_known(b->session))
        return FAIL(ERR_USAGE, "want the world shop, a policy of it, and a model with an outcome "
                               "head");
    for (int arm = 0; arm < ARMS; arm++) {
        b->asked[arm] = malloc(ASKED_MAX * sizeof *b->asked[arm]);
        if (!b->asked[arm]) return FAIL(ERR_MEMORY, "no memory");
    }
    TRY(play(w, &options, (Actor){b, act, false}, (PlaySink){0}, &played));
    free(played.value);
    json_t *root = json_pack("{s:s, s:s, s:I}", "world", argument[1], "policy", argument[2],
                             "choices", (json_int_t)b->count);
    for (int arm = 0; arm < ARMS; arm++)
        json_object_set_new(root, arm_name[arm], result(b->asked[arm], b->count));
    return report_write(argument[7], root, REPORT_9DIGITS);
}

int main(int count, char *argument[])
{
    World w = {0};
    Bench b = {.world = &w};
    if (count != 8) {
        fprintf(stderr, "usage: outcome WORLD POLICY EPISODES SEED MODEL FILE.h5 OUT.json\n");
        return 2;
    }
    Status st = world_open(&w, argument[1]);
    if (st == OK)
        st = session_open(&b.session, &(SessionOptions){.checkpoint = argument[5],
                                                        .data = argument[6],
                                                        .device = "cpu",
                                                        .threads = THREADS});
    if (st == OK) st = bench(&b, &w, argument);
    if (st != OK) fprintf(stderr, "outcome: %s\n", status_message());
    session_close(b.session);
    for (int arm = 0; arm < ARMS; arm++) free(b.asked[arm]);
    world_close(&w);
    return st == OK ? 0 : 1;
}

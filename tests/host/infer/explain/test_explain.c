/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations: effects against recommendations for the shortened history, parts that add up,
 * and evidence against the log itself. */
#include "infer/explain/explain.h"

#include "counts_case.h"
#include "data/behaviour/columns.h"
#include "infer/answers.h"
#include "infer_case.h"

enum { LENGTH = 12, WIDTH = 20, K = 6, EVENTS_MAX = 64 };
/* Logarithms of probabilities from states of other batches: scores are of size 100 here. */
static const double NEAR = 1e-3;

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q) | HEAD_BIT(HEAD_OUTCOME),
                            LENGTH, 2, WIDTH);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

/* A model whose table counts the first splits. */
static void count_splits(int counted)
{
    session_close(c.session);
    c.model.counted = counted;
    assert_ok(session_open(
        &c.session,
        &(SessionOptions){.model = &c.model, .length = LENGTH, .file = &c.file, .dev = &c.dev}));
}

static Explanation explain(const History *h, const int32_t *item, int64_t k, int64_t events)
{
    Explanation e;
    assert_ok(explain_open(&e, c.session, h, item, k, events));
    return e;
}

/* Some items of the history, and others. */
static void choose_items(const InferHistory *space, int64_t count, int32_t item[K])
{
    for (int k = 0; k < K; k++)
        item[k] = k % 2 ? (int32_t)(13 * k % SHOP_ITEMS) : space->item[count - 1 - k % count];
}

/* ---- Effects --------------------------------------------------------------------------------- */

static void without(const InferHistory *from, int64_t count, int64_t out, InferHistory *to)
{
    to->history = from->history;
    to->history.count = count - 1;
    to->history.item = to->item;
    to->history.action = to->action;
    to->history.time_ms = to->time_ms;
    for (int64_t i = 0, n = 0; i < count; i++) {
        if (i == out) continue;
        to->item[n] = from->item[i];
        to->action[n] = from->action[i];
        to->time_ms[n++] = from->time_ms[i];
    }
}

/* log p of item [K] after a history, from the scores of the whole catalogue. */
static void log_probabilities(const History *h, const int32_t *item, double log_p[K])
{
    const RecommendOptions o = {.k = SHOP_ITEMS, .include_seen = true};
    Recommendation all[SHOP_ITEMS];
    double sum = 0.0;
    int64_t found;
    assert_ok(recommend_best(c.session, h, 1, &o, all, &found));
    assert_int_equal(found, SHOP_ITEMS);
    for (int i = 0; i < SHOP_ITEMS; i++) sum += exp((double)all[i].score - (double)all[0].score);
    for (int j = 0; j < K; j++)
        for (int i = 0; i < SHOP_ITEMS; i++)
            if (all[i].item == item[j])
                log_p[j] = (double)all[i].score - (double)all[0].score - log(sum);
}

/* What a recommendation for the whole history has; and up to the rounding of batches the difference
 * from one for the history without the event. */
static void check_effects(const InferHistory *h, const Explanation *e, const int32_t *item)
{
    Recommendation all[K], left[K];
    double log_all[K], log_left[K];
    InferHistory rest;
    assert_ok(recommend_scores(c.session, &h->history, 1, item, K, all));
    log_probabilities(&h->history, item, log_all);
    for (int j = 0; j < K; j++) {
        assert_near(e->item[j].values.log_probability, log_all[j], NEAR);
        assert_true((float)e->item[j].values.q == all[j].q);
    }
    for (int64_t i = 0; i < e->events; i++) {
        without(h, h->history.count, e->first + i, &rest);
        assert_ok(recommend_scores(c.session, &rest.history, 1, item, K, left));
        log_probabilities(&rest.history, item, log_left);
        assert_int_equal(e->event_item[i], h->item[e->first + i]);
        assert_int_equal(e->event_action[i], h->action[e->first + i]);
        for (int j = 0; j < K; j++) {
            const ExplainValues *have = &e->effect[j * e->events + i];
            assert_near(have->log_probability, log_all[j] - log_left[j], NEAR);
            assert_near(have->q, (double)all[j].q - (double)left[j].q, 1e-4);
            assert_true(have->score == have->log_probability);
        }
    }
}

/* Histories shorter than the context, as long, and longer: then an old event takes the place. */
static void an_effect_is_what_leaving_out_changes(void **state)
{
    static const int64_t counts[] = {2, 5, LENGTH, LENGTH + 1, 40};
    InferHistory space;
    int32_t item[K];
    (void)state;
    for (int n = 0; n < 5; n++) {
        infer_history(&space, 30 + (uint64_t)n, counts[n]);
        space.item[counts[n] - 2] = n % 2 ? -1 : space.item[counts[n] - 2];
        choose_items(&space, counts[n] == 2 ? 1 : counts[n], item);
        for (int k = 0; k < K; k++) item[k] = item[k] < 0 ? 7 : item[k];
        Explanation e = explain(&space.history, item, K, EVENTS_MAX);
        assert_int_equal(e.events, counts[n] < LENGTH ? counts[n] : LENGTH);
        assert_int_equal(e.first, counts[n] - e.events);
        check_effects(&space, &e, item);
        explain_close(&e);
    }
}

static void without_item(const InferHistory *from, int32_t item, InferHistory *to)
{
    int64_t n = 0;
    to->history = from->history;
    for (int64_t i = 0; i < from->history.count; i++) {
        if (from->item[i] == item) continue;
        to->item[n] = from->item[i];
        to->action[n] = from->action[i];
        to->time_ms[n++] = from->time_ms[i];
    }
    to->history.count = n;
    to->history.item = to->item;
    to->history.action = to->action;
    to->history.time_ms = to->time_ms;
}

/* Also where so many old events come into the context that some of these have the item too; and
 * unknown items are no item. */
static void all_events_of_an_item_are_left_out_together(void **state)
{
    static const int64_t counts[] = {5, LENGTH, 2 * LENGTH, 50};
    static const int32_t item[K] = {0, 17, 30, 50, 71, 96};
    InferHistory space, rest;
    double all[K], left[K];
    int64_t repeated = 0, most = 0;
    (void)state;
    for (int n = 0; n < 4; n++) {
        const int64_t count = counts[n];
        infer_history(&space, 80 + (uint64_t)n, count);
        for (int64_t i = 0; i < count; i++)
            if (i % 3 == 0 && i > count - 20) space.item[i] = 17;
        space.item[count - 2] = space.item[count - 5] = -1;
        space.item[count - 3] = 50;
        Explanation e = explain(&space.history, item, K, EVENTS_MAX);
        log_probabilities(&space.history, item, all);
        for (int64_t i = 0; i < e.events; i++) {
            const int32_t of = e.event_item[i];
            int64_t same = 0;
            for (int64_t m = count > 2 * LENGTH ? count - 2 * LENGTH : 0; m < count; m++)
                same += space.item[m] == of;
            if (of == -1)
                without(&space, count, e.first + i, &rest), same = 1;
            else
                without_item(&space, of, &rest);
            assert_int_equal(e.same[i], same);
            repeated += same > 1, most = same > most ? same : most;
            log_probabilities(&rest.history, item, left);
            for (int j = 0; j < K; j++)
                assert_near(e.together[j * e.events + i].log_probability, all[j] - left[j], NEAR);
        }
        explain_close(&e);
    }
    assert_true(repeated > 10 && most > 3);
}

/* Views of one item alone: without them nothing is left. */
static void without_any_event_there_is_no_effect(void **state)
{
    InferHistory space;
    const int32_t item = 3;
    (void)state;
    infer_history(&space, 90, 4);
    for (int i = 0; i < 4; i++) space.item[i] = 8;
    Explanation e = explain(&space.history, &item, 1, EVENTS_MAX);
    for (int i = 0; i < 4; i++) {
        assert_true(isfinite(e.effect[i].score) && isnan(e.together[i].score));
        assert_int_equal(e.same[i], 4);
    }
    explain_close(&e);
}

static void fewer_events_are_the_last_ones(void **state)
{
    InferHistory space;
    int32_t item[K];
    (void)state;
    infer_history(&space, 50, 30);
    choose_items(&space, 30, item);
    Explanation all = explain(&space.history, item, K, EVENTS_MAX);
    Explanation few = explain(&space.history, item, K, 4);
    assert_int_equal(few.events, 4);
    assert_int_equal(few.first, 26);
    for (int j = 0; j < K; j++)
        for (int i = 0; i < 4; i++)
            assert_near(few.effect[j * 4 + i].log_probability,
                        all.effect[j * LENGTH + LENGTH - 4 + i].log_probability, 1e-4);
    explain_close(&all);
    explain_close(&few);
}

static void no_effects_are_wanted(void **state)
{
    InferHistory space;
    const int32_t item = 3;
    (void)state;
    Explanation none = explain(infer_history(&space, 53, 9), &item, 1, 0);
    Explanation one = explain(&space.history, &item, 1, 1);
    assert_true(none.events == 0 && none.first == 9 && one.events == 1);
    assert_true(none.item[0].values.score == one.item[0].values.score);
    explain_close(&none);
    explain_close(&one);
}

static void the_only_event_has_no_effect(void **state)
{
    InferHistory space;
    const int32_t item[] = {3, 4};
    (void)state;
    Explanation e = explain(infer_history(&space, 51, 1), item, 2, EVENTS_MAX);
    assert_int_equal(e.events, 1);
    for (int j = 0; j < 2; j++)
        assert_true(isnan(e.effect[j].log_probability) && isnan(e.effect[j].q) &&
                    isnan(e.effect[j].score) && isfinite(e.item[j].values.log_probability));
    explain_close(&e);
}

/* The score is that of the rule: the probability by which it draws, or Q. */
static void scores_follow_the_rule(void **state)
{
    static const ActingRule rules[] = {{.kind = ACTING_MIXED, .number = 4.0}, {.kind = ACTING_Q}};
    static const int32_t item[K] = {0, 17, 30, 50, 71, 96};
    InferHistory space, rest;
    double all[K], left[K];
    (void)state;
    infer_history(&space, 52, 6);
    for (int n = 0; n < 2; n++) {
        assert_ok(session_act_by(c.session, &rules[n]));
        Explanation e = explain(&space.history, item, K, EVENTS_MAX);
        assert_int_equal(e.rule.kind, rules[n].kind);
        log_probabilities(&space.history, item, all);
        for (int64_t i = 0; i < e.events; i++) {
            without(&space, 6, i, &rest);
            log_probabilities(&rest.history, item, left);
            for (int j = 0; j < K; j++) {
                const ExplainValues *v = &e.effect[j * e.events + i];
                assert_near(v->score, n == 0 ? all[j] - left[j] : v->q, NEAR);
                assert_true(fabs(v->score - v->log_probability) > 0.0);
            }
        }
        explain_close(&e);
    }
    c.session->acts = false;
}

/* A user of the file: the user's own events stay out of the counts when one is left out. */
static void of_a_user_the_own_events_stay(void **state)
{
    enum { USER = 11 };
    static const int32_t item[K] = {0, 17, 30, 50, 71, 96};
    const History of_file = history_of_user(&c.file, USER);
    HistoryCopy copy;
    InferHistory from = {.item = {0}}, rest;
    double all[K], left[K];
    float number[2 * EVENTS_MAX];
    (void)state;
    count_splits(COUNTED_TRAIN);
    Explanation e = explain(&of_file, item, K, EVENTS_MAX);
    log_probabilities(&of_file, item, all);
    assert_ok(history_copy(&copy, &of_file, EVENTS_MAX, c.session));
    const History *h = &copy.history;
    assert_true(h->count == of_file.count && h->count > LENGTH && h->counted > LENGTH);
    for (int64_t i = 0; i < h->count; i++)
        from.item[i] = h->item[i], from.action[i] = h->action[i], from.time_ms[i] = h->time_ms[i];
    from.history = *h;
    for (int64_t i = 0; i < e.events; i++) {
        const int64_t out = e.first + i;
        without(&from, h->count, out, &rest);
        memcpy(number, h->number, (size_t)(2 * out) * sizeof *number);
        memcpy(number + 2 * out, h->number + 2 * (out + 1),
               (size_t)(2 * (h->count - out - 1)) * sizeof *number);
        rest.history.number = number;
        assert_ptr_equal(rest.history.own_item, h->own_item);
        log_probabilities(&rest.history, item, left);
        for (int j = 0; j < K; j++)
            assert_near(e.effect[j * e.events + i].log_probability, all[j] - left[j], NEAR);
    }
    history_copy_close(&copy);
    explain_close(&e);
    count_splits(0);
}

/* Also of a history in memory whose own events are its first. */
static void check_copies(const History *of_file, const int32_t *item, const Recommendation *want)
{
    HistoryCopy all, last, again;
    Recommendation have[K];
    assert_ok(history_copy(&all, of_file, EVENTS_MAX, c.session));
    assert_ok(history_copy(&last, of_file, LENGTH + 1, c.session));
    all.history.own_item = NULL;
    assert_ok(history_copy(&again, &all.history, LENGTH + 1, c.session));
    assert_true(last.history.count <= LENGTH + 1 && again.history.count == last.history.count);
    assert_ok(recommend_scores(c.session, &last.history, 1, item, K, have));
    assert_memory_equal(have, want, sizeof have);
    assert_ok(recommend_scores(c.session, &again.history, 1, item, K, have));
    assert_memory_equal(have, want, sizeof have);
    history_copy_close(&again);
    history_copy_close(&last);
    history_copy_close(&all);
}

/* To the bit, also where older events are left behind. */
static void a_copy_says_what_the_rows_of_the_file_say(void **state)
{
    static const int32_t item[K] = {0, 17, 30, 50, 71, 96};
    Recommendation want[K];
    (void)state;
    for (int64_t user = 0; user < c.file.users; user += 7) {
        const History of_file = history_of_user(&c.file, user);
        count_splits((int)(user % 2));
        assert_ok(recommend_scores(c.session, &of_file, 1, item, K, want));
        check_copies(&of_file, item, want);
    }
    count_splits(0);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* p = exp(zeta - total), of numbers of f32; z and r are the bits that zeta is made of. So dense and
 * counted add up to p but for the rounding of zeta: of the result, and of an exponential, a sum and
 * a logarithm of numbers of size 1 in it. u = 2^-24. */
static double rounding(double zeta) { return 0x1p-24 * (fabs(zeta) + 8.0); }

static void the_parts_add_up(void **state)
{
    InferHistory space;
    int32_t item[SHOP_ITEMS];
    int candidates = 0, seen = 0;
    double whole = 0.0, halves = 0.0;
    (void)state;
    for (int a = 0; a < SHOP_ITEMS; a++) item[a] = a;
    infer_history(&space, 60, 9);
    space.item[3] = space.item[7];
    Explanation e = explain(&space.history, item, SHOP_ITEMS, 1);
    for (int a = 0; a < SHOP_ITEMS; a++) {
        const ExplainParts *p = &e.item[a].parts;
        double r = 0.0, size = 0.0;
        const double log_p = e.item[a].values.log_probability;
        assert_near(p->probability, exp(log_p), 1e-6 * exp(log_p));
        const double zeta = p->candidate ? fmax(p->z, p->r) : p->z;
        assert_near(p->dense + p->counted, p->probability,
                    p->candidate ? rounding(zeta) * p->probability : 0.0);
        assert_near(p->z_taste + p->z_item, p->z, 1e-5 * (1.0 + fabs(p->z_taste)));
        assert_true(p->candidate == (p->counted > 0.0));
        for (int t = 0; t < COUNTED_TERMS; t++) r += p->term[t], size += fabs(p->term[t]);
        assert_near(r, p->r, 1e-5 * (1.0 + size));
        candidates += p->candidate, seen += p->seen;
        whole += p->probability, halves += p->dense + p->counted;
        assert_true(!p->seen || p->candidate);
    }
    assert_near(whole, 1.0, 1e-5);
    assert_near(halves, 1.0, 1e-5);
    assert_true(candidates > 5 && candidates <= WIDTH && seen > 1 && seen <= WIDTH / 4);
    explain_close(&e);
}

static void answers_are_those_of_the_outcome_head(void **state)
{
    InferHistory space;
    const int32_t item[] = {5, 96};
    float p[2 * 2 * SHOP_ACTIONS];
    (void)state;
    Explanation e = explain(infer_history(&space, 61, 9), item, 2, 1);
    const History h[] = {space.history, space.history};
    assert_ok(answers_after(c.session, h, 2, item, p));
    assert_int_equal(e.actions, SHOP_ACTIONS);
    for (int j = 0; j < 2; j++)
        assert_memory_equal(e.answer + j * SHOP_ACTIONS, p + 2 * j * SHOP_ACTIONS,
                            SHOP_ACTIONS * sizeof *p);
    explain_close(&e);
}

/* ---- Evidence -------------------------------------------------------------------------------- */

static double weight(int32_t g, int64_t earlier_ms, int64_t later_ms)
{
    return (double)pair_of(g, earlier_ms, later_ms) / COUNT_UNITS;
}

/* What the train split has of the pair x, y, without the events of `user`. */
static ExplainEvidence count_pair(int32_t x, int32_t y, int64_t user)
{
    ExplainEvidence e = {.item = x};
    for (int64_t u = 0; u < c.file.users; u++) {
        const int64_t first = c.file.split[SPLIT_TRAIN][u][0];
        const int64_t count = c.file.split[SPLIT_TRAIN][u][1] - first;
        int32_t item[EVENTS_MAX];
        int64_t time[EVENTS_MAX];
        if (u == user) continue;
        assert_true(count <= EVENTS_MAX && !c.file.has_impressions);
        assert_ok(columns_read(&c.file, COLUMN_ITEM, first, count, item));
        assert_ok(columns_read(&c.file, COLUMN_TIME, first, count, time));
        for (int64_t i = 0; i < count; i++) {
            if (item[i] != x) continue;
            e.times++;
            if (i + 1 < count && item[i + 1] == y) e.next++;
            for (int32_t g = 1; g <= 20; g++) {
                if (i + g < count && item[i + g] == y) e.after += weight(g, time[i], time[i + g]);
                if (i - g >= 0 && item[i - g] == y) e.before += weight(g, time[i - g], time[i]);
            }
        }
    }
    return e;
}

static bool is_kept(int32_t x, int32_t y)
{
    const int32_t *row = i32(c.model.counts.item) + x * c.model.counts.item.dim[1];
    for (int64_t j = 0; j < c.model.counts.item.dim[1]; j++)
        if (row[j] == y) return true;
    return false;
}

static bool is_listed(const ExplainedItem *x, int32_t item)
{
    for (int n = 0; n < x->evidences; n++)
        if (x->evidence[n].item == item) return true;
    return false;
}

/* The numbers are those of the log, and no pair that the table keeps is stronger than those that
 * are listed. Returns how many are. */
static int check_evidence(const Explanation *e, const History *h, int64_t user, int64_t j)
{
    const ExplainedItem *x = &e->item[j];
    double last = INFINITY;
    for (int n = 0; n < x->evidences; n++) {
        const ExplainEvidence *have = &x->evidence[n];
        const ExplainEvidence want = count_pair(have->item, x->item, user);
        const double d = (double)(h->count - 1 - have->event);
        const double strength = (have->after + have->before / 2.0) / (1.0 + d);
        assert_int_equal(h->item[have->event], have->item);
        assert_true(have->times == want.times && have->next == want.next);
        assert_near(have->after, want.after, 1e-5 * (1.0 + want.after));
        assert_near(have->before, want.before, 1e-5 * (1.0 + want.before));
        assert_true(strength <= last && have->next <= have->times);
        last = strength;
    }
    if (x->evidences < EVIDENCE_MOST) last = 0.0;
    for (int64_t i = h->count - 1; i >= 0 && i >= h->count - LENGTH; i--) {
        const ExplainEvidence pair = count_pair(h->item[i], x->item, user);
        const double d = (double)(h->count - 1 - i);
        const bool stronger = (pair.after + pair.before / 2.0) / (1.0 + d) > last + 1e-6;
        assert_true(!stronger || !is_kept(h->item[i], x->item) || is_listed(x, h->item[i]));
    }
    return x->evidences;
}

static void evidence_is_what_the_log_has(void **state)
{
    int32_t item[SHOP_ITEMS];
    int found = 0, own = 0;
    (void)state;
    for (int a = 0; a < SHOP_ITEMS; a++) item[a] = a;
    for (int64_t user = 3; user < 40; user += 9) {
        const History of_file = history_of_user(&c.file, user);
        HistoryCopy copy;
        assert_ok(history_copy(&copy, &of_file, EVENTS_MAX, c.session));
        for (int counted = 0; counted <= 1; counted++) {
            count_splits(counted);
            Explanation e = explain(&of_file, item, SHOP_ITEMS, 1);
            for (int a = 0; a < SHOP_ITEMS; a++)
                found += check_evidence(&e, &copy.history, counted ? user : -1, a);
            if (counted) own += found;
            explain_close(&e);
        }
        history_copy_close(&copy);
    }
    count_splits(0);
    assert_true(found > 200 && own > 100);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void what_does_not_exist_is_refused(void **state)
{
    InferHistory space;
    const int32_t item = 4, beyond = SHOP_ITEMS;
    Explanation e = {0};
    (void)state;
    History h = *infer_history(&space, 70, 4);
    assert_refused(explain_open(&e, c.session, &h, &beyond, 1, 1), ERR_USAGE, "want 0 to 96");
    assert_refused(explain_open(&e, c.session, &h, &item, 0, 1), ERR_USAGE, "k = 0");
    assert_refused(explain_open(&e, c.session, &h, &item, 1, -1), ERR_USAGE, "events = -1");
    h.count = 0;
    assert_refused(explain_open(&e, c.session, &h, &item, 1, 1), ERR_USAGE, "no events");
    explain_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_effect_is_what_leaving_out_changes),
        cmocka_unit_test(all_events_of_an_item_are_left_out_together),
        cmocka_unit_test(without_any_event_there_is_no_effect),
        cmocka_unit_test(fewer_events_are_the_last_ones),
        cmocka_unit_test(no_effects_are_wanted),
        cmocka_unit_test(the_only_event_has_no_effect),
        cmocka_unit_test(scores_follow_the_rule),
        cmocka_unit_test(of_a_user_the_own_events_stay),
        cmocka_unit_test(a_copy_says_what_the_rows_of_the_file_say),
        cmocka_unit_test(the_parts_add_up),
        cmocka_unit_test(answers_are_those_of_the_outcome_head),
        cmocka_unit_test(evidence_is_what_the_log_has),
        cmocka_unit_test(what_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

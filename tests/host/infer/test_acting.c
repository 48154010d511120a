/* SPDX-License-Identifier: Apache-2.0 */
/* The rules by which a model acts, against their definitions over the whole catalogue in double. */
#include "infer/acting.h"

#include "catalogue/gather.h"
#include "catalogue/policy.h"
#include "infer_case.h"
#include "op.h"

enum { HISTORIES = 30, WIDTH = 20, LENGTH = 12 };
static const HeadSet both = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);

static InferCase c;
static InferHistory space[HISTORIES];
static History history[HISTORIES];

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, both, LENGTH, 2, WIDTH);
    for (int i = 0; i < HISTORIES; i++) {
        history[i] = *infer_history(&space[i], (uint64_t)i, 1 + i);
        if (i % 2) history[i] = history_of_user(&c.file, i);
    }
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

/* ---- Definitions ----------------------------------------------------------------------------- */

/* log pi but for a constant, and Q with its state term, as logarithms where it has them. */
static double log_p[HISTORIES][SHOP_ITEMS], q[HISTORIES][SHOP_ITEMS];

static void gather(const HeadScores *s, int64_t rows, float *to)
{
    static int32_t id[HISTORIES * SHOP_ITEMS];
    for (int64_t i = 0; i < rows * SHOP_ITEMS; i++) id[i] = (int32_t)(i % SHOP_ITEMS);
    catalogue_gather(&c.dev, TENSOR(to, F32, rows, SHOP_ITEMS), s->u, &s->items, s->bias,
                     TENSOR(id, I32, rows, SHOP_ITEMS));
}

static Status define(void *context, const StateBatch *batch)
{
    static float of[HISTORIES * SHOP_ITEMS];
    Weights w = session_weights(c.session);
    const HeadScores z = scores_ranking(&c.dev, &c.model, w, HEAD_POLICY, &batch->rows);
    const HeadScores value = scores_full(&c.dev, &c.model, w, HEAD_Q, &batch->rows);
    (void)context;
    gather(&z, batch->count, of);
    for (int64_t i = 0; i < batch->count; i++) {
        double *to = log_p[batch->index[i]];
        const int32_t *item = i32(z.counted.item) + i * WIDTH;
        for (int a = 0; a < SHOP_ITEMS; a++) to[a] = (double)of[i * SHOP_ITEMS + a];
        for (int j = 0; j < WIDTH && item[j] >= 0; j++)
            to[item[j]] = log(exp(to[item[j]]) + exp((double)f32(z.counted.score)[i * WIDTH + j]));
    }
    gather(&value, batch->count, of);
    for (int64_t i = 0; i < batch->count; i++)
        for (int a = 0; a < SHOP_ITEMS; a++)
            q[batch->index[i]][a] = (double)of[i * SHOP_ITEMS + a] + (double)f32(value.state)[i];
    return OK;
}

static bool left_out(int64_t h, int32_t item, int64_t last)
{
    int32_t shown[INFER_HISTORY_MAX];
    const int64_t count = last < history[h].count ? last : history[h].count;
    assert_ok(history_items(&history[h], &c.file, count, shown));
    for (int64_t k = 0; k < count; k++)
        if (shown[k] == item) return true;
    return false;
}

/* The place of the item by log pi among those that are not left out, from 0. */
static int place_of(int64_t h, int item, int64_t last)
{
    int place = 0;
    for (int a = 0; a < SHOP_ITEMS; a++)
        place += !left_out(h, a, last) && log_p[h][a] > log_p[h][item];
    return place;
}

static double highest(int64_t h, int64_t last)
{
    double top = -INFINITY;
    for (int a = 0; a < SHOP_ITEMS; a++)
        if (!left_out(h, a, last)) top = fmax(top, log_p[h][a]);
    return top;
}

/* The score of an item; -inf: never. */
static double definition(const ActingRule *r, int64_t h, int a)
{
    const bool out = left_out(h, a, r->exclude_last);
    switch (r->kind) {
    case ACTING_POLICY: return log_p[h][a];
    case ACTING_Q: return q[h][a];
    case ACTING_MIXED:
        return log_p[h][a] + (c.model.shape.log_values ? exp(q[h][a]) : q[h][a]) / r->number;
    case ACTING_CANDIDATES:
        return !out && place_of(h, a, r->exclude_last) < (int)r->number ? q[h][a] : -INFINITY;
    default:
        return log_p[h][a] > highest(h, r->exclude_last) + log(r->number) ? q[h][a] : -INFINITY;
    }
}

/* ---- Scores ---------------------------------------------------------------------------------- */

typedef struct {
    ActingRule rule;
    bool leaves_out;
    int64_t never, states;
} Check;

/* The scores may lack a number that is the same for all items of a state: they are compared by
 * their differences from the best one. f32 scores of order 10. */
static void check_row(Check *k, int64_t h, const float *have, float total, int32_t best)
{
    double want[SHOP_ITEMS], sum = 0.0;
    int top = -1;
    for (int a = 0; a < SHOP_ITEMS; a++) {
        want[a] = definition(&k->rule, h, a);
        if (k->leaves_out && left_out(h, a, k->rule.exclude_last)) want[a] = -INFINITY;
        if (top < 0 || want[a] > want[top]) top = a;
    }
    assert_true(isfinite(want[top]));
    assert_int_equal(best, top);
    for (int a = 0; a < SHOP_ITEMS; a++) {
        k->never += !isfinite(want[a]);
        sum += exp(want[a] - want[top]);
        if (isfinite(want[a]))
            assert_near((double)have[a] - (double)have[top], want[a] - want[top],
                        2e-5 * (8.0 + fabs(want[a]) + fabs(want[top])));
        else
            assert_true(have[a] <= CATALOGUE_NEVER);
    }
    assert_near((double)total - (double)have[top], log(sum), 1e-4 * (1.0 + fabs(want[top])));
}

static Status check_part(void *context, const StateBatch *batch)
{
    Check *k = context;
    HeadScores z;
    static float all[HISTORIES * SHOP_ITEMS];
    static int32_t id[HISTORIES * SHOP_ITEMS];
    const Tensor total = SCRATCH(&c.dev, F32, batch->count),
                 best = SCRATCH(&c.dev, I32, batch->count);
    TRY(acting_exclude_after(c.session, history, batch, k->rule.exclude_last));
    TRY(acting_scores(c.session, &k->rule, &batch->rows, k->leaves_out, &z));
    for (int64_t i = 0; i < batch->count * SHOP_ITEMS; i++) id[i] = (int32_t)(i % SHOP_ITEMS);
    scores_of_items(&c.dev, &z, TENSOR(all, F32, batch->count, SHOP_ITEMS),
                    TENSOR(id, I32, batch->count, SHOP_ITEMS));
    scores_stats(&c.dev, &z, (CatalogueStats){.logsumexp = total, .argmax = best}, 1.0f);
    for (int64_t i = 0; i < batch->count; i++, k->states++)
        check_row(k, batch->index[i], all + i * SHOP_ITEMS, f32(total)[i], i32(best)[i]);
    return OK;
}

static Status check_batch(void *context, const StateBatch *batch)
{
    const Check *k = context;
    const int64_t most = acting_rows(c.session, &k->rule, k->leaves_out);
    return states_in_parts(c.session, batch, most < 7 ? most : 7, (StateSink){check_part, context});
}

static const ActingRule rules[] = {{ACTING_POLICY, 0, 3},     {ACTING_Q, 0, 3},
                                   {ACTING_MIXED, 0.7, 3},    {ACTING_MIXED, 20, 0},
                                   {ACTING_CANDIDATES, 6, 3}, {ACTING_CANDIDATES, 500, 0},
                                   {ACTING_ALLOWED, 0.2, 3},  {ACTING_ALLOWED, 0, 0}};

static void each_rule_is_its_definition(void **state)
{
    (void)state;
    for (int logarithms = 0; logarithms < 2; logarithms++) {
        c.model.shape.log_values = logarithms;
        assert_ok(states_after(c.session, history, HISTORIES, (StateSink){define, NULL}));
        for (size_t n = 0; n < 2 * sizeof rules / sizeof *rules; n++) {
            Check k = {.rule = rules[n / 2], .leaves_out = n % 2};
            assert_ok(states_after(c.session, history, HISTORIES, (StateSink){check_batch, &k}));
            assert_int_equal(k.states, HISTORIES);
            const bool some = k.rule.number != 500 && (k.rule.kind >= ACTING_CANDIDATES ||
                                                       (k.leaves_out && k.rule.exclude_last));
            assert_true((k.never > 0) == (some && k.rule.number + k.rule.exclude_last > 0));
        }
    }
    c.model.shape.log_values = false;
}

/* ---- Limits ---------------------------------------------------------------------------------- */

static Status same_bits(void *context, const StateBatch *batch)
{
    static float have[HISTORIES * SHOP_ITEMS], want[HISTORIES * SHOP_ITEMS];
    const ActingRule *r = context;
    const HeadId head = r->kind == ACTING_Q ? HEAD_Q : HEAD_POLICY;
    HeadScores z;
    TRY(acting_scores(c.session, r, &batch->rows, false, &z));
    const HeadScores alone =
        scores_ranking(&c.dev, &c.model, session_weights(c.session), head, &batch->rows);
    gather(&z, batch->count, have);
    gather(&alone, batch->count, want);
    assert_memory_equal(have, want, (size_t)(batch->count * SHOP_ITEMS) * sizeof *have);
    assert_true((z.counted.item.data != NULL) == (head == HEAD_POLICY));
    if (head == HEAD_POLICY) assert_same_bits(z.counted.score, alone.counted.score);
    return OK;
}

static void the_limits_of_the_mixture_are_its_halves(void **state)
{
    (void)state;
    const ActingRule own = {0};
    static const struct {
        const char *text;
        ActingKind kind;
    } limits[] = {{"mixed:inf", ACTING_POLICY}, {"mixed:0", ACTING_Q}, {"q", ACTING_Q}};
    for (int n = 0; n < 3; n++) {
        ActingRule r;
        assert_ok(acting_read(&r, limits[n].text, &own, both, "--acting"));
        assert_int_equal(r.kind, limits[n].kind);
        assert_ok(states_after(c.session, history, HISTORIES, (StateSink){same_bits, &r}));
    }
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static void a_rule_is_read_as_it_is_written(void **state)
{
    (void)state;
    const ActingRule own = {ACTING_MIXED, 0.25, 4};
    static const char *const texts[] = {"policy", "q", "mixed:0.4215", "candidates:20",
                                        "allowed:0.3"};
    ActingRule r;
    char text[ACTING_TEXT_MAX];
    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
        assert_ok(acting_read(&r, texts[n], &own, both, "--acting"));
        assert_string_equal(acting_text(text, &r), texts[n]);
        assert_int_equal(r.exclude_last, 4);
    }
    assert_ok(acting_read(&r, "mixed", &own, both, "--acting"));
    assert_near(r.number, 0.25, 0);
    assert_ok(acting_read(&r, "", &own, both, "--acting"));
    assert_int_equal(r.kind, ACTING_MIXED);
}

static void another_text_is_refused(void **state)
{
    (void)state;
    const ActingRule own = {0};
    static const struct {
        const char *text, *saying;
    } wrong[] = {
        {"mixd", "did you mean \"mixed\"?"},
        {"mixed", "want mixed:BETA, because the model has found no BETA"},
        {"mixed:-1", "want BETA from 0 to inf"},
        {"mixed:x", "want BETA from 0 to inf"},
        {"candidates", "want candidates:N"},
        {"candidates:2.5", "want a whole number N from 1 to 1000"},
        {"candidates:0", "want a whole number N from 1 to 1000"},
        {"allowed:1", "want SHARE from 0 to 0.999"},
        {"policy:1", "want policy, q, mixed"},
    };
    ActingRule r = {.kind = ACTING_Q};
    for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++)
        assert_refused(acting_read(&r, wrong[n].text, &own, both, "--acting"), ERR_USAGE,
                       wrong[n].saying);
    assert_refused(acting_read(&r, "mixed:1", &own, HEAD_BIT(HEAD_POLICY), "acting.rule"),
                   ERR_USAGE, "acting.rule = \"mixed:1\": the model has no head q");
    assert_int_equal(r.kind, ACTING_Q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_its_definition),
        cmocka_unit_test(the_limits_of_the_mixture_are_its_halves),
        cmocka_unit_test(a_rule_is_read_as_it_is_written),
        cmocka_unit_test(another_text_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

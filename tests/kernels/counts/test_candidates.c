/* SPDX-License-Identifier: Apache-2.0 */
#include "counts_case.h"

static const double half_ulp = ULP / 2;

/* A number with a bound on the error with which the op knows it. */
typedef struct {
    double value, error;
} Number;

/* scale log(offset + factor x): the error of x reaches the argument, which is rounded twice; the
 * logarithm is within 2 ulp. */
static void assert_log(float have, double scale, double offset, double factor, Number x)
{
    const double argument = offset + factor * x.value, want = log(argument);
    const double error = factor * x.error / argument + 4 * half_ulp + 6 * half_ulp * fabs(want);
    assert_near(have, scale * want, scale * error);
}

/* What is left of a count after own is left out. Its error: the rounding of the table's count, and
 * its own. */
typedef struct {
    const Counts *all, *left;
    int64_t width; /* of the table */
} Without;

static Number after_of(const Without *c, int32_t x, int32_t y)
{
    const int64_t at = x * (int64_t)c->all->items + y;
    const double value = (double)c->left->after[at] / COUNT_UNITS;
    return (Number){value, half_ulp * ((double)c->all->after[at] / COUNT_UNITS + value)};
}

static Number weight_of(const Without *c, int32_t x)
{
    int64_t left = 0, all = 0;
    for (int32_t y = 0; y < c->all->items; y++)
        left += both_of(c->left, x, y), all += both_of(c->all, x, y);
    const double value = (double)left / (2.0 * COUNT_UNITS);
    return (Number){value, half_ulp * ((double)all / (2.0 * COUNT_UNITS) + value)};
}

static bool has_entry(const Without *c, int32_t x, int32_t y)
{
    return x >= 0 && keeps(c->all, x, y, c->width) && both_of(c->left, x, y) > 0;
}

/* Sums over d of an item: each of at most 20 additions rounds, and each term three times. */
typedef struct {
    Number after, before, prior;
    int votes;
} Sums;

static Sums sums_of(const Without *c, const int32_t *history, int64_t length, int32_t y)
{
    Sums s = {0};
    for (int64_t d = 0; d < length && d < COUNT_HISTORY; d++) {
        if (!has_entry(c, history[-d], y)) continue;
        const Number after = after_of(c, history[-d], y), before = after_of(c, y, history[-d]);
        s.votes++;
        s.after.value += after.value / (double)(1 + d);
        s.after.error += after.error / (double)(1 + d);
        s.before.value += before.value / (double)(1 + d);
        s.before.error += before.error / (double)(1 + d);
    }
    s.after.error += 23 * half_ulp * s.after.value;
    s.before.error += 23 * half_ulp * s.before.value;
    const double scale = 1.0 / sqrt(1.0 + (double)c->left->popularity[y]);
    s.prior.value = scale * (s.after.value + 0.5 * s.before.value);
    s.prior.error = scale * (s.after.error + 0.5 * s.before.error) + 5 * half_ulp * s.prior.value;
    return s;
}

static int latest_of(const int32_t *history, int64_t length, int32_t y, int *count)
{
    int latest = -1;
    *count = 0;
    for (int64_t d = 0; d < length && d < COUNT_REPEATS; d++)
        if (history[-d] == y) {
            if (latest < 0) latest = (int)d;
            ++*count;
        }
    return latest;
}

static void check_features(const float *f, const Without *c, const int32_t *history,
                           const int64_t *time, int64_t length, int32_t y)
{
    const int32_t x = history[0];
    const Sums s = sums_of(c, history, length, y);
    Number both = {0}, share = {0};
    double next = 0;
    if (has_entry(c, x, y)) {
        const Number after = after_of(c, x, y), before = after_of(c, y, x);
        const Number weight = weight_of(c, x);
        next = (double)c->left->next[x * (int64_t)c->all->items + y];
        both.value = after.value + 0.5 * before.value;
        both.error = after.error + 0.5 * before.error + half_ulp * both.value;
        share.value = both.value / weight.value;
        share.error =
            both.error / weight.value + share.value * (weight.error / weight.value + 3 * half_ulp);
    }
    assert_log(f[0], 1, 1, 10, (Number){next, 0});
    assert_log(f[1], 1, 1, 10, s.after);
    assert_log(f[2], 1, 1, 10, s.before);
    assert_log(f[3], 1, 1, 10, both);
    assert_log(f[4], 1, 1, 1, (Number){s.votes, 0});
    assert_log(f[5], 1, 1, 1, (Number){(double)c->left->popularity[y], 0});
    assert_log(f[6], 1, 1e-3, 1, s.prior);
    assert_log(f[7], 1, 1, 20, share);
    int count;
    const int latest = latest_of(history, length, y, &count);
    assert_true(f[8] == (latest >= 0));
    assert_log(f[9], 1, 1, 1, (Number){latest >= 0 ? latest : 0, 0});
    assert_log(f[10], 1, 0, 1, (Number){latest >= 0 ? count : 1, 0});
    assert_true(f[11] == (y == x));
    const double since = latest >= 0 ? (double)(time[0] - time[-latest]) / 1000.0 : 0.0;
    assert_log(f[12], 0.2, 1, 1, (Number){since, half_ulp * since});
}

/* The list is as the definition says, as far as priors within their errors can be told apart. */
static int check_items(const int32_t *have, int64_t width, const Without *c, const int32_t *history,
                       int64_t length)
{
    const int32_t items = c->all->items;
    enum { MOST = 128 };
    bool listed[MOST] = {0};
    assert_true(items <= MOST);
    int count = 0, ignored;
    for (int64_t d = 0; d < length && d < COUNT_REPEATS && count < width / 4; d++) {
        if (history[-d] < 0 || latest_of(history, length, history[-d], &ignored) < d) continue;
        assert_int_equal(have[count++], history[-d]);
        listed[history[-d]] = true;
    }
    Number before = {INFINITY, 0};
    int last = -1;
    for (; count < width && have[count] >= 0; count++) {
        const Sums s = sums_of(c, history, length, have[count]);
        assert_true(s.votes > 0 && !listed[have[count]]);
        assert_true(s.prior.value - s.prior.error <= before.value + before.error);
        if (s.prior.value == before.value && s.votes == 1) assert_true(have[count] > last);
        listed[have[count]] = true;
        before = s.prior, last = have[count];
    }
    for (int64_t j = count; j < width; j++) assert_int_equal(have[j], -1);
    if (count < width) before = (Number){0};
    for (int32_t y = 0; y < items; y++) {
        if (listed[y]) continue;
        const Sums s = sums_of(c, history, length, y);
        assert_true(s.prior.value - s.prior.error <= before.value + before.error);
    }
    return count;
}

static void check_state(const float *f, const Without *c, const int32_t *history,
                        const int64_t *time, int64_t length, int count)
{
    const int32_t x = history[0];
    Number sum = {0};
    for (int64_t d = 0; d < length && d < COUNT_HISTORY; d++) {
        if (history[-d] < 0) continue;
        const Number weight = weight_of(c, history[-d]);
        sum.value += weight.value / (double)(1 + d);
        sum.error += weight.error / (double)(1 + d);
    }
    sum.error += 22 * half_ulp * sum.value;
    int repeats = 0;
    const int64_t events = length < COUNT_REPEATS ? length : COUNT_REPEATS;
    for (int64_t d = 0; d < events; d++)
        for (int64_t e = d + 1; e < events; e++)
            if (history[-d] >= 0 && history[-d] == history[-e]) {
                repeats++;
                break;
            }
    assert_log(f[0], 1, 1, 1, (Number){(double)length, 0});
    assert_log(f[1], 1, 1, 1, x < 0 ? (Number){0} : weight_of(c, x));
    assert_true(f[2] == (x < 0 || c->left->popularity[x] == 0));
    assert_log(f[3], 1, 1, 1, sum);
    assert_near(f[4], (double)repeats / (double)events, half_ulp);
    assert_log(f[5], 0.5, 1, 1, (Number){count, 0});
    assert_true(f[6] == (length > 1 && x >= 0 && history[-1] == x));
    const double gap = length > 1 ? (double)(time[0] - time[-1]) / 1000.0 : 0.0;
    assert_log(f[7], 0.2, 1, 1, (Number){gap, half_ulp * gap});
}

/* Each row against its definition, over counts in which its user's events never were. */
static void check_rows(const Log *data, const CandidatesInput *in, const CandidatesOutput *out,
                       const int32_t *user, int64_t neighbours)
{
    const Counts all = recount(data, -1);
    enum { MOST = 16 };
    Counts left[MOST];
    assert_true(data->users <= MOST);
    for (int32_t u = 0; u < data->users; u++) left[u] = recount(data, u);
    const int64_t width = out->item.dim[1];
    int64_t w = 0;
    for (int64_t r = 0; r < in->token.dim[0]; r++) {
        const int32_t *item = i32(out->item) + r * width;
        const float *feature = f32(out->feature) + r * width * COUNT_FEATURES;
        const float *state = f32(out->state) + r * COUNT_STATE_FEATURES;
        const int32_t token = i32(in->token)[r];
        int count = 0;
        if (token < 0) {
            for (int64_t j = 0; j < width; j++) assert_int_equal(item[j], -1);
            for (int f = 0; f < COUNT_STATE_FEATURES; f++) assert_true(state[f] == 0.0f);
        } else {
            while (token >= i32(in->cu_seqlens)[w + 1]) w++;
            const int64_t length = token - i32(in->cu_seqlens)[w] + 1;
            const int32_t *history = i32(in->item) + token;
            const int64_t *time = (const int64_t *)in->time.data + token;
            const bool own = i32(in->own_offset)[w + 1] > i32(in->own_offset)[w];
            const Without c = {&all, own ? &left[user[w]] : &all, neighbours};
            count = check_items(item, width, &c, history, length);
            for (int j = 0; j < count; j++)
                check_features(feature + j * COUNT_FEATURES, &c, history, time, length, item[j]);
            check_state(state, &c, history, time, length, count);
        }
        for (int64_t j = count * COUNT_FEATURES; j < width * COUNT_FEATURES; j++)
            assert_true(feature[j] == 0.0f);
    }
}

static CandidatesOutput run(int threads, const CandidatesInput *in, const CountTable *table,
                            int64_t width)
{
    Device dev;
    assert_ok(device_open(&dev, "cpu", threads));
    const CandidatesOutput out = new_output(in->token.dim[0], width);
    candidates(&dev, out, *in, table);
    assert_ok(device_sync(&dev));
    device_close(&dev);
    return out;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

enum { USERS = 13, ITEMS = 90 };

static void check_log(int64_t neighbours, int64_t width, int32_t length, bool own)
{
    const Log data = make_log(USERS, ITEMS, 7);
    const Counts all = recount(&data, -1);
    const CountTable table = table_of(&all, neighbours);
    int32_t user[1024];
    const CandidatesInput in = windows_of(&data, length, own, user);
    const CandidatesOutput out = run(2, &in, &table, width);
    check_rows(&data, &in, &out, user, neighbours);
    tensors_free();
}

static void every_state_is_as_recounted_without_its_user(void **state)
{
    (void)state;
    check_log(ITEMS, 64, 1000, true);
}

static void windows_leave_out_events_outside_them(void **state)
{
    (void)state;
    check_log(ITEMS, 8, 17, true);
    check_log(ITEMS, 12, 1, true);
}

static void a_table_that_was_cut_knows_what_it_keeps(void **state)
{
    (void)state;
    check_log(5, 64, 1000, true);
    check_log(1, 20, 60, true);
}

static void a_stranger_is_told_all_counts(void **state)
{
    (void)state;
    check_log(9, 64, 60, false);
}

/* Two users: 0 1, after 18 hours 2; and 0 1. Of the second one only what the first did counts. */
static void a_state_worked_by_hand(void **state)
{
    (void)state;
    int32_t offset[] = {0, 3, 5}, item[] = {0, 1, 2, 0, 1};
    int64_t time[] = {0, 1000, 65281000, 5000, 11000};
    const Log data = {2, 4, offset, item, time};
    const Counts all = recount(&data, -1);
    const CountTable table = table_of(&all, 4);
    int32_t user[8];
    const CandidatesInput in = windows_of(&data, 9, true, user);
    const CandidatesOutput out = run(1, &in, &table, 4);
    /* The last row with a token: x_0 = 1, x_1 = 0; one place for the history. Then 2, which follows
     * 1 once at gap 1, with the weight 1/2, and 0 once at gap 2, with the weight 1/4; and 0, which
     * stands once before 1. */
    const int64_t r = in.token.dim[0] - 2;
    assert_int_equal(i32(in.token)[r], 4);
    const int32_t want[] = {1, 2, 0, -1};
    assert_memory_equal(i32(out.item) + r * 4, want, sizeof want);
    const float *f = f32(out.feature) + (r * 4 + 1) * COUNT_FEATURES;
    const double prior = (0.5 + 0.25 / 2) / sqrt(2.0), bound = 1e-6;
    assert_near(f[0], log1p(10), bound);
    assert_near(f[1], log1p(10 * 0.625), bound);
    assert_near(f[2], 0, 0);
    assert_near(f[3], log1p(5), bound);
    assert_near(f[4], log(3), bound);
    assert_near(f[5], log(2), bound);
    assert_near(f[6], log(1e-3 + prior), bound);
    assert_near(f[7], log1p(20 * 0.5 / 1), bound);
    for (int k = 8; k < COUNT_FEATURES; k++) assert_near(f[k], 0, 0);
    f += COUNT_FEATURES;
    assert_near(f[2], log1p(10), bound);
    assert_near(f[8], 1, 0);
    assert_near(f[9], log(2), bound);
    assert_near(f[10], 0, 0);
    assert_near(f[11], 0, 0);
    assert_near(f[12], log(7) / 5, bound);
    const float *s = f32(out.state) + r * COUNT_STATE_FEATURES;
    assert_near(s[0], log(3), bound);
    assert_near(s[1], log(2), bound);
    assert_near(s[3], log1p(1 + 1.25 / 2), bound);
    assert_near(s[5], log(4) / 2, bound);
    assert_near(s[7], log(7) / 5, bound);
    tensors_free();
}

/* Three users with 200 days before their last events: 0 2 3 .. 20 1, of which 0 and 1 are 20 apart;
 * 21 22; and 0 1 0 1 ... 21 22, of whom nothing counts but the least pair that there is and the
 * least weight of an item. */
static void the_least_pair_of_others_stays(void **state)
{
    (void)state;
    enum { EVENTS = 62 };
    int32_t offset[] = {0, 21, 23, EVENTS}, item[EVENTS];
    int64_t time[EVENTS];
    for (int e = 0; e < 20; e++) item[e] = e ? e + 1 : 0;
    item[20] = 1, item[21] = item[60] = 21, item[22] = item[61] = 22;
    for (int e = 23; e < 60; e++) item[e] = e % 2 ? 0 : 1;
    for (int e = 0; e < EVENTS; e++)
        time[e] = e == 20 || e == 22 || e == 61 ? INT64_C(200) * 86400000 : 1000;
    const Log data = {3, 23, offset, item, time};
    const Counts all = recount(&data, -1), left = recount(&data, 2);
    assert_int_equal(left.after[1], COUNT_UNITS / 80);
    assert_int_equal(both_of(&left, 22, 21), COUNT_UNITS / 4);
    const CountTable table = table_of(&all, 23);
    int32_t user[8];
    const CandidatesInput in = windows_of(&data, EVENTS, true, user);
    const CandidatesOutput out = run(1, &in, &table, 24);
    check_rows(&data, &in, &out, user, 23);
    const float *of_last = f32(out.state) + (in.token.dim[0] - 2) * COUNT_STATE_FEATURES;
    assert_near(of_last[1], log1p(0.125), 1e-6); /* the weight of 22 */
    tensors_free();
}

/* Item 9 follows a group of items, each once. */
static void ties_go_to_the_lower_item(void **state)
{
    (void)state;
    int32_t offset[] = {0, 2, 4, 6, 8, 9}, item[] = {9, 5, 9, 2, 9, 7, 9, 0, 9};
    int64_t time[9] = {0};
    const Log data = {5, 10, offset, item, time};
    const Counts all = recount(&data, -1);
    const CountTable table = table_of(&all, 10);
    int32_t user[8];
    const CandidatesInput in = windows_of(&data, 9, true, user);
    const CandidatesOutput out = run(1, &in, &table, 4);
    const int32_t want[] = {9, 0, 2, 5};
    assert_memory_equal(i32(out.item) + (in.token.dim[0] - 2) * 4, want, sizeof want);
    tensors_free();
}

static void an_event_without_an_item_is_nothing(void **state)
{
    (void)state;
    const Log data = make_log(USERS, ITEMS, 3);
    const Counts all = recount(&data, -1);
    const CountTable table = table_of(&all, 20);
    int32_t user[1024];
    const CandidatesInput in = windows_of(&data, 60, false, user);
    for (int64_t t = 0; t < in.item.dim[0]; t += 3) i32(in.item)[t] = -1;
    const CandidatesOutput out = run(1, &in, &table, 64);
    check_rows(&data, &in, &out, user, 20);
    tensors_free();
}

/* Rows of the same token, and tokens that are no row. */
static void rows_are_what_their_tokens_say(void **state)
{
    (void)state;
    const Log data = make_log(USERS, ITEMS, 4);
    const Counts all = recount(&data, -1);
    const CountTable table = table_of(&all, 20);
    int32_t user[1024];
    CandidatesInput in = windows_of(&data, 100, true, user);
    const CandidatesOutput whole = run(1, &in, &table, 64);
    const Tensor token = in.token;
    const int64_t rows = token.dim[0];
    in.token = NEW(I32, rows);
    for (int64_t r = 0; r < rows; r++) i32(in.token)[r] = i32(token)[r - r % 7];
    const CandidatesOutput some = run(1, &in, &table, 64);
    for (int64_t r = 0; r < rows; r++) {
        assert_same_bits(tensor_rows(some.item, r, 1), tensor_rows(whole.item, r - r % 7, 1));
        assert_same_bits(tensor_rows(some.feature, r, 1), tensor_rows(whole.feature, r - r % 7, 1));
        assert_same_bits(tensor_rows(some.state, r, 1), tensor_rows(whole.state, r - r % 7, 1));
    }
    tensors_free();
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    const Log data = make_log(USERS, ITEMS, 5);
    const Counts all = recount(&data, -1);
    const CountTable table = table_of(&all, 20);
    int32_t user[1024];
    const CandidatesInput in = windows_of(&data, 50, true, user);
    const CandidatesOutput one = run(1, &in, &table, 64);
    for (int threads = 2; threads <= 4; threads += 2) {
        const CandidatesOutput many = run(threads, &in, &table, 64);
        assert_same_bits(many.item, one.item);
        assert_same_bits(many.feature, one.feature);
        assert_same_bits(many.state, one.state);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_worked_by_hand),
        cmocka_unit_test(the_least_pair_of_others_stays),
        cmocka_unit_test(ties_go_to_the_lower_item),
        cmocka_unit_test(every_state_is_as_recounted_without_its_user),
        cmocka_unit_test(windows_leave_out_events_outside_them),
        cmocka_unit_test(a_table_that_was_cut_knows_what_it_keeps),
        cmocka_unit_test(a_stranger_is_told_all_counts),
        cmocka_unit_test(an_event_without_an_item_is_nothing),
        cmocka_unit_test(rows_are_what_their_tokens_say),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The stream: what it promises about order, windows, packing, threads and resuming. */
#include "batch_case.h"
#include "data/stream/stream.h"
#include "shop.h"
#include "stream_case.h"

static Behaviour plain, packed, single; /* the same histories twice; leave-one-out ones */
static Behaviour tied;                  /* with events of equal times */
static Behaviour shown, shown_packed;   /* with impressions and with events of equal times */
static char plain_path[256], packed_path[256], single_path[256], tied_path[256];
static char shown_path[256], shown_packed_path[256];

static int open_files(void **state)
{
    (void)state;
    Shop shop = {.users = 400, .longest = 150, .seed = 11, .features = true};
    assert_ok(shop_write(&shop, shop_path(plain_path, "plain")));
    shop.compress = true;
    assert_ok(shop_write(&shop, shop_path(packed_path, "packed")));
    shop = (Shop){.users = 300, .longest = 12, .seed = 12, .leave_one_out = true};
    assert_ok(shop_write(&shop, shop_path(single_path, "single")));
    shop = (Shop){.users = 300, .longest = 90, .seed = 13, .ties = true};
    assert_ok(shop_write(&shop, shop_path(tied_path, "tied")));
    shop = (Shop){.users = 200, .longest = 90, .seed = 14, .ties = true, .impressions = true};
    assert_ok(shop_write(&shop, shop_path(shown_path, "shown")));
    shop.compress = true;
    assert_ok(shop_write(&shop, shop_path(shown_packed_path, "shown-packed")));
    assert_ok(behaviour_open(&shown, shown_path));
    assert_ok(behaviour_open(&shown_packed, shown_packed_path));
    assert_ok(behaviour_open(&tied, tied_path));
    assert_ok(behaviour_open(&plain, plain_path));
    assert_ok(behaviour_open(&packed, packed_path));
    assert_ok(behaviour_open(&single, single_path));
    return 0;
}

static int close_files(void **state)
{
    (void)state;
    behaviour_close(&plain);
    behaviour_close(&packed);
    behaviour_close(&single);
    behaviour_close(&tied);
    behaviour_close(&shown);
    behaviour_close(&shown_packed);
    unlink(shown_path);
    unlink(shown_packed_path);
    unlink(tied_path);
    unlink(plain_path);
    unlink(packed_path);
    unlink(single_path);
    return 0;
}

static StreamOptions training(void)
{
    return (StreamOptions){.split = SPLIT_TRAIN,
                           .tokens = 512,
                           .length = 32,
                           .pool_events = 6000,
                           .seed = 5,
                           .shuffle = true};
}

/* ---- Helpers --------------------------------------------------------------------------------- */

/* The last token of the window before all events with the time of row `row`; -1: none. */
static int64_t token_before_time(const Columns *c, int64_t first, int64_t at, int64_t row)
{
    for (int64_t r = row; r > first; r--)
        if (c->time[r - 1] != c->time[row]) return at + (r - 1 - first);
    return -1;
}

/* In the shops that have impressions these are the views, action 0. */
static bool is_taken(const Behaviour *b, const Columns *c, int64_t row)
{
    return !b->has_impressions || c->action[row] != 0;
}

/* The own events of window w: the items and seconds of all rows of the counted splits that were
 * taken. */
static void check_own(const Behaviour *b, const Columns *c, const StreamOptions *o,
                      const Batch *batch, int64_t w)
{
    int64_t at = batch->own_offset[w];
    for (int s = 0; s < o->counted; s++) {
        const int64_t *rows = b->split[s][batch->user[w]];
        for (int64_t r = rows[0]; r < rows[1]; r++)
            if (is_taken(b, c, r)) {
                assert_int_equal(batch->own[at].item, c->item[r]);
                assert_int_equal(batch->own[at++].second, c->time[r] / 1000);
            }
    }
    assert_int_equal(at, batch->own_offset[w + 1]);
}

/* Token `state` of the window is the state of the target `row`. It sees at least half of `length`
 * events, unless the window is the first of its history, or the target comes so late in its time
 * that length+1 events that end with it have fewer. */
static void check_context(const Columns *c, const StreamOptions *o, int64_t state, bool exists,
                          int64_t row, bool first)
{
    int64_t before = 0;
    while (row - before > 0 && c->time[row - before - 1] == c->time[row]) before++;
    assert_true(exists);
    assert_in_range(state + 1, 1, o->length);
    if (!first && before <= o->length - (o->length + 1) / 2)
        assert_true(state + 1 >= (o->length + 1) / 2);
}

/* Every array of the batch against the file; adds a visit to each scored row. */
static void check_batch(const Behaviour *b, const Columns *c, const StreamOptions *o,
                        const Batch *batch, uint8_t *visits)
{
    assert_int_equal(batch->tokens, o->tokens);
    assert_int_equal(batch->cu_seqlens[0], 0);
    assert_int_equal(batch->cu_seqlens[batch->windows], batch->used);
    assert_true((batch->propensity != NULL) == b->has_propensity);
    assert_true((batch->taken != NULL) == b->has_impressions);
    for (int64_t t = batch->used; t < batch->tokens && batch->propensity; t++)
        assert_true(batch->propensity[t] == 1.0f);
    for (int64_t w = 0; w < batch->windows; w++) {
        const int64_t user = batch->user[w], first = batch->first_event[w];
        const int64_t at = batch->cu_seqlens[w], count = batch->cu_seqlens[w + 1] - at;
        const int64_t *split = b->split[o->split][user];
        assert_in_range(count, 2, o->length + 1);
        assert_true(first >= split[0] && first + count <= split[1]);
        for (int64_t i = 0; i < count; i++) {
            const int64_t row = first + i, t = at + i;
            assert_int_equal(batch->item[t], c->item[row]);
            assert_int_equal(batch->action[t], c->action[row]);
            assert_int_equal(batch->position[t], i);
            assert_int_equal(batch->time[t], c->time[row]);
            assert_int_equal(batch->state[t],
                             i + 1 < count ? token_before_time(c, first, at, row + 1) : t);
            assert_int_equal(batch->gap[t],
                             i ? batch_gap_bucket(c->time[row] - c->time[row - 1]) : 0);
            for (int f = 0; f < b->event_features.numbers; f++)
                assert_true(batch->feature[t * b->event_features.numbers + f] ==
                            c->feature[f][row]);
            if (batch->target[t] < 0) {
                assert_true(batch->target[t] == -1 && batch->target_action[t] == 0);
                assert_true(batch->reward[t] == 0.0f && batch->end[t] == 0);
                assert_true(!batch->propensity || batch->propensity[t] == 1.0f);
                assert_true(!batch->taken || batch->taken[t] == -1);
                continue;
            }
            assert_true(i + 1 < count);
            visits[row + 1]++;
            assert_int_equal(batch->target[t], c->item[row + 1]);
            assert_int_equal(batch->target_action[t], c->action[row + 1]);
            if (batch->taken)
                assert_int_equal(batch->taken[t], is_taken(b, c, row + 1) ? c->item[row + 1] : -1);
            assert_true(batch->reward[t] == c->reward[row + 1]);
            assert_int_equal(batch->end[t], c->end[row + 1]);
            if (batch->propensity) assert_true(batch->propensity[t] == c->propensity[row + 1]);
            check_context(c, o, batch->state[t] - at, batch->state[t] >= 0, row + 1,
                          first == split[0]);
        }
        assert_int_equal(batch->target[at + count - 1], -1);
        check_own(b, c, o, batch, w);
    }
    assert_in_range(batch->own_offset[batch->windows], 0, batch->own_capacity);
    for (int64_t t = batch->used; t < batch->tokens; t++) {
        assert_true(batch->item[t] == 0 && batch->action[t] == 0 && batch->gap[t] == 0);
        assert_true(batch->time[t] == 0 && batch->state[t] == -1);
        assert_true(batch->target[t] == -1 && batch->reward[t] == 0.0f && batch->end[t] == 0);
        assert_true(!batch->taken || batch->taken[t] == -1);
    }
}

/* Rows that are targets exactly once an epoch: those with an event of an earlier time before them,
 * unless `length` events of their own time are between the two. */
static bool is_target(const Behaviour *b, const Columns *c, const StreamOptions *o, int64_t user,
                      int64_t row)
{
    const int64_t *split = b->split[o->split][user];
    if (row < split[0] || row >= split[1]) return false;
    for (int64_t r = row; r > split[0] && row - r < o->length; r--)
        if (c->time[r - 1] != c->time[row]) return true;
    return false;
}

static void check_epochs(const Behaviour *b, const StreamOptions *o, int epochs, double share)
{
    Stream *s;
    const Batch *batch;
    Columns c = read_columns(b);
    assert_ok(stream_open(&s, b, o, (StreamCursor){0}));
    for (int64_t epoch = 0; epoch < epochs; epoch++) {
        uint8_t *visits = calloc((size_t)b->events, 1);
        int64_t batches, used = 0;
        assert_ok(stream_batches(s, epoch, &batches));
        assert_true(batches > 0);
        for (int64_t k = 0; k < batches; k++) {
            assert_ok(stream_next(s, &batch));
            assert_int_equal(batch->cursor.epoch, epoch);
            assert_int_equal(batch->cursor.batch, k);
            check_batch(b, &c, o, batch, visits);
            if (k + 1 < batches) used += batch->used;
        }
        if (batches > 1) assert_true((double)used >= share * (double)((batches - 1) * o->tokens));
        for (int64_t user = 0; user < b->users; user++)
            for (int64_t row = b->offset[user]; row < b->offset[user + 1]; row++)
                assert_int_equal(visits[row], is_target(b, &c, o, user, row));
        free(visits);
    }
    stream_close(s);
    free_columns(&c);
}

/* Hashes of the first `count` batches from a cursor. */
static void hash_stream(const Behaviour *b, const StreamOptions *o, StreamCursor at, int64_t count,
                        uint64_t *hash)
{
    Stream *s;
    const Batch *batch;
    assert_ok(stream_open(&s, b, o, at));
    for (int64_t k = 0; k < count; k++) {
        assert_ok(stream_next(s, &batch));
        hash[k] = hash_batch(batch);
    }
    stream_close(s);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void every_transition_of_the_split_comes_exactly_once_an_epoch(void **state)
{
    (void)state;
    StreamOptions o = training();
    check_epochs(&plain, &o, 3, 0.98);
    o.split = SPLIT_TEST;
    o.threads = 2;
    check_epochs(&packed, &o, 2, 0.98);
    o.length = 2;
    o.pool_events = 1;
    check_epochs(&packed, &o, 2, 0.98);
    o.shuffle = false;
    check_epochs(&plain, &o, 1, 0.98);
}

static void windows_have_the_counted_events_of_their_users(void **state)
{
    (void)state;
    StreamOptions o = training();
    for (o.counted = 1; o.counted <= SPLITS; o.counted++) {
        o.threads = o.counted - 1;
        check_epochs(&plain, &o, 1, 0.98);
        check_epochs(&packed, &o, 1, 0.98);
        o.split = SPLIT_VALID;
        check_epochs(&packed, &o, 1, 0.98);
        o.split = SPLIT_TRAIN;
    }
}

/* Windows of two tokens of users with 100 counted events have more own events than 32 a token:
 * batches end with fewer tokens than they might have. */
static void a_batch_ends_where_its_own_events_are_full(void **state)
{
    (void)state;
    StreamOptions o = training();
    o.length = 2;
    o.counted = 3;
    check_epochs(&packed, &o, 2, 0.2);
    o.tokens = 3; /* the longest history alone has more own events than 32 a token */
    check_epochs(&plain, &o, 1, 0.1);
    assert_true(batch_own_capacity(&plain, 3, 3) > 96);
    assert_int_equal(batch_own_capacity(&plain, 0, 512), 0);
    assert_int_equal(batch_counted(&plain, 3, -1), 0);
}

static void events_of_one_time_have_the_state_before_them(void **state)
{
    (void)state;
    StreamOptions o = training();
    check_epochs(&tied, &o, 2, 0.95);
    o.counted = 1;
    for (o.length = 1; o.length < 8; o.length++) check_epochs(&tied, &o, 1, 0.9);
    o.split = SPLIT_TEST;
    check_epochs(&tied, &o, 1, 0.9);
}

static void impressions_are_events_but_not_taken(void **state)
{
    (void)state;
    StreamOptions o = training();
    for (o.counted = 0; o.counted <= SPLITS; o.counted++) {
        check_epochs(&shown, &o, 1, 0.95);
        check_epochs(&shown_packed, &o, 1, 0.95);
    }
}

/* So targets have 1 to `length` events before them, all of these often. */
static void windows_of_a_long_history_overlap_by_half(void **state)
{
    (void)state;
    StreamOptions o = training();
    Stream *s;
    const Batch *batch;
    int64_t batches, seen[SHOP_LONGEST] = {0};
    o.length = 9;
    assert_ok(stream_open(&s, &plain, &o, (StreamCursor){0}));
    assert_ok(stream_batches(s, 0, &batches));
    while (batches-- > 0) {
        assert_ok(stream_next(s, &batch));
        for (int64_t t = 0; t < batch->used; t++)
            if (batch->target[t] >= 0) seen[batch->position[t] + 1]++;
    }
    for (int64_t events = 1; events <= o.length; events++) assert_true(seen[events] > 100);
    assert_int_equal(seen[o.length + 1], 0);
    stream_close(s);
}

static void any_number_of_threads_and_either_layout_give_the_same_bytes(void **state)
{
    (void)state;
    enum { BATCHES = 150 };
    uint64_t want[BATCHES], have[BATCHES];
    StreamOptions o = training();
    o.counted = 1;
    hash_stream(&plain, &o, (StreamCursor){0}, BATCHES, want);
    static const int threads[] = {0, 1, 2, 5};
    for (size_t i = 0; i < 4; i++) {
        o.threads = threads[i];
        hash_stream(&plain, &o, (StreamCursor){0}, BATCHES, have);
        assert_memory_equal(have, want, sizeof want);
        hash_stream(&packed, &o, (StreamCursor){0}, BATCHES, have);
        assert_memory_equal(have, want, sizeof want);
    }
}

static void a_stream_opened_at_any_cursor_goes_on_with_the_same_bytes(void **state)
{
    (void)state;
    StreamOptions o = training();
    Stream *s;
    int64_t batches;
    assert_ok(stream_open(&s, &plain, &o, (StreamCursor){0}));
    assert_ok(stream_batches(s, 0, &batches));
    stream_close(s);
    const int64_t count = batches + 3;
    uint64_t *want = malloc((size_t)count * sizeof *want), have[3];
    hash_stream(&plain, &o, (StreamCursor){0}, count, want);
    for (int64_t k = 0; k + 3 <= count; k++) {
        o.threads = (int)(k % 3);
        const Behaviour *b = k % 2 ? &plain : &packed;
        hash_stream(b, &o, (StreamCursor){0, k <= batches ? k : batches}, 3, have);
        assert_memory_equal(have, want + k, sizeof have);
    }
    hash_stream(&plain, &o, (StreamCursor){1, 0}, 3, have);
    assert_memory_equal(have, want + batches, sizeof have);
    free(want);
    assert_int_equal(stream_open(&s, &plain, &o, (StreamCursor){0, batches + 1}), ERR_USAGE);
    assert_non_null(strstr(status_message(), "of epoch 0, which has"));
    status_clear();
}

/* Read batch `round` of each rank in turn: the batches of one rank alone, in its order. */
static void ranks_read_the_batches_of_one_by_turns(void **state)
{
    (void)state;
    int empty = 0;
    for (int ranks = 2; ranks <= 5; ranks++) {
        Stream *one, *of[5];
        const Batch *batch;
        StreamOptions o = training();
        int64_t batches, rounds;
        o.pool_events = 600;
        o.threads = ranks % 3;
        assert_ok(stream_open(&one, &packed, &o, (StreamCursor){0}));
        o.ranks = ranks;
        for (o.rank = 0; o.rank < ranks; o.rank++)
            assert_ok(
                stream_open(&of[o.rank], o.rank % 2 ? &plain : &packed, &o, (StreamCursor){0}));
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            assert_ok(stream_batches(one, epoch, &batches));
            for (int r = 0; r < ranks; r++) {
                assert_ok(stream_batches(of[r], epoch, &rounds));
                assert_int_equal(rounds, (batches + ranks - 1) / ranks);
            }
            for (int64_t k = 0; k < rounds * ranks; k++) {
                uint64_t want = 0;
                if (k < batches) {
                    assert_ok(stream_next(one, &batch));
                    want = hash_batch_at(batch, (StreamCursor){epoch, k / ranks});
                }
                assert_ok(stream_next(of[k % ranks], &batch));
                assert_int_equal(batch->cursor.epoch, epoch);
                assert_int_equal(batch->cursor.batch, k / ranks);
                if (k < batches) {
                    assert_true(hash_batch(batch) == want);
                    continue;
                }
                empty++;
                assert_true(batch->windows == 0 && batch->used == 0 && batch->cu_seqlens[0] == 0);
                for (int64_t t = 0; t < batch->tokens; t++) assert_int_equal(batch->target[t], -1);
            }
        }
        stream_close(one);
        for (int r = 0; r < ranks; r++) stream_close(of[r]);
    }
    assert_true(empty > 0);
}

static void a_rank_goes_on_from_any_cursor_with_the_same_bytes(void **state)
{
    (void)state;
    StreamOptions o = training();
    o.ranks = 3;
    for (o.rank = 0; o.rank < o.ranks; o.rank++) {
        Stream *s;
        int64_t batches;
        assert_ok(stream_open(&s, &plain, &o, (StreamCursor){0}));
        assert_ok(stream_batches(s, 0, &batches));
        stream_close(s);
        uint64_t *want = malloc((size_t)(batches + 2) * sizeof *want), have[2];
        hash_stream(&plain, &o, (StreamCursor){0}, batches + 2, want);
        for (int64_t k = 0; k <= batches; k++) {
            o.threads = (int)(k % 3);
            hash_stream(&packed, &o, (StreamCursor){0, k}, 2, have);
            assert_memory_equal(have, want + k, sizeof have);
        }
        free(want);
        assert_refused(stream_open(&s, &plain, &o, (StreamCursor){0, batches + 1}), ERR_USAGE,
                       "of epoch 0, which has");
    }
}

static void one_rank_of_one_reads_as_without_ranks(void **state)
{
    (void)state;
    uint64_t want[40], have[40];
    StreamOptions o = training();
    hash_stream(&plain, &o, (StreamCursor){0}, 40, want);
    o.ranks = 1;
    hash_stream(&plain, &o, (StreamCursor){0}, 40, have);
    assert_memory_equal(have, want, sizeof want);
}

static void seeds_and_epochs_differ_in_order_and_file_order_keeps_it(void **state)
{
    (void)state;
    StreamOptions o = training();
    uint64_t a, b;
    hash_stream(&plain, &o, (StreamCursor){0}, 1, &a);
    o.seed++;
    hash_stream(&plain, &o, (StreamCursor){0}, 1, &b);
    assert_true(a != b);

    Stream *s;
    const Batch *batch;
    o.shuffle = false;
    assert_ok(stream_open(&s, &plain, &o, (StreamCursor){0}));
    assert_ok(stream_next(s, &batch));
    int64_t out_of_order = 0;
    for (int64_t w = 1; w < batch->windows; w++)
        out_of_order += batch->user[w] < batch->user[w - 1];
    assert_int_equal(out_of_order, 0);
    stream_close(s);
}

/* In a uniform permutation a user's place has mean (n-1)/2 and, over E epochs, a standard error of
 * n / sqrt(12 E); the bound is five of those. */
static void a_pool_that_holds_the_file_shuffles_uniformly(void **state)
{
    (void)state;
    enum { EPOCHS = 400 };
    StreamOptions o = training();
    o.pool_events = 1 << 20;
    o.tokens = 4096;
    Stream *s;
    const Batch *batch = NULL;
    double sum[8] = {0}, windows = 0;
    assert_ok(stream_open(&s, &single, &o, (StreamCursor){0}));
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t batches, place = 0;
        assert_ok(stream_batches(s, epoch, &batches));
        while (batches-- > 0) {
            assert_ok(stream_next(s, &batch));
            for (int64_t w = 0; w < batch->windows; w++, place++)
                if (batch->user[w] % 37 == 0 && batch->user[w] / 37 < 8)
                    sum[batch->user[w] / 37] += (double)place;
        }
        windows = (double)place;
    }
    for (int k = 0; k < 8; k++)
        if (sum[k] > 0)
            assert_near(sum[k] / EPOCHS, (windows - 1) / 2, 5 * windows / sqrt(12.0 * EPOCHS));
    stream_close(s);
}

static void gaps_fall_into_powers_of_two_of_seconds(void **state)
{
    (void)state;
    static const int64_t seconds[] = {0, 1, 2, 3, 6, 7, 86400, 1 << 29, 1 << 30};
    static const int32_t bucket[] = {1, 2, 2, 3, 3, 4, 17, 30, 31};
    for (size_t i = 0; i < sizeof bucket / sizeof *bucket; i++) {
        assert_int_equal(batch_gap_bucket(seconds[i] * 1000), bucket[i]);
        assert_int_equal(batch_gap_bucket(seconds[i] * 1000 + 999), bucket[i]);
    }
    assert_int_equal(batch_gap_bucket(INT64_MAX), 31);
}

static void a_split_with_nothing_to_score_is_an_error_not_a_hang(void **state)
{
    (void)state;
    StreamOptions o = training();
    Stream *s;
    const Batch *batch;
    int64_t batches = -1;
    o.split = SPLIT_VALID; /* one event a user, no context */
    assert_ok(stream_open(&s, &single, &o, (StreamCursor){0}));
    assert_ok(stream_batches(s, 0, &batches));
    assert_int_equal(batches, 0);
    assert_int_equal(stream_next(s, &batch), ERR_FORMAT);
    assert_non_null(strstr(status_message(),
                           "/splits/valid has no event with one of an earlier time before it"));
    status_clear();
    stream_close(s);
}

static void check_filled(const Behaviour *streamed, const Behaviour *filled)
{
    StreamOptions o = training();
    o.counted = 2;
    Stream *s;
    const Batch *batch;
    assert_ok(stream_open(&s, streamed, &o, (StreamCursor){0}));
    assert_ok(stream_next(s, &batch));
    Window *windows = malloc((size_t)batch->windows * sizeof *windows);
    for (int64_t w = 0; w < batch->windows; w++) windows[w] = window_of_batch(batch, w);
    Batch mine;
    assert_ok(batch_open(&mine, filled, o.tokens, o.counted,
                         batch_own_capacity(filled, o.counted, o.tokens)));
    assert_ok(batch_fill(&mine, filled, windows, batch->windows));
    assert_true(hash_batch(&mine) == hash_batch(batch));
    batch_close(&mine);
    stream_close(s);
    free(windows);
}

static void windows_filled_one_by_one_equal_the_streams(void **state)
{
    (void)state;
    check_filled(&plain, &packed);
    check_filled(&shown, &shown_packed);
    check_filled(&shown_packed, &shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transition_of_the_split_comes_exactly_once_an_epoch),
        cmocka_unit_test(windows_have_the_counted_events_of_their_users),
        cmocka_unit_test(a_batch_ends_where_its_own_events_are_full),
        cmocka_unit_test(events_of_one_time_have_the_state_before_them),
        cmocka_unit_test(impressions_are_events_but_not_taken),
        cmocka_unit_test(windows_of_a_long_history_overlap_by_half),
        cmocka_unit_test(any_number_of_threads_and_either_layout_give_the_same_bytes),
        cmocka_unit_test(a_stream_opened_at_any_cursor_goes_on_with_the_same_bytes),
        cmocka_unit_test(ranks_read_the_batches_of_one_by_turns),
        cmocka_unit_test(a_rank_goes_on_from_any_cursor_with_the_same_bytes),
        cmocka_unit_test(one_rank_of_one_reads_as_without_ranks),
        cmocka_unit_test(seeds_and_epochs_differ_in_order_and_file_order_keeps_it),
        cmocka_unit_test(a_pool_that_holds_the_file_shuffles_uniformly),
        cmocka_unit_test(gaps_fall_into_powers_of_two_of_seconds),
        cmocka_unit_test(a_split_with_nothing_to_score_is_an_error_not_a_hang),
        cmocka_unit_test(windows_filled_one_by_one_equal_the_streams),
    };
    return cmocka_run_group_tests(tests, open_files, close_files);
}

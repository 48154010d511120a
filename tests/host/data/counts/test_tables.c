/* SPDX-License-Identifier: Apache-2.0 */
/* Count tables against counting again by definition, over threads and memories. */
#include "counts_case.h"
#include "data/counts/tables.h"
#include "shop.h"

static CountTable new_table(int64_t items, int64_t width)
{
    return (CountTable){.item = NEW(I32, items, width),
                        .next = NEW(F32, items, width),
                        .after = NEW(F32, items, width),
                        .before = NEW(F32, items, width),
                        .popularity = NEW(F32, items),
                        .weight = NEW(F32, items)};
}

static void assert_same_tables(CountTable a, CountTable b)
{
    assert_same_bits(a.item, b.item);
    assert_same_bits(a.next, b.next);
    assert_same_bits(a.after, b.after);
    assert_same_bits(a.before, b.before);
    assert_same_bits(a.popularity, b.popularity);
    assert_same_bits(a.weight, b.weight);
}

/* ---- The definition -------------------------------------------------------------------------- */

static struct {
    int64_t next[SHOP_ITEMS][SHOP_ITEMS], after[SHOP_ITEMS][SHOP_ITEMS];
    int64_t popularity[SHOP_ITEMS];
} dense;

static void count_dense(const Behaviour *b, int counted)
{
    int32_t *item = malloc((size_t)b->events * sizeof *item + 1), own[SHOP_LONGEST];
    int64_t *time = malloc((size_t)b->events * sizeof *time + 1), when[SHOP_LONGEST];
    uint8_t *action = malloc((size_t)b->events + 1);
    assert_ok(columns_read(b, COLUMN_ITEM, 0, b->events, item));
    assert_ok(columns_read(b, COLUMN_ACTION, 0, b->events, action));
    assert_ok(columns_read(b, COLUMN_TIME, 0, b->events, time));
    memset(&dense, 0, sizeof dense);
    for (int64_t u = 0; u < b->users; u++) {
        int count = 0;
        for (int s = 0; s < counted; s++)
            for (int64_t e = b->split[s][u][0]; e < b->split[s][u][1]; e++)
                if (!b->has_impressions || action[e] != 0)
                    own[count] = item[e], when[count++] = time[e];
        for (int i = 0; i < count; i++) {
            dense.popularity[own[i]]++;
            for (int j = i + 1; j < count && j - i <= COUNT_GAP; j++)
                dense.after[own[i]][own[j]] += pair_of(j - i, when[i], when[j]);
            if (i + 1 < count) dense.next[own[i]][own[i + 1]]++;
        }
    }
    free(item);
    free(time);
    free(action);
}

static int64_t weight_of(int x, int y) { return 2 * dense.after[x][y] + dense.after[y][x]; }

/* The number of neighbours of x that come before y in the order of keeping. */
static int64_t before(int x, int y)
{
    int64_t count = 0;
    for (int z = 0; z < SHOP_ITEMS; z++)
        count += weight_of(x, z) > weight_of(x, y) || (weight_of(x, z) == weight_of(x, y) && z < y);
    return count;
}

/* Exact for sums below 2^64: long double has 64 bits. */
static float rounded(int64_t sum, int64_t units)
{
    return (float)((long double)sum / (long double)units);
}

static void check_row(const CountTable *t, int x)
{
    const int64_t width = t->item.dim[1];
    int64_t at = x * width, total = 0;
    for (int y = 0; y < SHOP_ITEMS; y++) {
        total += weight_of(x, y);
        if (!weight_of(x, y) || before(x, y) >= width) continue;
        assert_int_equal(i32(t->item)[at], y);
        assert_true(f32(t->next)[at] == (float)dense.next[x][y]);
        assert_true(f32(t->after)[at] == rounded(dense.after[x][y], COUNT_UNITS));
        assert_true(f32(t->before)[at] == rounded(dense.after[y][x], COUNT_UNITS));
        at++;
    }
    for (; at < (x + 1) * width; at++) {
        assert_int_equal(i32(t->item)[at], -1);
        assert_true(f32(t->next)[at] == 0 && f32(t->after)[at] == 0 && f32(t->before)[at] == 0);
    }
    assert_true(f32(t->popularity)[x] == (float)dense.popularity[x]);
    assert_true(f32(t->weight)[x] == rounded(total, 2 * (int64_t)COUNT_UNITS));
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* Shops of 97 items. Short: many users have one event, most rows are short, many weights are equal.
 * Long: rows are longer than the narrow tables. Shown: a third of the events are impressions, all
 * of some users. */
enum { SHORT, LONG, PACKED, SHOWN, SHOPS };
static Behaviour file[SHOPS];
static char path[SHOPS][256];

static int open_files(void **state)
{
    (void)state;
    const Shop shop[SHOPS] = {
        [SHORT] = {.users = 60, .longest = 4, .seed = 3, .leave_one_out = true},
        [LONG] = {.users = 50, .longest = 120, .seed = 4},
        [PACKED] = {.users = 50, .longest = 120, .seed = 4, .compress = true},
        [SHOWN] = {.users = 90, .longest = 20, .seed = 5, .impressions = true},
    };
    for (int i = 0; i < SHOPS; i++) {
        char name[16];
        snprintf(name, sizeof name, "counts-%d", i);
        assert_ok(shop_write(&shop[i], shop_path(path[i], name)));
        assert_ok(behaviour_open(&file[i], path[i]));
    }
    return 0;
}

static int close_files(void **state)
{
    (void)state;
    for (int i = 0; i < SHOPS; i++) {
        behaviour_close(&file[i]);
        unlink(path[i]);
    }
    return 0;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void test_definition(void **state)
{
    (void)state;
    static const int64_t widths[] = {1, 3, 16, 128};
    for (int shop = 0; shop < SHOPS; shop++)
        for (int counted = COUNTED_TRAIN; counted <= COUNTED_ALL; counted++) {
            count_dense(&file[shop], counted);
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
                const CountTable t = new_table(SHOP_ITEMS, widths[w]);
                const TablesOptions o = {.counted = counted, .threads = 1};
                assert_ok(tables_count(&t, &file[shop], &o));
                for (int x = 0; x < SHOP_ITEMS; x++) check_row(&t, x);
                tensors_free();
            }
        }
}

/* The shops have what the definition is about: pairs of an item with itself, and equal weights on
 * both sides of the cut of a table of width 1. */
static void test_ties_and_itself(void **state)
{
    (void)state;
    int ties = 0, itself = 0;
    count_dense(&file[SHORT], COUNTED_ALL);
    for (int x = 0; x < SHOP_ITEMS; x++) {
        int64_t last = 0, next = -1;
        for (int y = 0; y < SHOP_ITEMS; y++) {
            if (before(x, y) == 0) last = weight_of(x, y);
            if (before(x, y) == 1) next = weight_of(x, y);
        }
        ties += last > 0 && last == next;
    }
    count_dense(&file[LONG], COUNTED_TRAIN);
    for (int x = 0; x < SHOP_ITEMS; x++) itself += weight_of(x, x) > 0;
    assert_true(ties > 0 && itself > 10);
}

static void test_threads_and_memory(void **state)
{
    (void)state;
    const CountTable want = new_table(SHOP_ITEMS, 16);
    assert_ok(tables_count(&want, &file[LONG], &(TablesOptions){.counted = 1, .threads = 1}));
    for (int threads = 1; threads <= 4; threads++)
        for (int64_t memory = 0, step = 0; step < 6; step++) {
            const CountTable t = new_table(SHOP_ITEMS, 16);
            const TablesOptions o = {.counted = 1, .threads = threads, .memory = memory};
            assert_ok(tables_count(&t, &file[LONG], &o));
            assert_same_tables(t, want);
            memory = memory ? memory + 2000 : 35000;
        }
    tensors_free();
}

static void test_too_little_memory(void **state)
{
    (void)state;
    const CountTable t = new_table(SHOP_ITEMS, 16);
    status_clear();
    assert_int_equal(
        tables_count(&t, &file[LONG], &(TablesOptions){.counted = 1, .threads = 2, .memory = 5000}),
        ERR_MEMORY);
    assert_non_null(strstr(status_message(), "it may have 0.005 MB"));
    status_clear();
    tensors_free();
}

static bool always(Listener *self)
{
    (void)self;
    return true;
}

static void test_stop(void **state)
{
    (void)state;
    Listener listener = {.stop = always};
    const CountTable t = new_table(SHOP_ITEMS, 16);
    const TablesOptions o = {.counted = 1, .threads = 2, .listener = &listener};
    assert_int_equal(tables_count(&t, &file[LONG], &o), ERR_CANCELLED);
    status_clear();
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_ties_and_itself),
        cmocka_unit_test(test_threads_and_memory),
        cmocka_unit_test(test_too_little_memory),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, open_files, close_files);
}

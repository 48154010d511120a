/* SPDX-License-Identifier: Apache-2.0 */
/* The count table of a model: empty, counted, written and read again; files that are refused. */
#include "model/counts.h"
#include "op.h"
#include "shop.h"

enum { WIDTH = 8 };
static Device dev;
static Behaviour file;
static char shop_file[256], saved[256];
static CountTable table;
static Arena memory;

static int open_case(void **state)
{
    (void)state;
    const Shop shop = {.users = 40, .longest = 30, .seed = 8};
    assert_ok(device_open(&dev, "cpu", 2));
    assert_ok(shop_write(&shop, shop_path(shop_file, "model-counts")));
    assert_ok(behaviour_open(&file, shop_file));
    shop_path(saved, "model-counts-saved");
    assert_ok(counts_open(&table, &memory, SHOP_ITEMS, WIDTH, &dev));
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    arena_close(&memory);
    behaviour_close(&file);
    device_close(&dev);
    unlink(shop_file);
    unlink(saved);
    return 0;
}

static void an_open_table_has_no_pairs(void **state)
{
    (void)state;
    for (int i = 0; i < SHOP_ITEMS * WIDTH; i++) assert_int_equal(i32(table.item)[i], -1);
    for (int i = 0; i < SHOP_ITEMS; i++) assert_true(f32(table.weight)[i] == 0.0f);
}

/* Writes the table; reads it into `into`. */
static Status pass_on(CountTable *into, Arena *into_memory)
{
    NamedTensor list[COUNTS_TENSORS];
    Safetensors f;
    counts_list(list, &table, &memory, memory.base);
    TRY(safetensors_write(saved, list, COUNTS_TENSORS, NULL, 0));
    TRY(safetensors_open(&f, saved));
    assert_int_equal(counts_width(&f), WIDTH);
    TRY(counts_open(into, into_memory, SHOP_ITEMS, WIDTH, &dev));
    const Status st = counts_load(into, into_memory, &f, &(CatalogueMatch){.same = true});
    safetensors_close(&f);
    return st;
}

static void a_table_is_read_as_it_was_written(void **state)
{
    (void)state;
    CountTable read;
    Arena own = {0};
    const TablesOptions o = {.counted = COUNTED_TRAIN, .threads = 2};
    assert_ok(counts_fill(&table, &memory, &file, &o));
    assert_true(i32(table.item)[WIDTH - 1] > 0);
    assert_ok(pass_on(&read, &own));
    assert_same_bits(read.item, table.item);
    assert_same_bits(read.next, table.next);
    assert_same_bits(read.after, table.after);
    assert_same_bits(read.before, table.before);
    assert_same_bits(read.popularity, table.popularity);
    assert_same_bits(read.weight, table.weight);
    arena_close(&own);
}

enum { NEW = 4, MORE = SHOP_ITEMS + NEW };

/* A catalogue in which every known item is at another place: those of then from the last to the
 * first, behind two new ones and before two more. */
static CatalogueMatch turned(int32_t from[MORE])
{
    CatalogueMatch m = {.fresh = NEW};
    for (int32_t i = 0; i < MORE; i++)
        from[i] = i < NEW / 2 || i >= MORE - NEW / 2 ? -1 : MORE - NEW / 2 - 1 - i;
    m.rows[ROWS_ITEM] = (RowMatch){SHOP_ITEMS, MORE, from};
    return m;
}

/* Neighbours ascend in any catalogue, so rows are compared as sets. */
static void assert_row(const CountTable *now, int64_t row, int64_t then, const int32_t *from)
{
    int64_t found = 0;
    assert_near(f32(now->popularity)[row], f32(table.popularity)[then], 0.0);
    assert_near(f32(now->weight)[row], f32(table.weight)[then], 0.0);
    for (int64_t j = row * WIDTH; j < (row + 1) * WIDTH; j++) {
        const int32_t y = i32(now->item)[j];
        if (y < 0) continue;
        assert_true(j == row * WIDTH || i32(now->item)[j - 1] < y);
        for (int64_t k = then * WIDTH; k < (then + 1) * WIDTH; k++) {
            if (i32(table.item)[k] != from[y]) continue;
            assert_near(f32(now->next)[j], f32(table.next)[k], 0.0);
            assert_near(f32(now->after)[j], f32(table.after)[k], 0.0);
            assert_near(f32(now->before)[j], f32(table.before)[k], 0.0);
            found++;
        }
    }
    for (int64_t k = then * WIDTH; k < (then + 1) * WIDTH; k++) found -= i32(table.item)[k] >= 0;
    assert_int_equal(found, 0);
}

static void rows_are_found_in_a_grown_catalogue(void **state)
{
    (void)state;
    int32_t from[MORE];
    const CatalogueMatch match = turned(from);
    CountTable now, again;
    Arena own = {0}, back = {0};
    Safetensors f;
    assert_ok(safetensors_open(&f, saved)); /* of the test before */
    assert_ok(counts_open(&now, &own, MORE, WIDTH, &dev));
    assert_ok(counts_load(&now, &own, &f, &match));
    safetensors_close(&f);
    for (int64_t i = 0; i < MORE; i++) {
        if (from[i] >= 0) assert_row(&now, i, from[i], from);
        if (from[i] < 0) assert_int_equal(i32(now.item)[i * WIDTH], -1);
        if (from[i] < 0) assert_near(f32(now.popularity)[i], 0.0, 0.0);
    }
    /* And back: a new neighbour is left out. */
    i32(now.item)[2 * WIDTH] = 0;
    assert_ok(counts_open(&again, &back, SHOP_ITEMS, WIDTH, &dev));
    counts_leave_new(&again, &now, &match);
    for (int64_t i = 0; i < SHOP_ITEMS - 1; i++)
        for (int64_t j = i * WIDTH; j < (i + 1) * WIDTH; j++) {
            assert_int_equal(i32(again.item)[j], i32(table.item)[j]);
            assert_near(f32(again.after)[j], f32(table.after)[j], 0.0);
        }
    assert_int_equal(i32(again.item)[SHOP_ITEMS * WIDTH - 1], -1);
    assert_same_bits(again.popularity, table.popularity);
    arena_close(&own);
    arena_close(&back);
}

static void refused(const char *message)
{
    CountTable read;
    Arena own = {0};
    assert_refused(pass_on(&read, &own), ERR_FORMAT, message);
    arena_close(&own);
}

static void bad_tables_are_refused(void **state)
{
    (void)state;
    static const int32_t bad[] = {-2, SHOP_ITEMS, INT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const int32_t was = i32(table.item)[WIDTH + 2];
        i32(table.item)[WIDTH + 2] = bad[i];
        refused("counts.item[1,2] is ");
        i32(table.item)[WIDTH + 2] = was;
    }
    const int32_t first = i32(table.item)[0];
    i32(table.item)[0] = i32(table.item)[1];
    refused("counts.item[0,1] is ");
    i32(table.item)[0] = -1;
    refused("counts.item[0,1] is ");
    i32(table.item)[0] = first;
    f32(table.after)[3] = -1.0f;
    refused("counts.after[3] is -1, want a finite number of at least 0");
    f32(table.after)[3] = NAN;
    refused("counts.after[3] is nan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_table_has_no_pairs),
        cmocka_unit_test(a_table_is_read_as_it_was_written),
        cmocka_unit_test(rows_are_found_in_a_grown_catalogue),
        cmocka_unit_test(bad_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}

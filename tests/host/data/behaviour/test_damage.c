/* SPDX-License-Identifier: Apache-2.0 */
/* What opening a behaviour file refuses, and what it says. */
#include <hdf5.h>

#include "shop.h"

static char path[256];

static const Shop shop = {.users = 50, .longest = 60, .seed = 21, .features = true};

static hid_t fresh(void)
{
    assert_ok(shop_write(&shop, path));
    return H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
}

/* Write one element; `column` counts for [users, 2] only. */
static void poke(hid_t file, const char *name, hsize_t row, hsize_t column, hid_t type,
                 const void *value)
{
    const hsize_t at[2] = {row, column};
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), one = H5Screate(H5S_SCALAR);
    const hid_t space = H5Dget_space(dataset);
    H5Sselect_elements(space, H5S_SELECT_SET, 1, at);
    assert_true(H5Dwrite(dataset, type, one, space, H5P_DEFAULT, value) >= 0);
    H5Sclose(space);
    H5Sclose(one);
    H5Dclose(dataset);
}

/* Replace a dataset by zeros of another type or shape. */
static void replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims)
{
    H5Ldelete(file, name, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(rank, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
    H5Dclose(H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
}

static void attribute(hid_t file, const char *object, const char *name, hid_t type,
                      const void *value)
{
    const hid_t at = H5Oopen(file, object, H5P_DEFAULT), one = H5Screate(H5S_SCALAR);
    H5Adelete(at, name);
    if (value) {
        const hid_t id = H5Acreate2(at, name, type, one, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(id, type, value);
        H5Aclose(id);
    }
    H5Sclose(one);
    H5Oclose(at);
}

/* A new attribute of `count` bytes. */
static void bytes_attribute(hid_t file, const char *name, hsize_t count, const uint8_t *value)
{
    const hid_t at = H5Oopen(file, "/", H5P_DEFAULT), space = H5Screate_simple(1, &count, NULL);
    const hid_t id = H5Acreate2(at, name, H5T_NATIVE_UINT8, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, H5T_NATIVE_UINT8, value);
    H5Aclose(id);
    H5Sclose(space);
    H5Oclose(at);
}

/* Opening must fail with a message of one line that has the path and all of `says`. */
static void refused(const char *first, const char *second)
{
    Behaviour b;
    const Status st = behaviour_open(&b, path);
    const char *message = status_message();
    if (st == OK) behaviour_close(&b);
    if (st != ERR_FORMAT || !strstr(message, path) || !strstr(message, first) ||
        !strstr(message, second) || strchr(message, '\n'))
        fail_msg("status %d, message \"%s\", want \"%s\" and \"%s\"", (int)st, message, first,
                 second);
    status_clear();
    unlink(path);
}

#define REFUSED(first, second)                                                                     \
    do {                                                                                           \
        assert_true(H5Fclose(file) >= 0);                                                          \
        refused(first, second);                                                                    \
    } while (0)

static void values_out_of_range_are_named_with_their_index(void **state)
{
    (void)state;
    const int32_t item = SHOP_ITEMS, below = -1, category = 5;
    const uint8_t three = 3;
    const float nan_value = NAN, infinite = INFINITY, zero = 0.0f;
    hid_t file = fresh();
    poke(file, "/events/item", 1003, 0, H5T_NATIVE_INT32, &item);
    REFUSED("/events/item[1003] is 97", "want 0 to 96");
    file = fresh();
    poke(file, "/events/item", 0, 0, H5T_NATIVE_INT32, &below);
    REFUSED("/events/item[0] is -1", "want 0 to 96");
    file = fresh();
    poke(file, "/events/action", 77, 0, H5T_NATIVE_UINT8, &three);
    REFUSED("/events/action[77] is 3", "want 0 to 2");
    file = fresh();
    poke(file, "/events/end", 5, 0, H5T_NATIVE_UINT8, &three);
    REFUSED("/events/end[5] is 3", "0, 1 or 2");
    file = fresh();
    poke(file, "/events/reward", 6, 0, H5T_NATIVE_FLOAT, &nan_value);
    REFUSED("/events/reward[6] is nan", "a finite number");
    file = fresh();
    poke(file, "/events/quantity", 8, 0, H5T_NATIVE_FLOAT, &infinite);
    REFUSED("/events/quantity[8] is inf", "a finite number");
    file = fresh();
    poke(file, "/events/propensity", 9, 0, H5T_NATIVE_FLOAT, &zero);
    REFUSED("/events/propensity[9] is 0", "above 0");
    file = fresh();
    poke(file, "/items/item_zone", 4, 0, H5T_NATIVE_INT32, &category);
    REFUSED("/items/item_zone[4] is 5", "want 0 to 4");
    file = fresh();
    poke(file, "/users/user_price", 2, 0, H5T_NATIVE_FLOAT, &nan_value);
    REFUSED("/users/user_price[2] is nan", "a finite number");
}

static void damaged_texts_are_named_with_their_index(void **state)
{
    (void)state;
    const int32_t five = SHOP_NGRAMS, four = 4, none = 0;
    const int64_t one = 1, back = 2, more = 1000;
    hid_t file = fresh();
    poke(file, "/catalogue/text_offset", 0, 0, H5T_NATIVE_INT64, &one);
    REFUSED("/catalogue/text_offset[0] is 1", "want 0");
    file = fresh();
    poke(file, "/catalogue/text_offset", 2, 0, H5T_NATIVE_INT64, &back);
    REFUSED("/catalogue/text_offset[2] is 2", "want at least 5");
    file = fresh();
    poke(file, "/catalogue/text_offset", SHOP_ITEMS, 0, H5T_NATIVE_INT64, &more);
    REFUSED("/catalogue/text_offset ends with 1000", "want the rows of /catalogue/text");
    file = fresh();
    poke(file, "/catalogue/text", 4, 0, H5T_NATIVE_INT32, &five);
    REFUSED("/catalogue/text[4] is 5", "want 4 to 4");
    file = fresh();
    poke(file, "/catalogue/text", 0, 0, H5T_NATIVE_INT32, &four);
    REFUSED("/catalogue/text[1] is 1", "want 5 to 4");
    file = fresh();
    const hid_t dataset = H5Dopen2(file, "/catalogue/text", H5P_DEFAULT);
    const hid_t rows = H5Aopen(dataset, "rows", H5P_DEFAULT);
    assert_true(H5Awrite(rows, H5T_NATIVE_INT32, &none) >= 0);
    H5Aclose(rows);
    H5Dclose(dataset);
    REFUSED("/catalogue/text", "attribute rows: want a number from 1 to");
    file = fresh();
    assert_true(H5Ldelete(file, "/catalogue/text", H5P_DEFAULT) >= 0);
    REFUSED("/catalogue/text", "no readable dataset");
}

static void of_several_faults_the_first_is_told(void **state)
{
    (void)state;
    const int32_t item = 1000;
    const hid_t file = fresh();
    poke(file, "/events/item", 1200, 0, H5T_NATIVE_INT32, &item);
    poke(file, "/events/item", 12, 0, H5T_NATIVE_INT32, &item);
    REFUSED("/events/item[12] is 1000", "want");
}

static void histories_must_stand_in_order(void **state)
{
    (void)state;
    int64_t value = 1;
    hid_t file = fresh();
    poke(file, "/users/offset", 0, 0, H5T_NATIVE_INT64, &value);
    REFUSED("/users/offset[0] is 1", "want 0");
    file = fresh();
    value = 0;
    poke(file, "/users/offset", 3, 0, H5T_NATIVE_INT64, &value);
    REFUSED("/users/offset[3] is 0", "want at least");
    file = fresh();
    value = 1 << 20;
    poke(file, "/users/offset", 50, 0, H5T_NATIVE_INT64, &value);
    REFUSED("/users/offset ends with 1048576", "number of events");
    file = fresh();
    value = 5;
    const int64_t second = shop_count(&shop, 0) > 1 ? 1 : shop_count(&shop, 0) + 1;
    poke(file, "/events/time", (hsize_t)second, 0, H5T_NATIVE_INT64, &value);
    REFUSED("/events/time[", "] is 5, want at least");
}

static void splits_must_lie_inside_and_in_order(void **state)
{
    (void)state;
    int64_t value = -1;
    hid_t file = fresh();
    poke(file, "/splits/train", 0, 0, H5T_NATIVE_INT64, &value);
    REFUSED("/splits/train[0] is [-1,", "want a range inside [0,");
    file = fresh();
    value = 1 << 20;
    poke(file, "/splits/test", 49, 1, H5T_NATIVE_INT64, &value);
    REFUSED("/splits/test[49]", "want a range inside");
    file = fresh();
    value = 0;
    while (shop_count(&shop, value) < 20) value++;
    const hsize_t user = (hsize_t)value;
    for (int64_t u = value = 0; u < (int64_t)user; u++) value += shop_count(&shop, u);
    poke(file, "/splits/valid", user, 0, H5T_NATIVE_INT64, &value);
    REFUSED("/splits/valid[", "want a range inside");
}

static void types_and_shapes_must_be_those_of_the_schema(void **state)
{
    (void)state;
    const hsize_t events = 5000, two[2] = {50, 3}, none = 0;
    hid_t file = fresh();
    replace(file, "/events/item", H5T_NATIVE_INT64, 1, &events);
    REFUSED("/events/item", "want dtype int32");
    file = fresh();
    replace(file, "/events/item", H5T_NATIVE_UINT32, 1, &events);
    REFUSED("/events/item", "want dtype int32");
    file = fresh();
    replace(file, "/events/reward", H5T_NATIVE_DOUBLE, 1, &events);
    REFUSED("/events/reward", "want dtype float32");
    file = fresh();
    replace(file, "/events/time", H5T_NATIVE_INT64, 1, &events);
    REFUSED("/events/time: 5000 rows", "as /events/item");
    file = fresh();
    replace(file, "/splits/valid", H5T_NATIVE_INT64, 2, two);
    REFUSED("/splits/valid", "the second of width 2");
    file = fresh();
    replace(file, "/users/offset", H5T_NATIVE_INT64, 2, two);
    REFUSED("/users/offset: 2 axes", "want 1");
    file = fresh();
    replace(file, "/items/key", H5T_NATIVE_INT32, 1, &events);
    REFUSED("/items/key", "want dtype text");
    file = fresh();
    replace(file, "/events/item", H5T_NATIVE_INT32, 1, &none);
    REFUSED("/events/item: 0 rows", "want at least 1");
    file = fresh();
    replace(file, "/items/item_zone", H5T_NATIVE_DOUBLE, 1, &events);
    REFUSED("/items/item_zone", "int32");
    file = fresh();
    H5Ldelete(file, "/users/offset", H5P_DEFAULT);
    REFUSED("/users/offset", "no readable dataset");
    file = fresh();
    H5Ldelete(file, "/splits", H5P_DEFAULT);
    REFUSED("/splits/train", "no readable dataset");
}

static void attributes_must_be_those_of_the_schema(void **state)
{
    (void)state;
    const int32_t two = 2, zero = 0;
    const float nan_value = NAN;
    hid_t file = fresh();
    attribute(file, "/", "schema", 0, NULL);
    REFUSED("attribute schema", "souk-behaviour");
    file = fresh();
    attribute(file, "/", "schema_version", H5T_NATIVE_INT32, &two);
    REFUSED("schema_version: 2", "want 1");
    file = fresh();
    attribute(file, "/", "action_names", H5T_NATIVE_INT32, &two);
    REFUSED("action_names", "want 1 to 256 texts");
    file = fresh();
    attribute(file, "/", "action_rewards", H5T_NATIVE_INT32, &two);
    REFUSED("action_rewards", "want 3 numbers");
    file = fresh();
    bytes_attribute(file, "action_impressions", 2, (const uint8_t[]){1, 0});
    REFUSED("action_impressions", "want 3 numbers, one an action");
    file = fresh();
    bytes_attribute(file, "action_impressions", 3, (const uint8_t[]){1, 0, 2});
    REFUSED("action_impressions[2] is 2", "want 0 or 1");
    file = fresh();
    attribute(file, "/", "catalogue_hash", 0, NULL);
    REFUSED("catalogue_hash", "64 hexadecimal digits");
    file = fresh();
    attribute(file, "/", "split_rule", 0, NULL);
    REFUSED("attribute split_rule", "want a text");
    file = fresh();
    attribute(file, "/", "report", H5T_NATIVE_INT32, &two);
    REFUSED("attribute report", "want a text");
    file = fresh();
    attribute(file, "/items/item_zone", "rows", H5T_NATIVE_INT32, &zero);
    REFUSED("/items/item_zone: attribute rows", "positive");
    file = fresh();
    attribute(file, "/items/item_price", "std", H5T_NATIVE_FLOAT, &nan_value);
    REFUSED("/items/item_price", "mean and std");
}

/* Replaces /events/item by a dataset of `rows` int32 that is made with `plist`. */
static void replace_items(hid_t file, hsize_t rows, hid_t plist)
{
    const hsize_t any = H5S_UNLIMITED; /* a fixed size cannot have chunks above it */
    const bool chunked = H5Pget_layout(plist) == H5D_CHUNKED;
    const hid_t space = H5Screate_simple(1, &rows, chunked ? &any : NULL);
    H5Ldelete(file, "/events/item", H5P_DEFAULT);
    const hid_t dataset =
        H5Dcreate2(file, "/events/item", H5T_NATIVE_INT32, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(dataset >= 0);
    H5Dclose(dataset);
    H5Pclose(plist);
    H5Sclose(space);
}

static void nothing_outside_the_file_is_read(void **state)
{
    (void)state;
    const hsize_t rows = 100;
    hid_t file = fresh(), plist;
    H5Lmove(file, "/events/item", file, "/there", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/there", file, "/events/item", H5P_DEFAULT, H5P_DEFAULT);
    REFUSED("/events/item is a link", "to another place of the file");
    file = fresh();
    H5Ldelete(file, "/users/key", H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/key", file, "/users/key", H5P_DEFAULT, H5P_DEFAULT);
    REFUSED("/users/key is a link", "to another file");
    file = fresh();
    H5Ldelete(file, "/items", H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/items", file, "/items", H5P_DEFAULT, H5P_DEFAULT);
    REFUSED("/items is a link", "to another file");
    file = fresh();
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, "/etc/passwd", 0, rows * sizeof(int32_t));
    replace_items(file, rows, plist);
    REFUSED("/events/item: its data are in other files", "");
    file = fresh();
    plist = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t from = H5Screate_simple(1, &rows, NULL);
    assert_true(H5Pset_virtual(plist, from, "other.h5", "/events/item", from) >= 0);
    H5Sclose(from);
    replace_items(file, rows, plist);
    REFUSED("/events/item: its data are in other files", "");
}

/* What a file says of sizes is bounded by the data that it has. */
static void sizes_are_bounded_by_the_data(void **state)
{
    (void)state;
    const int32_t many = INT32_MAX;
    const int64_t late = INT64_MAX, early = INT64_MIN;
    const hsize_t chunk = 1 << 28;
    hid_t file = fresh();
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    H5Pset_deflate(plist, 1);
    replace_items(file, 1000, plist);
    REFUSED("/events/item: chunks that are much larger", "1000 elements");
    file = fresh();
    attribute(file, "/items/item_zone", "rows", H5T_NATIVE_INT32, &many);
    REFUSED("/items/item_zone: attribute rows: 2147483647",
            "want at most 1489, one for each event");
    file = fresh();
    poke(file, "/events/time", 0, 0, H5T_NATIVE_INT64, &early);
    REFUSED("/events/time[0] is -9223372036854775808", "want -2^62 to 2^62");
    file = fresh();
    poke(file, "/events/time", (hsize_t)shop_count(&shop, 0) - 1, 0, H5T_NATIVE_INT64, &late);
    REFUSED("is 9223372036854775807", "want -2^62 to 2^62");
}

/* A sparse dataset of 2^40 rows costs nothing to declare, and must cost nothing to refuse. */
static void a_header_that_promises_too_much_is_refused(void **state)
{
    (void)state;
    const hsize_t rows = (hsize_t)1 << 40, chunk = 1 << 20;
    const hid_t file = fresh();
    H5Ldelete(file, "/events/item", H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &rows, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    H5Dclose(
        H5Dcreate2(file, "/events/item", H5T_NATIVE_INT32, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
    REFUSED("/events/item: 1099511627776 rows", "bytes stored");
}

static void write_file(const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

static void what_is_no_hdf5_file_is_refused(void **state)
{
    (void)state;
    static const char text[] = "user,item,time\n1,2,3\n";
    Behaviour b;
    write_file(text, 0);
    refused("the file is empty", "");
    write_file(text, sizeof text);
    refused("not a readable HDF5 file", "");
    assert_ok(shop_write(&shop, path));
    assert_int_equal(truncate(path, 5000), 0);
    refused("not a readable HDF5 file", "truncated?");
    assert_int_equal(behaviour_open(&b, path), ERR_IO);
    assert_non_null(strstr(status_message(), "No such file"));
    status_clear();
    assert_int_equal(behaviour_open(&b, "/"), ERR_IO);
    assert_non_null(strstr(status_message(), "not a regular file"));
    status_clear();
}

static int name_file(void **state)
{
    (void)state;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    shop_path(path, "damage");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_out_of_range_are_named_with_their_index),
        cmocka_unit_test(damaged_texts_are_named_with_their_index),
        cmocka_unit_test(of_several_faults_the_first_is_told),
        cmocka_unit_test(histories_must_stand_in_order),
        cmocka_unit_test(splits_must_lie_inside_and_in_order),
        cmocka_unit_test(types_and_shapes_must_be_those_of_the_schema),
        cmocka_unit_test(attributes_must_be_those_of_the_schema),
        cmocka_unit_test(nothing_outside_the_file_is_read),
        cmocka_unit_test(sizes_are_bounded_by_the_data),
        cmocka_unit_test(a_header_that_promises_too_much_is_refused),
        cmocka_unit_test(what_is_no_hdf5_file_is_refused),
    };
    return cmocka_run_group_tests(tests, name_file, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Names and types of a behaviour file's columns. */
#include "data/behaviour/schema.h"

#include "data/behaviour/types.h"
#include "test.h"

static void the_columns_have_the_names_and_types_of_the_page(void **state)
{
    (void)state;
    Behaviour b = {0};
    snprintf(b.event_features.number_name[1], FEATURE_NAME_MAX, "price");
    const struct {
        Column column;
        const char *name, *type;
        size_t bytes;
    } want[] = {
        {COLUMN_ITEM, "item", "int32", 4},
        {COLUMN_ACTION, "action", "uint8", 1},
        {COLUMN_TIME, "time", "int64", 8},
        {COLUMN_REWARD, "reward", "float32", 4},
        {COLUMN_END, "end", "uint8", 1},
        {COLUMN_PROPENSITY, "propensity", "float32", 4},
        {COLUMN_FEATURE + 1, "price", "float32", 4},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const ElementType type = schema_column_type(want[i].column);
        assert_string_equal(schema_column_name(&b, want[i].column), want[i].name);
        assert_string_equal(schema_type_name[type], want[i].type);
        assert_int_equal(schema_type_bytes(type), want[i].bytes);
        assert_int_equal(schema_is_column(want[i].name), want[i].column < COLUMN_FEATURE);
    }
    assert_string_equal(schema_split_path[SPLIT_VALID], "/splits/valid");
    assert_string_equal(schema_split_name[SPLIT_VALID], "valid");
}

static void a_type_equals_itself_in_any_byte_order_and_no_other(void **state)
{
    (void)state;
    const struct {
        hid_t stored;
        ElementType type;
    } stored[] = {
        {H5T_STD_I32BE, TYPE_INT32},
        {H5T_STD_I32LE, TYPE_INT32},
        {H5T_STD_I64BE, TYPE_INT64},
        {H5T_STD_U8LE, TYPE_UINT8},
        {H5T_STD_U64BE, TYPE_UINT64},
        {H5T_IEEE_F32BE, TYPE_FLOAT32},
        {H5T_C_S1, TYPE_TEXT},
        {H5T_STD_U32LE, TYPES},
        {H5T_IEEE_F64LE, TYPES},
        {H5T_STD_I8LE, TYPES},
        {H5T_NATIVE_INT32, TYPE_INT32},
        {H5T_NATIVE_INT64, TYPE_INT64},
        {H5T_NATIVE_UINT64, TYPE_UINT64},
        {H5T_NATIVE_FLOAT, TYPE_FLOAT32},
    };
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++)
        for (int t = 0; t < TYPES; t++)
            assert_int_equal(types_equal(stored[i].stored, (ElementType)t),
                             stored[i].type == (ElementType)t);
    for (int t = 0; t < TYPE_TEXT; t++) {
        assert_true(types_equal(types_native((ElementType)t), (ElementType)t));
        assert_int_equal(H5Tget_size(types_native((ElementType)t)),
                         schema_type_bytes((ElementType)t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_columns_have_the_names_and_types_of_the_page),
        cmocka_unit_test(a_type_equals_itself_in_any_byte_order_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

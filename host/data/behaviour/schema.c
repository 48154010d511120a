/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/schema.h"

#include <math.h>
#include <string.h>

const char *const schema_split_name[SPLITS] = {"train", "valid", "test"};
const char *const schema_split_path[SPLITS] = {"/splits/train", "/splits/valid", "/splits/test"};

const char *const schema_type_name[TYPES] = {
    [TYPE_UINT8] = "uint8",   [TYPE_INT32] = "int32",     [TYPE_INT64] = "int64",
    [TYPE_UINT64] = "uint64", [TYPE_FLOAT32] = "float32", [TYPE_TEXT] = "text",
};

static const struct {
    const char *name;
    ElementType type;
} columns[COLUMN_FEATURE] = {
    [COLUMN_ITEM] = {"item", TYPE_INT32}, [COLUMN_ACTION] = {"action", TYPE_UINT8},
    [COLUMN_TIME] = {"time", TYPE_INT64}, [COLUMN_REWARD] = {"reward", TYPE_FLOAT32},
    [COLUMN_END] = {"end", TYPE_UINT8},   [COLUMN_PROPENSITY] = {"propensity", TYPE_FLOAT32},
};

const char *schema_column_name(const Behaviour *b, Column column)
{
    return column < COLUMN_FEATURE ? columns[column].name
                                   : b->event_features.number_name[column - COLUMN_FEATURE];
}

ElementType schema_column_type(Column column)
{
    return column < COLUMN_FEATURE ? columns[column].type : TYPE_FLOAT32;
}

size_t schema_type_bytes(ElementType type)
{
    static const size_t bytes[TYPES] = {[TYPE_UINT8] = 1,  [TYPE_INT32] = 4,   [TYPE_INT64] = 8,
                                        [TYPE_UINT64] = 8, [TYPE_FLOAT32] = 4, [TYPE_TEXT] = 0};
    return bytes[type];
}

double schema_value(const FeatureSet *f, int n, float x)
{
    const double v = (double)x * (double)f->std[n] + (double)f->mean[n];
    return f->logarithm[n] ? copysign(expm1(fabs(v)), v) : v;
}

bool schema_is_column(const char *name)
{
    for (int c = 0; c < COLUMN_FEATURE; c++)
        if (strcmp(name, columns[c].name) == 0) return true;
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/types.h"

hid_t types_native(ElementType type)
{
    switch (type) {
    case TYPE_UINT8: return H5T_NATIVE_UINT8;
    case TYPE_INT32: return H5T_NATIVE_INT32;
    case TYPE_INT64: return H5T_NATIVE_INT64;
    case TYPE_UINT64: return H5T_NATIVE_UINT64;
    case TYPE_FLOAT32: return H5T_NATIVE_FLOAT;
    case TYPE_TEXT:
    case TYPES: break;
    }
    return H5I_INVALID_HID;
}

bool types_equal(hid_t stored, ElementType type)
{
    const H5T_class_t class = H5Tget_class(stored);
    if (type == TYPE_TEXT) return class == H5T_STRING;
    if (H5Tget_size(stored) != schema_type_bytes(type)) return false;
    if (type == TYPE_FLOAT32) return class == H5T_FLOAT;
    const bool is_signed = type == TYPE_INT32 || type == TYPE_INT64;
    return class == H5T_INTEGER && (H5Tget_sign(stored) == H5T_SGN_2) == is_signed;
}

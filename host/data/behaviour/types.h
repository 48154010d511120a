/* SPDX-License-Identifier: Apache-2.0 */
/* Types of elements as HDF5 knows them. */
#ifndef SOUK_BEHAVIOUR_TYPES_H
#define SOUK_BEHAVIOUR_TYPES_H

#include <hdf5.h>

#include "data/behaviour/schema.h"

/* The type in memory and in files that this machine writes; never closed. Not of texts. */
hid_t types_native(ElementType type);
/* Whether a file's type holds the same values, in whatever byte order; texts have any length. */
bool types_equal(hid_t stored, ElementType type);

#endif

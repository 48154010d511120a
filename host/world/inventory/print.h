/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the places of an inventory's state, and tables of orders for a person to read. */
#ifndef SOUK_INVENTORY_PRINT_H
#define SOUK_INVENTORY_PRINT_H

#include <stdio.h>

#include "world/inventory/inventory.h"

enum { INVENTORY_NAME = 32 };

/* What a place of the state holds: "age_1", "ordered_2_ago" or "stock". */
void inventory_print_name(const Inventory *inventory, int place, char name[INVENTORY_NAME]);

/* Prints order [states], by the units in two places: the freshest stock down, from many to few, and
 * the next older stock across, as the literature prints it. There is one table for each combination
 * of the other places, and up to `most` units of a place. A negative order prints as a dot: it is
 * not known. */
void inventory_print(FILE *out, const Inventory *inventory, const int64_t *order, int most);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a model reads of a behaviour file, by name: the kinds of events, the numbers of events, the
 * categories and numbers of users and of items. A model has weights for each by its place in the
 * file, so on a file with another list its weights mean something else.
 *
 * The lists are kept as JSON text:
 *   {"actions": ["view", "skip, an impression", …], "event_numbers": ["price", …],
 *    "user_numbers": ["age", …], "user_categories": ["country, 12 rows", …],
 *    "item_numbers": […], "item_categories": […]}
 */
#ifndef SOUK_BEHAVIOUR_INPUTS_H
#define SOUK_BEHAVIOUR_INPUTS_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* The lists of a file, which the caller frees; NULL where there is no memory. */
char *inputs_text(const Behaviour *b);

/* Fails with ERR_USAGE, naming the first input that differs, where `b` has other lists than `text`,
 * which was kept with the model of the file `model`; where the catalogue may have `grown`, its
 * categories may have other numbers of rows. ERR_FORMAT where `text` has no such lists. */
Status inputs_check(const char *model, const char *text, const Behaviour *b, bool grown);

#endif

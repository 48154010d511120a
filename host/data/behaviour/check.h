/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a behaviour file's contents. Each failure is one line: file, dataset, index, value,
 * and the values that are wanted. */
#ifndef SOUK_BEHAVIOUR_CHECK_H
#define SOUK_BEHAVIOUR_CHECK_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* `path` and `name` are the file and the dataset, for messages. */
Status behaviour_check_categories(const char *path, const char *name, const int32_t *row,
                                  int64_t count, int32_t rows);
Status behaviour_check_finite(const char *path, const char *name, const float *value,
                              int64_t count);

/* Offsets, splits and every column of events, on all processors. Of several bad values of a column
 * the message has the one with the lowest index. Notes the ties, b->tie. */
Status behaviour_check_contents(Behaviour *b);

#endif

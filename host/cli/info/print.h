/* SPDX-License-Identifier: Apache-2.0 */
/* What `souk info` prints: text for people, JSON for programs. */
#ifndef SOUK_CLI_INFO_PRINT_H
#define SOUK_CLI_INFO_PRINT_H

#include <jansson.h>

#include "data/behaviour/summary.h"

/* 1234567 -> "1,234,567", in one of a few buffers used in turn. */
const char *info_print_number(int64_t value);

/* The features of events, items and users, a line each: for people, and as entries of `root`. */
void info_print_features(const Behaviour *b);
void info_print_json_features(const Behaviour *b, json_t *root);

/* Keys of the top items are read from `b`. */
Status info_print(Behaviour *b, const Summary *s);
Status info_print_json(Behaviour *b, const Summary *s);

#endif

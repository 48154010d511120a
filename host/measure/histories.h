/* SPDX-License-Identifier: Apache-2.0 */
/* A synthetic behaviour file for timing training steps. */
#ifndef SOUK_MEASURE_HISTORIES_H
#define SOUK_MEASURE_HISTORIES_H

#include <stdint.h>

#include "base/status.h"

/* Write `path`: at least `tokens` tokens, in histories of `length` events over random items, so
 * that every window is full. One action, rewards 0 and 1, all in the training split. */
Status measure_histories(const char *path, int64_t items, int64_t length, int64_t tokens);

#endif

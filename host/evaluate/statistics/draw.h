/* SPDX-License-Identifier: Apache-2.0 */
/* A sample of users, drawn without replacement. */
#ifndef SOUK_DRAW_H
#define SOUK_DRAW_H

#include <stdint.h>

#include "base/status.h"

/* Keeps `sample` users of user[0 .. *users-1]: those with the smallest draws of Philox(seed) over
 * their numbers, in ascending order. All where sample is 0 or there are no more. */
Status draw_users(int64_t *user, int64_t *users, int64_t sample, uint64_t seed);

#endif

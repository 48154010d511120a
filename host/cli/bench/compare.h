/* SPDX-License-Identifier: Apache-2.0 */
/* One report of `souk bench` beside another. */
#ifndef SOUK_CLI_BENCH_COMPARE_H
#define SOUK_CLI_BENCH_COMPARE_H

#include "base/status.h"

/* Prints the times of A over those of B, row by row; both must be reports of ops, or both of
 * steps. */
Status bench_compare(const char *path_a, const char *path_b);

#endif

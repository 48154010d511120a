/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times and dates as the texts that a CSV file has in their place. Every function writes
 * at most DIGITS_MAX characters, without a zero at the end, and returns how many. */
#ifndef SOUK_ARROW_DIGITS_H
#define SOUK_ARROW_DIGITS_H

#include <stdint.h>

enum { DIGITS_MAX = 48 };

uint32_t digits_of_whole(char *out, int64_t value);
uint32_t digits_of_unsigned(char *out, uint64_t value);
/* The shortest decimal number that is read as the same double, or float: 0.1, 5.0, 1e-07. Nothing
 * for NaN. */
uint32_t digits_of_double(char *out, double value);
uint32_t digits_of_float(char *out, float value);
/* value / 10^scale, of 128 bits in two's complement, the lower half first; scale -38 to 38. */
uint32_t digits_of_decimal(char *out, const uint64_t half[2], int scale);
/* A time since 1970 in units of 1/per_second seconds: "2019-10-01 00:00:00", with a fraction of 3,
 * 6 or 9 digits where there is one, and "+00:00" behind it where it is `utc`. */
uint32_t digits_of_time(char *out, int64_t value, int64_t per_second, int utc);
/* Days since 1970: "2019-10-01". */
uint32_t digits_of_date(char *out, int64_t days);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/arrow/digits.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 Wide;

/* ---- Whole numbers --------------------------------------------------------------------------- */

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

uint32_t digits_of_unsigned(char *out, uint64_t value)
{
    char text[20], *at = text + sizeof text;
    for (; value >= 100; value /= 100) memcpy(at -= 2, pairs + 2 * (value % 100), 2);
    memcpy(at -= 2, pairs + 2 * value, 2);
    if (value < 10) at++;
    const uint32_t length = (uint32_t)(text + sizeof text - at);
    memcpy(out, at, length);
    return length;
}

uint32_t digits_of_whole(char *out, int64_t value)
{
    *out = '-';
    if (value >= 0) return digits_of_unsigned(out, (uint64_t)value);
    return 1 + digits_of_unsigned(out + 1, 0 - (uint64_t)value);
}

/* With zeros before it. */
static void write_padded(char *out, uint64_t value, int digits)
{
    while (digits-- > 0) {
        out[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* digits / 10^places, with at least one digit before the point. */
static uint32_t write_places(char *out, const char *digits, uint32_t length, uint32_t places)
{
    const uint32_t zeros = length > places ? 0 : places + 1 - length,
                   whole = length + zeros - places;
    char *at = out;
    for (uint32_t i = 0; i < length + zeros; i++) {
        if (i == whole && places) *at++ = '.';
        *at++ = i < zeros ? '0' : digits[i - zeros];
    }
    return (uint32_t)(at - out);
}

/* ---- Real numbers ---------------------------------------------------------------------------- */

enum { PLACES = 15 };
static const double power[PLACES + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* A number of at most 15 digits, as most of a log are: the first number of places with which it is
 * a whole number divided by a power of ten. Both are exact, so that the quotient is what a reader
 * of the digits gets (Clinger 1990). False where there are more digits. */
static bool write_short(char *out, double value, bool single, uint32_t *length)
{
    const double size = fabs(value);
    char digits[20];
    for (uint32_t places = 0; places <= PLACES; places++) {
        const double whole = nearbyint(size * power[places]);
        if (whole >= 1e15) return false;
        const double again = whole / power[places];
        if (single ? (float)again != (float)size : again != size) continue;
        const uint32_t sign = signbit(value) != 0;
        *out = '-';
        if (places) {
            const uint32_t count = digits_of_unsigned(digits, (uint64_t)whole);
            *length = sign + write_places(out + sign, digits, count, places);
            return true;
        }
        *length = sign + digits_of_unsigned(out + sign, (uint64_t)whole);
        memcpy(out + *length, ".0", 2);
        return *length += 2, true;
    }
    return false;
}

static uint32_t write_real(char *out, double value, bool single)
{
    char text[DIGITS_MAX];
    uint32_t length;
    int digits = 0;
    if (isnan(value)) return 0;
    if (isfinite(value) && (value == 0.0 || (fabs(value) >= 1e-4 && fabs(value) < 1e15)) &&
        write_short(out, value, single, &length))
        return length;
    do { /* of 17 digits, or 9, every number is read again as itself */
        snprintf(text, sizeof text, "%.*g", ++digits, value);
    } while (isfinite(value) && digits < 17 &&
             (single ? strtof(text, NULL) != (float)value : strtod(text, NULL) != value));
    length = (uint32_t)strlen(text);
    memcpy(out, text, length);
    return length;
}

uint32_t digits_of_double(char *out, double value) { return write_real(out, value, false); }
uint32_t digits_of_float(char *out, float value) { return write_real(out, (double)value, true); }

uint32_t digits_of_decimal(char *out, const uint64_t half[2], int scale)
{
    Wide value = (Wide)half[1] << 64 | half[0];
    const uint32_t sign = half[1] >> 63;
    char text[40], *at = text + sizeof text;
    if (sign) value = 0 - value;
    *out = '-';
    do {
        *--at = (char)('0' + (int)(value % 10));
    } while (value /= 10);
    uint32_t length = (uint32_t)(text + sizeof text - at);
    if (scale >= 0) return sign + write_places(out + sign, at, length, (uint32_t)scale);
    memcpy(out + sign, at, length);
    return sign + length + (uint32_t)snprintf(out + sign + length, 8, "e%d", -scale);
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* *rest, from 0 on, without an overflow of what is cut off. */
static int64_t floor_divide(int64_t a, int64_t b, int64_t *rest)
{
    *rest = a % b + (a % b < 0 ? b : 0);
    return a / b - (a % b < 0);
}

uint32_t digits_of_date(char *out, int64_t days)
{
    /* Years that begin in March end with the leap day (Howard Hinnant, chrono-compatible low-level
     * date algorithms); an era has 400 years. */
    int64_t of_era;
    const int64_t era = floor_divide(days + 719468, 146097, &of_era);
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    const int64_t month = (5 * of_year + 2) / 153;
    const int64_t number = year + era * 400 + (month >= 10);
    const uint64_t size = (uint64_t)(number < 0 ? -number : number);
    char *at = out;
    if (number < 0) *at++ = '-';
    if (size > 9999)
        at += digits_of_unsigned(at, size);
    else
        write_padded(at, size, 4), at += 4;
    *at = '-';
    write_padded(at + 1, (uint64_t)(month < 10 ? month + 3 : month - 9), 2);
    at[3] = '-';
    write_padded(at + 4, (uint64_t)(of_year - (153 * month + 2) / 5 + 1), 2);
    return (uint32_t)(at + 6 - out);
}

uint32_t digits_of_time(char *out, int64_t value, int64_t per_second, int utc)
{
    int64_t fraction, of_day;
    const int64_t seconds = floor_divide(value, per_second, &fraction);
    char *at = out + digits_of_date(out, floor_divide(seconds, 86400, &of_day));
    *at++ = ' ';
    write_padded(at, (uint64_t)(of_day / 3600), 2);
    at[2] = ':';
    write_padded(at + 3, (uint64_t)(of_day / 60 % 60), 2);
    at[5] = ':';
    write_padded(at + 6, (uint64_t)(of_day % 60), 2);
    at += 8;
    if (fraction) {
        const int digits = per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9;
        *at = '.';
        write_padded(at + 1, (uint64_t)fraction, digits);
        at += 1 + digits;
    }
    if (utc) memcpy(at, "+00:00", 6), at += 6;
    return (uint32_t)(at - out);
}

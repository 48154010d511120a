/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS   INT64_C(86400000)
#define TIME_MIN INT64_C(-62135596800000) /* year 1 */
#define TIME_END INT64_C(253402300800000) /* year 10000 */

Text text_of(const char *string) { return (Text){string, (uint32_t)strlen(string)}; }

Text text_trim(Text t)
{
    while (t.length && (t.at[0] == ' ' || t.at[0] == '\t')) t.at++, t.length--;
    while (t.length && (t.at[t.length - 1] == ' ' || t.at[t.length - 1] == '\t')) t.length--;
    return t;
}

bool text_equal(Text a, Text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    const __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A word of the last 0 to 8 bytes, by loads of a fixed size, which may overlap. */
static uint64_t last_bytes(const char *at, uint32_t left)
{
    uint32_t low, high;
    if (left >= 4) {
        memcpy(&low, at, 4);
        memcpy(&high, at + left - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    if (left == 0) return 0;
    return (uint64_t)(uint8_t)at[0] << 16 | (uint64_t)(uint8_t)at[left / 2] << 8 |
           (uint8_t)at[left - 1];
}

/* Multiplications of 64 by 64 bits, folded to 64, over words of eight bytes. */
uint64_t text_hash(Text t)
{
    const uint64_t k0 = UINT64_C(0x9E3779B97F4A7C15), k1 = UINT64_C(0xD6E8FEB86659FD93);
    uint64_t hash = k0 ^ t.length, word;
    const char *at = t.at;
    uint32_t left = t.length;
    for (; left > 8; at += 8, left -= 8) {
        memcpy(&word, at, 8);
        hash = mix(hash ^ word, k1);
    }
    return mix(mix(hash ^ last_bytes(at, left), k1), k0);
}

static bool slow_number(Text t, double *value)
{
    char buffer[64], *end;
    if (t.length >= sizeof buffer) return false;
    memcpy(buffer, t.at, t.length);
    buffer[t.length] = '\0';
    for (uint32_t i = 0; i < t.length; i++)
        if (!strchr("+-.0123456789eE", buffer[i])) return false; /* no hex, inf, nan, blanks */
    *value = strtod(buffer, &end);
    return t.length > 0 && end == buffer + t.length && isfinite(*value);
}

/* With at most 15 digits and one point, the mantissa and the power of ten are exact doubles, so
 * that one division rounds correctly (Clinger 1990). All other numbers are left to strtod. */
bool text_number(Text t, double *value)
{
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t mantissa = 0;
    int digits = 0, decimals = 0;
    bool point = false;
    uint32_t i = t.length && t.at[0] == '-';
    for (; i < t.length; i++) {
        const unsigned digit = (unsigned char)t.at[i] - (unsigned)'0';
        if (digit < 10) {
            mantissa = mantissa * 10 + digit;
            decimals += point;
            if (++digits > 15) return slow_number(t, value);
        } else if (t.at[i] == '.' && !point) {
            point = true;
        } else {
            return slow_number(t, value);
        }
    }
    if (!digits) return false;
    *value = (double)mantissa / power[decimals];
    if (t.at[0] == '-') *value = -*value;
    return true;
}

/* Whether the sign at `i` is followed by three digits and then no further one. */
static bool before_group(Text t, uint32_t i)
{
    if (i == 0 || i + 3 >= t.length || t.at[i - 1] < '0' || t.at[i - 1] > '9') return false;
    for (uint32_t k = i + 1; k <= i + 3; k++)
        if (t.at[k] < '0' || t.at[k] > '9') return false;
    return i + 4 == t.length || t.at[i + 4] < '0' || t.at[i + 4] > '9';
}

bool text_decimal(Text t, char decimal, bool grouped, double *value)
{
    char buffer[64];
    uint32_t length = 0;
    bool point = false;
    if (decimal == '.' && text_number(t, value)) return true;
    if ((decimal == '.' && !grouped) || t.length > sizeof buffer) return false;
    for (uint32_t i = 0; i < t.length; i++) {
        const char c = t.at[i];
        if (c != '.' && c != ',') {
            buffer[length++] = c;
        } else if (c == decimal) {
            point = true;
            buffer[length++] = '.';
        } else if (!grouped || point || !before_group(t, i)) {
            return false;
        }
    }
    return text_number((Text){buffer, length}, value);
}

/* A decimal number times 10^decimals, in integers; further digits are cut off. */
static bool decimal_time(Text t, int decimals, int64_t *ms)
{
    int64_t value = 0;
    int taken = -1; /* digits after the point */
    const bool negative = t.length && t.at[0] == '-';
    if (t.length == (uint32_t)negative || t.length > 20) return false;
    for (uint32_t i = negative; i < t.length; i++) {
        const unsigned digit = (unsigned char)t.at[i] - (unsigned)'0';
        if (t.at[i] == '.' && taken < 0 && i + 1 < t.length)
            taken = 0;
        else if (digit >= 10 || value > (INT64_MAX - 9) / 10)
            return false;
        else if (taken < 0 || taken++ < decimals)
            value = value * 10 + digit;
    }
    if (taken > decimals) taken = decimals;
    for (int i = taken < 0 ? 0 : taken; i < decimals; i++) {
        if (value > INT64_MAX / 10) return false;
        value *= 10;
    }
    *ms = negative ? -value : value;
    return true;
}

static bool numeric_time(Text t, TimeUnit unit, int64_t *ms)
{
    if (unit == TIME_MICROS || unit == TIME_NANOS) {
        const int64_t size = unit == TIME_MICROS ? 1000 : 1000000;
        if (!decimal_time(t, 0, ms)) return false;
        *ms = *ms / size - (*ms % size < 0);
        return true;
    }
    if (decimal_time(t, unit == TIME_SECONDS ? 3 : 0, ms)) return true;
    double value; /* with an exponent: 1.5e9 */
    if (!text_number(t, &value) || fabs(value) > 1e15) return false;
    *ms = (int64_t)floor(value * (unit == TIME_SECONDS ? 1000.0 : 1.0));
    return true;
}

/* The number of `count` digits at *at, which moves behind them; -1 where there are fewer digits. */
static int digits_at(const char **at, const char *end, int count)
{
    int value = 0;
    if (end - *at < count) return -1;
    for (int i = 0; i < count; i++, (*at)++) {
        const unsigned digit = (unsigned char)**at - (unsigned)'0';
        if (digit >= 10) return -1;
        value = value * 10 + (int)digit;
    }
    return value;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar; false for a day that does not exist.
 * Hinnant, "chrono-compatible low-level date algorithms". */
static bool days_of_date(int year, int month, int day, int64_t *days)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    if (day > length[month - 1] + (leap && month == 2)) return false;
    const int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    *days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return true;
}

/* A zone: "", "Z", " UTC", "+08:00" or " +0800". *zone_ms, milliseconds east of Greenwich, stays as
 * it is for "". False where the text is no zone. */
static bool zone_at(const char *at, const char *end, int64_t *zone_ms)
{
    if (at == end) return true;
    if (*at == ' ') at++;
    if ((end - at == 1 && *at == 'Z') || (end - at == 3 && memcmp(at, "UTC", 3) == 0)) {
        *zone_ms = 0;
        return true;
    }
    if (at == end || (*at != '+' && *at != '-')) return false;
    const int sign = *at++ == '-' ? -1 : 1;
    const int hours = digits_at(&at, end, 2);
    if (at < end && *at == ':') at++;
    const int minutes = at == end ? 0 : digits_at(&at, end, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || at != end) return false;
    *zone_ms = sign * (hours * 60 + minutes) * INT64_C(60000);
    return true;
}

/* HH:MM[:SS[.fraction]] at *at, which moves behind it, as milliseconds of the day. */
static bool clock_at(const char **at, const char *end, int64_t *ms)
{
    const int hour = digits_at(at, end, 2);
    if (hour < 0 || hour > 23 || *at == end || *(*at)++ != ':') return false;
    const int minute = digits_at(at, end, 2);
    int second = 0, millis = 0;
    if (minute < 0 || minute > 59) return false;
    if (*at < end && **at == ':') {
        (*at)++;
        second = digits_at(at, end, 2);
        if (second < 0 || second > 60) return false; /* 60: a leap second */
        if (*at < end && **at == '.') {
            int scale = 100;
            for ((*at)++; *at < end && **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
                millis += (**at - '0') * scale;
        }
    }
    *ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + millis;
    return true;
}

static bool iso_time(Text t, int64_t zone_ms, int64_t *ms)
{
    const char *at = t.at, *end = t.at + t.length;
    int64_t days, of_day = 0;
    const int year = digits_at(&at, end, 4);
    if (year < 0 || at == end || (*at != '-' && *at != '/')) return false;
    const char dash = *at++;
    const int month = digits_at(&at, end, 2);
    if (month < 0 || at == end || *at++ != dash) return false;
    const int day = digits_at(&at, end, 2);
    if (day < 0 || !days_of_date(year, month, day, &days)) return false;
    if (at < end && (*at == ' ' || *at == 'T')) {
        at++;
        if (!clock_at(&at, end, &of_day)) return false;
    }
    if (!zone_at(at, end, &zone_ms)) return false;
    *ms = days * DAY_MS + of_day - zone_ms;
    return true;
}

/* A date as a number of 6, 8, 12, 14 or 17 digits. */
static bool digits_time(Text t, int64_t zone_ms, int64_t *ms)
{
    static const int width[] = {4, 2, 2, 2, 2, 2, 3};
    int part[] = {0, 1, 1, 0, 0, 0, 0}; /* year, month, day, hour, minute, second, millisecond */
    const char *at = t.at, *const end = t.at + t.length;
    int64_t days;
    if (t.length != 6 && t.length != 8 && t.length != 12 && t.length != 14 && t.length != 17)
        return false;
    for (int i = 0; at < end; i++)
        if ((part[i] = digits_at(&at, end, width[i])) < 0) return false;
    if (part[3] > 23 || part[4] > 59 || part[5] > 60) return false;
    if (!days_of_date(part[0], part[1], part[2], &days)) return false;
    *ms = days * DAY_MS + ((part[3] * INT64_C(60) + part[4]) * 60 + part[5]) * 1000 + part[6];
    *ms -= zone_ms;
    return true;
}

static bool pattern_time(Text t, const TimeFormat *format, int64_t *ms)
{
    char buffer[128];
    const time_t origin = (time_t)(format->origin_ms / 1000); /* has what the pattern has not */
    struct tm tm;
    gmtime_r(&origin, &tm);
    if (t.length >= sizeof buffer) return false;
    memcpy(buffer, t.at, t.length);
    buffer[t.length] = '\0';
    const char *end = strptime(buffer, format->pattern, &tm);
    if (!end || *end) return false;
    const int64_t east = tm.tm_gmtoff ? tm.tm_gmtoff * INT64_C(1000) : format->zone_ms;
    *ms = (int64_t)timegm(&tm) * 1000 - east;
    return true;
}

bool text_time(Text t, const TimeFormat *format, int64_t *ms)
{
    bool good;
    if (format->unit == TIME_ISO)
        good = iso_time(t, format->zone_ms, ms);
    else if (format->unit == TIME_DIGITS)
        good = digits_time(t, format->zone_ms, ms);
    else if (format->unit == TIME_PATTERN)
        good = pattern_time(t, format, ms);
    else if ((good = numeric_time(t, format->unit, ms)))
        good = *ms > -TIME_END && *ms < TIME_END && (*ms += format->origin_ms, true);
    return good && *ms >= TIME_MIN && *ms < TIME_END;
}

TimeUnit text_time_unit(Text sample)
{
    int64_t ms;
    double value;
    if (iso_time(sample, 0, &ms)) return TIME_ISO;
    if (!text_number(sample, &value)) return TIME_AUTO;
    const double size = fabs(value);
    return size < 1e11 ? TIME_SECONDS : size < 1e14 ? TIME_MILLIS : TIME_MICROS;
}

TimeUnit text_plausible_unit(Text text)
{
    static const TimeUnit units[] = {TIME_ISO,    TIME_DIGITS, TIME_SECONDS,
                                     TIME_MILLIS, TIME_MICROS, TIME_NANOS};
    int64_t ms;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        if (text_time(text, &(TimeFormat){.unit = units[u]}, &ms) && ms >= TIME_PLAUSIBLE_FROM &&
            ms < TIME_PLAUSIBLE_TO)
            return units[u];
    return TIME_AUTO;
}

const char *text_time_form(const TimeFormat *format)
{
    switch (format->unit) {
    case TIME_SECONDS: return "seconds, a number";
    case TIME_MILLIS: return "milliseconds, a number";
    case TIME_MICROS: return "microseconds, a number";
    case TIME_NANOS: return "nanoseconds, a number";
    case TIME_DIGITS: return "a date as a number such as 20191001 or 20191001093000";
    case TIME_ISO: return "an ISO date or time such as 2019-10-01 00:00:00 UTC";
    case TIME_PATTERN: return format->pattern;
    case TIME_AUTO:
    case TIME_UNITS: break;
    }
    return "a number or an ISO time";
}

const char *text_from_time(char *out, int64_t ms)
{
    int64_t seconds = ms / 1000, millis = ms % 1000;
    if (millis < 0) millis += 1000, seconds--;
    const time_t t = (time_t)seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    const size_t used = strftime(out, TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(out + used, TIME_TEXT - used, ".%03d UTC", (int)(millis % 1000));
    return out;
}

typedef struct {
    const char *suffix;
    int64_t size;
} Unit;

static bool with_unit(const char *text, const Unit *unit, int64_t *value)
{
    char *end;
    const double number = strtod(text, &end);
    if (end == text || !(number >= 0.0)) return false;
    for (; unit->suffix; unit++) {
        if (strcmp(end, unit->suffix) != 0) continue;
        if (number * (double)unit->size > 9e18) return false;
        *value = (int64_t)(number * (double)unit->size);
        return true;
    }
    return false;
}

bool text_duration(const char *text, int64_t *ms)
{
    static const Unit units[] = {{"", 1000},     {"ms", 1},      {"s", 1000},   {"m", 60000},
                                 {"min", 60000}, {"h", 3600000}, {"d", DAY_MS}, {NULL, 0}};
    return with_unit(text, units, ms);
}

bool text_bytes(const char *text, int64_t *bytes)
{
    static const Unit units[] = {
        {"", 1},        {"KiB", 1 << 10}, {"MiB", 1 << 20},   {"GiB", 1 << 30},
        {"KB", 1000},   {"MB", 1000000},  {"GB", 1000000000}, {"K", 1 << 10},
        {"M", 1 << 20}, {"G", 1 << 30},   {NULL, 0}};
    return with_unit(text, units, bytes);
}

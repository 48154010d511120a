/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a log's text, and their meaning: numbers, times, durations, sizes in bytes. */
#ifndef SOUK_RAWLOG_TEXT_H
#define SOUK_RAWLOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of characters in memory that it does not own; without a zero at its end. */
typedef struct {
    const char *at;
    uint32_t length;
} Text;

Text text_of(const char *string);
Text text_trim(Text text); /* blanks and tabs at both ends */
bool text_equal(Text a, Text b);
/* 64 well mixed bits; the same on every machine with little-endian words. */
uint64_t text_hash(Text text);

/* A finite decimal number, correctly rounded; false for anything else, also for "". */
bool text_number(Text text, double *value);

/* The same with another sign of decimals, '.' or ','; where `grouped`, the other of the two may
 * stand between groups of three digits. */
bool text_decimal(Text text, char decimal, bool grouped, double *value);

typedef enum {
    TIME_AUTO,
    TIME_SECONDS,
    TIME_MILLIS,
    TIME_MICROS,
    TIME_NANOS,
    TIME_ISO,
    TIME_DIGITS, /* a date as a number: YYYYMM, YYYYMMDD, then optionally HHMM, SS and mmm */
    TIME_PATTERN,
    TIME_UNITS
} TimeUnit;
enum { TIME_PATTERN_MAX = 64 };
/* No shop's log is older, or younger: 1990 to 2099, in milliseconds. */
#define TIME_PLAUSIBLE_FROM INT64_C(631152000000)
#define TIME_PLAUSIBLE_TO   INT64_C(4102444800000)

/* How a log writes times. ISO is YYYY-MM-DD or YYYY/MM/DD, then optionally [
 * T]HH:MM[:SS[.fraction]] and [Z| UTC|+HH:MM|+HHMM]; a time without a zone is of the zone
 * `zone_ms`. A pattern is one of strptime(). */
typedef struct {
    TimeUnit unit;
    char pattern[TIME_PATTERN_MAX];
    int64_t zone_ms;   /* east of Greenwich; subtracted from times that carry no zone */
    int64_t origin_ms; /* added to numeric times; has the parts that a pattern has not */
} TimeFormat;

/* Milliseconds since 1970 UTC, of years 1 to 9999; parts of a millisecond are cut off. False where
 * the text is no such time. */
bool text_time(Text text, const TimeFormat *format, int64_t *ms);
/* The unit that a sample looks like; TIME_AUTO where it does not look like a time. */
TimeUnit text_time_unit(Text sample);
/* The unit in which a text is a time of the years 1990 to 2099, which is one at most; TIME_AUTO
 * where it is none. */
TimeUnit text_plausible_unit(Text text);
/* A description of a time in this format, for messages. */
const char *text_time_form(const TimeFormat *format);

enum { TIME_TEXT = 32 };
/* "2019-10-01 00:00:00.000 UTC", into `out` [TIME_TEXT]; returns `out`. */
const char *text_from_time(char *out, int64_t ms);

/* A duration such as 500ms, 90s, 30m, 2h, 1d; a number without a unit is in seconds. */
bool text_duration(const char *text, int64_t *ms);
/* A size such as 4096, 64KiB, 512MiB, 2GiB; 64K, 512M, 2G mean the same. 64KB, 512MB, 2GB are
 * powers of ten. */
bool text_bytes(const char *text, int64_t *bytes);

#endif

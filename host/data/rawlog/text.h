/* Pieces of a log's text and what they say: numbers, times, durations, byte sizes. */
#ifndef SOUK_INGEST_TEXT_H
#define SOUK_INGEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view; not terminated. */
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

typedef enum { TIME_AUTO, TIME_SECONDS, TIME_MILLIS, TIME_MICROS, TIME_ISO, TIME_PATTERN } TimeUnit;
enum { TIME_PATTERN_MAX = 64 };

/* How a time is written. ISO is YYYY-MM-DD or YYYY/MM/DD, then optionally [ T]HH:MM[:SS[.fraction]]
 * and [Z| UTC|+HH:MM|+HHMM]; without a zone it is local to `zone_ms`. A pattern is strptime's. */
typedef struct {
    TimeUnit unit;
    char pattern[TIME_PATTERN_MAX];
    int64_t zone_ms;   /* subtracted from times that carry no zone */
    int64_t origin_ms; /* added to numeric times */
} TimeFormat;

/* Milliseconds since 1970 UTC, years 1 to 9999; parts of a millisecond are cut off. */
bool text_time(Text text, const TimeFormat *format, int64_t *ms);
/* The unit that a sample looks like; TIME_AUTO when it looks like no time. */
TimeUnit text_time_unit(Text sample);
/* What a value of this format looks like, for messages. */
const char *text_time_expected(const TimeFormat *format);

enum { TIME_TEXT = 32 };
/* "2019-10-01 00:00:00.000 UTC", into `out` [TIME_TEXT]; returns `out`. */
const char *text_from_time(char *out, int64_t ms);

bool text_duration(const char *text, int64_t *ms); /* 500ms, 90s, 30m, 2h, 1d; a bare number is s */
bool text_bytes(const char *text,
                int64_t *bytes); /* 4096, 64KiB, 512MiB, 2GiB (KB, MB, GB alike) */

#endif

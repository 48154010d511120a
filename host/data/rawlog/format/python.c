/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/python.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool python_begins(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at)) at++;
    if (at == end || *at != '{') return false;
    do at++;
    while (at < end && *at == ' ');
    return end - at > 1 && (*at == '\'' || (*at == 'u' && (at[1] == '\'' || at[1] == '"')));
}

static char *put(char *to, const char *text)
{
    const size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

/* The character of `digits` hexadecimal digits at `at`, as JSON's escape; NULL where there are
 * none. */
static char *put_character(char *to, const char *at, const char *end, int digits)
{
    char number[9] = "", escape[16], *stop;
    if (end - at < digits) return NULL;
    memcpy(number, at, (size_t)digits);
    const unsigned long code = strtoul(number, &stop, 16);
    if (stop != number + digits || !isxdigit((unsigned char)*number) || code > 0x10FFFF)
        return NULL;
    if (code < 0x10000)
        snprintf(escape, sizeof escape, "\\u%04lx", code);
    else
        snprintf(escape, sizeof escape, "\\u%04lx\\u%04lx", 0xD800 + ((code - 0x10000) >> 10),
                 0xDC00 + ((code - 0x10000) & 0x3FF));
    return put(to, escape);
}

/* The escape whose backslash is at *at, which moves behind it. */
static char *put_escape(char *to, const char **at, const char *end)
{
    const char *const first = *at;
    if (end - first < 2) return NULL;
    *at = first + 2;
    switch (first[1]) {
    case '\'': return put(to, "'");
    case 'a': return put(to, "\\u0007");
    case 'v': return put(to, "\\u000b");
    case 'x': return *at += 2, put_character(to, first + 2, end, 2);
    case 'u': return *at += 4, put_character(to, first + 2, end, 4);
    case 'U': return *at += 8, put_character(to, first + 2, end, 8);
    default: break;
    }
    if (!memchr("\\\"bfnrt", first[1], 7)) return NULL;
    *to++ = '\\';
    *to++ = first[1];
    return to;
}

static char *put_string(char *to, const char **at, const char *end)
{
    const char quote = *(*at)++;
    *to++ = '"';
    while (*at < end && **at != quote) {
        if (**at == '\\') {
            if (!(to = put_escape(to, at, end))) return NULL;
            continue;
        }
        if (**at == '"') *to++ = '\\';
        *to++ = *(*at)++;
    }
    if (*at >= end) return NULL;
    (*at)++;
    *to++ = '"';
    return to;
}

/* A number; the L of Python 2's long ones is left out. */
static char *put_number(char *to, const char **at, const char *end)
{
    while (*at < end && (isdigit((unsigned char)**at) || memchr(".eE+-", **at, 5)))
        *to++ = *(*at)++;
    if (*at < end && **at == 'L') (*at)++;
    return to;
}

static char *put_word(char *to, const char **at, const char *end)
{
    static const char *const words[][2] = {{"True", "true"},
                                           {"False", "false"},
                                           {"None", "null"},
                                           {"nan", "NaN"},
                                           {"inf", "Infinity"}};
    const char *const first = *at;
    while (*at < end && isalpha((unsigned char)**at)) (*at)++;
    const size_t length = (size_t)(*at - first);
    if (length == 1 && (*first == 'u' || *first == 'b') && *at < end &&
        (**at == '\'' || **at == '"'))
        return put_string(to, at, end);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        if (length == strlen(words[w][0]) && memcmp(first, words[w][0], length) == 0)
            return put(to, words[w][1]);
    return NULL;
}

/* One line; NULL where it has what no dictionary of these types has. */
static char *rewrite_line(char *to, const char *at, const char *end)
{
    while (to && at < end) {
        if (*at == '\'' || *at == '"')
            to = put_string(to, &at, end);
        else if (isdigit((unsigned char)*at))
            to = put_number(to, &at, end);
        else if (isalpha((unsigned char)*at))
            to = put_word(to, &at, end);
        else
            *to++ = *at++;
    }
    return to;
}

size_t python_rewrite(const char *at, const char *end, char *out)
{
    char *to = out;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *const stop = newline ? newline + 1 : end;
        char *next = rewrite_line(to, at, stop);
        if (!next) {
            memcpy(to, at, (size_t)(stop - at));
            next = to + (stop - at);
        }
        to = next;
        at = stop;
    }
    return (size_t)(to - out);
}

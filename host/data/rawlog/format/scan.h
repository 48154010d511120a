/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of JSON (RFC 8259) over a text in memory, without a tree: where a value ends, and
 * whether it is one. NaN, Infinity and -Infinity, which many programs write, are values too.
 *
 * Every function takes the first position of what it reads and the end of the text, and returns the
 * position behind what it read, or NULL where the text is not as expected. The bytes of strings are
 * not checked for UTF-8; scan_is_utf8 does that for a whole record. */
#ifndef SOUK_RAWLOG_SCAN_H
#define SOUK_RAWLOG_SCAN_H

#include "data/rawlog/text.h"

/* Values nest at most this deep, the outermost one included, as in jansson. */
enum { SCAN_DEPTH_MAX = 2048 };

const char *scan_blanks(const char *at, const char *end); /* never NULL */
/* `at` is at the opening quote. *escaped: the string has a backslash. */
const char *scan_string(const char *at, const char *end, bool *escaped);
const char *scan_number(const char *at, const char *end);
/* Any value; `depth` counts the values that are around it. */
const char *scan_value(const char *at, const char *end, int depth);

typedef enum { SCAN_MEMBER, SCAN_END, SCAN_BROKEN } ScanMember;
/* The next member of an object. *at is behind the object's brace or behind the value of the member
 * before; it moves to the member's value, or behind the closing brace at SCAN_END. `name` is the
 * text between the quotes. */
ScanMember scan_member(const char **at, const char *end, bool first, Text *name, bool *escaped);

/* The text of a string that scan_string has accepted, its escapes replaced in place. */
Text scan_unescape(char *at, size_t length);

bool scan_is_utf8(const char *at, size_t length);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/scan.h"

#include <jansson.h>
#include <string.h>

const char *scan_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

/* ---- Strings --------------------------------------------------------------------------------- */

static bool is_plain(char c) { return (unsigned char)c >= 0x20 && c != '"' && c != '\\'; }

/* Whether eight bytes are plain: none is a quote, a backslash or a control character. A byte of x
 * is 0 where the sign bit of the byte is set in (x - 1) & ~x; a borrow from a lower byte can only
 * make this too careful. */
static bool are_plain(uint64_t word)
{
    const uint64_t one = UINT64_C(0x0101010101010101), sign = one << 7;
    const uint64_t quote = word ^ (one * '"'), backslash = word ^ (one * '\\');
    return !((((quote - one) & ~quote) | ((backslash - one) & ~backslash) |
              ((word - one * 0x20) & ~word)) &
             sign);
}

/* The number of four hexadecimal digits; -1 where there are none. */
static int32_t hex_at(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const char c = at[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return value;
}

static bool is_high(int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
static bool is_low(int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/* The escape whose backslash is at `at`. Halves of a surrogate pair come in twos. */
static const char *escape_end(const char *at, const char *end)
{
    if (end - at < 2) return NULL;
    if (at[1] != 'u') return memchr("\"\\/bfnrt", at[1], 8) ? at + 2 : NULL;
    const int32_t unit = hex_at(at + 2, end);
    if (unit < 0 || is_low(unit)) return NULL;
    if (!is_high(unit)) return at + 6;
    if (end - at < 12 || at[6] != '\\' || at[7] != 'u' || !is_low(hex_at(at + 8, end))) return NULL;
    return at + 12;
}

const char *scan_string(const char *at, const char *end, bool *escaped)
{
    *escaped = false;
    for (at++;;) {
        uint64_t word;
        while (end - at >= 8 && (memcpy(&word, at, 8), are_plain(word))) at += 8;
        while (at < end && is_plain(*at)) at++;
        if (at == end) return NULL;
        if (*at == '"') return at + 1;
        if (*at != '\\' || !(at = escape_end(at, end))) return NULL;
        *escaped = true;
    }
}

static char *put_utf8(char *to, int32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    int tails = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const int lead[] = {0, 0xC0, 0xE0, 0xF0};
    *to++ = (char)(lead[tails] | code >> (6 * tails));
    while (tails--) *to++ = (char)(0x80 | (code >> (6 * tails) & 0x3F));
    return to;
}

Text scan_unescape(char *at, size_t length)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *in = at, *const end = at + length;
    char *to = at;
    while (in < end) {
        if (*in != '\\') {
            *to++ = *in++;
        } else if (in[1] != 'u') {
            *to++ = into[strchr(from, in[1]) - from];
            in += 2;
        } else {
            int32_t code = hex_at(in + 2, end);
            in += 6;
            if (is_high(code)) {
                code = 0x10000 + ((code - 0xD800) << 10) + (hex_at(in + 2, end) - 0xDC00);
                in += 6;
            }
            to = put_utf8(to, code);
        }
    }
    return (Text){at, (uint32_t)(to - at)};
}

bool scan_is_utf8(const char *at, size_t length)
{
    char all = 0;
    for (size_t i = 0; i < length; i++) all |= at[i];
    if ((all & 0x80) == 0) return true;
    json_t *copy = json_stringn(at, length); /* jansson makes no string of other bytes */
    const bool good = copy != NULL;
    json_decref(copy);
    return good;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static const char *digits_end(const char *at, const char *end)
{
    const char *const first = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at > first ? at : NULL;
}

static const char *word_end(const char *at, const char *end, const char *word)
{
    const size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

const char *scan_number(const char *at, const char *end)
{
    if (at < end && *at == '-') at++;
    if (at < end && *at == 'I') return word_end(at, end, "Infinity");
    if (at < end && *at == '0')
        at++;
    else if (!(at = digits_end(at, end)))
        return NULL;
    if (at < end && *at == '.' && !(at = digits_end(at + 1, end))) return NULL;
    if (at == end || (*at != 'e' && *at != 'E')) return at;
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    return digits_end(at, end);
}

/* Whether a name that scan_string has accepted has a NUL byte, which jansson refuses. */
static bool has_nul(Text name)
{
    const char *at = name.at, *const end = at + name.length;
    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        if (at[1] == 'u' && memcmp(at + 2, "0000", 4) == 0) return true;
        at += 2;
    }
    return false;
}

ScanMember scan_member(const char **at, const char *end, bool first, Text *name, bool *escaped)
{
    const char *here = scan_blanks(*at, end);
    if (here < end && *here == '}') return *at = here + 1, SCAN_END;
    if (!first) {
        if (here == end || *here != ',') return SCAN_BROKEN;
        here = scan_blanks(here + 1, end);
    }
    if (here == end || *here != '"') return SCAN_BROKEN;
    const char *const opening = here;
    if (!(here = scan_string(here, end, escaped))) return SCAN_BROKEN;
    *name = (Text){opening + 1, (uint32_t)(here - 1 - (opening + 1))};
    if (*escaped && has_nul(*name)) return SCAN_BROKEN;
    here = scan_blanks(here, end);
    if (here == end || *here != ':') return SCAN_BROKEN;
    here = scan_blanks(here + 1, end);
    return here == end ? SCAN_BROKEN : (*at = here, SCAN_MEMBER);
}

static const char *object_end(const char *at, const char *end, int depth)
{
    Text name;
    bool escaped;
    ScanMember member = SCAN_MEMBER;
    at++;
    for (bool first = true; at; first = false) {
        member = scan_member(&at, end, first, &name, &escaped);
        if (member != SCAN_MEMBER) break;
        at = scan_value(at, end, depth);
    }
    return member == SCAN_END ? at : NULL;
}

static const char *array_end(const char *at, const char *end, int depth)
{
    at = scan_blanks(at + 1, end);
    if (at < end && *at == ']') return at + 1;
    for (;; at++) {
        at = scan_blanks(at, end);
        if (!(at = scan_value(at, end, depth))) return NULL;
        at = scan_blanks(at, end);
        if (at == end || (*at != ',' && *at != ']')) return NULL;
        if (*at == ']') return at + 1;
    }
}

const char *scan_value(const char *at, const char *end, int depth)
{
    bool escaped;
    if (at == end || depth == SCAN_DEPTH_MAX) return NULL;
    switch (*at) {
    case '"': return scan_string(at, end, &escaped);
    case '{': return object_end(at, end, depth + 1);
    case '[': return array_end(at, end, depth + 1);
    case 't': return word_end(at, end, "true");
    case 'f': return word_end(at, end, "false");
    case 'n': return word_end(at, end, "null");
    case 'N': return word_end(at, end, "NaN");
    default: return scan_number(at, end);
    }
}

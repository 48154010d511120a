/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/text/ngrams.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { SHORTEST = 3, LONGEST = 5 };

Status ngrams_open(Ngrams *n)
{
    n->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (n->locale) return OK;
    return FAIL(ERR_DEVICE, "the C library has no locale C.UTF-8, which texts are read with");
}

void ngrams_close(Ngrams *n)
{
    if (n->locale) freelocale(n->locale);
    n->locale = (locale_t)0;
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* The character at the text's beginning and its bytes; 0, of one byte, where there is no valid
 * one. */
static uint32_t decode(Text t, uint32_t *bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)t.at;
    const uint32_t lead = *at;
    const uint32_t length = lead < 0x80                    ? 1
                            : lead >= 0xc2 && lead < 0xe0  ? 2
                            : lead >= 0xe0 && lead < 0xf0  ? 3
                            : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                           : 0;
    *bytes = 1;
    if (length == 0 || length > t.length) return 0;
    uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (uint32_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
        point = point << 6 | (at[i] & 0x3f);
    }
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 0;
    *bytes = length;
    return point;
}

static int encode(char *to, uint32_t point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    const int length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, point >>= 6) to[i] = (char)(0x80 | (point & 0x3f));
    to[0] = (char)((0xf0 << (4 - length)) | (int)point);
    return length;
}

static int put(Ngrams *n, int at, uint32_t point)
{
    n->character[n->characters++] = at;
    return at + encode(n->line + at, point);
}

/* Splits the text into "<word> <word> ". The blanks are part of no word. */
static void split(Ngrams *n, Text text)
{
    bool inside = false;
    int at = 0;
    n->words = n->characters = 0;
    while (text.length) {
        uint32_t bytes;
        const uint32_t point = decode(text, &bytes);
        const bool letter = point && iswalnum_l((wint_t)point, n->locale);
        if (letter && !inside) {
            n->first[n->words++] = n->characters;
            at = put(n, at, '<');
        }
        if (letter) at = put(n, at, (uint32_t)towlower_l((wint_t)point, n->locale));
        if (!letter && inside) at = put(n, put(n, at, '>'), ' ');
        inside = letter;
        text.at += bytes;
        text.length -= bytes;
    }
    if (inside) at = put(n, put(n, at, '>'), ' ');
    n->first[n->words] = n->characters;
    n->character[n->characters] = at;
}

/* ---- N-grams --------------------------------------------------------------------------------- */

/* The line from one character up to another. A kind has hashes of its own. */
static void add(Ngrams *n, NgramKind kind, int first, int end)
{
    const Text text = {n->line + n->character[first],
                       (uint32_t)(n->character[end] - n->character[first])};
    n->hash[n->count++] = text_hash(text) ^ (uint64_t)kind * UINT64_C(0x9E3779B97F4A7C15);
}

/* The characters of word w, without the blank behind it, are first[w] .. first[w + 1] - 2. */
void ngrams_find(Ngrams *n, Text text, NgramKind kind)
{
    REQUIRE(text.length <= KEY_MAX, "a text of %u bytes, want at most %d", text.length, KEY_MAX);
    split(n, text);
    n->count = 0;
    for (int w = 0; w < n->words; w++) {
        const int first = n->first[w], end = n->first[w + 1] - 1;
        if (kind == NGRAM_WORDS) add(n, kind, first, end);
        for (int length = SHORTEST; kind == NGRAM_CHARACTERS && length <= LONGEST; length++)
            for (int at = first; at + length <= end; at++) add(n, kind, at, at + length);
    }
    for (int w = 0; w + 1 < n->words && kind == NGRAM_WORDS; w++)
        add(n, kind, n->first[w], n->first[w + 2] - 1);
}

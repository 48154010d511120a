/* SPDX-License-Identifier: Apache-2.0 */
/* The n-grams of a text, as hashes.
 *
 * A word is a run of letters and digits, in lower case; everything else, also a byte that is no
 * UTF-8, ends a word. What is a letter and its lower case say the tables of the C library for the
 * locale C.UTF-8, which know all of Unicode. The n-grams of a text are
 *
 *   its words, and its pairs of neighbouring words (NGRAM_WORDS),
 *   the runs of 3, 4 and 5 characters inside of <word>, whose < and > are characters too
 *   (NGRAM_CHARACTERS; Bojanowski et al. 2017): they join "candle" and "candles", and find the
 *   words of a language that writes no blanks.
 */
#ifndef SOUK_INGEST_NGRAMS_H
#define SOUK_INGEST_NGRAMS_H

#include <locale.h>

#include "base/status.h"
#include "data/rawlog/keys.h"

typedef enum { NGRAM_WORDS, NGRAM_CHARACTERS, NGRAM_KINDS } NgramKind;

/* A text has at most KEY_MAX characters, and so has its list of words, `line`: "<red> <lamp> ". */
enum { NGRAM_LINE = 8 * KEY_MAX, NGRAMS_MAX = 3 * (KEY_MAX + 2 * KEY_MAX) };

typedef struct {
    locale_t locale;
    char line[NGRAM_LINE];
    int character[3 * KEY_MAX + 1]; /* where each character of the line begins, and its end */
    int words, characters;
    int first[KEY_MAX + 1]; /* the character that begins each word's "<" */
    uint64_t hash[NGRAMS_MAX];
    int count;
} Ngrams;

Status ngrams_open(Ngrams *n);
/* The hashes of this kind, n->hash [n->count], in the order of the text; one may be there twice.
 * `text` has at most KEY_MAX bytes. */
void ngrams_find(Ngrams *n, Text text, NgramKind kind);
void ngrams_close(Ngrams *n); /* safe on {0} */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "data/ingest/text/ngrams.h"

static Ngrams n;

static int open_ngrams(void **state)
{
    (void)state;
    return ngrams_open(&n) == OK ? 0 : -1;
}

static int close_ngrams(void **state)
{
    (void)state;
    ngrams_close(&n);
    return 0;
}

static uint64_t hash_of(const char *text, NgramKind kind)
{
    return text_hash(text_of(text)) ^ (uint64_t)kind * UINT64_C(0x9E3779B97F4A7C15);
}

/* `want`: separated by "|". */
static void assert_ngrams(const char *text, NgramKind kind, const char *want)
{
    char copy[512];
    int count = 0;
    snprintf(copy, sizeof copy, "%s", want);
    ngrams_find(&n, text_of(text), kind);
    for (char *at = copy, *one; *want && (one = strsep(&at, "|")); count++) {
        if (count < n.count && n.hash[count] == hash_of(one, kind)) continue;
        fail_msg("n-gram %d of \"%s\" is not \"%s\"", count, text, one);
    }
    assert_int_equal(n.count, count);
}

static void words_and_pairs_of_words(void **state)
{
    (void)state;
    assert_ngrams("", NGRAM_WORDS, "");
    assert_ngrams("  -- ", NGRAM_WORDS, "");
    assert_ngrams("Lamp", NGRAM_WORDS, "<lamp>");
    assert_ngrams("RED T-Lamp, 5W", NGRAM_WORDS,
                  "<red>|<t>|<lamp>|<5w>|<red> <t>|<t> <lamp>|<lamp> <5w>");
}

static void runs_of_characters(void **state)
{
    (void)state;
    assert_ngrams("a", NGRAM_CHARACTERS, "<a>");
    assert_ngrams("Red", NGRAM_CHARACTERS, "<re|red|ed>|<red|red>|<red>");
    assert_ngrams("ab c", NGRAM_CHARACTERS, "<ab|ab>|<ab>|<c>");
}

static void letters_of_all_scripts_have_their_lower_case(void **state)
{
    (void)state;
    assert_ngrams("ÉTÉ ΛΑΜΠΑ ЛАМПА", NGRAM_WORDS,
                  "<été>|<λαμπα>|<лампа>|<été> <λαμπα>|<λαμπα> <лампа>");
    assert_ngrams("灯具", NGRAM_CHARACTERS, "<灯具|灯具>|<灯具>");
}

/* A lone byte of Latin 1, a cut character, an overlong one and a surrogate end words. */
static void bytes_that_are_no_text_end_a_word(void **state)
{
    (void)state;
    assert_ngrams("a\xe9"
                  "b\xc3",
                  NGRAM_WORDS, "<a>|<b>|<a> <b>");
    assert_ngrams("a\xc1\x81"
                  "b\xed\xa0\x80"
                  "c",
                  NGRAM_WORDS, "<a>|<b>|<c>|<a> <b>|<b> <c>");
}

/* The longest lists that a text can give: words of one letter, one word, wide characters. */
static void the_longest_text_fits(void **state)
{
    (void)state;
    char text[KEY_MAX + 1];
    for (int i = 0; i < KEY_MAX; i++) text[i] = i % 2 ? ' ' : 'x';
    text[KEY_MAX] = '\0';
    ngrams_find(&n, text_of(text), NGRAM_WORDS);
    assert_int_equal(n.count, KEY_MAX / 2 + KEY_MAX / 2 - 1);
    ngrams_find(&n, text_of(text), NGRAM_CHARACTERS);
    assert_int_equal(n.count, KEY_MAX / 2);
    memset(text, 'y', KEY_MAX);
    ngrams_find(&n, text_of(text), NGRAM_CHARACTERS);
    assert_int_equal(n.count, 3 * (KEY_MAX + 2) - 2 - 3 - 4);
    for (int i = 0; i + 4 <= KEY_MAX; i += 4) memcpy(text + i, "\xf0\x90\x90\x80", 4);
    ngrams_find(&n, text_of(text), NGRAM_CHARACTERS);
    assert_int_equal(n.count, 3 * (KEY_MAX / 4 + 2) - 2 - 3 - 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_pairs_of_words),
        cmocka_unit_test(runs_of_characters),
        cmocka_unit_test(letters_of_all_scripts_have_their_lower_case),
        cmocka_unit_test(bytes_that_are_no_text_end_a_word),
        cmocka_unit_test(the_longest_text_fits),
    };
    return cmocka_run_group_tests(tests, open_ngrams, close_ngrams);
}

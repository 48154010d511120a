/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are read without a tree, compared with jansson's trees on generated and on damaged
 * objects. The draws are seeded: a failure repeats. */
#include "data/rawlog/format/flat.h"

#include <jansson.h>

#include "test.h"

static const char *const wanted[] = {"user", "item", "a", "a.b", "a.c.d", "a.c", "\xc3\xa9", "x y"};
enum { WANTED = sizeof wanted / sizeof *wanted, TEXT_MAX = 8192 };

static Flat flat_of(const char *const *name, int names)
{
    Flat flat = {.names = names};
    for (int i = 0; i < names; i++) flat.name[i] = text_of(name[i]);
    return flat;
}

static bool read_text(Flat *flat, const char *json, Text *value)
{
    static char copy[TEXT_MAX];
    const size_t length = strlen(json);
    assert_true(length < sizeof copy);
    memcpy(copy, json, length);
    return flat_read(flat, copy, copy + length, value);
}

static void assert_text(Text text, const char *want)
{
    if (!text_equal(text, text_of(want)))
        fail_msg("\"%.*s\", want \"%s\"", (int)text.length, text.at, want);
}

static const char *one(const char *json)
{
    static char out[256];
    static const char *const name[] = {"a"};
    Flat flat = flat_of(name, 1);
    Text value;
    if (!read_text(&flat, json, &value)) return NULL;
    snprintf(out, sizeof out, "%.*s", (int)value.length, value.at);
    return out;
}

/* ---- By hand --------------------------------------------------------------------------------- */

static void values_are_texts_by_name(void **state)
{
    (void)state;
    static const char *const name[] = {"user.id", "item", "price", "new", "tags", "none"};
    Flat flat = flat_of(name, 6);
    Text value[6];
    assert_true(read_text(&flat,
                          "{\"user\": {\"id\": 7}, \"item\": \"a\\u00e9\", \"price\": 1.50, "
                          "\"new\": true, \"tags\": [1, 2]}",
                          value));
    assert_text(value[0], "7");
    assert_text(value[1], "a\xc3\xa9");
    assert_text(value[2], "1.50");
    assert_text(value[3], "1");
    assert_text(value[4], "");
    assert_text(value[5], "");
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    static const char *const number[] = {"9007199254740993",
                                         "18446744073709551615",
                                         "123456789012345678901",
                                         "-0",
                                         "1.0",
                                         "0.1",
                                         "1e999",
                                         "-1.5E-3"};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"a\":%s}", number[i]);
        assert_string_equal(one(json), number[i]);
    }
    static const char *const bad[] = {"01", "1.", ".5", "+1", "1e", "0x1", "-", "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"a\":%s}", bad[i]);
        assert_null(one(json));
    }
}

static void a_value_that_json_lacks_costs_no_row(void **state)
{
    (void)state;
    assert_string_equal(one("{\"x\": NaN, \"y\": -Infinity, \"z\": Infinity, \"a\": 3}"), "3");
    assert_string_equal(one("{\"a\": NaN}"), "");
    assert_string_equal(one("{\"a\": null}"), "");
    assert_null(one("{\"a\": nan}"));
}

static void escapes_become_characters(void **state)
{
    (void)state;
    assert_string_equal(one("{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"), "\"\\/\b\f\n\r\t");
    assert_string_equal(one("{\"a\": \"\\u0041\\u00e9\\u20AC\\uD83D\\ude00!\"}"),
                        "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
    assert_string_equal(one("{\"\\u0061\": 1}"), "1");
    assert_null(one("{\"a\": \"\\uD83D\"}"));
    assert_null(one("{\"a\": \"\\uDE00\"}"));
    assert_null(one("{\"a\": \"\\uD83D\\u0041\"}"));
    assert_null(one("{\"a\": \"\\x41\"}"));
    assert_null(one("{\"\\u0000\": 1}"));
    assert_string_equal(one("{\"\\\\u0000\": 1, \"a\": 2}"), "2");
}

static void the_last_of_equal_names_counts(void **state)
{
    (void)state;
    assert_string_equal(one("{\"a\": 1, \"a\": \"\\u0042\", \"a\": \"\\\\\"}"), "\\");
    assert_string_equal(one("{\"a\": \"\\u0042\", \"a\": 2}"), "2");
    assert_string_equal(one("{\"a\": 1, \"a\": {\"a\": 3}}"), "");
    static const char *const name[] = {"a", "a.b"};
    Flat flat = flat_of(name, 2);
    Text value[2];
    assert_true(read_text(&flat, "{\"a\": {\"b\": 1}, \"a\": 5}", value));
    assert_text(value[0], "5");
    assert_text(value[1], "");
    assert_true(read_text(&flat, "{\"a\": 5, \"a\": {\"b\": 1}}", value));
    assert_text(value[0], "");
    assert_text(value[1], "1");
}

/* What was learned of the members of one object must not be taken for granted in the next. */
static void members_may_move_from_object_to_object(void **state)
{
    (void)state;
    char text[] = "{\"a\": {\"b\": 1}}{\"a\": 2, \"b\": 3}{\"b\": 4, \"a\": {\"x\": 1, \"b\": 5}}";
    static const char *const name[] = {"a.b", "b"};
    Flat flat = flat_of(name, 2);
    Text value[2];
    char *second = strchr(text + 1, '2') - 6, *third = strchr(text, '4') - 6;
    assert_true(flat_read(&flat, text, second, value));
    assert_text(value[0], "1");
    assert_text(value[1], "");
    assert_true(flat_read(&flat, second, third, value));
    assert_text(value[0], "");
    assert_text(value[1], "3");
    assert_true(flat_read(&flat, third, text + strlen(text), value));
    assert_text(value[0], "5");
    assert_text(value[1], "4");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (int deep = SCAN_DEPTH_MAX - 2; deep <= SCAN_DEPTH_MAX + 1; deep++) {
        char *text = malloc((size_t)deep * 2 + 16), *to = text;
        assert_non_null(text);
        to += snprintf(to, 8, "{\"x\":");
        memset(to, '[', (size_t)deep);
        memset(to + deep, ']', (size_t)deep);
        to += 2 * deep;
        *to++ = '}';
        json_t *tree = json_loadb(text, (size_t)(to - text), 0, NULL);
        Flat flat = {0};
        assert_int_equal(flat_read(&flat, text, to, NULL), tree != NULL);
        json_decref(tree);
        free(text);
    }
}

static bool append_name(void *context, Text path)
{
    char *list = context;
    snprintf(list + strlen(list), 64, "%.*s|", (int)path.length, path.at);
    return strlen(list) < 40;
}

static void all_names_of_an_object_are_listed(void **state)
{
    (void)state;
    char list[128] = "";
    const char *json =
        " {\"a\": 1, \"b\\u0041\": {\"c\": [{\"d\": 1}], \"e\": {}}, \"f\": NaN} rest";
    assert_true(flat_names(json, json + strlen(json), append_name, list));
    assert_string_equal(list, "a|bA.c|f|");
    static const char array[] = "[1]", no_value[] = "{\"a\"}";
    assert_false(flat_names(array, array + strlen(array), append_name, list));
    assert_false(flat_names(no_value, no_value + strlen(no_value), append_name, list));
}

/* ---- Beside a tree --------------------------------------------------------------------------- */

typedef struct {
    uint64_t stream, at;
    char text[TEXT_MAX];
    size_t length;
} Draw;

static uint64_t draw(Draw *d, uint64_t bound) { return philox_u64(d->stream, 7, d->at++) % bound; }

static void put(Draw *d, const char *text)
{
    const size_t length = strlen(text);
    if (d->length + length >= TEXT_MAX) return;
    memcpy(d->text + d->length, text, length);
    d->length += length;
}

static void put_one_of(Draw *d, const char *const *list, size_t count)
{
    put(d, list[draw(d, count)]);
}
#define PUT_ONE_OF(d, list) put_one_of(d, list, sizeof(list) / sizeof *(list))

static void put_blanks(Draw *d)
{
    static const char *const blanks[] = {"", "", "", " ", "  ", "\t", " \r\n"};
    PUT_ONE_OF(d, blanks);
}

static void put_string(Draw *d)
{
    static const char *const part[] = {"a",
                                       "item",
                                       "0123456789",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\\\"",
                                       "\\\\",
                                       "\\/",
                                       "\\n",
                                       "\\t",
                                       "\\u0041",
                                       "\\u00e9",
                                       "\\u20AC",
                                       "\\u0000",
                                       "\\ud83d\\ude00",
                                       "a rather long text ",
                                       "{[:,]}"};
    put(d, "\"");
    for (uint64_t n = draw(d, 5); n; n--) PUT_ONE_OF(d, part);
    put(d, "\"");
}

static void put_value(Draw *d, int depth);

static void put_object(Draw *d, int depth)
{
    static const char *const name[] = {"user", "item", "a",       "a",        "b",   "c",  "d",
                                       "é",    "x y",  "\\u0061", "\\u0062c", "e.f", "us", "users"};
    put(d, "{");
    const uint64_t members = draw(d, 6);
    for (uint64_t n = 0; n < members; n++) {
        put(d, n ? "," : "");
        put_blanks(d);
        put(d, "\"");
        PUT_ONE_OF(d, name);
        put(d, "\"");
        put_blanks(d);
        put(d, ":");
        put_blanks(d);
        put_value(d, depth + 1);
        put_blanks(d);
    }
    put(d, "}");
}

static void put_value(Draw *d, int depth)
{
    static const char *const scalar[] = {"0",
                                         "-0",
                                         "1",
                                         "17",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "0.1",
                                         "1.50",
                                         "-2.5e-3",
                                         "1E+5",
                                         "18446744073709551615",
                                         "123456789012345678901234",
                                         "1e300",
                                         "true",
                                         "false",
                                         "null",
                                         "2147483648"};
    const uint64_t kind = draw(d, depth < 5 ? 10 : 8);
    if (kind < 4) {
        PUT_ONE_OF(d, scalar);
    } else if (kind < 8) {
        put_string(d);
    } else if (kind == 8) {
        put_object(d, depth);
    } else {
        put(d, "[");
        for (uint64_t n = draw(d, 3); n; n--) {
            put_value(d, depth + 1);
            put(d, n > 1 ? " ," : "");
        }
        put(d, "]");
    }
}

/* One to three bytes replaced, removed or inserted. */
static void damage(Draw *d)
{
    static const char byte[] = "{}[]\",:\\u0123456789eE+-.tfnl \x01\xff\xc3";
    for (uint64_t n = 1 + draw(d, 3); n && d->length > 1; n--) {
        const size_t at = draw(d, d->length);
        const char with = byte[draw(d, sizeof byte - 1)];
        const uint64_t how = draw(d, 3);
        if (how == 1) {
            memmove(d->text + at, d->text + at + 1, --d->length - at);
            continue;
        }
        if (how == 2 && d->length < TEXT_MAX - 1) {
            memmove(d->text + at + 1, d->text + at, d->length - at);
            d->length++;
        }
        d->text[at] = with;
    }
}

static const json_t *in_tree(const json_t *object, const char *path)
{
    char name[64];
    const char *point = strchr(path, '.');
    if (!point) return json_object_get(object, path);
    snprintf(name, sizeof name, "%.*s", (int)(point - path), path);
    return in_tree(json_object_get(object, name), point + 1);
}

static bool same_value(Text text, const json_t *value)
{
    char digits[64];
    if (json_is_string(value))
        return text_equal(text,
                          (Text){json_string_value(value), (uint32_t)json_string_length(value)});
    if (json_is_boolean(value)) return text_equal(text, text_of(json_is_true(value) ? "1" : "0"));
    if (!json_is_number(value)) return text.length == 0;
    snprintf(digits, sizeof digits, "%.*s", (int)text.length, text.at);
    return json_is_integer(value) ? strtoll(digits, NULL, 10) == json_integer_value(value)
                                  : strtod(digits, NULL) == json_real_value(value);
}

/* Compares one object; returns 1 where both accept it, 0 where both refuse it. Integers beyond 64
 * bits and reals beyond doubles are the only ones that flat_read alone accepts. */
static int compare(Flat *flat, const Draw *d, char *text, uint64_t number)
{
    Text value[WANTED];
    json_error_t error;
    json_t *tree = json_loadb(text, d->length, JSON_ALLOW_NUL, &error);
    if (!tree && json_error_code(&error) == json_error_numeric_overflow)
        tree = json_loadb(text, d->length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    const bool overflow = !tree && json_error_code(&error) == json_error_numeric_overflow;
    const bool good = flat_read(flat, text, text + d->length, value);
    if (good != json_is_object(tree) && !overflow)
        fail_msg("object %llu: flat_read %s, jansson: %s\n%.*s", (unsigned long long)number,
                 good ? "accepts" : "refuses", tree ? "another value" : error.text, (int)d->length,
                 d->text);
    for (int i = 0; good && tree && i < WANTED; i++)
        if (!same_value(value[i], in_tree(tree, wanted[i])))
            fail_msg("object %llu: %s is \"%.*s\"\n%.*s", (unsigned long long)number, wanted[i],
                     (int)value[i].length, value[i].at, (int)d->length, d->text);
    json_decref(tree);
    return good;
}

/* Many objects are read one after the other, so that what is remembered of one meets the next. */
static void compare_many(bool damaged, int *accepted, int *refused)
{
    enum { BATCHES = 400, BATCH = 50 };
    static Draw d;
    char *text = malloc(BATCH * TEXT_MAX);
    assert_non_null(text);
    for (uint64_t b = 0; b < BATCHES; b++) {
        Flat flat = flat_of(wanted, WANTED);
        for (uint64_t i = 0; i < BATCH; i++) {
            const uint64_t number = b * BATCH + i;
            d = (Draw){.stream = number + (damaged ? 1000000 : 0)};
            put_blanks(&d);
            put_object(&d, 0);
            put_blanks(&d);
            if (damaged) damage(&d);
            memcpy(text + i * TEXT_MAX, d.text, d.length);
            *(compare(&flat, &d, text + i * TEXT_MAX, number) ? accepted : refused) += 1;
        }
    }
    free(text);
}

static void objects_are_those_of_a_tree(void **state)
{
    (void)state;
    int accepted = 0, refused = 0;
    compare_many(false, &accepted, &refused);
    assert_int_equal(accepted, 20000);
    compare_many(true, &accepted, &refused);
    assert_true(accepted > 21000 && refused > 10000); /* both are tried often */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_texts_by_name),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(a_value_that_json_lacks_costs_no_row),
        cmocka_unit_test(escapes_become_characters),
        cmocka_unit_test(the_last_of_equal_names_counts),
        cmocka_unit_test(members_may_move_from_object_to_object),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(all_names_of_an_object_are_listed),
        cmocka_unit_test(objects_are_those_of_a_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

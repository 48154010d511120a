/* SPDX-License-Identifier: Apache-2.0 */
/* A column that grows on disk. */
#include "data/behaviour/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include "test.h"

enum { BYTES = 1000003, AT = 12345 }; /* several buffers, and a part of one */

static unsigned char byte_of(int64_t i) { return (unsigned char)(i * 7 + i / 251); }

/* Bytes from .. to-1 of the column, in pieces of many sizes. */
static void append(Spool *s, int64_t from, int64_t to)
{
    unsigned char piece[5000];
    for (int64_t size = 1; from < to; from += size, size = (size * 5 + 3) % 4999 + 1) {
        if (size > to - from) size = to - from;
        for (int64_t i = 0; i < size; i++) piece[i] = byte_of(from + i);
        assert_ok(spool_append(s, piece, (size_t)size));
    }
}

static void check(const unsigned char *bytes)
{
    for (int64_t i = 0; i < BYTES; i++) assert_int_equal(bytes[i], byte_of(i));
}

static void what_is_appended_is_mapped(void **state)
{
    (void)state;
    Spool s;
    const void *data;
    assert_ok(spool_open(&s, "/tmp/souk-test-spool"));
    assert_ok(spool_map(&s, &data));
    assert_string_equal(data, "");
    append(&s, 0, BYTES);
    assert_int_equal(s.bytes, BYTES);
    assert_ok(spool_map(&s, &data));
    check(data);
    assert_ok(spool_end(&s)); /* it is not placed */
    check(data);
    spool_close(&s);
    spool_close(&s);
}

/* Placed at the beginning, in the middle and at the end of its growth. */
static void a_placed_spool_writes_its_part_of_another_file(void **state)
{
    (void)state;
    const int64_t placed_after[] = {0, 1, BYTES / 2, BYTES};
    for (int k = 0; k < 4; k++) {
        FILE *file = tmpfile();
        assert_non_null(file);
        Spool s;
        assert_ok(spool_open(&s, "/tmp/souk-test-spool"));
        append(&s, 0, placed_after[k]);
        assert_ok(spool_place(&s, fileno(file), "other", AT, BYTES));
        append(&s, placed_after[k], BYTES);
        assert_ok(spool_end(&s));
        unsigned char *bytes = malloc(AT + BYTES + 1);
        assert_non_null(bytes);
        assert_int_equal(pread(fileno(file), bytes, AT + BYTES + 1, 0), AT + BYTES);
        for (int i = 0; i < AT; i++) assert_int_equal(bytes[i], 0);
        check(bytes + AT);
        free(bytes);
        fclose(file);
    }
}

static void a_spool_beside_nothing_is_refused(void **state)
{
    (void)state;
    Spool s;
    assert_refused(spool_open(&s, "/nowhere/at/all"), ERR_IO, "/nowhere/at/all");
    spool_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_mapped),
        cmocka_unit_test(a_placed_spool_writes_its_part_of_another_file),
        cmocka_unit_test(a_spool_beside_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

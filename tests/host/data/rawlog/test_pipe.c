/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe that reads a log with several threads: the same rows in the same order for any number,
 * failures in their place, and an early end that leaves no thread behind. */
#include "data/rawlog/pipe.h"
#include "ingest_case.h"

enum { ROWS = 180000, BROKEN = 150000 };

static void write_long_log(const char *name, int broken)
{
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    fputs("user,item,time\n", file);
    for (int i = 0; i < ROWS; i++) {
        const char *quote = i % 1000 == 7 ? "\"" : "";
        fprintf(file, "u%d,%si%d%s,%s%d\n", i % 977, quote, i % 4099, quote, i == broken ? "x" : "",
                i);
    }
    assert_int_equal(fclose(file), 0);
}

typedef struct {
    int64_t rows, bad, bad_line, pieces;
    uint64_t hash;
} Sum;

static Sum read_all(int threads, int64_t pieces)
{
    const char *const inputs[] = {in_folder("a"), in_folder("b")};
    static ColumnUses uses;
    Sum sum = {0};
    Pipe *pipe;
    const LogRows *rows;
    const LogPiece *piece;
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    map_init(m);
    assert_ok(pipe_open(&pipe, m, &(LogInputs){inputs, NULL, 2}, threads, &uses));
    while (sum.pieces < pieces) {
        assert_ok(pipe_next(pipe, &rows, &piece));
        if (!rows) break;
        sum.pieces++;
        sum.rows += rows->count;
        for (int64_t i = 0; i < rows->count; i++) {
            const LogRow *r = &rows->row[i];
            sum.hash = 31 * sum.hash + (r->user_hash ^ r->item_hash ^ (uint64_t)r->time ^ r->part);
        }
        sum.bad += rows->bad[BAD_TIME].count;
        if (rows->bad[BAD_TIME].count) sum.bad_line = rows->bad[BAD_TIME].line;
    }
    pipe_close(pipe);
    map_close(m);
    free(m);
    return sum;
}

static void rows_come_in_order_for_any_number_of_threads(void **state)
{
    (void)state;
    write_long_log("a", -1);
    write_long_log("b", BROKEN);
    const Sum one = read_all(1, INT64_MAX);
    assert_int_equal(one.rows, 2 * ROWS - 1);
    assert_int_equal(one.bad, 1);
    assert_int_equal(one.bad_line, BROKEN + 2);
    assert_true(one.pieces > 4);
    for (int threads = 2; threads <= 4; threads++) {
        const Sum more = read_all(threads, INT64_MAX);
        assert_int_equal(more.rows, one.rows);
        assert_int_equal(more.bad_line, one.bad_line);
        assert_true(more.hash == one.hash);
    }
}

static void a_pipe_may_be_closed_at_any_piece(void **state)
{
    (void)state;
    write_long_log("a", -1);
    write_long_log("b", -1);
    for (int64_t pieces = 0; pieces < 4; pieces++)
        assert_int_equal(read_all(3, pieces).pieces, pieces);
}

static void a_file_that_fails_stops_the_log_there(void **state)
{
    (void)state;
    const char *const inputs[] = {in_folder("a"), in_folder("missing")};
    static ColumnUses uses;
    Pipe *pipe;
    const LogRows *rows = NULL;
    const LogPiece *piece;
    int64_t count = 0;
    Status st;
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    write_long_log("a", -1);
    map_init(m);
    assert_ok(pipe_open(&pipe, m, &(LogInputs){inputs, NULL, 2}, 3, &uses));
    while ((st = pipe_next(pipe, &rows, &piece)) == OK && rows) count += rows->count;
    assert_int_equal(st, ERR_IO);
    assert_int_equal(count, ROWS);
    assert_non_null(strstr(status_message(), "missing: cannot open"));
    pipe_close(pipe);
    map_close(m);
    free(m);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(rows_come_in_order_for_any_number_of_threads),
        CASE(a_pipe_may_be_closed_at_any_piece),
        CASE(a_file_that_fails_stops_the_log_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

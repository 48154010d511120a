/* SPDX-License-Identifier: Apache-2.0 */
/* Mutated logs and mappings: ingest ends with success or with one line that says why; under the
 * sanitizers, without touching what is not its own. The mutations are seeded: a failure repeats. */
#include "data/rawlog/pipe.h"
#include "ingest_case.h"

enum { TEXT_MAX = 4096 };

static const char *const log_seed[] = {
    "user_id,item_id,action,timestamp,price\n1,a,view,1717200000,1.5\n2,\"b \"\"x\"\", "
    "y\",cart,1717200060,\n1,c,purchase,1717200120.5,7\n1,a,view,1717200000,1.5\n",
    "{\"user_id\": 1, \"item_id\": \"a\", \"timestamp\": \"2020-01-01 10:00:00\"}\n"
    "{\"user_id\": \"x\", \"item_id\": 2.5, \"timestamp\": null, \"price\": 3}\n",
    "u1 a b c d | e f\nu2 a\n\nu3\n",
    "{u'user_id': u'a\\xe9', 'item_id': 7L, 'timestamp': 1600000000, 'new': True}\n{'user_id': "
    "\"it's\", 'item_id': 'b', 'timestamp': 1600000060, 'list': [{'x': '1'}, {'x': '2'}]}\n",
    "{\"user_id\": 1, \"timestamp\": 1600000000, \"list\": [{\"x\": 1}, {\"x\": \"a\\u00e9\"}]}\n",
    "user_id,timestamp,list\n1,1600000000,a-1 b-0\n2,1600000060,c-1\n",
    "\xef\xbb\xbfuser\titem\ttime\r\n1\t2\t2019-10-01 00:00:00 UTC\r\n1\t3\t2019-10-01\r\n",
};
static const char *const ini_seed[] = {
    "[columns]\nuser = user_id\nitem = item_id\naction = action\ntime = timestamp\n[actions]\n"
    "view = 0.2\ncart = 0.5\npurchase = 1\n[events]\nprice = number price log\n",
    "[list]\ncolumns = list\n[columns]\nuser = user_id\nitem = list.x\n[split]\nrule = "
    "leave-one-out\n",
    "[list]\ncolumns = list\nfields = i,a\n[columns]\nuser = user_id\nitem = list.i\naction = "
    "list.a\n[actions]\nb = 1\na = 0\n[action_values]\n1 = a\n0 = b\n[split]\nrule = "
    "leave-one-out\n",
    "[split]\nrule = leave-one-out\n[clean]\nmax_per_minute = 3\nmin_user_events = 2\n",
    "[input]\nformat = sequence\nstep = 1d\n[split]\nrule = leave-last-basket\n",
    "[columns]\nuser = user\nitem = item\ntime = time\ntime_unit = iso\ntime_zone = +08:00\n"
    "[items]\nc = category item\n[limits]\n",
};

enum {
    LOGS = sizeof log_seed / sizeof *log_seed,
    INIS = sizeof ini_seed / sizeof *ini_seed,
};

static uint64_t draw(uint64_t number, uint64_t at, uint64_t bound)
{
    return philox_u64(number, 0, at) % bound;
}

/* One to six changes: bytes flipped, cut, doubled, or taken from a list of awkward pieces. */
static size_t mutate(char *text, size_t length, uint64_t number)
{
    static const char *const piece[] = {
        "\"",      "\n", "\r\n", ",",     "\xff", "[",   "=",    "\t",
        "{",       "}",  "|",    "1e999", "-1",   "nan", "\"\"", "999999999999999999999",
        "\\u0000", "..", ";",    "%Y"};
    const uint64_t changes = 1 + draw(number, 0, 6);
    for (uint64_t c = 0; c < changes && length; c++) {
        const uint64_t k = 8 * (c + 1);
        const size_t at = draw(number, k, length), span = 1 + draw(number, k + 1, length - at);
        const char *insert = piece[draw(number, k + 2, sizeof piece / sizeof *piece)];
        const size_t extra = strlen(insert);
        switch (draw(number, k + 3, 5)) {
        case 0: text[at] = (char)draw(number, k + 4, 256); break;
        case 1:
            memmove(text + at, text + at + span, length - at - span);
            length -= span;
            break;
        case 2:
            if (length + span > TEXT_MAX) break;
            memmove(text + at + span, text + at, length - at);
            length += span;
            break;
        case 3: length = at; break;
        default:
            if (length + extra > TEXT_MAX) break;
            memmove(text + at + extra, text + at, length - at);
            memcpy(text + at, insert, extra);
            length += extra;
        }
    }
    return length;
}

/* All rows of the log through the readers, without a file written. */
static Status parse_only(Mapping *m)
{
    const char *const input = in_folder("log");
    static ColumnUses uses;
    Pipe *pipe = NULL;
    const LogRows *rows = NULL;
    const LogPiece *piece;
    Status st = pipe_open(&pipe, m, &(LogInputs){&input, NULL, 1}, 1, &uses);
    while (st == OK && (st = pipe_next(pipe, &rows, &piece)) == OK && rows) {}
    pipe_close(pipe);
    return st;
}

static Status to_a_file(Mapping *m, uint64_t number)
{
    const char *const input = in_folder("log"), *const output = in_folder("out.h5");
    const IngestOptions o = {.inputs = &input,
                             .input_count = 1,
                             .output = output,
                             .memory = 1 << 20,
                             .threads = 1,
                             .plain_keys = true,
                             .force = true};
    Behaviour b;
    TRY(ingest_run(&o, m, &report));
    if (behaviour_open(&b, output) != OK)
        fail_msg("case %llu: %s", (unsigned long long)number, status_message());
    assert_int_equal(b.events, report.events);
    behaviour_close(&b);
    return OK;
}

static void check(const char *ini, size_t ini_length, uint64_t number)
{
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    map_init(m);
    status_clear();
    Status st = map_file_read_text(m, "map.ini", ini, ini_length);
    if (st == OK) st = number % 16 ? parse_only(m) : to_a_file(m, number);
    if (st != OK && (!*status_message() || strchr(status_message(), '\n')))
        fail_msg("case %llu: \"%s\"", (unsigned long long)number, status_message());
    ingest_report_close(&report);
    map_close(m);
    free(m);
}

static void mutated_logs_are_read_or_refused(void **state)
{
    (void)state;
    enum { CASES = 1500 };
    char text[TEXT_MAX];
    for (uint64_t n = 0; n < CASES; n++) {
        const char *seed = log_seed[draw(n, 1001, LOGS)], *ini = ini_seed[draw(n, 1000, INIS)];
        const size_t length = strlen(seed);
        memcpy(text, seed, length);
        write_bytes("log", text, mutate(text, length, n));
        check(ini, strlen(ini), n);
    }
}

static void mutated_mappings_are_read_or_refused(void **state)
{
    (void)state;
    enum { CASES = 1500 };
    char text[TEXT_MAX];
    for (uint64_t n = 0; n < CASES; n++) {
        const char *seed = ini_seed[draw(n, 1001, INIS)];
        const size_t length = strlen(seed);
        memcpy(text, seed, length);
        write_text("log", log_seed[draw(n, 1000, LOGS)]);
        const size_t mutated = mutate(text, length, n + 1000000);
        check(text, mutated, n + 1000000);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(mutated_logs_are_read_or_refused),
        CASE(mutated_mappings_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

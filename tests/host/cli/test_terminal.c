/* SPDX-License-Identifier: Apache-2.0 */
/* What the program's listener prints where standard error is no terminal, and what Ctrl-C does. */
#include "cli/terminal.h"

#include <signal.h>
#include <unistd.h>

#include "base/progress.h"
#include "test.h"

/* Run `body` with standard error in a file; the file's text. */
static const char *printed_by(void (*body)(void))
{
    static char text[512];
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    body();
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void share(void)
{
    Progress p;
    progress_begin(&p, "reading", 200, terminal_listener(stderr, false));
    p.started -= 10.0; /* as if it had begun ten seconds ago */
    progress_report(&p, 100, "half");
    progress_report(&p, 150, "too soon after the last line");
    progress_end(&p, NULL);
}

static void count(void)
{
    Progress p;
    progress_begin(&p, "piped", 0, terminal_listener(stderr, false));
    p.started -= 10.0;
    progress_report(&p, INT64_C(5000000000), NULL);
}

static void two_stages(void)
{
    Listener *l = terminal_listener(stderr, false);
    for (int stage = 0; stage < 2; stage++) {
        Progress p;
        progress_begin(&p, stage ? "second" : "first", 4, l);
        p.started -= 4.0;
        progress_report(&p, 2, NULL);
    }
}

static void remarks(void)
{
    listener_remark(terminal_listener(stderr, false), "%d users", 3);
    listener_remark(NULL, "to nobody");
}

static void nothing(void)
{
    Listener *l = terminal_listener(stderr, true);
    Progress p;
    progress_begin(&p, "reading", 200, l);
    p.started -= 10.0;
    progress_report(&p, 100, "half");
    progress_end(&p, NULL);
    listener_remark(l, "3 users");
}

static void warning(void) { listener_warn(terminal_listener(stderr, true), "%d users only", 3); }

static void a_known_total_gives_a_share_and_the_time_left(void **state)
{
    (void)state;
    assert_string_equal(printed_by(share),
                        "reading  50% [############............] half  00:10 left\n"
                        "reading 100% [########################]  10.0 s\n");
}

static void an_unknown_total_gives_a_count(void **state)
{
    (void)state;
    assert_string_equal(printed_by(count), "piped 5000000000  10.0 s\n");
}

static void each_stage_has_its_own_tenths(void **state)
{
    (void)state;
    assert_string_equal(printed_by(two_stages),
                        "first  50% [############............]  00:04 left\n"
                        "second  50% [############............]  00:04 left\n");
}

static void remarks_are_lines(void **state)
{
    (void)state;
    assert_string_equal(printed_by(remarks), "3 users\n");
}

static void quiet_prints_nothing(void **state)
{
    (void)state;
    assert_string_equal(printed_by(nothing), "");
}

static void warnings_are_printed_also_with_quiet(void **state)
{
    (void)state;
    assert_string_equal(printed_by(warning), "souk: warning: 3 users only\n");
}

static void a_signal_asks_the_call_to_stop(void **state)
{
    (void)state;
    Progress p;
    progress_begin(&p, "reading", 200, terminal_listener(stderr, true));
    assert_ok(progress_update(&p, 1, NULL));
    terminal_catch_signals();
    assert_ok(progress_update(&p, 2, NULL));
    raise(SIGTERM);
    assert_refused(progress_update(&p, 3, NULL), ERR_CANCELLED, "stopped on request");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_total_gives_a_share_and_the_time_left),
        cmocka_unit_test(an_unknown_total_gives_a_count),
        cmocka_unit_test(each_stage_has_its_own_tenths),
        cmocka_unit_test(remarks_are_lines),
        cmocka_unit_test(quiet_prints_nothing),
        cmocka_unit_test(warnings_are_printed_also_with_quiet),
        cmocka_unit_test(a_signal_asks_the_call_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

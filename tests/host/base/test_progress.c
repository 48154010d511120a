/* What the progress bar prints where standard error is no terminal. */
#include "base/progress.h"

#include <unistd.h>

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
    progress_begin(&p, "reading", 200, false);
    p.started -= 10.0; /* as if it had begun ten seconds ago */
    progress_update(&p, 100, "half");
    progress_update(&p, 150, "too soon after the last line");
    progress_end(&p, NULL);
}

static void count(void)
{
    Progress p;
    progress_begin(&p, "piped", 0, false);
    p.started -= 10.0;
    progress_update(&p, INT64_C(5000000000), NULL);
}

static void nothing(void)
{
    Progress p;
    progress_begin(&p, "reading", 200, true);
    p.started -= 10.0;
    progress_update(&p, 100, "half");
    progress_end(&p, NULL);
}

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

static void quiet_prints_nothing(void **state)
{
    (void)state;
    assert_string_equal(printed_by(nothing), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_total_gives_a_share_and_the_time_left),
        cmocka_unit_test(an_unknown_total_gives_a_count),
        cmocka_unit_test(quiet_prints_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

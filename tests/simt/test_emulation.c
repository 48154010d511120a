/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the emulation itself. Correct kernels give the right numbers. Each bug is reported by
 * the builds that can see it, in every order of threads that is tried. Each case runs in its own
 * process. */
#include "op.h"

#include <sys/wait.h>
#include <unistd.h>

#include "bugs.h"

enum { COUNT = 1024, PLAIN = 1, ASAN = 2, CHECK = 4, ALL = 7, SEEDS = 6 };

/* Which build this program is, by its name. */
static int build;

/* Run a case and store its numbers in `out`. Returns its exit status; `said` gets its standard
 * error where that is not 0. */
static int run(const char *name, int seed, int *out, char *said, size_t size)
{
    int numbers[2], errors[2];
    assert_true(pipe(numbers) == 0 && pipe(errors) == 0);
    const pid_t child = fork();
    if (child == 0) {
        char text[16];
        snprintf(text, sizeof text, "%d", seed);
        setenv("SIMT_SEED", text, 1);
        dup2(errors[1], 2);
        close(errors[0]), close(numbers[0]);
        Device dev;
        int in[COUNT];
        for (int i = 0; i < COUNT; i++) in[i] = i * 7 + i / 5;
        for (int i = 0; i < 384 && strstr(name, "product"); i++) {
            const float x = (float)(i * 37 % 101) / 16.0f - 3.0f; /* exact in bf16 */
            memcpy((char *)in + 2 * i, (const char *)&x + 2, 2);
        }
        if (device_open(&dev, "cuda", 1) != OK) _exit(3);
        int *gpu_in = device_alloc(&dev, sizeof in, "a test"),
            *gpu_out = device_alloc(&dev, sizeof in, "a test");
        device_copy_in(&dev, gpu_in, in, sizeof in);
        if (!bug_run(&dev, name, gpu_out, gpu_in, COUNT)) _exit(4);
        device_copy_out(&dev, in, gpu_out, sizeof in);
        if (device_sync(&dev) != OK || write(numbers[1], in, sizeof in) != sizeof in) _exit(5);
        _exit(0);
    }
    close(numbers[1]), close(errors[1]);
    size_t used = 0;
    for (ssize_t n; used + 1 < size && (n = read(errors[0], said + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    said[used] = '\0';
    char *to = (char *)out;
    for (ssize_t n;
         (n = read(numbers[0], to, sizeof(int) * COUNT - (size_t)(to - (char *)out))) > 0;)
        to += n;
    close(numbers[0]), close(errors[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_passes(const char *name, int (*want)(int i))
{
    for (int seed = 0; seed < SEEDS; seed++) {
        int out[COUNT];
        char said[8192];
        if (run(name, seed, out, said, sizeof said)) fail_msg("%s, seed %d: %s", name, seed, said);
        for (int i = 0; i < COUNT && want(i) != -1; i++)
            if (out[i] != want(i))
                fail_msg("%s, seed %d: out[%d] = %d, want %d", name, seed, i, out[i], want(i));
    }
}

static int want_votes(int i)
{
    const int lane = i & 31, down = lane + 4 < 16 ? lane + 4 : lane,
              up = lane - 2 >= 16 ? lane - 2 : lane;
    return i < 128 ? 11 + 1100 + (lane < 16 ? down : up) + 80000 + 31 + 3 + 400000 : -1;
}
static int want_histogram(int i)
{
    int count = 0;
    for (int k = 0; k < COUNT; k++) count += ((k * 7 + k / 5) & 15) == i;
    return i < 16 ? count : -1;
}
static int want_last_block(int i) { return i == 0 ? 45 : -1; }
static int want_warp_buffer(int i)
{
    const int other = 31 - (i & 31);
    return i < 64 ? other * other + 2 : -1;
}
static int product_entry(int k) { return k * 37 % 101 - 48; }
static int float_bits(float x)
{
    int bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static int want_product(int i)
{
    int sum = 0;
    for (int k = 0; k < 16 && i < 128; k++)
        sum += product_entry(i / 8 * 16 + k) * product_entry(256 + i % 8 * 16 + k);
    return i < 128 ? float_bits((float)sum / 256.0f) : -1;
}
static int want_transposed(int i)
{
    int sum = 0;
    for (int k = 0; k < 16 && i < 128; k++)
        sum += product_entry(i / 8 * 16 + k) * product_entry(256 + k * 8 + i % 8);
    return i < 128 ? float_bits((float)sum / 256.0f) : -1;
}
static int want_sums(int i) { return i < 128 ? 4 * 127 * 64 + 6 * 128 : -1; }
static int want_halves(int i) { return i < 32 ? 0x3f803f80 : -1; }
static int want_staged(int i)
{
    int sum = 0;
    for (int k = 0; k < 512; k += 32) {
        const int at = k + (i + 5) % 32;
        sum += at * 7 + at / 5;
    }
    return i < 32 ? sum : -1;
}

static int want_fed(int i) { return i < 32 ? 2 + 3 + 4 : -1; }
static int want_by_graph(int i) { return i < 32 ? 1 + 2 + 3 : -1; }

static void correct_kernels_pass(void **state)
{
    (void)state;
    assert_passes("votes", want_votes);
    assert_passes("histogram", want_histogram);
    assert_passes("1024 threads", want_histogram);
    assert_passes("last block", want_last_block);
    assert_passes("warp buffer", want_warp_buffer);
    assert_passes("sums", want_sums);
    assert_passes("product", want_product);
    assert_passes("product of a transpose", want_transposed);
    assert_passes("halves", want_halves);
    assert_passes("staged copy", want_staged);
    assert_passes("feed", want_fed);
    assert_passes("graph", want_by_graph);
}

typedef struct {
    const char *name;
    int builds;       /* the builds that must report it */
    const char *says; /* a part of the check build's report; other builds may report other words */
} Bug;

static void assert_reported(const Bug *bugs, size_t count)
{
    for (size_t b = 0; b < count; b++) {
        if (!(bugs[b].builds & build)) continue;
        for (int seed = 0; seed < SEEDS; seed++) {
            int out[COUNT];
            char said[16384];
            if (run(bugs[b].name, seed, out, said, sizeof said) == 0)
                fail_msg("\"%s\" passes, seed %d", bugs[b].name, seed);
            if (build != ASAN && !strstr(said, bugs[b].says))
                fail_msg("\"%s\" is reported as: %s", bugs[b].name, said);
        }
    }
}
#define ASSERT_REPORTED(bugs) assert_reported((bugs), sizeof(bugs) / sizeof *(bugs))

static void races_are_reported(void **state)
{
    (void)state;
    static const Bug bugs[] = {
        {"no fence", CHECK, "data race"},
        {"no syncwarp after a write", CHECK, "data race"},
        {"no syncwarp after a read", CHECK, "data race"},
        {"no barrier after a write", CHECK, "data race"},
        {"no barrier after a read", CHECK, "data race"},
        {"copy not waited for", CHECK, "::stage"},
        {"no barrier behind a copy", CHECK, "::stage"},
        {"no barrier before a refill", CHECK, "::stage"},
        {"two threads, one place", CHECK, "data race"},
        {"two threads, one value", CHECK, "data race"},
        {"blocks add without atomics", CHECK, "data race"},
    };
    ASSERT_REPORTED(bugs);
}

static void wrong_memory_is_reported(void **state)
{
    (void)state;
    static const Bug bugs[] = {
        {"past static shared memory", ASAN | CHECK, "shared"},
        {"past dynamic shared memory", ASAN | CHECK, "out of bounds"},
        {"past global memory", ASAN | CHECK, "out of bounds"},
        {"freed memory", ASAN | CHECK, "out of bounds"},
        {"misaligned load", ASAN | CHECK, "misaligned"},
        {"uninitialised shared memory", CHECK, "uninitialised shared"},
        {"uninitialised global memory", CHECK, "uninitialised global"},
        {"stack of the host", CHECK, "host memory"},
    };
    ASSERT_REPORTED(bugs);
}

static void divergence_is_reported(void **state)
{
    (void)state;
    static const Bug bugs[] = {
        {"barrier in a branch", ALL, "divergence"},
        {"two barriers", ALL, "barrier divergence"},
        {"early return", ALL, "barrier divergence"},
        {"shuffle by half a warp", ALL, "divergence"},
        {"shuffle from outside the mask", ALL, "warp divergence"},
        {"shuffle by a lane outside the mask", ALL, "warp divergence"},
        {"shuffles in an uneven loop", ALL, "divergence"},
        {"an id out of range", ALL, "trap"},
    };
    ASSERT_REPORTED(bugs);
}

/* Without the checker a race shows in the numbers alone, and only in some orders. Enough orders
 * must show it. */
static void orders_of_threads_bring_races_to_light(void **state)
{
    (void)state;
    if (build != PLAIN) skip();
    static const char *const names[] = {"no barrier after a write", "no barrier after a read",
                                        "copy not waited for"};
    for (size_t b = 0; b < sizeof names / sizeof *names; b++) {
        int shown = 0;
        for (int seed = 2; seed < 12; seed++) {
            int out[COUNT];
            char said[4096];
            const int status = run(names[b], seed, out, said, sizeof said);
            int wrong = status != 0;
            for (int i = 0; i < 128 && b < 2; i++) wrong |= out[i] != want_sums(i);
            for (int i = 0; i < 32 && b == 2; i++) wrong |= out[i] != want_staged(i);
            shown += wrong;
        }
        if (shown < 3) fail_msg("\"%s\" shows in %d of 10 orders", names[b], shown);
    }
}

/* In how many of the seeds 1 to `seeds` a bug shows, by wrong numbers or by a report. */
static int times_shown(const char *name, int seeds, int (*want)(int i))
{
    int shown = 0;
    for (int seed = 1; seed <= seeds; seed++) {
        int out[COUNT];
        char said[8192];
        int wrong = run(name, seed, out, said, sizeof said) != 0;
        for (int i = 0; i < 32 && !wrong; i++) wrong = out[i] != want(i);
        shown += wrong;
    }
    return shown;
}

/* Streams run as late as allowed, or by turns, so that work that nothing waits for is missing. */
static void missing_waits_between_streams_are_seen(void **state)
{
    (void)state;
    static const char *const names[] = {"no join", "no follow", "refilled before it was copied"};
    for (size_t b = 0; b < sizeof names / sizeof *names; b++) {
        const int shown = times_shown(names[b], 12, want_fed);
        if (shown < 3) fail_msg("\"%s\" shows in %d of 12 orders", names[b], shown);
    }
    assert_int_equal(times_shown("no join", 1, want_fed), 1);
    assert_int_equal(times_shown("refilled before it was copied", 1, want_fed), 1);
}

static void misuse_of_graphs_is_seen(void **state)
{
    (void)state;
    static const char *const names[] = {"an argument changed after capture",
                                        "an allocation in a capture", "a wait in a capture",
                                        "a graph whose scratch is gone"};
    for (size_t b = 0; b < sizeof names / sizeof *names; b++)
        assert_int_equal(times_shown(names[b], SEEDS, want_by_graph), SEEDS);
}

static int want_warpgroup(int i)
{
    const int row = 64 + i / 32 * 16 + i % 32 / 4, column = i % 4 * 2;
    int sum = 0;
    for (int k = 0; k < 64 && i < 128; k++)
        sum += ((row * 5 + k * 3) % 11 - 5) * ((column * 7 + k) % 13 - 6);
    return i < 128 ? float_bits((float)sum) : -1;
}

/* The check build does not support these cases. */
static void what_sm90_has_is_done_late_and_early(void **state)
{
    (void)state;
    if (build == CHECK) skip();
    assert_passes("ring", want_staged);
    assert_passes("warpgroup", want_warpgroup);
    static const Bug bugs[] = {
        {"a stage not given back", PLAIN | ASAN, "deadlock"},
        {"warpgroup not waited for", PLAIN | ASAN, "still pending"},
        {"a part of a block alone", PLAIN | ASAN, "deadlock"},
    };
    ASSERT_REPORTED(bugs);
    static const char *const names[] = {"no wait for a full stage", "no wait for an empty stage"};
    for (size_t b = 0; b < sizeof names / sizeof *names; b++) {
        const int shown = times_shown(names[b], 12, want_staged);
        if (shown < 3) fail_msg("\"%s\" shows in %d of 12 orders", names[b], shown);
    }
    assert_int_equal(times_shown("warpgroup's sums used early", 12, want_warpgroup), 12);
}

int main(int argc, char **argv)
{
    (void)argc;
    build = strstr(argv[0], "_asan_") ? ASAN : strstr(argv[0], "_check_") ? CHECK : PLAIN;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correct_kernels_pass),
        cmocka_unit_test(races_are_reported),
        cmocka_unit_test(wrong_memory_is_reported),
        cmocka_unit_test(divergence_is_reported),
        cmocka_unit_test(orders_of_threads_bring_races_to_light),
        cmocka_unit_test(missing_waits_between_streams_are_seen),
        cmocka_unit_test(misuse_of_graphs_is_seen),
        cmocka_unit_test(what_sm90_has_is_done_late_and_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors reader and writer: round trip, what damaged files are told, and a seeded fuzz. */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test.h"

#include "model/safetensors.h"

static char path[256];

static int make_path(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/souk-%d.safetensors", folder ? folder : "/tmp", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    status_clear();
    return 0;
}

static void write_sample(void)
{
    static float weight[] = {1.5f, -2.0f, 3.25f, 0.0f, 5.0f, 6.0f};
    static int32_t ids[] = {7, -1};
    static double loss[] = {0.125};
    const NamedTensor tensors[] = {{"weight", TENSOR(weight, F32, 2, 3)},
                                   {"ids", TENSOR(ids, I32, 2)},
                                   {"loss", TENSOR(loss, F64, 1)},
                                   {"empty", TENSOR(weight, F32, 0, 4)}};
    const Metadata metadata[] = {{"step", "12"}, {"note", "caf\xc3\xa9 \"quoted\""}};
    assert_ok(safetensors_write(path, tensors, 4, metadata, 2));
}

static void write_bytes(const void *bytes, size_t count)
{
    unlink(path); /* some file systems flush a file that is truncated and written again */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    assert_int_equal(fclose(f), 0);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    write_sample();
    Safetensors s;
    Tensor t;
    assert_ok(safetensors_open(&s, path));
    assert_int_equal(s.count, 4);
    assert_ok(safetensors_get(&s, "weight", F32, TENSOR_DIMS(2, 3), &t));
    assert_near(f32(t)[2], 3.25, 0);
    assert_ok(safetensors_get(&s, "ids", I32, TENSOR_DIMS(2), &t));
    assert_int_equal(i32(t)[1], -1);
    assert_int_equal(safetensors_find(&s, "empty")->dim[0], 0);
    assert_string_equal(safetensors_metadata(&s, "note"), "caf\xc3\xa9 \"quoted\"");
    assert_null(safetensors_metadata(&s, "nothing"));
    assert_int_equal(safetensors_get(&s, "weight", F32, TENSOR_DIMS(3, 2), &t), ERR_FORMAT);
    assert_non_null(strstr(status_message(), "weight is f32[2,3], want f32[3,2]"));
    status_clear();
    assert_int_equal(safetensors_get(&s, "bias", F32, TENSOR_DIMS(3), &t), ERR_FORMAT);
    assert_non_null(strstr(status_message(), "no tensor \"bias\""));
    safetensors_close(&s);
}

/* A file with this JSON header and `data` bytes behind it. */
static void write_header(const char *json, size_t data)
{
    char bytes[1024] = {0};
    const size_t length = strlen(json);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> (8 * i));
    memcpy(bytes + 8, json, length);
    write_bytes(bytes, 8 + length + data);
}

static void damaged_headers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *json, *told;
    } cases[] = {
        {"[1]", "want a JSON object"},
        {"{\"a\": ", "want a JSON object"},
        {"{\"a\": {\"dtype\": \"F16\", \"shape\": [1], \"data_offsets\": [0, 2]}}", "a: dtype F16"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": 4, \"data_offsets\": [0, 4]}}",
         "a: want a shape"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, 4]}}", "a: axis 0"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [99999999999], \"data_offsets\": [0, 4]}}",
         "a: axis 0"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}",
         "data_offsets [0, 4]"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [8, 12]}}",
         "data_offsets [8, 12]"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4]}}",
         "data_offsets [4, -1]"},
        {"{\"__metadata__\": {\"a\": 1}}", "__metadata__ a: want text"},
        {"{\"a\": 1}", "a: dtype missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Safetensors s;
        write_header(cases[i].json, 8);
        assert_int_equal(safetensors_open(&s, path), ERR_FORMAT);
        if (!strstr(status_message(), cases[i].told))
            fail_msg("%s\n  told \"%s\", want \"%s\"", cases[i].json, status_message(),
                     cases[i].told);
        assert_non_null(strstr(status_message(), path));
        status_clear();
    }
    Safetensors s;
    write_bytes("short", 5);
    assert_int_equal(safetensors_open(&s, path), ERR_FORMAT);
    status_clear();
    write_bytes("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
    assert_int_equal(safetensors_open(&s, path), ERR_FORMAT);
    status_clear();
    assert_int_equal(safetensors_open(&s, "/nowhere/at.all"), ERR_IO);
}

/* A limit on the size of files stands in for a full disk. */
static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    enum { COUNT = 1 << 16 };
    float *x = calloc(COUNT, sizeof *x);
    const NamedTensor one = {"x", TENSOR(x, F32, COUNT)};
    struct rlimit old, small = {.rlim_cur = 8192};
    write_sample();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const Status st = safetensors_write(path, &one, 1, NULL, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st, ERR_IO);
    assert_non_null(strstr(status_message(), "cannot write"));
    status_clear();
    free(x);
    Safetensors s;
    assert_ok(safetensors_open(&s, path));
    assert_non_null(safetensors_find(&s, "weight"));
    safetensors_close(&s);
}

/* Whatever the bytes, the reader answers OK or an error, and what it hands out lies in the file. */
static void mutated_files_never_break_the_reader(void **state)
{
    (void)state;
    uint8_t sample[4096], bytes[4096];
    write_sample();
    FILE *f = fopen(path, "rb");
    const size_t size = fread(sample, 1, sizeof sample, f);
    fclose(f);
    int good = 0;
    for (uint64_t n = 0; n < 2500; n++) {
        Philox p = philox(2024, n, 0);
        size_t length = size;
        memcpy(bytes, sample, size);
        if (p.word[0] % 4 == 0) length = p.word[1] % size;
        for (uint32_t k = 0; k <= p.word[2] % 4; k++) {
            const Philox q = philox(2024, n, 1 + k);
            const size_t at = q.word[0] % (q.word[3] % 2 ? 400 : (uint32_t)size);
            if (at >= size) continue;
            bytes[at] =
                q.word[3] % 3 ? (uint8_t)q.word[1] : (uint8_t)(bytes[at] ^ 1u << q.word[1] % 8);
        }
        write_bytes(bytes, length);
        Safetensors s;
        if (safetensors_open(&s, path) == OK) {
            good++;
            volatile uint8_t sum = 0;
            for (int i = 0; i < s.count; i++) {
                const Tensor t = s.tensors[i].tensor;
                for (size_t b = 0; b < tensor_bytes(t); b++)
                    sum = (uint8_t)(sum + ((uint8_t *)t.data)[b]);
            }
            safetensors_close(&s);
        } else {
            assert_true(status_message()[0]);
        }
        status_clear();
    }
    assert_true(good > 60); /* the fuzz reaches past the header */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, make_path, remove_file),
        cmocka_unit_test_setup_teardown(damaged_headers_are_told_apart, make_path, remove_file),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file, make_path, remove_file),
        cmocka_unit_test_setup_teardown(mutated_files_never_break_the_reader, make_path,
                                        remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

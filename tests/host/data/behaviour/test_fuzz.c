/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged behaviour files: any damage gives a file that reads, or one clear error; never a crash.
 * Seeded: bits flipped, ranges overwritten, ends cut off. */
#include <sys/stat.h>

#include "base/progress.h"
#include "data/behaviour/summary.h"
#include "shop.h"

enum { CASES = 4000, SECONDS = 4 };

/* Damage of case `number` to `file` of *bytes. */
static void damage(unsigned char *file, size_t *bytes, uint64_t number)
{
    const Philox p = philox(99, 0, number);
    const uint64_t kind = number % 8;
    const size_t whole = *bytes;
    if (kind == 0) { /* cut off */
        *bytes = p.word[0] % whole;
        return;
    }
    for (uint64_t k = 0; k < 1 + p.word[1] % 4; k++) {
        const Philox q = philox(98, number, k);
        const size_t at = q.word[0] % whole;
        if (kind < 5)
            file[at] ^= (unsigned char)(1u << q.word[1] % 8);
        else
            for (size_t i = at; i < whole && i < at + 1 + q.word[2] % 64; i++)
                file[i] = kind == 5 ? 0xff : (unsigned char)(q.word[3] >> i % 24);
    }
}

/* Open it, and use what opens. */
static Status use(const char *path)
{
    Behaviour b;
    Summary s = {0};
    const char *key;
    TRY(behaviour_open(&b, path));
    Status st = summary_read(&s, &b, 3);
    if (st == OK) st = behaviour_keys_user(&b, b.users - 1, &key);
    if (st == OK) st = behaviour_keys_item(&b, (int32_t)b.items - 1, &key);
    summary_close(&s);
    behaviour_close(&b);
    return st;
}

static void write_file(const char *path, const void *data, size_t bytes)
{
    unlink(path); /* a new file: truncating one makes the file system flush it */
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    fclose(f);
}

static void fuzz(bool compress)
{
    const Shop shop = {.users = 12,
                       .longest = 30,
                       .seed = 31,
                       .features = true,
                       .compress = compress,
                       .plain_keys = compress};
    char path[256];
    struct stat info;
    assert_ok(shop_write(&shop, shop_path(path, "fuzz")));
    FILE *f = fopen(path, "rb");
    assert_int_equal(fstat(fileno(f), &info), 0);
    const size_t whole = (size_t)info.st_size;
    unsigned char *sound = malloc(whole), *damaged = malloc(whole);
    assert_int_equal(fread(sound, 1, whole, f), whole);
    fclose(f);

    int refused = 0, cases = 0;
    const double began = progress_seconds();
    for (; cases < CASES && progress_seconds() - began < SECONDS / 2.0; cases++) {
        size_t bytes = whole;
        memcpy(damaged, sound, whole);
        damage(damaged, &bytes, (uint64_t)cases);
        write_file(path, damaged, bytes);
        const Status st = use(path);
        if (st != OK) {
            refused++;
            assert_true(st == ERR_FORMAT || st == ERR_IO);
            assert_non_null(strstr(status_message(), path));
            assert_null(strchr(status_message(), '\n'));
        }
        status_clear();
    }
    print_message("%s: %d cases, %d refused\n", compress ? "compressed" : "plain", cases, refused);
    assert_true(refused > cases / 8); /* at the least, all that were cut off */
    unlink(path);
    free(sound);
    free(damaged);
}

static void a_damaged_plain_file_reads_or_is_refused(void **state)
{
    (void)state;
    fuzz(false);
}

static void a_damaged_compressed_file_reads_or_is_refused(void **state)
{
    (void)state;
    fuzz(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_plain_file_reads_or_is_refused),
        cmocka_unit_test(a_damaged_compressed_file_reads_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

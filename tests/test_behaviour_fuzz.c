/* Damaged behaviour files: any damage gives a file that reads, or one clear error; never a crash.
 * Seeded: bits flipped, ranges overwritten, ends cut off. */
#include <sys/stat.h>

#include "base/progress.h"
#include "data/summary.h"
#include "shop.h"

enum { CASES = 4000, SECONDS = 4 };

static void fuzz(bool compress)
{
    const Shop shop = {.users = 12,
                       .longest = 30,
                       .seed = 31,
                       .features = true,
                       .compress = compress,
                       .plain_keys = compress};
    char path[256];
    assert_ok(shop_write(&shop, shop_path(path, "fuzz")));
    FILE *f = fopen(path, "rb");
    struct stat info;
    assert_int_equal(fstat(fileno(f), &info), 0);
    const size_t bytes = (size_t)info.st_size;
    unsigned char *whole = malloc(bytes), *damaged = malloc(bytes);
    assert_int_equal(fread(whole, 1, bytes, f), bytes);
    fclose(f);

    int refused = 0, cases = 0;
    const double began = clock_seconds();
    for (; cases < CASES && clock_seconds() - began < SECONDS / 2.0; cases++) {
        size_t length = bytes;
        memcpy(damaged, whole, bytes);
        const Philox p = philox(99, compress, (uint64_t)cases);
        if (cases % 8 == 0) length = p.word[0] % bytes;
        const int changes = cases % 8 == 0 ? 0 : 1 + (int)(p.word[1] % 4);
        for (int k = 0; k < changes; k++) {
            const Philox q = philox(98, (uint64_t)cases, (uint64_t)k);
            const size_t at = q.word[0] % bytes;
            if (cases % 8 < 5)
                damaged[at] ^= (unsigned char)(1u << q.word[1] % 8);
            else
                for (size_t i = at; i < bytes && i < at + 1 + q.word[2] % 64; i++)
                    damaged[i] = cases % 8 == 5 ? 0xff : (unsigned char)(q.word[3] >> i % 24);
        }
        unlink(path); /* a new file: truncating one makes the file system flush it */
        f = fopen(path, "wb");
        assert_int_equal(fwrite(damaged, 1, length, f), length);
        fclose(f);

        Behaviour b;
        Summary s = {0};
        const char *key;
        Status st = behaviour_open(&b, path);
        if (st == OK) { /* what opened must be usable */
            st = summary_read(&s, &b, 3);
            if (st == OK) st = behaviour_user_key(&b, b.users - 1, &key);
            if (st == OK) st = behaviour_item_key(&b, (int32_t)b.items - 1, &key);
            summary_close(&s);
            behaviour_close(&b);
        }
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
    free(whole);
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

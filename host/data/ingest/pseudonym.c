/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/pseudonym.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static Status make_key(PseudonymKey *k)
{
    const int fd = open(k->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot make the key file: %s", k->path, strerror(errno));
    randombytes_buf(k->key, sizeof k->key);
    const bool written = write(fd, k->key, sizeof k->key) == sizeof k->key && fsync(fd) == 0;
    k->made = close(fd) == 0 && written;
    if (k->made) return OK;
    unlink(k->path);
    return FAIL(ERR_IO, "%s: cannot write the key file: %s", k->path, strerror(errno));
}

Status pseudonym_open(PseudonymKey *k, const IngestOptions *o)
{
    *k = (PseudonymKey){0};
    if (o->key_file)
        snprintf(k->path, sizeof k->path, "%s", o->key_file);
    else
        snprintf(k->path, sizeof k->path, "%s.key", o->output);
    if (sodium_init() < 0) return FAIL(ERR_DEVICE, "libsodium cannot start");
    const int fd = open(k->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return make_key(k);
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot open the key file: %s", k->path, strerror(errno));
    unsigned char more;
    const ssize_t got = read(fd, k->key, sizeof k->key), beyond = read(fd, &more, 1);
    close(fd);
    if (got != sizeof k->key || beyond != 0)
        return FAIL(ERR_FORMAT, "%s: want a key file of exactly %zu bytes", k->path, sizeof k->key);
    return OK;
}

uint64_t pseudonym_of(const PseudonymKey *k, Text text)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    uint64_t word;
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text.at, text.length, k->key,
                       sizeof k->key);
    memcpy(&word, hash, sizeof word);
    return word;
}

const char *pseudonym_text(const PseudonymKey *k, Text text, char out[PSEUDONYM_TEXT])
{
    snprintf(out, PSEUDONYM_TEXT, "%016" PRIx64, pseudonym_of(k, text));
    return out;
}

void pseudonym_close(PseudonymKey *k, bool failed)
{
    sodium_memzero(k->key, sizeof k->key);
    if (failed && k->made) unlink(k->path);
}

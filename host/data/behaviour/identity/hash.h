/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of a behaviour file's columns, and the fingerprint of its events.
 *
 * The checksum of a column is the BLAKE2b hash of 32 bytes (libsodium's crypto_generichash; in
 * Python hashlib.blake2b(digest_size=32)) of its elements as they are in memory, little-endian. The
 * fingerprint is the same hash of the lines "PATH CHECKSUM\n" of /events/item, action, time,
 * reward, end, propensity and of the event features in order, then of /users/offset, /splits/train,
 * /splits/valid and /splits/test: two files with one fingerprint train the same. All hashes are
 * written with 64 hexadecimal digits.
 */
#ifndef SOUK_BEHAVIOUR_HASH_H
#define SOUK_BEHAVIOUR_HASH_H

#include "base/status.h"
#include "data/behaviour/schema.h"

enum { HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1, HASH_PATH = FEATURE_NAME_MAX + 16 };

/* A column with its checksum. */
typedef struct {
    char path[HASH_PATH], checksum[HASH_TEXT];
} HashedColumn;

/* The columns that the fingerprint covers. */
typedef struct {
    int count;
    HashedColumn column[EVENT_COLUMNS_MAX + 1 + SPLITS];
} HashedColumns;

/* Appends a column with its hash of HASH_BYTES. */
void hash_add(HashedColumns *h, const char *path, const unsigned char *hash);
/* Reads and hashes all these columns, on all processors. The splits must be those of the file, not
 * joined. */
Status hash_columns(HashedColumns *h, const Behaviour *b);
/* The fingerprint that follows from the checksums. */
Status hash_fingerprint(const HashedColumns *h, char hex[HASH_TEXT]);
/* Both: the fingerprint of an open file, from its data. */
Status hash_events(const Behaviour *b, char hex[HASH_TEXT]);
/* The fingerprint that an open file says it has; from its data where it says none. */
Status hash_events_said(const Behaviour *b, char hex[HASH_TEXT]);

#endif

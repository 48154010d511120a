/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudonyms: what a file has in the place of what the log says of users. A pseudonym is the first
 * 8 bytes of BLAKE2b-128 of a text, under a secret of 32 random bytes in a file of its own. */
#ifndef SOUK_INGEST_PSEUDONYM_H
#define SOUK_INGEST_PSEUDONYM_H

#include "data/ingest/options.h"
#include "data/rawlog/text.h"

#include "base/status.h"

enum { PSEUDONYM_KEY_BYTES = 32, PSEUDONYM_TEXT = 17 };

typedef struct {
    unsigned char key[PSEUDONYM_KEY_BYTES];
    char path[4096];
    bool made; /* by this run, which removes the file again if it fails */
} PseudonymKey;

/* Reads the key that the options name, or makes its file where there is none. */
Status pseudonym_open(PseudonymKey *k, const IngestOptions *options);
uint64_t pseudonym_of(const PseudonymKey *k, Text text);
/* The same as 16 hexadecimal digits, as behaviour files show it; returns `out`. */
const char *pseudonym_text(const PseudonymKey *k, Text text, char out[PSEUDONYM_TEXT]);
/* Forgets the key; where the run has failed, its new file goes too. Safe on {0}. */
void pseudonym_close(PseudonymKey *k, bool failed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of ingest asks for. */
#ifndef SOUK_INGEST_OPTIONS_H
#define SOUK_INGEST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/listener.h"

#define INGEST_MEMORY_DEFAULT (INT64_C(2) << 30)

typedef struct {
    const char *const *inputs; /* files, or "-" */
    /* Arrow streams in place of files; then the inputs are their names. Or NULL. */
    struct ArrowArrayStream *const *streams;
    int input_count;
    const char *output;
    /* 32 bytes that key the pseudonyms; made where the file is missing. NULL: "<output>.key" */
    const char *key_file;
    const char *catalogue; /* a behaviour file whose catalogue the log grows; NULL: a new one */
    const char *directory; /* of temporary files; NULL: that of the output */
    int64_t memory;        /* bytes of resident memory to stay within; 0: the default */
    int threads;           /* 0: as many as there are processors */
    bool plain_keys, strict, force, compress;
    Listener *listener; /* NULL: nobody */
} IngestOptions;

#endif

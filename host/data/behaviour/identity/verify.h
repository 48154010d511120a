/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a behaviour file still has the data that were written: the checksums of its columns, its
 * fingerprint and its catalogue_hash are computed again and compared with those that it says.
 */
#ifndef SOUK_BEHAVIOUR_VERIFY_H
#define SOUK_BEHAVIOUR_VERIFY_H

#include "base/status.h"
#include "data/behaviour/schema.h"

typedef struct {
    int checksums;    /* columns whose checksum was compared */
    int without;      /* columns that have none, as in files of earlier versions */
    bool fingerprint; /* whether the file has one */
} Verified;

/* ERR_FORMAT, naming the column, where a hash is another one. */
Status verify_file(Verified *v, Behaviour *b);

#endif

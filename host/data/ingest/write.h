/* SPDX-License-Identifier: Apache-2.0 */
/* Write: rewards, pseudonyms and all columns into the behaviour file. */
#ifndef SOUK_INGEST_WRITE_H
#define SOUK_INGEST_WRITE_H

#include "data/ingest/stage.h"

/* Also makes the key file of the pseudonyms where there is none; a failure removes it again. */
Status write_behaviour(Stage *stage);

#endif

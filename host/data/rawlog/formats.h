/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of raw logs. */
#ifndef SOUK_RAWLOG_FORMATS_H
#define SOUK_RAWLOG_FORMATS_H

#include "data/rawlog/format/format.h"

/* Format 0, 1, …; NULL after the last. */
const Format *formats_at(int index);

/* The format of a log that begins with this text; CSV where it looks like no other. */
const Format *formats_of_text(const char *at, size_t length);

#endif

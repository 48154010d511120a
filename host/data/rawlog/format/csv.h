/* SPDX-License-Identifier: Apache-2.0 */
/* CSV and its kin: fields between delimiters, quoted as in RFC 4180. */
#ifndef SOUK_RAWLOG_CSV_H
#define SOUK_RAWLOG_CSV_H

#include "data/rawlog/format/format.h"

extern const Format csv_format;

/* Split one record, given without its line end, into fields. Quoted fields are rewritten in place.
 * At most `capacity` fields are stored; returns how many there are, or -1 for a broken quote. */
int csv_split(char *at, char *end, Dialect dialect, Text *field, int capacity);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a log writes decimals with a point or with a comma. */
#ifndef SOUK_DETECT_DECIMAL_H
#define SOUK_DETECT_DECIMAL_H

#include "data/rawlog/detect/sample.h"

/* Where the mapping leaves the sign open, it is the one that the columns of numbers have in the
 * sample. Numbers of both kinds, and 1,234 where nothing says whether that is 1234 or 1.234, are
 * errors. Without any sign it stays open. */
Status decimal_settle(Mapping *m, const char *path, const LogColumns *columns,
                      const LogSample *sample);

#endif

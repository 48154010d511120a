/* SPDX-License-Identifier: Apache-2.0 */
/* What a log's times are: their unit, and whether they are times of shops at all. */
#ifndef SOUK_DETECT_CLOCK_H
#define SOUK_DETECT_CLOCK_H

#include "data/rawlog/detect/sample.h"

/* Where the mapping leaves the unit open, it is the one in which most times of the sample are of
 * the years 1990 to 2099; a log whose times are of no such year in any unit counts from elsewhere,
 * and their size says the unit. Where most of the times are of these years, so must all be
 * (`plausible_from`, `plausible_to`), unless time_check is no. A unit of the mapping in which most
 * are not, but which are in another one, is an error. */
Status clock_settle(Mapping *m, const char *path, const LogColumns *columns,
                    const LogSample *sample);

#endif

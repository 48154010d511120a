/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping completed: what it leaves open is detected from the log or has a default. */
#ifndef SOUK_RAWLOG_DETECT_H
#define SOUK_RAWLOG_DETECT_H

#include "base/status.h"
#include "data/rawlog/detect/sample.h"
#include "data/rawlog/detect/uses.h"

/* Roles, rewards, propensities and features that the mapping leaves open, from the common names
 * among a log's columns, but for columns that the mapping names. Columns whose values in the sample
 * are not what their names say are left alone, and `uses` says why. It is an error if no column
 * looks like the user, or the item. */
Status detect_mapping(Mapping *m, const LogColumns *columns, const LogSample *sample,
                      ColumnUses *uses);

/* After the last setting, with the format known: default actions, limits and texts of actions
 * resolved, and checked that all of it fits together. */
Status detect_finish(Mapping *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping completed: what it leaves open is detected from the log or has a default. */
#ifndef SOUK_RAWLOG_DETECT_H
#define SOUK_RAWLOG_DETECT_H

#include "base/status.h"
#include "data/rawlog/mapping.h"

/* Roles and features from the common names among a log's columns. `found` [size] receives one line
 * that says what was found. It is an error if no column looks like the user, or the item. */
Status detect_mapping(Mapping *m, const Text *name, int names, char *found, size_t size);

/* After the last setting, with the format known: default actions, limits and texts of actions
 * resolved, and checked that all of it fits together. */
Status detect_finish(Mapping *m);

#endif

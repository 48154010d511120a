/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a mapping (mapping.h), set one by one. */
#ifndef SOUK_RAWLOG_MAP_H
#define SOUK_RAWLOG_MAP_H

#include "base/status.h"
#include "data/rawlog/mapping.h"

/* A mapping of defaults, in memory that holds no other mapping. */
void map_init(Mapping *m);
void map_close(Mapping *m); /* safe on {0} */

/* One setting, of an INI file or of the command line. An unknown section or name and a bad value
 * are errors that say what is wanted. */
Status map_set(Mapping *m, const char *section, const char *name, const char *value);
/* "section.name=value", as the command line and the API have it; every failure is ERR_USAGE. */
Status map_assign(Mapping *m, const char *assignment);

#endif

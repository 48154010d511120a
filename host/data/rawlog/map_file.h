/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings from INI files, by path or by the name of a map that souk installs. */
#ifndef SOUK_RAWLOG_MAP_FILE_H
#define SOUK_RAWLOG_MAP_FILE_H

#include "base/status.h"
#include "data/rawlog/mapping.h"

/* Reads `name`: a file, or else NAME.ini in the folder of the installed maps. That folder is
 * share/souk/datasets beside the folder of the program or the shared library, even where the
 * installation was moved; failing that, the folder that the build was configured to install to.
 * Errors name the file and the line. */
Status map_file_read(Mapping *m, const char *name);
/* All settings of INI text; messages name `path` as its file. */
Status map_file_read_text(Mapping *m, const char *path, const char *text, size_t length);

#endif

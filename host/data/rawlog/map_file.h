/* Mapping files (data/rawlog/map.h), by path or by the name of one that souk installs. */
#ifndef SOUK_MAP_FILE_H
#define SOUK_MAP_FILE_H

#include "data/rawlog/map.h"

/* Reads `name`: a file, or else NAME.ini in the folder of the installed maps, which is
 * share/souk/datasets beside the folder of the program or the shared library, wherever that was
 * moved to, or where the build was configured to be installed. */
Status map_file_read(Mapping *m, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings from INI files, and from presets: the maps of datasets/, which are part of souk. */
#ifndef SOUK_RAWLOG_MAP_FILE_H
#define SOUK_RAWLOG_MAP_FILE_H

#include "base/status.h"
#include "data/rawlog/mapping.h"

typedef struct {
    const char *name;
    const char *title; /* which log it is for, in one line */
    const char *text;  /* INI */
} MapPreset;
const MapPreset *map_file_preset(int index); /* in order of their names; NULL after the last */

/* Reads a file, or else the preset of this name. Errors name the file, or the preset, and the
 * line. */
Status map_file_read(Mapping *m, const char *name);
Status map_file_read_preset(Mapping *m, const char *name);
/* All settings of INI text; messages name `path` as its file. */
Status map_file_read_text(Mapping *m, const char *path, const char *text, size_t length);

#endif

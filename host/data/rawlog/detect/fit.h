/* SPDX-License-Identifier: Apache-2.0 */
/* Which preset reads a log, judged by its columns. */
#ifndef SOUK_DETECT_FIT_H
#define SOUK_DETECT_FIT_H

#include "data/rawlog/detect/uses.h"
#include "data/rawlog/map_file.h"

/* The preset that takes most from these columns, among those that name no others; NULL where there
 * is none, or where `m` is that preset. Presets of logs without a header are
 * not tried. */
const MapPreset *fit_preset(const ColumnUses *columns, const Mapping *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines: one object a line, whose names are the columns (flat.h), or one dictionary that
 * Python printed (python.h). */
#ifndef SOUK_RAWLOG_JSONL_H
#define SOUK_RAWLOG_JSONL_H

#include "data/rawlog/format/format.h"

extern const Format jsonl_format;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text in memory. */
#ifndef SOUK_RAWLOG_LINES_H
#define SOUK_RAWLOG_LINES_H

#include "data/rawlog/rows.h"

/* The next line of the text *at .. end-1 as [*line, *line_end), without its line end, LF or CRLF;
 * *at moves behind it. False where no text is left. */
bool lines_next(char **at, char *end, char **line, char **line_end);

/* Format.record_end where a record is a line. */
const char *lines_record_end(const char *at, const char *end, const LogLayout *layout, bool last);

#endif

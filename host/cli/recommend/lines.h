/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a file, plain or compressed, or of standard input ("-"). */
#ifndef SOUK_CLI_RECOMMEND_LINES_H
#define SOUK_CLI_RECOMMEND_LINES_H

#include <stdbool.h>

#include "data/rawlog/input.h"

typedef struct {
    const char *path;
    int64_t number; /* of the last line, from 1 */
    LogFile *input;
    char *text; /* [capacity] what was read: begin .. end-1 is not handed out yet */
    size_t begin, end, capacity;
    bool ended;
} RecommendLines;

Status recommend_lines_open(RecommendLines *l, const char *path);
void recommend_lines_close(RecommendLines *l); /* safe on {0} */

/* The next line that is not empty, without its end, valid until the next call; NULL after the
 * last. A line of more than 64 MiB, or with a zero byte, is an error. */
Status recommend_lines_next(RecommendLines *l, char **line);

#endif

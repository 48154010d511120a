/* The log as a sequence of parsed pieces, in order of the input. Worker threads take turns to read
 * the next piece (decompressing it, cut at a record's end) and parse it side by side; the caller
 * gets the pieces one after the other, the same for any number of workers. */
#ifndef SOUK_INGEST_PIPE_H
#define SOUK_INGEST_PIPE_H

#include "data/rawlog/rows.h"

typedef struct Pipe Pipe;

/* Opens the first file, completes the mapping from it (format, delimiter, detected columns, time
 * unit; detect_finish) and starts `threads` workers. `paths` and `m` must outlive the pipe.
 * `found` receives what was detected, "" if nothing was. */
Status pipe_open(Pipe **pipe, Mapping *m, const char *const *paths, int files, int threads,
                 char *found, size_t found_size);
/* The next piece's rows, NULL after the last; valid until the next call. */
Status pipe_next(Pipe *pipe, const Rows **rows, const Piece **piece);
int64_t pipe_position(const Pipe *pipe); /* raw bytes read */
void pipe_close(Pipe *pipe);             /* joins the workers; safe on NULL */

#endif

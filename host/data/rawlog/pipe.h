/* SPDX-License-Identifier: Apache-2.0 */
/* A log as a sequence of parsed pieces. Worker threads take turns at reading the next piece
 * (pieces.h), and parse their pieces side by side. The caller gets the pieces one after the other
 * in order of the input, the same for any number of workers. */
#ifndef SOUK_RAWLOG_PIPE_H
#define SOUK_RAWLOG_PIPE_H

#include "data/rawlog/pieces.h"

typedef struct Pipe Pipe;

/* As pieces_open, then starts `threads` workers. */
Status pipe_open(Pipe **pipe, Mapping *m, const LogInputs *inputs, int threads, ColumnUses *uses);
/* The next piece and its rows, NULL after the last. Valid until the next call. */
Status pipe_next(Pipe *pipe, const LogRows **rows, const LogPiece **piece);
int64_t pipe_position(const Pipe *pipe); /* raw bytes read so far */
void pipe_close(Pipe *pipe);             /* joins the workers; safe on NULL */

#endif

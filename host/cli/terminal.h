/* SPDX-License-Identifier: Apache-2.0 */
/* What the program shows while it works, and Ctrl-C.
 *
 * Standard error gets a progress bar: `stage  37% [####....] extra  00:12 left`. On a terminal one
 * line is redrawn, at most ten times a second. Elsewhere a line is printed for each tenth of the
 * work, and at most one in two seconds.
 */
#ifndef SOUK_TERMINAL_H
#define SOUK_TERMINAL_H

#include <stdio.h>

#include "base/listener.h"

/* The program's one listener. Remarks go to `remarks`; with `quiet` nothing is shown but
 * warnings, which go to standard error. */
Listener *terminal_listener(FILE *remarks, bool quiet);

/* From now on SIGINT and SIGTERM do not end the program; the listener asks the call to stop. Both
 * are blocked in the calling thread, and in the threads that it makes from now on. */
void terminal_catch_signals(void);

#endif

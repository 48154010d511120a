/* SPDX-License-Identifier: Apache-2.0 */
/* Plots, made by gnuplot where it is installed. */
#ifndef SOUK_PLOT_H
#define SOUK_PLOT_H

#include <stdio.h>

/* Let gnuplot run `script`, a file in `folder`, with `folder` as its working folder. Where gnuplot
 * is missing or fails, there is no plot and no error: the user still has the script and its data.
 */
void plot_draw(const char *folder, const char *script);

/* Write `text` to a script as a quoted string. */
void plot_quoted(FILE *script, const char *text);

#endif

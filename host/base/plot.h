/* Plots, where gnuplot is installed. */
#ifndef SOUK_PLOT_H
#define SOUK_PLOT_H

#include <stdio.h>

/* Let gnuplot run `script`, a file of `folder`, in that folder. Without gnuplot, or where it fails, there
 * is no plot: the data and the script are there. */
void plot_draw(const char *folder, const char *script);

/* `text` as a string of a script. */
void plot_quoted(FILE *script, const char *text);

#endif

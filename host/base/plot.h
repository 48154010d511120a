/* Plots, where gnuplot is installed. */
#ifndef SOUK_PLOT_H
#define SOUK_PLOT_H

/* Let gnuplot run `script`, a file of `folder`, in that folder. Without gnuplot, or where it fails, there
 * is no plot: the data and the script are there. */
void plot_draw(const char *folder, const char *script);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A value that was estimated from a sample, with its 95 % interval. */
#ifndef SOUK_ESTIMATE_H
#define SOUK_ESTIMATE_H

typedef struct {
    double value;
    double error;     /* standard error */
    double half;      /* half width of the interval, before it is cut */
    double low, high; /* the interval, cut at the least and the greatest possible value */
} Estimate;

/* The interval value +- t error, cut at `least` and `most`, where t is the 97.5 % quantile of
 * Student's distribution with `freedom` degrees of freedom. With freedom < 1 all but the value is
 * NaN. */
Estimate estimate_interval(double value, double error, double freedom, double least, double most);

/* The mean of value [count], with the interval +- t(count-1) sd / sqrt(count), which is not cut. */
Estimate estimate_of_mean(const double *value, int count);

/* The value of `a`, with the variation of `b` added: a and b estimate the same value, and their
 * intervals contain two independent kinds of variation. The squares of the half widths add (Zou &
 * Donner 2008, MOVER), and so do those of the standard errors; the interval is cut at `least` and
 * `most`. */
Estimate estimate_join(Estimate a, Estimate b, double least, double most);

#endif

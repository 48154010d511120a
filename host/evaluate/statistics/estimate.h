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

#endif

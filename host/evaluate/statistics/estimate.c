/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/statistics/estimate.h"

#include <math.h>

/* The 97.5 % quantile of Student's t: closed forms for 1 and 2 degrees of freedom, else Abramowitz
 * & Stegun 26.7.5 (within 0.5 % from 3 degrees on, within 0.02 % from 8 on). */
static double student_975(double freedom)
{
    const double z = 1.959963984540054, zz = z * z, f = freedom;
    if (f == 1.0) return 12.706204736174707;
    if (f == 2.0) return 4.302652729749464;
    return z + z * (zz + 1.0) / (4.0 * f) + z * ((5.0 * zz + 16.0) * zz + 3.0) / (96.0 * f * f) +
           z * (((3.0 * zz + 19.0) * zz + 17.0) * zz - 15.0) / (384.0 * f * f * f) +
           z * ((((79.0 * zz + 776.0) * zz + 1482.0) * zz - 1920.0) * zz - 945.0) /
               (92160.0 * f * f * f * f);
}

Estimate estimate_interval(double value, double error, double freedom, double least, double most)
{
    Estimate e = {value, NAN, NAN, NAN, NAN};
    if (freedom < 1.0) return e;
    e.error = error;
    e.half = student_975(freedom) * error;
    e.low = fmax(least, value - e.half);
    e.high = fmin(most, value + e.half);
    return e;
}

Estimate estimate_of_mean(const double *value, int count)
{
    double mean = 0.0, square = 0.0;
    for (int k = 0; k < count; k++) mean += value[k] / count;
    for (int k = 0; k < count; k++) square += (value[k] - mean) * (value[k] - mean);
    return estimate_interval(mean, sqrt(square / (count - 1.0) / count), count - 1.0, -INFINITY,
                             INFINITY);
}

Estimate estimate_join(Estimate a, Estimate b, double least, double most)
{
    Estimate e = {
        .value = a.value, .error = hypot(a.error, b.error), .half = hypot(a.half, b.half)};
    e.low = isnan(e.half) ? NAN : fmax(least, e.value - e.half);
    e.high = isnan(e.half) ? NAN : fmin(most, e.value + e.half);
    return e;
}

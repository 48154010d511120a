/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/statistics/ratio.h"

#include <math.h>

void ratio_add(RatioSums *s, double y, double n)
{
    s->users += 1.0;
    s->y += y;
    s->n += n;
    s->yy += y * y;
    s->yn += y * n;
    s->nn += n * n;
}

Estimate ratio_estimate(const RatioSums *s, double least, double most)
{
    const double r = s->n > 0.0 ? s->y / s->n : NAN;
    const double residual = fmax(s->yy - 2.0 * r * s->yn + r * r * s->nn, 0.0);
    const double error = sqrt(s->users / (s->users - 1.0) * residual) / s->n;
    return estimate_interval(r, error, s->users - 1.0, least, most);
}

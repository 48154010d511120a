/* SPDX-License-Identifier: Apache-2.0 */
/* The demand of one period: a distribution over whole units 0 .. max. Draws and expectations use
 * the same table, so a simulated world and its exact optimum have the same probabilities to the
 * last bit.
 *
 *   poisson            P(d) = mean^d e^-mean / d!
 *   negative binomial  with mean m and coefficient of variation c, c^2 > 1/m:
 *                      r = m^2 / (c^2 m^2 - m) failures,
 *                      P(d) = G(d+r) / (G(r) d!) (m / (m+r))^d (r / (m+r))^r
 *   gamma              with mean m and coefficient of variation c (shape 1/c^2), rounded to whole
 *                      units: P(d) = F(d + 1/2) - F(d - 1/2), P(0) = F(1/2); De Moor, Gijsbrechts,
 *                      Boute, "Reward shaping to improve the performance of deep reinforcement
 *                      learning in perishable inventory management", EJOR 2022
 *   history            the counts of a record, each as likely as it was frequent: drawing from it
 *                      is the bootstrap
 *
 * The probability above `max` is added to P(max). max 0 means the least max with P(above) < 1e-12.
 */
#ifndef SOUK_DEMAND_H
#define SOUK_DEMAND_H

#include <stdint.h>

#include "base/status.h"

enum { DEMAND_MAX = 100000 };

typedef struct {
    int max;
    double mean;         /* mean of the table */
    double *probability; /* [max + 1], sum 1 */
    double *cumulative;  /* [max + 1], P(demand <= d); the last is 1 */
} Demand;

Status demand_poisson(Demand *d, double mean, int max);
Status demand_negative_binomial(Demand *d, double mean, double cov, int max);
Status demand_gamma(Demand *d, double mean, double cov, int max);
/* From `count` observations, each 0 .. DEMAND_MAX. */
Status demand_history(Demand *d, const int64_t *observed, int64_t count);
void demand_close(Demand *d); /* safe on {0} */

/* The demand that a uniform `word` draws, by inversion: exact to 2^-32. */
int demand_draw(const Demand *d, uint32_t word);
/* The least q with P(demand <= q) >= fractile, 0 <= fractile <= 1. It is the newsvendor's order at
 * fractile = underage cost / (underage cost + overage cost). */
int demand_fractile(const Demand *d, double fractile);

#endif

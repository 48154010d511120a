/* SPDX-License-Identifier: Apache-2.0 */
/* What a pair of events of one user weighs in the count tables (table.h). This is the only home of
 * the number: a table adds it up, and candidates.h subtracts exactly what was added.
 *
 * The second event of a pair comes g = 1 .. COUNT_GAP counted events after the first, and s seconds
 * (differences of pair_second). The weight is a fraction with the denominator COUNT_UNITS, and its
 * numerator is the integer nearest to
 *
 *   COUNT_UNITS / g (256 / q)^(1/8),   q = min(s + 256, 2^24) without its digits after the first
 *                                      four binary ones, and 2^16 where s is 0
 *
 * So it is 1/g up to 31 seconds, and then falls in steps of 1 or 2 %, about as (1 + s/256)^(-1/8):
 * to 0.72 / g in an hour, 0.49 / g in a day, 0.39 / g in a week and 1 / (4 g) in 194 days, where it
 * stays. What a shopper looks at in one visit belongs together more than what two visits have.
 * Seconds also tell apart pairs that are otherwise equal.
 *
 * Events of one second weigh 1 / (2 g), as if a day lay between them. They are a set, as a basket
 * or the events of a day where the log's clock has only days: none of them comes after another, and
 * what is predicted is never of the time that is known. With 1/g, the pairs of a basket would hide
 * those of a basket with the next one. (On 700 users of Ta-Feng co-occurrence then loses
 * 0.0025 +- 0.0009 of its NDCG@10 on validation, and with the half it loses nothing.)
 *
 * Every device has the same bits: the gaps are integers, and of numbers in double there are only
 * quotients, roots and products, which IEEE 754 rounds in one way.
 *
 * Seconds are counted modulo 2^32, and so are their differences: they are right for any times that
 * a file may have, as long as the two events are less than 2^32 seconds (136 years) apart. In a log
 * without times, whose events are a second apart, all weights are 1/g.
 */
#ifndef SOUK_COUNTS_PAIR_H
#define SOUK_COUNTS_PAIR_H

#include <math.h>
#include <string.h>

#include "base/everywhere.h"
#include "counts/table.h"

/* The version of the weights. Version 1 was 1/g, whatever the time. */
enum { PAIR_VERSION = 2 };

/* What is left of a sum and is below this is rounding: half of the least weight of a pair, which is
 * 1/20 (256 / 2^24)^(1/8) = 1/80. Of an item's `weight` it is half of the least that an event in a
 * pair adds: such an event has a pair with g = 1, which weighs at least 1/4 and counts half or
 * more. */
#define PAIR_NONE         (1.0 / 160.0)
#define PAIR_NONE_OF_ITEM (1.0 / 16.0)

/* The number of values of q. */
enum { PAIR_STEPS = 129 };

/* An event as tables count it: a row of i32 [events, 2]. */
typedef struct {
    int32_t item, second;
} PairEvent;

/* The second of a time in milliseconds: its quotient by 1000, rounded down, modulo 2^32. */
EVERYWHERE static inline int32_t pair_second(int64_t ms)
{
    return (int32_t)(uint32_t)(ms / 1000 - (ms % 1000 < 0));
}

/* The number of q, 0 .. PAIR_STEPS - 1, from the seconds of two events: the bits of a float are its
 * exponent, then its digits after the first. */
EVERYWHERE static inline int32_t pair_step(int32_t earlier, int32_t later)
{
    enum { NEAR = 256, FAR = 1 << 24, DIGITS = 3, FIRST = (127 + 8) << DIGITS, SET = 64 };
    const uint32_t seconds = (uint32_t)later - (uint32_t)earlier;
    if (seconds == 0) return SET;
    const int32_t n = seconds < FAR - NEAR ? (int32_t)seconds + NEAR : (int32_t)FAR;
    const float exact = (float)n;
    uint32_t bits;
    memcpy(&bits, &exact, sizeof bits);
    return (int32_t)(bits >> (23 - DIGITS)) - FIRST;
}

/* The weight of a pair in units of 1/COUNT_UNITS, by its gap 1 .. COUNT_GAP and its step. */
EVERYWHERE static inline int32_t pair_units(int32_t gap, int32_t step)
{
    const int32_t q = (8 + step % 8) << (5 + step / 8);
    return (int32_t)rint((double)COUNT_UNITS / gap * sqrt(sqrt(sqrt(256.0 / (double)q))));
}

/* All of them: of[gap][step]. */
typedef struct {
    int32_t of[COUNT_GAP + 1][PAIR_STEPS];
} PairUnits;

static inline void pair_all_units(PairUnits *units)
{
    for (int32_t step = 0; step < PAIR_STEPS; step++)
        for (int32_t gap = 1; gap <= COUNT_GAP; gap++) units->of[gap][step] = pair_units(gap, step);
}

#endif

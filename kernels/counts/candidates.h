/* SPDX-License-Identifier: Apache-2.0 */
/* The few items that counting proposes in a state, with what counting knows about each: the inputs
 * of the counted half of a policy.
 *
 * Row r is the state of token t = token[r], in window w. Its history is x_0 = item[t],
 * x_1 = item[t-1], ... to the window's first token, L events. F, B, n1, popularity and weight are
 * those of the table (table.h) WITHOUT the user's own events: `own` lists the user's events that
 * the table counts. Let n1o, Fo and Bo be the same counts over pairs of `own` alone, with the
 * weights of pair.h:
 *
 *   F'(x, y) = F(x, y) - Fo(x, y), and 0 where that is below 1/160; B' likewise
 *   n1'(x, y) = n1(x, y) - n1o(x, y)
 *   popularity'(x) = popularity(x) - how often x is in own
 *   weight'(x) = weight(x) - sum_y [Fo(x, y) + Bo(x, y) / 2], and 0 where that is below 1/16
 *
 * Fo and Bo are exact sums in integers, and the difference is rounded once. A pair of another user
 * weighs at least 1/80, and 1/160 is PAIR_NONE. So F' is 0 exactly where no other user has such a
 * pair, as long as the rounding of F, at most F 2^-24, is below 1/160: up to F = 104,857. Where F
 * is larger, its rounding can look like a pair of others only if one user has nearly all of F, and
 * can hide others only if they have less than F 2^-24 + 1/160. An event of x of another user adds
 * at least 1/8 to weight, unless it is the user's only one: so it is with weight, 1/16
 * (PAIR_NONE_OF_ITEM) and weight(x) above 1,048,576. An entry of the table is ABSENT where both F'
 * and B' are 0. A neighbour whom the table does not keep is absent.
 *
 * Sums over d run over the last COUNT_HISTORY events, d = 0 .. min(L, COUNT_HISTORY) - 1, in this
 * order: those of F' and B' in double (their products with 1 / (1 + d) in f32 are exact), that of
 * weight' in f32. The prior of an item, rounded once before and once after the root, is
 *
 *   p(y) = (1 + popularity'(y))^(-1/2) sum_d [F'(x_d, y) + B'(x_d, y) / 2] / (1 + d)
 *
 * Candidates. First the distinct items of the last COUNT_REPEATS events, latest first, at most
 * width / 4. Then, by falling prior and ties by rising item, the items that are not yet listed and
 * have an entry for some d that is not absent.
 *
 * Features of candidate y (the first eight are of counts; the others are 0 where y is not among the
 * last COUNT_REPEATS events). log is the natural logarithm.
 *
 *    0   log(1 + 10 n1'(x_0, y))
 *    1   log(1 + 10 sum_d F'(x_d, y) / (1 + d))
 *    2   log(1 + 10 sum_d B'(x_d, y) / (1 + d))
 *    3   log(1 + 10 [F'(x_0, y) + B'(x_0, y) / 2])
 *    4   log(1 + the number of d whose entry (x_d, y) is not absent)
 *    5   log(1 + popularity'(y))
 *    6   log(1/1000 + p(y))
 *    7   log(1 + 20 [F'(x_0, y) + B'(x_0, y) / 2] / weight'(x_0)), 0 where weight'(x_0) is 0
 *    8   1
 *    9   log(1 + d) of the latest event with x_d = y
 *   10   log(number of events with item y)
 *   11   1 where y = x_0
 *   12   log(1 + seconds from the latest event of y to the event of x_0) / 5
 *
 * Features of the state, where n = min(L, COUNT_REPEATS):
 *
 *    0   log(1 + L)
 *    1   log(1 + weight'(x_0))
 *    2   1 where popularity'(x_0) is 0
 *    3   log(1 + sum_d weight'(x_d) / (1 + d))
 *    4   share of the last n events whose item is in an earlier one of them
 *    5   log(1 + number of candidates) / 2
 *    6   1 where x_0 = x_1
 *    7   log(1 + seconds from the event of x_1 to that of x_0) / 5, 0 where L = 1
 *
 * An event without an item (below 0) has no entries, is no candidate and equals no other; its
 * weight' and popularity' are 0. Rows whose token is -1 have no candidates and features 0.
 *
 * Deterministic for any number of threads. A row's results depend on its window and on nothing
 * else. All devices find the same candidates, since priors have the same bits everywhere; the
 * logarithms may differ by the rounding of their arguments and 2 ulp. On the CPU, rows of 32 tokens
 * share what they read of the tables; scratch is about 400 KB a thread at a table of width 64, and
 * 8 bytes for each of `own`. On CUDA a block of threads has a row, and its shared memory holds the
 * neighbours: the table's width is at most 128, or less where a block may have less than 110 KB;
 * otherwise the device fails.
 */
#ifndef SOUK_COUNTS_CANDIDATES_H
#define SOUK_COUNTS_CANDIDATES_H

#include "base/device.h"
#include "counts/pair.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { COUNT_FEATURES = 13, COUNT_STATE_FEATURES = 8, COUNT_CANDIDATES_MAX = 64 };

typedef struct {
    Tensor item;            /* i32 [tokens] */
    Tensor cu_seqlens;      /* i32 [windows+1] */
    Tensor time;            /* i64 [tokens] ms; does not fall within a window */
    Tensor own_offset, own; /* i32 [windows+1], [>= own_offset[windows], 2]: rows own_offset[w] ..
                               own_offset[w+1]-1 are the counted events of the user of window w
                               (PairEvent), in the order in which the table counts them; an item
                               below 0: one that the table does not have, at its place among the
                               others */
    Tensor token;           /* i32 [rows]: -1, or a token of a window, not below those before it */
} CandidatesInput;

typedef struct {
    Tensor item;    /* i32 [rows, width], width <= COUNT_CANDIDATES_MAX; -1 past the last */
    Tensor feature; /* f32 [rows, width, COUNT_FEATURES]; 0 past the last candidate */
    Tensor state;   /* f32 [rows, COUNT_STATE_FEATURES] */
} CandidatesOutput;

/* Overwrites all of `out`, which overlaps nothing else. An item outside the table, or more own
 * events of an item than the table counts, is a broken contract. */
void candidates(Device *dev, CandidatesOutput out, CandidatesInput in, const CountTable *table);

/* The CUDA half, in candidates.cu. Call the function above instead: it checks shapes. */
void candidates_cuda(Device *dev, CandidatesOutput out, CandidatesInput in,
                     const CountTable *table);

#ifdef __cplusplus
}
#endif
#endif

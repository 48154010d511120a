/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?": which of the names that exist is nearest to one that does not. Messages about
 * unknown options, settings, commands, agents, worlds, … all ask here.
 *
 *     Nearest near = nearest_to(name);
 *     for (…) nearest_offer(&near, table[i].name);
 *     return FAIL(ERR_USAGE, "there is no agent \"%s\"%s", name, nearest_hint(&near));
 */
#ifndef SOUK_NEAREST_H
#define SOUK_NEAREST_H

enum { NEAREST_NAME_MAX = 64 }; /* bytes of a name, with the final 0 */

typedef struct {
    char wanted[NEAREST_NAME_MAX], best[NEAREST_NAME_MAX]; /* best "": none so far */
    int distance;                                          /* of the best */
    char hint[NEAREST_NAME_MAX + 24];
} Nearest;

/* The number of single edits that make `b` of `a`: a letter inserted, deleted or replaced, or two
 * neighbours swapped (optimal string alignment). Case does not count, nor does - beside _. */
int nearest_distance(const char *a, const char *b);

/* Names of NEAREST_NAME_MAX bytes and more are near nothing. */
Nearest nearest_to(const char *wanted);
/* A name is near when at most a third of the letters of `wanted` must be edited (at least one may
 * be), or when it begins with `wanted`, if that has three letters or more. Of equally near names
 * the one that is offered first stays. */
void nearest_offer(Nearest *n, const char *name);
/* Each of the names in "NAME, NAME, …". */
void nearest_offer_list(Nearest *n, const char *list);
/* As nearest_offer, but the hint shows `shown`: "train.seed" for a name that is near "seed". */
void nearest_offer_as(Nearest *n, const char *name, const char *shown);
/* ` (did you mean "NAME"?)`, or "" where no name is near. Lives as long as `n`. */
const char *nearest_hint(Nearest *n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The choices of a policy, for a person to read. A sink of play keeps the events; then the world
 * prints or draws them.
 */
#ifndef SOUK_CHOICES_H
#define SOUK_CHOICES_H

#include "world/play.h"

enum { CHOICES_MAX = 1 << 20 };

typedef struct {
    int64_t count, capacity;
    WorldEvent *event; /* [count] episodes, one after the other, each from its opening event on */
    PlaySink then; /* also receives every episode; where `take` is NULL there is no other sink */
} Choices;

/* A sink that keeps the events of the first episodes, CHOICES_MAX events in all. */
PlaySink choices_sink(Choices *choices);
void choices_close(Choices *choices); /* safe on {0} */

/* The world's table of the choices (print of its kind); ERR_USAGE where the world has none. */
Status choices_print(const Choices *choices, const World *w, FILE *out);
/* The world's picture of the choices (plot of its kind); ERR_USAGE where the world has none. Makes
 * the folder. The files have the name of the policy, with a dash in place of each character that is
 * no letter or digit. */
Status choices_plot(const Choices *choices, const World *w, const char *folder, const char *policy);

#endif

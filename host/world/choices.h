/* What a policy chose, to be read by a person: kept while it plays. */
#ifndef SOUK_CHOICES_H
#define SOUK_CHOICES_H

#include "world/play.h"

typedef struct {
    int64_t count, room;
    WorldEvent *event; /* [count] episodes end to end, each from its opening event on */
    PlaySink then;     /* who wants the episodes too; take NULL: nobody */
} Choices;

/* Keeps the events of the first episodes, CHOICES_MAX in all. */
enum { CHOICES_MAX = 1 << 20 };
PlaySink choices_sink(Choices *choices);
void choices_close(Choices *choices); /* safe on {0} */

/* The world's picture of them (WorldKind's print); ERR_USAGE where it has none. */
Status choices_print(const Choices *choices, const World *w, FILE *out);
/* The same as a plot (WorldKind's plot), in files of the policy's name; what is no letter or digit in it becomes
 * a dash. Makes the folder. */
Status choices_plot(const Choices *choices, const World *w, const char *folder, const char *policy);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the episode after an event: the values of `end` in td.h and returns.h, and of
 * /events/end in a behaviour file (Gymnasium's terminated and truncated). */
#ifndef SOUK_END_H
#define SOUK_END_H

enum {
    END_GOES_ON = 0,
    END_TERMINAL = 1,  /* the episode is over */
    END_TRUNCATED = 2, /* the episode was cut off: how it would go on is not known */
};

#endif

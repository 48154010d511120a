/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences: a user's items in one line, in order of time. */
#ifndef SOUK_RAWLOG_SEQUENCE_H
#define SOUK_RAWLOG_SEQUENCE_H

#include "data/rawlog/format/format.h"

extern const Format sequence_format;          /* `user item item ...` */
extern const Format sequence_baskets_format;  /* the same, where a line without | is one basket */
extern const Format sequence_sessions_format; /* `item item ...`: each line is a user of its own */

#endif

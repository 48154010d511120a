/* SPDX-License-Identifier: Apache-2.0 */
/* The names that public logs give to their columns. */
#ifndef SOUK_DETECT_NAMES_H
#define SOUK_DETECT_NAMES_H

#include "data/rawlog/mapping.h"

/* What a name may stand for: a role, or a number of the event that is no feature. */
enum { NAMES_REWARD = ROLES, NAMES_PROPENSITY, NAMES_KINDS };

/* Name `index` of the columns of a role or number, in lower case, the most telling first; NULL
 * after the last. */
const char *names_of(int kind, int index);

/* Whether a column of this name, or a part of a list, says by 0 or 1 whether what was shown was
 * taken. They are among the names of ROLE_ACTION. */
bool names_click(Text name);

/* A feature that is made of a column with this name. */
typedef struct {
    const char *column, *section, *kind, *suffix; /* [section] column = kind NAME suffix */
} NamedFeature;
const NamedFeature *names_feature(int index); /* NULL after the last */

bool names_equal(Text name, const char *wanted); /* upper and lower case are the same */
/* Whether any role or feature has this name for its column. */
bool names_known(Text name);

#endif

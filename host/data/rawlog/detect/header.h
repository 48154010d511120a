/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the first line of a log has names of columns, or values already. */
#ifndef SOUK_DETECT_HEADER_H
#define SOUK_DETECT_HEADER_H

#include "data/rawlog/format/format.h"

/* True where any field is a name that the mapping or a public log uses, or none is a number or a
 * time. */
bool header_is(const Mapping *m, const LogColumns *first_line);

/* The refusal of a log without header whose columns have no names yet: it says what each column
 * looks like, and how to name them. */
Status header_refuse(const Format *format, const Mapping *m, const LogHead *head,
                     const LogLayout *layout, const LogColumns *first_line);

#endif

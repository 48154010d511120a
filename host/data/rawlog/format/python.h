/* SPDX-License-Identifier: Apache-2.0 */
/* Dictionaries of Python as JSON. Some public logs, such as Steam's, have lines that Python's print
 * wrote, of Python 2 or 3:
 *
 *     {u'user': u'Ren\xe9', 'hours': 0.1, 'early': False, "text": None, 'id': 7L}
 *     {"user": "Ren\u00e9", "hours": 0.1, "early": false, "text": null, "id": 7}
 *
 * \x80 to \xff are characters, as in texts of Python 3 and in u'' of Python 2. */
#ifndef SOUK_RAWLOG_PYTHON_H
#define SOUK_RAWLOG_PYTHON_H

#include <stdbool.h>
#include <stddef.h>

enum { PYTHON_GROWTH = 3 }; /* JSON has at most so many bytes for each of Python's */

/* Whether the first line of a text begins with a dictionary whose first name is not JSON's. */
bool python_begins(const char *at, const char *end);

/* Rewrites every line of a text as JSON into `out` [PYTHON_GROWTH * (end - at)]; returns the bytes
 * written. Lines that are no such dictionaries are copied as they are, for JSON to refuse. */
size_t python_rewrite(const char *at, const char *end, char *out);

#endif

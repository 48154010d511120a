/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a behaviour file (schema.h).
 *
 * Opening validates everything that later code relies on: dtypes, shapes, offsets and times in
 * order, ids in range, finite rewards, splits inside histories. So nothing that reads an open file
 * checks again. Every error names the file, the dataset, the index, what was found and what is
 * wanted.
 */
#ifndef SOUK_BEHAVIOUR_H
#define SOUK_BEHAVIOUR_H

#include "base/status.h"
#include "data/behaviour/schema.h"

Status behaviour_open(Behaviour *b, const char *path);
void behaviour_close(Behaviour *b); /* safe on {0} and on a file that failed to open */

#endif

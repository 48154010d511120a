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
/* Opens the catalogue of a model (catalogue/write.h), a file without users and events. */
Status behaviour_open_catalogue(Behaviour *b, const char *path);
/* Give the events of the first `splits` splits to the train split, in memory alone; the others of
 * these splits are then empty. Fails where a user has events of no split between them. */
Status behaviour_join_splits(Behaviour *b, int splits);
void behaviour_close(Behaviour *b); /* safe on {0} and on a file that failed to open */

#endif

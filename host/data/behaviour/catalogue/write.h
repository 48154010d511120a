/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of a behaviour file as a file of its own, which a model keeps beside its weights:
 * the same schema (datasets/README.md) with 0 users and 0 events. It has all that a model reads of
 * the file it was trained on: keys, features and texts of the items, the names and rewards of
 * actions, and the names, categories and scales of the features of users and events.
 */
#ifndef SOUK_BEHAVIOUR_CATALOGUE_WRITE_H
#define SOUK_BEHAVIOUR_CATALOGUE_WRITE_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* Writes the catalogue of `b` to `path`, whole or not at all. behaviour_open_catalogue opens it;
 * its catalogue_hash is that of `b`. While it writes it has the keys of all items in memory, and 8
 * bytes more for each. */
Status catalogue_write(const Behaviour *b, const char *path);

#endif

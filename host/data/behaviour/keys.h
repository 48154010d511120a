/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of users and items, as text, and names of actions. Keys are read from the file when the
 * first one is asked for. Pseudonyms are shown as 16 hexadecimal digits. Not thread-safe. */
#ifndef SOUK_BEHAVIOUR_KEYS_H
#define SOUK_BEHAVIOUR_KEYS_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* The returned text lives as long as `b`; a pseudonym only until the next call. */
Status behaviour_keys_user(Behaviour *b, int64_t user, const char **key);
Status behaviour_keys_item(Behaviour *b, int32_t item, const char **key);
/* -1 where no user, or item, has this key. Each call compares all keys, unless they are indexed. */
Status behaviour_keys_find_user(Behaviour *b, const char *key, int64_t *user);
Status behaviour_keys_find_item(Behaviour *b, const char *key, int32_t *item);

/* The action of a name. ERR_USAGE, listing the actions that there are, where none has it. */
Status behaviour_keys_find_action(const Behaviour *b, const char *name, uint8_t *action);

/* For many look-ups: a hash table of 16 to 32 bytes a key. From then on any number of threads may
 * find keys, and ask for the key of an item, at the same time. Without effect the second time. */
Status behaviour_keys_index_users(Behaviour *b);
Status behaviour_keys_index_items(Behaviour *b);

#endif

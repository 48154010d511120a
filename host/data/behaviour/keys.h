/* Keys of users and items, as text. They are read from the file when the first one is asked for.
 * Pseudonyms are shown as 16 hexadecimal digits. Not thread-safe. */
#ifndef SOUK_BEHAVIOUR_KEYS_H
#define SOUK_BEHAVIOUR_KEYS_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* The returned text lives as long as `b`; a pseudonym only until the next call. */
Status behaviour_keys_user(Behaviour *b, int64_t user, const char **key);
Status behaviour_keys_item(Behaviour *b, int32_t item, const char **key);
/* -1 where no user, or item, has this key. Each call compares all keys. */
Status behaviour_keys_find_user(Behaviour *b, const char *key, int64_t *user);
Status behaviour_keys_find_item(Behaviour *b, const char *key, int32_t *item);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "data/behaviour/get.h"
#include "data/behaviour/store.h"

static Status load_keys(Behaviour *b, bool users)
{
    BehaviourStore *s = b->store;
    if (users ? s->user_keys || s->pseudonyms : s->item_keys != NULL) return OK;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!users)
        return get_keys(b->path, s->file, "/items/key", b->items, &s->item_keys,
                        &s->item_key_width);
    if (b->plain_keys)
        return get_keys(b->path, s->file, "/users/key", b->users, &s->user_keys,
                        &s->user_key_width);
    return get_all(b->path, s->file, "/users/key", TYPE_UINT64, b->users, &s->pseudonyms);
}

Status behaviour_keys_item(Behaviour *b, int32_t item, const char **key)
{
    REQUIRE(item >= 0 && item < b->items, "item %d of %" PRId64, item, b->items);
    TRY(load_keys(b, false));
    *key = b->store->item_keys + (size_t)item * b->store->item_key_width;
    return OK;
}

Status behaviour_keys_user(Behaviour *b, int64_t user, const char **key)
{
    BehaviourStore *s = b->store;
    REQUIRE(user >= 0 && user < b->users, "user %" PRId64 " of %" PRId64, user, b->users);
    TRY(load_keys(b, true));
    if (b->plain_keys) {
        *key = s->user_keys + (size_t)user * s->user_key_width;
    } else {
        snprintf(s->shown, sizeof s->shown, "%016" PRIx64, s->pseudonyms[user]);
        *key = s->shown;
    }
    return OK;
}

/* ---- From keys to rows ----------------------------------------------------------------------- */

Status behaviour_keys_index_items(Behaviour *b)
{
    BehaviourStore *s = b->store;
    TRY(load_keys(b, false));
    if (s->item_index.slot) return OK;
    return key_index_open(&s->item_index, s->item_keys, s->item_key_width, true, b->items);
}

Status behaviour_keys_index_users(Behaviour *b)
{
    BehaviourStore *s = b->store;
    TRY(load_keys(b, true));
    if (s->user_index.slot) return OK;
    if (b->plain_keys)
        return key_index_open(&s->user_index, s->user_keys, s->user_key_width, true, b->users);
    return key_index_open(&s->user_index, s->pseudonyms, sizeof *s->pseudonyms, false, b->users);
}

/* A pseudonym from its 16 hexadecimal digits, as behaviour_keys_user() writes them. */
static bool parse_pseudonym(const char *key, uint64_t *pseudonym)
{
    if (strlen(key) != 16 || strspn(key, "0123456789abcdef") != 16) return false;
    *pseudonym = strtoull(key, NULL, 16);
    return true;
}

static int64_t scan(const char *keys, size_t width, int64_t rows, const char *key)
{
    for (int64_t i = 0; i < rows; i++)
        if (strcmp(key, keys + (size_t)i * width) == 0) return i;
    return -1;
}

static int64_t scan_pseudonyms(const BehaviourStore *s, int64_t rows, uint64_t pseudonym)
{
    for (int64_t i = 0; i < rows; i++)
        if (s->pseudonyms[i] == pseudonym) return i;
    return -1;
}

Status behaviour_keys_find_item(Behaviour *b, const char *key, int32_t *item)
{
    const BehaviourStore *s = b->store;
    TRY(load_keys(b, false));
    *item = (int32_t)(s->item_index.slot ? key_index_find(&s->item_index, key)
                                         : scan(s->item_keys, s->item_key_width, b->items, key));
    return OK;
}

Status behaviour_keys_find_user(Behaviour *b, const char *key, int64_t *user)
{
    const BehaviourStore *s = b->store;
    const bool indexed = s->user_index.slot;
    uint64_t pseudonym;
    TRY(load_keys(b, true));
    *user = -1;
    if (b->plain_keys)
        *user = indexed ? key_index_find(&s->user_index, key)
                        : scan(s->user_keys, s->user_key_width, b->users, key);
    else if (parse_pseudonym(key, &pseudonym))
        *user = indexed ? key_index_find(&s->user_index, &pseudonym)
                        : scan_pseudonyms(s, b->users, pseudonym);
    return OK;
}

Status behaviour_keys_find_action(const Behaviour *b, const char *name, uint8_t *action)
{
    Nearest near = nearest_to(name);
    char known[512];
    size_t used = 0;
    for (int a = 0; a < b->actions; a++) {
        if (!strcmp(name, b->action_name[a])) return *action = (uint8_t)a, OK;
        nearest_offer(&near, b->action_name[a]);
        if (used < sizeof known) /* a longer list is cut */
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", a ? ", " : "",
                                     b->action_name[a]);
    }
    return FAIL(ERR_USAGE, "%s has no action \"%s\"%s, want one of %s", b->path, name,
                nearest_hint(&near), known);
}

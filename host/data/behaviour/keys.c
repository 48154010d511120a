#include "data/behaviour/keys.h"

#include <inttypes.h>
#include <string.h>

#include "data/behaviour/get.h"
#include "data/behaviour/store.h"

static Status load_keys(Behaviour *b, bool users)
{
    BehaviourStore *s = b->store;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!users && !s->item_keys)
        return get_keys(b->path, s->file, "/items/key", b->items, &s->item_keys,
                        &s->item_key_width);
    if (users && b->plain_keys && !s->user_keys)
        return get_keys(b->path, s->file, "/users/key", b->users, &s->user_keys,
                        &s->user_key_width);
    if (users && !b->plain_keys && !s->pseudonyms)
        return get_all(b->path, s->file, "/users/key", TYPE_UINT64, b->users, &s->pseudonyms);
    return OK;
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

Status behaviour_keys_find_item(Behaviour *b, const char *key, int32_t *item)
{
    TRY(load_keys(b, false));
    *item = -1;
    for (int32_t i = 0; i < b->items && *item < 0; i++)
        if (!strcmp(key, b->store->item_keys + (size_t)i * b->store->item_key_width)) *item = i;
    return OK;
}

Status behaviour_keys_find_user(Behaviour *b, const char *key, int64_t *user)
{
    *user = -1;
    for (int64_t i = 0; i < b->users && *user < 0; i++) {
        const char *have;
        TRY(behaviour_keys_user(b, i, &have));
        if (!strcmp(key, have)) *user = i;
    }
    return OK;
}

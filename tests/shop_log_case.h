/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of a shop that are written by hand, event by event. */
#ifndef SOUK_TEST_SHOP_LOG_CASE_H
#define SOUK_TEST_SHOP_LOG_CASE_H

#include <unistd.h>

#include "data/behaviour/behaviour.h"
#include "data/behaviour/write.h"
#include "test.h"

/* LeakSanitizer asks for this: the HDF5 library loses memory of its own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

static inline const char *path_of(char path[256], const char *name)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, 256, "%s/souk-fit-%d-%s.h5", folder ? folder : "/tmp", (int)getpid(), name);
    return path;
}

enum { SKIP, VIEW, CART, PURCHASE, LIKE, LEAVE, KINDS };
static const char *const kind_name[KINDS] = {"skip", "view", "cart", "purchase", "like", "leave"};

/* An event: item, kind, seconds since the last, and whether the session ends with it. */
typedef struct {
    int32_t item;
    uint8_t kind;
    int seconds;
    bool ends;
} ShopEvent;

typedef struct {
    BehaviourWriter *writer;
    int users;
} HandLog;

/* `features` of the items: a category "shelf" of 4 rows, one of which has no item; else none. */
static inline void finish_log(HandLog *l, int64_t items, const int32_t *row)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    BehaviourCatalogue catalogue = {
        .items = items, .item_key = keys, .report = "", .split_rule = "by hand"};
    if (row)
        catalogue.item_features = (FeatureSet){.kinds = 1,
                                               .kind_name = {"shelf"},
                                               .kind_rows = {4},
                                               .categories = 4,
                                               .category = (int32_t *)(uintptr_t)row};
    assert_ok(behaviour_write_finish(l->writer, &catalogue));
    behaviour_write_close(l->writer);
}

static inline void begin_log(HandLog *l, const char *path)
{
    static const float rewards[KINDS] = {0};
    const BehaviourHeader header = {.actions = KINDS,
                                    .action_name = kind_name,
                                    .action_reward = rewards,
                                    .episode_gap_ms = 1800000,
                                    .plain_keys = true};
    *l = (HandLog){0};
    assert_ok(behaviour_write_create(&l->writer, path, &header));
}

static inline void add_user(HandLog *l, const ShopEvent *e, int64_t count, int64_t train)
{
    int32_t item[16];
    uint8_t action[16], end[16];
    int64_t time[16], now = 1700000000000;
    float reward[16] = {0};
    char key[16];
    for (int64_t i = 0; i < count; i++) {
        item[i] = e[i].item;
        action[i] = e[i].kind;
        end[i] = e[i].ends ? END_TERMINAL : END_GOES_ON;
        time[i] = now += 1000 * e[i].seconds;
    }
    snprintf(key, sizeof key, "%d", l->users++);
    const UserHistory h = {.key = key,
                           .count = count,
                           .item = item,
                           .action = action,
                           .time = time,
                           .reward = reward,
                           .end = end,
                           .split = {{0, train}, {train, count}, {count, count}}};
    assert_ok(behaviour_write_append(l->writer, &h));
}
#define ADD_USER(log, train, ...)                                                                  \
    add_user(log, (const ShopEvent[]){__VA_ARGS__},                                                \
             (int64_t)(sizeof((const ShopEvent[]){__VA_ARGS__}) / sizeof(ShopEvent)), train)

/* Rows of the items' category: row 2 has no item. */
static const int32_t hand_rows[] = {3, 3, 1, 1, 0};

#endif

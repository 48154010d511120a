/* SPDX-License-Identifier: Apache-2.0 */
/* A small seeded shop of histories for the tests of the behaviour file and of the stream: made by
 * formula, so that any event can be recomputed. */
#ifndef SOUK_SHOP_H
#define SOUK_SHOP_H

#include <unistd.h>

#include "data/behaviour/behaviour.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/keys.h"
#include "data/behaviour/write.h"
#include "test.h"

/* LeakSanitizer asks for this: the HDF5 library loses memory of its own when it refuses a file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

enum { SHOP_ITEMS = 97, SHOP_ACTIONS = 3, SHOP_LONGEST = 4000 };

typedef struct {
    int64_t users;
    int longest; /* events of a history: 1 .. longest */
    bool compress, plain_keys, features;
    bool placed;        /* the writer knows the sizes before the first history */
    bool ties;          /* one event in three has the time of the event before it */
    bool impressions;   /* views are impressions: shown, not taken */
    bool leave_one_out; /* else 70 % train, 15 % valid, 15 % test */
    int fresh;          /* so many items, the last of the catalogue, are not in train */
    uint64_t seed;
} Shop;

static inline Philox shop_draw(const Shop *s, int64_t user, int64_t event)
{
    return philox(s->seed, (uint64_t)user, (uint64_t)event);
}

static inline int64_t shop_count(const Shop *s, int64_t user)
{
    return 1 + shop_draw(s, user, -1).word[0] % (uint32_t)s->longest;
}

typedef struct {
    int32_t item[SHOP_LONGEST];
    uint8_t action[SHOP_LONGEST], end[SHOP_LONGEST];
    int64_t time[SHOP_LONGEST];
    float reward[SHOP_LONGEST], propensity[SHOP_LONGEST], feature[2][SHOP_LONGEST];
    char key[24];
    UserHistory history;
} ShopUser;

/* A user's history; `u` is overwritten and must stay where it is. */
static inline const UserHistory *shop_user(const Shop *s, ShopUser *u, int64_t user)
{
    const int64_t count = shop_count(s, user);
    int64_t train = count * 7 / 10, valid = count * 85 / 100;
    if (s->leave_one_out)
        train = count > 2 ? count - 2 : count, valid = count > 2 ? count - 1 : count;
    int64_t time = 1700000000000 + user * 1000;
    for (int64_t i = 0; i < count; i++) {
        const Philox p = shop_draw(s, user, i);
        if (!s->ties || p.word[2] % 3)
            time += (int64_t)(p.word[3] % 5 ? p.word[3] % 100000 : p.word[3]);
        u->item[i] = (int32_t)(p.word[0] % (uint32_t)(SHOP_ITEMS - (i < train ? s->fresh : 0)));
        u->action[i] = (uint8_t)(p.word[1] % SHOP_ACTIONS);
        u->end[i] = (uint8_t)(i + 1 == count ? END_TRUNCATED : p.word[1] % 17 == 0);
        u->time[i] = time;
        u->reward[i] = 0.25f * (float)u->action[i];
        u->propensity[i] = 0.5f + 0.5f * philox_uniform(p.word[2]);
        for (int f = 0; f < 2; f++) u->feature[f][i] = philox_uniform(p.word[f]) - 0.5f;
    }
    snprintf(u->key, sizeof u->key, "user-%lld", (long long)user);
    u->history = (UserHistory){.key = s->plain_keys ? u->key : NULL,
                               .pseudonym = philox_u64(s->seed, 77, (uint64_t)user),
                               .count = count,
                               .item = u->item,
                               .action = u->action,
                               .time = u->time,
                               .reward = u->reward,
                               .end = u->end,
                               .propensity = u->propensity,
                               .feature = {u->feature[0], u->feature[1]}};
    const int64_t cut[SPLITS + 1] = {0, train, valid, count};
    for (int k = 0; k < SPLITS; k++)
        u->history.split[k][0] = cut[k], u->history.split[k][1] = cut[k + 1];
    return &u->history;
}

static inline void shop_features(FeatureSet *f, int64_t rows, const char *name)
{
    *f = (FeatureSet){.kinds = 2, .kind_rows = {5, 3}, .categories = 8, .numbers = 1};
    snprintf(f->kind_name[0], FEATURE_NAME_MAX, "%s_zone", name);
    snprintf(f->kind_name[1], FEATURE_NAME_MAX, "%s_colour", name);
    snprintf(f->number_name[0], FEATURE_NAME_MAX, "%s_price", name);
    f->mean[0] = 1.5f;
    f->std[0] = 2.25f;
    f->category = malloc((size_t)rows * 2 * sizeof *f->category);
    f->number = malloc((size_t)rows * sizeof *f->number);
    for (int64_t i = 0; i < rows; i++) {
        f->category[2 * i] = (int32_t)(i % 5);
        f->category[2 * i + 1] = 5 + (int32_t)(i % 3);
        f->number[i] = (float)i * 0.125f - 3.0f;
    }
}

/* Item i has the n-grams r of SHOP_NGRAMS for which i is a multiple of r + 2. */
enum { SHOP_NGRAMS = 5 };
static inline ItemTexts shop_texts(void)
{
    ItemTexts t = {.rows = SHOP_NGRAMS,
                   .offset = calloc(SHOP_ITEMS + 1, sizeof *t.offset),
                   .row = malloc(SHOP_ITEMS * SHOP_NGRAMS * sizeof *t.row)};
    for (int32_t i = 0; i < SHOP_ITEMS; i++) {
        t.offset[i + 1] = t.offset[i];
        for (int32_t r = 0; r < SHOP_NGRAMS; r++)
            if (i % (r + 2) == 0) t.row[t.offset[i + 1]++] = r;
    }
    return t;
}

static inline void shop_catalogue(const Shop *s, BehaviourCatalogue *c)
{
    static char key[SHOP_ITEMS][16];
    static const char *item_key[SHOP_ITEMS];
    for (int i = 0; i < SHOP_ITEMS; i++) {
        snprintf(key[i], sizeof key[i], "item-%0*d", i % 7, i);
        item_key[i] = key[i];
    }
    *c = (BehaviourCatalogue){.items = SHOP_ITEMS,
                              .item_key = item_key,
                              .report = "rows read: 3\nrows kept: 2",
                              .split_rule = "global time"};
    if (!s->features) return;
    shop_features(&c->item_features, SHOP_ITEMS, "item");
    shop_features(&c->user_features, s->users, "user");
    c->texts = shop_texts();
}

static inline void shop_catalogue_free(BehaviourCatalogue *c)
{
    free(c->item_features.category);
    free(c->item_features.number);
    free(c->user_features.category);
    free(c->user_features.number);
    free(c->texts.offset);
    free(c->texts.row);
}

static inline Status shop_finish(const Shop *s, BehaviourWriter *w)
{
    BehaviourCatalogue c;
    shop_catalogue(s, &c);
    const Status st = behaviour_write_finish(w, &c);
    shop_catalogue_free(&c);
    return st;
}

static inline Status shop_place(const Shop *s, BehaviourWriter *w)
{
    BehaviourCatalogue c;
    int64_t events = 0;
    for (int64_t user = 0; user < s->users; user++) events += shop_count(s, user);
    shop_catalogue(s, &c);
    const Status st = behaviour_write_place(w, &c, s->users, events);
    shop_catalogue_free(&c);
    return st;
}

static inline Status shop_write(const Shop *s, const char *path)
{
    static const char *const names[] = {"view", "cart", "purchase"};
    static const float rewards[] = {0.0f, 0.25f, 0.5f};
    static const bool impression[] = {true, false, false};
    BehaviourHeader header = {.actions = SHOP_ACTIONS,
                              .action_name = names,
                              .action_reward = rewards,
                              .action_impression = s->impressions ? impression : NULL,
                              .episode_gap_ms = 1800000,
                              .has_propensity = s->features,
                              .compress = s->compress,
                              .plain_keys = s->plain_keys};
    if (s->features) {
        header.event_numbers = 2;
        for (int f = 0; f < 2; f++) {
            header.event_number_name[f] = f ? "quantity" : "price";
            header.event_mean[f] = 10.0f + (float)f;
            header.event_std[f] = 2.0f;
        }
    }
    BehaviourWriter *w = NULL;
    ShopUser *u = malloc(sizeof *u);
    Status st = behaviour_write_create(&w, path, &header);
    if (st == OK && s->placed) st = shop_place(s, w);
    for (int64_t user = 0; user < s->users && st == OK; user++)
        st = behaviour_write_append(w, shop_user(s, u, user));
    if (st == OK) st = shop_finish(s, w);
    behaviour_write_close(w);
    free(u);
    return st;
}

/* A path for a file of this process in $TMPDIR or /tmp. */
static inline const char *shop_path(char path[256], const char *name)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, 256, "%s/souk-%d-%s.h5", folder ? folder : "/tmp", (int)getpid(), name);
    return path;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/world.h"

#include <inttypes.h>
#include <stdlib.h>

#include "world/shop/catalogue.h"
#include "world/shop/fit.h"
#include "world/shop/policies.h"
#include "world/shop/print.h"

enum {
    FIT,
    CATEGORY,
    ITEMS,
    SHELVES,
    SEED,
    AFFINITY,
    SPREAD,
    APPEAL,
    BOREDOM,
    FATIGUE,
    REPEAT,
    POSITION,
    IMPATIENCE,
    KEEP,
    PULL,
    SATIATION,
    DRIFT,
    VIEW,
    LEAVE,
    CART,
    PURCHASE,
    REVIEW,
};
static const WorldOption options[] = {
    [FIT] = {WORLD_TEXT, "fit", "", 0, 0,
             "behaviour file to fit the catalogue and the tastes to; a path without commas"},
    [CATEGORY] =
        {WORLD_TEXT, "category", "", 0, 0,
         "with fit: the category of the file's items that makes the shelves; empty: the first"},
    [ITEMS] = {WORLD_COUNT, "items", "100000", 10, 1e6, "number of items in the catalogue"},
    [SHELVES] = {WORLD_COUNT, "shelves", "0", 0, 1e5,
                 "number of shelves (categories); 0: the square root of items"},
    [SEED] = {WORLD_COUNT, "seed", "1", 0, 1e9, "seed of the catalogue"},
    [AFFINITY] = {WORLD_REAL, "affinity", "4", 0, 50,
                  "relevance of an item that matches the interest completely"},
    [SPREAD] = {WORLD_REAL, "spread", "0.35", 0, 10,
                "standard deviation of the items of a shelf about its centre"},
    [APPEAL] = {WORLD_REAL, "appeal", "0.3", 0, 10,
                "relevance lost with the logarithm of an item's rank on its shelf"},
    [BOREDOM] = {WORLD_REAL, "boredom", "0.6", 0, 50,
                 "relevance lost by an item that is like those shown before"},
    [FATIGUE] = {WORLD_REAL, "fatigue", "0", 0, 50,
                 "utility that leaving gains from an item that is like those shown before"},
    [REPEAT] = {WORLD_REAL, "repeat", "3", 0, 50,
                "relevance lost by an item that is one of the last eight shown"},
    [POSITION] = {WORLD_REAL, "position", "0.2", 0, 10,
                  "relevance lost with the logarithm of the number of items shown before"},
    [IMPATIENCE] = {WORLD_REAL, "impatience", "0.3", 0, 10,
                    "utility that leaving gains with each skip in a row"},
    [KEEP] = {WORLD_REAL, "keep", "0.7", 0, 1,
              "share of an item's boredom that is left at the next step"},
    [PULL] = {WORLD_REAL, "pull", "0.1", 0, 1,
              "share of its way to an item that the interest moves after a look"},
    [SATIATION] = {WORLD_REAL, "satiation", "0.7", 0, 1,
                   "share of its way to the next shelf that the interest moves after a purchase"},
    [DRIFT] = {WORLD_REAL, "drift", "0.05", 0, 10,
               "standard deviation of the noise on the interest at each step"},
    [VIEW] = {WORLD_REAL, "view", "-3", -50, 50, "utility of looking, at relevance 0; skipping: 0"},
    [LEAVE] = {WORLD_REAL, "leave", "-2.5", -50, 50, "utility of leaving, without impatience"},
    [CART] = {WORLD_REAL, "cart", "-3", -50, 50, "log-odds of the cart after a look"},
    [PURCHASE] = {WORLD_REAL, "purchase", "-2", -50, 50, "log-odds of a purchase after the cart"},
    [REVIEW] = {WORLD_REAL, "review", "-2", -50, 50, "log-odds of a review after a purchase"},
    {0},
};

static const WorldPreset presets[] = {
    {"fatigue", "items=10000,fatigue=3,leave=-5",
     "shoppers stay long, but leave soon when they are shown the same kind of item again and "
     "again, "
     "so that planning pays"},
    {0},
};

static Status make_catalogue(Shop *s, const double *x)
{
    const ShopCatalogueOptions o = {
        .items = (int64_t)x[ITEMS],
        .shelves = x[SHELVES] > 0 ? (int32_t)x[SHELVES] : (int32_t)sqrt(x[ITEMS]),
        .seed = (uint64_t)x[SEED],
        .spread = x[SPREAD],
        .appeal = x[APPEAL],
    };
    if (o.shelves > o.items)
        return FAIL(ERR_USAGE,
                    "world shop: %" PRId32 " shelves for %" PRId64 " items, want no more shelves "
                    "than items",
                    o.shelves, o.items);
    return shop_catalogue_make(s, &o);
}

static void fill_spec(const Shop *s, WorldSpec *spec)
{
    *spec = (WorldSpec){
        .items = s->items,
        .actions = SHOP_KINDS,
        .action_name = shop_event_name,
        .action_reward = shop_event_reward,
        .action_impression = shop_event_impression,
        .item_features = {.kinds = 1,
                          .kind_name = {"shelf"},
                          .category = s->category,
                          .numbers = 1,
                          .number_name = {"log_rank"},
                          .mean = {s->rank_mean},
                          .std = {s->rank_std},
                          .number = s->rank},
        .discount = 0.95,
        .horizon = 100,
        .state_bytes = sizeof(ShopVisit),
    };
    spec->item_features.kind_rows[0] = spec->item_features.categories = s->shelves + 1;
}

/* The log decides these options. */
static Status check_unfitted(const double *x, const char *path)
{
    static const int fitted[] = {ITEMS, SHELVES, APPEAL, LEAVE, CART, PURCHASE, REVIEW};
    for (size_t i = 0; i < sizeof fitted / sizeof *fitted; i++) {
        const WorldOption *o = &options[fitted[i]];
        if (x[fitted[i]] != strtod(o->value, NULL))
            return FAIL(ERR_USAGE, "world shop: %s=%g beside fit=%s, which decides it: want one",
                        o->name, x[fitted[i]], path);
    }
    return OK;
}

static Status fit(Shop *s, WorldSpec *spec, const ShopLog *log, const WorldSettings *settings)
{
    const double *x = settings->number;
    const char *path = settings->text[FIT];
    if (log->items > (int64_t)options[ITEMS].high)
        return FAIL(ERR_USAGE, "%s has %" PRId64 " items, want at most %.0f", path, log->items,
                    options[ITEMS].high);
    TRY(shop_fit_catalogue(s, log, x[SPREAD], (uint64_t)x[SEED]));
    fill_spec(s, spec);
    const World w = {.kind = &shop_world, .spec = *spec, .parameters = s};
    return shop_fit_taste(s, &w, log, path,
                          (ShopUtilities){x[VIEW], x[LEAVE], x[CART], x[PURCHASE], x[REVIEW]});
}

static Status open_fitted(Shop *s, WorldSpec *spec, const WorldSettings *settings)
{
    const char *path = settings->text[FIT];
    ShopLog log;
    TRY(check_unfitted(settings->number, path));
    TRY(shop_log_read(&log, path, settings->text[CATEGORY]));
    const Status st = fit(s, spec, &log, settings);
    shop_log_close(&log);
    return st;
}

static Status open_shop(void **world, WorldSpec *spec, const WorldSettings *settings)
{
    const double *x = settings->number;
    Shop *s = calloc(1, sizeof *s);
    *world = s;
    if (!s) return FAIL(ERR_MEMORY, "no memory for a shop");
    *s = (Shop){
        .taste = shop_event_taste(x[VIEW], x[LEAVE], x[CART], x[PURCHASE], x[REVIEW]),
        .affinity = x[AFFINITY],
        .boredom = x[BOREDOM],
        .fatigue = x[FATIGUE],
        .repeat = x[REPEAT],
        .position = x[POSITION],
        .impatience = x[IMPATIENCE],
        .keep = x[KEEP],
        .pull = x[PULL],
        .satiation = x[SATIATION],
        .drift = x[DRIFT],
        .gap_mean = 9.8, /* exp(9.8) ms are eighteen seconds */
        .gap_std = 1.2,
    };
    for (int t = 0; t < SHOP_NEAR; t++) s->farther[t] = s->position * log(1.0 + t);
    for (int k = 0; k <= SHOP_SKIPS; k++) s->unrest[k] = shop_event_unrest(s->impatience * k);
    if (*settings->text[FIT]) return open_fitted(s, spec, settings);
    TRY(make_catalogue(s, x));
    fill_spec(s, spec);
    return OK;
}

static void close_shop(void *world)
{
    Shop *s = world;
    if (!s) return;
    shop_catalogue_close(s);
    shop_fit_close(s->fit);
    free(s);
}

static void describe(const void *world, FILE *out)
{
    const Shop *s = world;
    if (s->fit) shop_fit_describe(s->fit, out);
}

const WorldKind shop_world = {
    .name = "shop",
    .summary = "shoppers whose interests drift, and a catalogue of up to a million items",
    .options = options,
    .presets = presets,
    .open = open_shop,
    .close = close_shop,
    .reset = shop_reset,
    .step = shop_step,
    .prefetch = shop_prefetch,
    .describe = describe,
    .print = shop_print,
    .baselines = shop_policies,
};

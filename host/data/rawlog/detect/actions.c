/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/actions.h"

static const CommonAction common[] = {
    {"view",
     0.2f,
     {"view", "views", "pv", "click", "clicks", "browse", "detail", "view_item", "page_view",
      "pageview", "product_view", NULL}},
    {"cart", 0.5f, {"cart", "carts", "addtocart", "add_to_cart", "add-to-cart", "add_cart", NULL}},
    {"favourite",
     0.3f,
     {"favourite", "fav", "favorite", "wishlist", "follow", "like", "collect", NULL}},
    {"purchase",
     1.0f,
     {"purchase", "purchases", "buy", "transaction", "order", "orders", "checkout", NULL}},
    {"review", 0.2f, {"review", "comment", "rate", "rating", NULL}},
    {"remove", 0.0f, {"remove", "remove_from_cart", "removefromcart", NULL}},
    {ACTIONS_IMPRESSION,
     0.0f,
     {"impression", "impressions", "imp", "show", "shows", "shown", "exposure", "exposures",
      "exposed", "skip", "skips", "skipped", NULL}},
};

const CommonAction *actions_common(int index)
{
    return index < (int)(sizeof common / sizeof *common) ? &common[index] : NULL;
}

static bool has_text(const CommonAction *action, Text value)
{
    for (int v = 0; action->values[v]; v++)
        if (text_equal(value, text_of(action->values[v]))) return true;
    return false;
}

bool actions_known(Text value)
{
    for (size_t a = 0; a < sizeof common / sizeof *common; a++)
        if (has_text(&common[a], value)) return true;
    return false;
}

bool actions_impression(Text value)
{
    return has_text(&common[sizeof common / sizeof *common - 1], value);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/actions.h"

static const CommonAction common[] = {
    {"view", 0.2f, {"view", "pv", "click", "browse", "detail", NULL}},
    {"cart", 0.5f, {"cart", "addtocart", "add_to_cart", "add-to-cart", NULL}},
    {"favourite", 0.3f, {"favourite", "fav", "favorite", "wishlist", "follow", NULL}},
    {"purchase", 1.0f, {"purchase", "buy", "transaction", "order", "checkout", NULL}},
    {"review", 0.2f, {"review", "comment", "rate", "rating", NULL}},
    {"remove", 0.0f, {"remove", "remove_from_cart", "removefromcart", NULL}},
};

const CommonAction *actions_common(int index)
{
    return index < (int)(sizeof common / sizeof *common) ? &common[index] : NULL;
}

bool actions_known(Text value)
{
    for (size_t a = 0; a < sizeof common / sizeof *common; a++)
        for (int v = 0; common[a].values[v]; v++)
            if (text_equal(value, text_of(common[a].values[v]))) return true;
    return false;
}

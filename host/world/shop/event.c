/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/event.h"

const char *const shop_event_name[SHOP_KINDS] = {"skip",     "view",   "cart",
                                                 "purchase", "review", "leave"};
const bool shop_event_impression[SHOP_KINDS] = {[SHOP_SKIP] = true, [SHOP_LEAVE] = true};

/* A review follows a purchase, so its reward is that of the purchase and a little more. */
const float shop_event_reward[SHOP_KINDS] = {0.0f, 0.2f, 0.5f, 1.0f, 1.2f, 0.0f};

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/policies.h"

#include "world/shop/shop.h"

static const Shop *shop_of(const World *w) { return w->parameters; }

/* The probability with which act_popularity chooses the item. */
static double popularity_of(const Shop *s, int32_t item)
{
    const int32_t shelf = s->item[item].shelf;
    const double n = (double)(s->first[shelf + 1] - s->first[shelf]), rank = s->place[item];
    const double share = s->shelf_share[shelf] - (shelf ? s->shelf_share[shelf - 1] : 0.0);
    return share * (sqrt((rank + 1) / n) - sqrt(rank / n));
}

/* Draws a shelf by popularity, then one of its items, the better ones more often: rank u^2 x
 * count. */
static int32_t act_popularity(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    const Shop *s = shop_of(w);
    const Philox p = world_draw(draw);
    const int32_t shelf = shop_popular_shelf(s, (double)p.word[0] * 0x1p-32);
    const int64_t count = s->first[shelf + 1] - s->first[shelf];
    const double u = (double)p.word[1] * 0x1p-32, n = (double)count;
    const int32_t item = s->ranked[s->first[shelf] + (int64_t)(u * u * n)];
    (void)state;
    *propensity = (float)popularity_of(s, item);
    return item;
}

/* Shows the first item of the most popular shelf, then of the next one, … */
static int32_t act_bestsellers(const World *w, const void *state, WorldDraw *draw,
                               float *propensity)
{
    const Shop *s = shop_of(w);
    const int32_t shelf = ((const ShopVisit *)state)->steps % s->shelves;
    (void)draw;
    *propensity = 1.0f;
    return s->ranked[s->first[shelf]];
}

/* The best item of the shelf last looked at that was not shown lately. */
static int32_t act_shelf(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    const Shop *s = shop_of(w);
    const ShopVisit *visit = state;
    const int32_t *ranked = s->ranked + s->first[visit->seen_shelf];
    const int64_t count = s->first[visit->seen_shelf + 1] - s->first[visit->seen_shelf];
    int64_t rank = 0;
    (void)draw;
    *propensity = 1.0f;
    for (bool again = true; again && rank + 1 < count; rank += again) {
        again = false;
        for (int i = 0; i < SHOP_LATELY; i++) again |= visit->lately[i] == ranked[rank];
    }
    return ranked[rank];
}

/* act_shelf or act_popularity, each with probability 1/2. */
static int32_t act_trial(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    const bool shelf = world_draw(draw).word[0] >> 31;
    const int32_t best = act_shelf(w, state, draw, propensity);
    const int32_t item = shelf ? best : act_popularity(w, state, draw, propensity);
    *propensity = (float)(0.5 * (item == best) + 0.5 * popularity_of(shop_of(w), item));
    return item;
}

/* The item that is worth most, given the interest, among the best items of every shelf: the
 * expected reward of the next event, and `future` where the shopper stays. */
static int32_t best_of_shelves(const Shop *s, const ShopVisit *visit, double future)
{
    enum { OF_A_SHELF = 8 };
    int32_t best = 0;
    double best_worth = -1.0;
    for (int32_t c = 0; c < s->shelves; c++)
        for (int64_t i = s->first[c]; i < s->first[c + 1] && i < s->first[c] + OF_A_SHELF; i++) {
            double law[SHOP_KINDS];
            shop_item_law(s, visit, s->ranked[i], law);
            const double worth = shop_event_expected_reward(law) + future * (1.0 - law[SHOP_LEAVE]);
            if (worth > best_worth) best_worth = worth, best = s->ranked[i];
        }
    return best;
}

static int32_t act_oracle(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    (void)draw;
    *propensity = 1.0f;
    return best_of_shelves(shop_of(w), state, 0.0);
}

static int32_t act_patient(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    (void)draw;
    *propensity = 1.0f;
    return best_of_shelves(shop_of(w), state, 0.5);
}

const WorldBaseline shop_policies[] = {
    {"popularity", "a random item, popular ones more often", false, act_popularity},
    {"bestsellers", "the first item of the most popular shelf, then of the next, …", false,
     act_bestsellers},
    {"shelf", "the best item of the shelf last looked at that was not shown lately", false,
     act_shelf},
    {"trial", "shelf or popularity, each half of the time: a shop that explores", false, act_trial},
    {"oracle", "the best item for the next reward, given interest and boredom", true, act_oracle},
    {"patient", "the best item for the next reward and for the shopper to stay, which is worth 0.5",
     true, act_patient},
    {0},
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/shop.h"

#include <string.h>

static bool shown_lately(const ShopVisit *visit, int32_t item)
{
    bool found = false;
    for (int i = 0; i < SHOP_LATELY; i++) found |= visit->lately[i] == item;
    return found;
}

/* The relevance that an item loses by its place in the list. */
static double farther(const Shop *s, int32_t steps)
{
    return steps < SHOP_NEAR ? s->farther[steps] : s->position * log(1.0 + steps);
}

void shop_item_law(const Shop *s, const ShopVisit *visit, int32_t item, double law[SHOP_KINDS])
{
    const ShopItem *i = &s->item[item];
    const double dull = shop_latent_dot(visit->shown, i->latent);
    const double x = s->affinity * shop_latent_dot(visit->interest, i->latent) + i->appeal -
                     (dull > 0.0 ? s->boredom * dull : 0.0) -
                     (shown_lately(visit, item) ? s->repeat : 0.0) - farther(s, visit->steps);
    double unrest = s->unrest[visit->skips < SHOP_SKIPS ? visit->skips : SHOP_SKIPS];
    if (s->fatigue > 0.0 && dull > 0.0) unrest *= shop_event_unrest(s->fatigue * dull);
    shop_event_law(law, &s->taste, x, unrest);
}

/* In (0, 1). */
static double fraction(uint32_t word) { return ((double)word + 0.5) * 0x1p-32; }

static void show(const Shop *s, ShopVisit *visit, int32_t item)
{
    const float *v = s->item[item].latent;
    for (int k = 0; k < SHOP_LATENT; k++) visit->shown[k] = (float)s->keep * visit->shown[k] + v[k];
    visit->lately[visit->steps++ % SHOP_LATELY] = item;
}

static void look(const Shop *s, ShopVisit *visit, int32_t item)
{
    visit->skips = 0;
    visit->seen_shelf = s->item[item].shelf;
    visit->seen_place = s->place[item];
    shop_latent_move(visit->interest, s->item[item].latent, s->pull);
}

/* Uniform noise of standard deviation `drift`, from 16 bits a number. */
static void drift(const Shop *s, ShopVisit *visit, Philox p)
{
    const float scale = (float)(s->drift * 3.4641016151377544 / 65536.0);
    for (int k = 0; k < SHOP_LATENT; k++) {
        const uint32_t bits = p.word[k / 2] >> 16 * (k % 2) & 0xffff;
        visit->interest[k] += scale * ((float)bits - 32767.5f);
    }
}

/* Log-normal; the normal number is approximated by the sum of four uniform ones. */
static int64_t gap_ms(const Shop *s, Philox p)
{
    const double sum =
        fraction(p.word[0]) + fraction(p.word[1]) + fraction(p.word[2]) + fraction(p.word[3]) - 2.0;
    return 1 + (int64_t)exp(s->gap_mean + s->gap_std * 1.7320508075688772 * sum);
}

int32_t shop_popular_shelf(const Shop *s, double uniform)
{
    const int at = (int)(uniform * SHOP_GUIDE);
    int32_t low = s->guide[at], high = s->guide[at + 1];
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (uniform < s->shelf_share[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void shop_reset(const void *world, void *state, WorldDraw *draw, WorldEvent *event)
{
    const Shop *s = world;
    ShopVisit *visit = state;
    const Philox p = world_draw(draw), q = world_draw(draw);
    const int32_t main = shop_popular_shelf(s, fraction(p.word[0]));
    const int32_t side = shop_popular_shelf(s, fraction(p.word[1]));
    *visit = (ShopVisit){0};
    memset(visit->lately, 0xff, sizeof visit->lately);
    memcpy(visit->interest, s->centre[main], sizeof visit->interest);
    shop_latent_move(visit->interest, s->centre[side], 0.3);
    drift(s, visit, q);
    const int64_t count = s->first[main + 1] - s->first[main];
    const double u = fraction(p.word[2]); /* squaring u makes better items more frequent */
    event->item = s->ranked[s->first[main] + (int64_t)(u * u * (double)count)];
    event->action = SHOP_VIEW;
    visit->seen_shelf = main;
    visit->seen_place = s->place[event->item];
    show(s, visit, event->item);
}

void shop_step(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event)
{
    const Shop *s = world;
    ShopVisit *visit = state;
    const Philox p = world_draw(draw), q = world_draw(draw), r = world_draw(draw);
    double law[SHOP_KINDS];
    shop_item_law(s, visit, item, law);
    const int kind = shop_event_draw(law, fraction(p.word[0]));
    visit->time += gap_ms(s, q);
    event->time = visit->time;
    event->action = (uint8_t)kind;
    event->end = kind == SHOP_LEAVE ? END_TERMINAL : END_GOES_ON;
    event->reward = shop_event_reward[kind];
    show(s, visit, item);
    visit->skips++;
    if (shop_event_is_look(kind)) look(s, visit, item);
    if (kind == SHOP_PURCHASE || kind == SHOP_REVIEW)
        shop_latent_move(visit->interest, s->centre[s->goes_with[s->item[item].shelf]],
                         s->satiation);
    drift(s, visit, r);
}

void shop_prefetch(const void *world, int32_t item)
{
    const char *at = (const char *)&((const Shop *)world)->item[item];
    __builtin_prefetch(at);
    __builtin_prefetch(at + sizeof(ShopItem) - 1); /* an item may span two cache lines */
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of a shop: its items, and its shelves by popularity. */
#ifndef SOUK_SHOP_CATALOGUE_H
#define SOUK_SHOP_CATALOGUE_H

#include "world/shop/shop.h"

/* Allocates the arrays of the catalogue, all zero. */
Status shop_catalogue_allocate(Shop *s, int64_t items, int32_t shelves);
void shop_catalogue_close(Shop *s); /* safe on {0} */

typedef struct {
    int64_t items;
    int32_t shelves;
    uint64_t seed;
    double spread, appeal; /* the options of the world with these names (world.c) */
} ShopCatalogueOptions;

/* A made-up catalogue: shelves get the items in turn, their popularity follows Zipf's law, and each
 * goes with another one. */
Status shop_catalogue_make(Shop *s, const ShopCatalogueOptions *options);

/* Draws the vector of an item, about the centre of its shelf. */
void shop_catalogue_place_item(Shop *s, int64_t item, double spread, uint64_t seed);

/* Fills guide, ranked, first, place, category and rank, from shelf_share and the shelf and appeal
 * of every item. */
Status shop_catalogue_rank(Shop *s);

#endif

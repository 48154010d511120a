/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/catalogue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

Status shop_catalogue_allocate(Shop *s, int64_t items, int32_t shelves)
{
    s->items = items;
    s->shelves = shelves;
    s->item = calloc((size_t)items, sizeof *s->item);
    s->ranked = calloc((size_t)items, sizeof *s->ranked);
    s->place = calloc((size_t)items, sizeof *s->place);
    s->category = calloc((size_t)items, sizeof *s->category);
    s->rank = calloc((size_t)items, sizeof *s->rank);
    s->centre = calloc((size_t)shelves, sizeof *s->centre);
    s->goes_with = calloc((size_t)shelves, sizeof *s->goes_with);
    s->first = calloc((size_t)shelves + 1, sizeof *s->first);
    s->shelf_share = calloc((size_t)shelves, sizeof *s->shelf_share);
    if (s->item && s->ranked && s->place && s->category && s->rank && s->centre && s->goes_with &&
        s->first && s->shelf_share)
        return OK;
    return FAIL(ERR_MEMORY, "no memory for a shop of %" PRId64 " items", items);
}

void shop_catalogue_close(Shop *s)
{
    free(s->item);
    free(s->ranked);
    free(s->place);
    free(s->category);
    free(s->rank);
    free(s->centre);
    free(s->goes_with);
    free(s->first);
    free(s->shelf_share);
}

typedef struct {
    float appeal;
    int32_t item;
} Ranked;

static int by_appeal(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;
    if (x->appeal != y->appeal) return x->appeal < y->appeal ? 1 : -1;
    return (x->item > y->item) - (x->item < y->item);
}

/* guide[k]: the shelf that the uniform number k / SHOP_GUIDE draws. */
static void make_guide(Shop *s)
{
    int32_t shelf = 0;
    for (int k = 0; k <= SHOP_GUIDE; k++) {
        while (shelf < s->shelves - 1 && (double)k / SHOP_GUIDE >= s->shelf_share[shelf]) shelf++;
        s->guide[k] = shelf;
    }
}

static void normalise_ranks(Shop *s)
{
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < s->items; i++) {
        const double x = log(1.0 + s->place[i]);
        sum += x;
        squares += x * x;
    }
    const double mean = sum / (double)s->items, square = squares / (double)s->items - mean * mean;
    s->rank_mean = (float)mean;
    s->rank_std = square > 1e-12 ? (float)sqrt(square) : 1.0f;
    for (int64_t i = 0; i < s->items; i++)
        s->rank[i] = ((float)log(1.0 + s->place[i]) - s->rank_mean) / s->rank_std;
}

/* Sorts the items of each shelf. */
static void sort_shelves(Shop *s, Ranked *sorted, int64_t *next)
{
    for (int64_t i = 0; i < s->items; i++) s->first[s->item[i].shelf + 1]++;
    for (int32_t c = 0; c < s->shelves; c++) {
        s->first[c + 1] += s->first[c];
        next[c] = s->first[c];
    }
    for (int64_t i = 0; i < s->items; i++) {
        sorted[next[s->item[i].shelf]++] = (Ranked){s->item[i].appeal, (int32_t)i};
        s->category[i] = s->item[i].shelf + 1;
    }
    for (int32_t c = 0; c < s->shelves; c++) {
        const int64_t first = s->first[c], count = s->first[c + 1] - first;
        qsort(sorted + first, (size_t)count, sizeof *sorted, by_appeal);
        for (int64_t k = 0; k < count; k++) {
            s->ranked[first + k] = sorted[first + k].item;
            s->place[sorted[first + k].item] = (int32_t)k;
        }
    }
}

Status shop_catalogue_rank(Shop *s)
{
    Ranked *sorted = calloc((size_t)s->items, sizeof *sorted);
    int64_t *next = calloc((size_t)s->shelves, sizeof *next);
    const bool allocated = sorted && next;
    make_guide(s);
    if (allocated) {
        memset(s->first, 0, ((size_t)s->shelves + 1) * sizeof *s->first);
        sort_shelves(s, sorted, next);
        normalise_ranks(s);
    }
    free(sorted);
    free(next);
    return allocated ? OK
                     : FAIL(ERR_MEMORY, "no memory to sort %" PRId64 " items of a shop", s->items);
}

void shop_catalogue_place_item(Shop *s, int64_t i, double spread, uint64_t seed)
{
    float *latent = s->item[i].latent;
    memcpy(latent, s->centre[s->item[i].shelf], sizeof s->item[i].latent);
    shop_latent_add_normal(latent, spread / sqrt(SHOP_LATENT), seed ^ 1, (uint64_t)i);
    shop_latent_normalise(latent);
}

Status shop_catalogue_make(Shop *s, const ShopCatalogueOptions *o)
{
    const int32_t shelves = o->shelves;
    double sum = 0.0;
    TRY(shop_catalogue_allocate(s, o->items, shelves));
    for (int32_t c = 0; c < shelves; c++) {
        shop_latent_add_normal(s->centre[c], 1.0, o->seed, (uint64_t)c);
        shop_latent_normalise(s->centre[c]);
        s->goes_with[c] = (int32_t)(((int64_t)c * 7 + 1) % shelves);
        s->shelf_share[c] = sum += 1.0 / (1.0 + c);
    }
    for (int32_t c = 0; c < shelves; c++) s->shelf_share[c] /= sum;
#pragma omp parallel for schedule(static) num_threads(parallel_processors())
    for (int64_t i = 0; i < o->items; i++) {
        ShopItem *item = &s->item[i];
        const int64_t place = i / shelves;
        item->shelf = (int32_t)(i % shelves);
        item->appeal = (float)(-o->appeal * log(1.0 + (double)place));
        shop_catalogue_place_item(s, i, o->spread, o->seed);
    }
    return shop_catalogue_rank(s);
}

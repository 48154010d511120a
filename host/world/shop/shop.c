#include "world/shop/fit.h"

#include <stdlib.h>
#include <string.h>

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
    {WORLD_TEXT, "fit", "", 0, 0,
     "behaviour file, a path without commas, that catalogue and tastes are fitted to"},
    {WORLD_TEXT, "category", "", 0, 0, "of its items, of which shelves are made; empty: the first"},
    {WORLD_COUNT, "items", "100000", 10, 1e6, "catalogue"},
    {WORLD_COUNT, "shelves", "0", 0, 1e5, "categories; 0: root of items"},
    {WORLD_COUNT, "seed", "1", 0, 1e9, "of the catalogue"},
    {WORLD_REAL, "affinity", "4", 0, 50, "relevance of an item that is all of the interest"},
    {WORLD_REAL, "spread", "0.35", 0, 10, "distance of items from the middle of their shelf"},
    {WORLD_REAL, "appeal", "0.3", 0, 10,
     "relevance lost with the logarithm of the rank in a shelf"},
    {WORLD_REAL, "boredom", "0.6", 0, 50, "relevance lost with each showing of the like"},
    {WORLD_REAL, "repeat", "3", 0, 50, "relevance lost by an item that was shown lately"},
    {WORLD_REAL, "position", "0.2", 0, 10,
     "relevance lost with the logarithm of the place in the list"},
    {WORLD_REAL, "impatience", "0.3", 0, 10, "utility of leaving gained with each skip in a row"},
    {WORLD_REAL, "keep", "0.7", 0, 1, "share of a showing that is still felt at the next"},
    {WORLD_REAL, "pull", "0.1", 0, 1, "share of the way that interest follows a look"},
    {WORLD_REAL, "satiation", "0.7", 0, 1,
     "share of the way to the shelf that goes with a purchase"},
    {WORLD_REAL, "drift", "0.05", 0, 10, "noise of interest, a step and number"},
    {WORLD_REAL, "view", "-3", -50, 50, "utility of looking"},
    {WORLD_REAL, "leave", "-2.5", -50, 50, "utility of leaving"},
    {WORLD_REAL, "cart", "-3", -50, 50, "utility of the cart after a look"},
    {WORLD_REAL, "purchase", "-2", -50, 50, "utility of buying after the cart"},
    {WORLD_REAL, "review", "-2", -50, 50, "utility of a review after buying"},
    {0},
};

/* ---- A visit ------------------------------------------------------------------------------------------ */

static double dot(const float *a, const float *b)
{
    float sum = 0.0f;
    for (int k = 0; k < SHOP_LATENT; k++) sum += a[k] * b[k];
    return sum;
}

static void move(float *from, const float *to, double share)
{
    for (int k = 0; k < SHOP_LATENT; k++) from[k] += (float)share * (to[k] - from[k]);
}

static bool shown_lately(const ShopVisit *visit, int32_t item)
{
    bool found = false;
    for (int i = 0; i < SHOP_LATELY; i++) found |= visit->lately[i] == item;
    return found;
}

static double farther(const Shop *s, int32_t steps)
{
    return steps < SHOP_NEAR ? s->farther[steps] : s->position * log(1.0 + steps);
}

void shop_item_law(const Shop *s, const ShopVisit *visit, int32_t item, double law[SHOP_KINDS])
{
    const ShopItem *i = &s->item[item];
    const double dull = dot(visit->shown, i->latent);
    const double x = s->affinity * dot(visit->interest, i->latent) + i->appeal -
                     (dull > 0.0 ? s->boredom * dull : 0.0) -
                     (shown_lately(visit, item) ? s->repeat : 0.0) - farther(s, visit->steps);
    shop_law(law, &s->taste, x, s->unrest[visit->skips < SHOP_SKIPS ? visit->skips : SHOP_SKIPS]);
}

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
    move(visit->interest, s->item[item].latent, s->pull);
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

/* Log-normal, the normal as a sum of four uniforms. */
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

static void reset(const void *world, void *state, WorldDraw *draw, WorldEvent *event)
{
    const Shop *s = world;
    ShopVisit *visit = state;
    const Philox p = world_draw(draw), q = world_draw(draw);
    const int32_t main = shop_popular_shelf(s, fraction(p.word[0]));
    const int32_t side = shop_popular_shelf(s, fraction(p.word[1]));
    *visit = (ShopVisit){0};
    memset(visit->lately, 0xff, sizeof visit->lately);
    memcpy(visit->interest, s->centre[main], sizeof visit->interest);
    move(visit->interest, s->centre[side], 0.3);
    drift(s, visit, q);
    const int64_t count = s->first[main + 1] - s->first[main];
    const double u = fraction(p.word[2]); /* squared: the better ones more often */
    event->item = s->ranked[s->first[main] + (int64_t)(u * u * (double)count)];
    event->action = SHOP_VIEW;
    visit->seen_shelf = main;
    visit->seen_place = s->place[event->item];
    show(s, visit, event->item);
}

static void step(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event)
{
    const Shop *s = world;
    ShopVisit *visit = state;
    const Philox p = world_draw(draw), q = world_draw(draw), r = world_draw(draw);
    double law[SHOP_KINDS];
    shop_item_law(s, visit, item, law);
    const int kind = shop_choose(law, fraction(p.word[0]));
    visit->time += gap_ms(s, q);
    event->time = visit->time;
    event->action = (uint8_t)kind;
    event->end = kind == SHOP_LEAVE ? END_TERMINAL : END_GOES_ON;
    event->reward = shop_kind_reward[kind];
    show(s, visit, item);
    visit->skips++;
    if (kind != SHOP_SKIP && kind != SHOP_LEAVE) look(s, visit, item);
    if (kind == SHOP_PURCHASE || kind == SHOP_REVIEW)
        move(visit->interest, s->centre[s->goes_with[s->item[item].shelf]], s->satiation);
    drift(s, visit, r);
}

static void prefetch(const void *world, int32_t item)
{
    const char *at = (const char *)&((const Shop *)world)->item[item];
    __builtin_prefetch(at);
    __builtin_prefetch(at + sizeof(ShopItem) - 1); /* it may lie on two lines */
}

/* ---- The catalogue -------------------------------------------------------------------------------------- */

Status shop_room(Shop *s, int64_t items, int32_t shelves)
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
    return FAIL(ERR_MEMORY, "no memory for a shop of %lld items", (long long)items);
}

static void close_shop(void *world)
{
    Shop *s = world;
    if (!s) return;
    free(s->item);
    free(s->ranked);
    free(s->place);
    free(s->category);
    free(s->rank);
    free(s->centre);
    free(s->goes_with);
    free(s->first);
    free(s->shelf_share);
    shop_fit_close(s->fit);
    free(s);
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

/* guide[k]: the shelf that a uniform number of k / SHOP_GUIDE falls on. */
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

Status shop_rank(Shop *s)
{
    Ranked *sorted = calloc((size_t)s->items, sizeof *sorted);
    int64_t *next = calloc((size_t)s->shelves, sizeof *next);
    const Status st = sorted && next ? OK : FAIL(ERR_MEMORY, "no memory to sort the catalogue");
    make_guide(s);
    memset(s->first, 0, ((size_t)s->shelves + 1) * sizeof *s->first);
    for (int64_t i = 0; i < s->items && st == OK; i++) s->first[s->item[i].shelf + 1]++;
    for (int32_t c = 0; c < s->shelves && st == OK; c++) {
        s->first[c + 1] += s->first[c];
        next[c] = s->first[c];
    }
    for (int64_t i = 0; i < s->items && st == OK; i++) {
        sorted[next[s->item[i].shelf]++] = (Ranked){s->item[i].appeal, (int32_t)i};
        s->category[i] = s->item[i].shelf + 1;
    }
    for (int32_t c = 0; c < s->shelves && st == OK; c++) {
        const int64_t first = s->first[c], count = s->first[c + 1] - first;
        qsort(sorted + first, (size_t)count, sizeof *sorted, by_appeal);
        for (int64_t k = 0; k < count; k++) {
            s->ranked[first + k] = sorted[first + k].item;
            s->place[sorted[first + k].item] = (int32_t)k;
        }
    }
    if (st == OK) normalise_ranks(s);
    free(sorted);
    free(next);
    return st;
}

void shop_unit(float *v)
{
    const double length = sqrt(dot(v, v));
    for (int k = 0; k < SHOP_LATENT; k++) v[k] = (float)(v[k] / length);
}

void shop_add_normal(float *v, double scale, uint64_t seed, uint64_t which)
{
    for (int k = 0; k < SHOP_LATENT; k++) {
        const Philox p = philox(seed, which, (uint64_t)k);
        v[k] += (float)scale * philox_normal(p.word[0], p.word[1]);
    }
}

void shop_place_item(Shop *s, int64_t i, double spread, uint64_t seed)
{
    float *latent = s->item[i].latent;
    memcpy(latent, s->centre[s->item[i].shelf], sizeof s->item[i].latent);
    shop_add_normal(latent, spread / sqrt(SHOP_LATENT), seed ^ 1, (uint64_t)i);
    shop_unit(latent);
}

/* Items in turn on each shelf; popularity of shelves follows Zipf; a shelf goes with another. */
static Status make_catalogue(Shop *s, const WorldSettings *settings)
{
    const double *x = settings->number;
    const uint64_t seed = (uint64_t)x[SEED];
    const int64_t items = (int64_t)x[ITEMS];
    const int32_t shelves = x[SHELVES] > 0 ? (int32_t)x[SHELVES] : (int32_t)sqrt(x[ITEMS]);
    if (shelves > items)
        return FAIL(ERR_USAGE, "world shop: %d shelves for %lld items", shelves, (long long)items);
    TRY(shop_room(s, items, shelves));
    double sum = 0.0;
    for (int32_t c = 0; c < shelves; c++) {
        shop_add_normal(s->centre[c], 1.0, seed, (uint64_t)c);
        shop_unit(s->centre[c]);
        s->goes_with[c] = (int32_t)(((int64_t)c * 7 + 1) % shelves);
        s->shelf_share[c] = sum += 1.0 / (1.0 + c);
    }
    for (int32_t c = 0; c < shelves; c++) s->shelf_share[c] /= sum;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < items; i++) {
        ShopItem *item = &s->item[i];
        item->shelf = (int32_t)(i % shelves);
        const int64_t place = i / shelves;
        item->appeal = (float)(-x[APPEAL] * log(1.0 + (double)place));
        shop_place_item(s, i, x[SPREAD], seed);
    }
    return shop_rank(s);
}

static void fill_spec(const Shop *s, WorldSpec *spec)
{
    *spec = (WorldSpec){
        .items = s->items,
        .actions = SHOP_KINDS,
        .action_name = shop_kind_name,
        .action_reward = shop_kind_reward,
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

/* What a log says is no setting beside it. */
static Status check_unfitted(const double *x, const char *path)
{
    static const int fitted[] = {ITEMS, SHELVES, APPEAL, LEAVE, CART, PURCHASE, REVIEW};
    for (size_t i = 0; i < sizeof fitted / sizeof *fitted; i++) {
        const WorldOption *o = &options[fitted[i]];
        if (x[fitted[i]] != strtod(o->value, NULL))
            return FAIL(ERR_USAGE, "world shop: %s is what fit=%s says", o->name, path);
    }
    return OK;
}

static Status open_fitted(Shop *s, WorldSpec *spec, const WorldSettings *settings)
{
    const double *x = settings->number;
    const char *path = settings->text[FIT];
    ShopLog log;
    TRY(check_unfitted(x, path));
    TRY(shop_log_read(&log, path, settings->text[CATEGORY]));
    Status st = log.items <= (int64_t)options[ITEMS].high
                    ? OK
                    : FAIL(ERR_USAGE, "%s has %lld items, a shop has at most %.0f", path,
                           (long long)log.items, options[ITEMS].high);
    if (st == OK) st = shop_fit_catalogue(s, &log, x[SPREAD], (uint64_t)x[SEED]);
    if (st == OK) {
        fill_spec(s, spec);
        st = shop_fit_taste(s, spec, &log, path,
                            (ShopUtilities){x[VIEW], x[LEAVE], x[CART], x[PURCHASE], x[REVIEW]});
    }
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
        .taste = shop_taste(x[VIEW], x[LEAVE], x[CART], x[PURCHASE], x[REVIEW]),
        .affinity = x[AFFINITY],
        .boredom = x[BOREDOM],
        .repeat = x[REPEAT],
        .position = x[POSITION],
        .impatience = x[IMPATIENCE],
        .keep = x[KEEP],
        .pull = x[PULL],
        .satiation = x[SATIATION],
        .drift = x[DRIFT],
        .gap_mean = 9.8, /* eighteen seconds */
        .gap_std = 1.2,
    };
    for (int t = 0; t < SHOP_NEAR; t++) s->farther[t] = s->position * log(1.0 + t);
    for (int k = 0; k <= SHOP_SKIPS; k++) s->unrest[k] = shop_unrest(s->impatience * k);
    if (*settings->text[FIT]) return open_fitted(s, spec, settings);
    TRY(make_catalogue(s, settings));
    fill_spec(s, spec);
    return OK;
}

static void describe(const void *world, FILE *out)
{
    const Shop *s = world;
    if (s->fit) shop_fit_describe(s->fit, out);
}

const WorldKind shop_kind = {
    .name = "shop",
    .summary = "shoppers of drifting interests before a catalogue of up to a million items",
    .options = options,
    .open = open_shop,
    .close = close_shop,
    .reset = reset,
    .step = step,
    .prefetch = prefetch,
    .describe = describe,
    .print = shop_print,
    .baselines = shop_policies,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/fit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "world/play.h"
#include "world/shop/catalogue.h"
#include "world/shop/centres.h"

enum { SESSIONS = 20000, SLOTS = 4096, TRIES = 40 };

/* ---- The catalogue --------------------------------------------------------------------------- */

/* Finds for each shelf the one that goes with it. It has the highest product of two numbers: the
 * looks at it that come next, and the logarithm of how much more often than by chance they come
 * next. Next means after a purchase where there was one, else after any look. */
static Status find_goes_with(Shop *s, const ShopLog *l)
{
    double *share = calloc((size_t)l->shelves, sizeof *share), all = 0.0;
    if (!share) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " shelves", l->shelves);
    for (int64_t i = 0; i < l->items; i++) {
        share[l->shelf[i]] += (double)l->looks[i];
        all += (double)l->looks[i];
    }
    for (int32_t c = 0; c < l->shelves; c++) s->goes_with[c] = (c + 1) % l->shelves;
    for (int64_t i = 0, end; i < l->pairs; i = end) {
        const int32_t from = l->pair[i].from;
        double bought = 0.0, count = 0.0, best = -1.0;
        for (end = i; end < l->pairs && l->pair[end].from == from; end++) {
            bought += (double)l->pair[end].bought;
            count += (double)l->pair[end].count;
        }
        for (int64_t k = i; k < end; k++) {
            const ShelfPair *p = &l->pair[k];
            const double these = (double)(bought > 0.0 ? p->bought : p->count);
            const double of = bought > 0.0 ? bought : count;
            const double lift = these / of / (share[p->to] / all);
            const double score = these * (lift > 1.0 ? log(lift) : 0.0);
            if (score > best) best = score, s->goes_with[from] = p->to;
        }
    }
    free(share);
    return OK;
}

static void share_shelves(Shop *s, const ShopLog *l)
{
    double sum = 0.0;
    for (int32_t c = 0; c < l->shelves; c++) s->shelf_share[c] = sum += (double)l->starts[c] + 0.5;
    for (int32_t c = 0; c < l->shelves; c++) s->shelf_share[c] /= sum;
}

static Status place_items(Shop *s, const ShopLog *l, double spread, uint64_t seed)
{
    int64_t *most = calloc((size_t)l->shelves, sizeof *most);
    if (!most) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " shelves", l->shelves);
    for (int64_t i = 0; i < l->items; i++)
        if (l->looks[i] > most[l->shelf[i]]) most[l->shelf[i]] = l->looks[i];
#pragma omp parallel for schedule(static) num_threads(parallel_processors())
    for (int64_t i = 0; i < l->items; i++) {
        const int32_t shelf = l->shelf[i];
        s->item[i].shelf = shelf;
        s->item[i].appeal = (float)log(((double)l->looks[i] + 0.5) / ((double)most[shelf] + 0.5));
        shop_catalogue_place_item(s, i, spread, seed);
    }
    free(most);
    return OK;
}

Status shop_fit_catalogue(Shop *s, const ShopLog *l, double spread, uint64_t seed)
{
    TRY(shop_catalogue_allocate(s, l->items, l->shelves));
    TRY(shop_centres_fit(l, seed, s->centre));
    TRY(find_goes_with(s, l));
    share_shelves(s, l);
    TRY(place_items(s, l, spread, seed));
    s->gap_mean = l->gap_mean;
    s->gap_std = l->gap_std;
    return shop_catalogue_rank(s);
}

/* ---- Taste ----------------------------------------------------------------------------------- */

static Status count(void *context, const PlayHistory *h)
{
    ShopCounts *c = context;
    c->sessions++;
    c->cut += h->event[h->count - 1].end == END_TRUNCATED;
    for (int64_t i = 1; i < h->count; i++) {
        const int kind = h->event[i].action;
        if (kind == SHOP_SKIP)
            c->skips++;
        else if (kind != SHOP_LEAVE)
            shop_log_count_look(c, kind);
    }
    return OK;
}

/* Plays the same sessions, with the same random numbers, for every taste. */
static Status play_sessions(const World *w, ShopCounts *counts, double *value)
{
    const PlayOptions o = {.episodes = SESSIONS, .slots = SLOTS, .seed = 1};
    PlayResult result = {.value = value};
    *counts = (ShopCounts){0};
    return play(w, &o, play_baseline_actor(world_baseline(w, "shelf")), (PlaySink){counts, count},
                &result);
}

static double logit(double p) { return log(p / (1.0 - p)); }

/* The standard error of the logit of a share p of n draws. */
static double logit_error(double p, int64_t n)
{
    return 1.0 / sqrt((double)(n + 2) * p * (1.0 - p));
}

/* Moves a utility whose moment is off by more than the sampling error, and returns false; returns
 * true where it is not off. */
static bool settled(double *utility, double by, double error)
{
    if (fabs(by) <= error) return true;
    *utility += fmax(-1.0, fmin(1.0, by));
    return false;
}

/* Each moment moves the utility that decides most about it: the looks of a session are about
 * proportional to exp(-leave), and looks per skip to exp(view). Where most sessions are cut at the
 * horizon and still have too few looks, it does not help to leave later. Then the looks move
 * `view`: a log without skips has no other information about it. Returns true where no utility had
 * to move. */
static bool improve(ShopUtilities *u, const ShopMoments *want, const ShopMoments *have,
                    const ShopCounts *n)
{
    const double looks_error = 1.0 / sqrt((double)n->looks + 1.0);
    const double skips_error = looks_error + 1.0 / sqrt((double)n->skips + 1.0);
    const double looks = log((have->looks + 1e-3) / (want->looks + 1e-3));
    const bool stay = looks < 0.0 && 2 * n->cut > n->sessions && want->skips < 0.0;
    bool all = settled(stay ? &u->view : &u->leave, stay ? -looks : looks, looks_error);
    if (want->skips >= 0.0) all &= settled(&u->view, log(have->skips / want->skips), skips_error);
    all &=
        settled(&u->cart, logit(want->cart) - logit(have->cart), logit_error(have->cart, n->looks));
    all &= settled(&u->purchase, logit(want->purchase) - logit(have->purchase),
                   logit_error(have->purchase, n->cart));
    return all;
}

static Status fit(Shop *s, const World *w, ShopFit *f)
{
    double *value = malloc(SESSIONS * sizeof *value);
    if (!value) return FAIL(ERR_MEMORY, "no memory for %d sessions", SESSIONS);
    ShopUtilities next = f->utilities;
    ShopCounts counts;
    bool done = false;
    Status st = OK;
    next.review = logit(f->wanted.review); /* the moment of reviews depends on no other utility */
    for (int k = 0; k < TRIES && !done; k++) {
        f->utilities = next;
        s->taste = shop_event_taste(next.view, next.leave, next.cart, next.purchase, next.review);
        TRY_OR_FAIL(st, play_sessions(w, &counts, value));
        f->reached = shop_log_moments(&counts, f->wanted.skips >= 0.0);
        done = improve(&next, &f->wanted, &f->reached, &counts);
    }
    if (!done)
        st = FAIL(
            ERR_USAGE,
            "%s: no shop with the behaviour of this log was found in %d tries. After the first "
            "look of a session the last shop has %.3g looks, want %.3g; a share of %.3g of the "
            "looks reaches the cart, want %.3g; a share of %.3g of the carts is bought, want "
            "%.3g",
            f->path, TRIES, f->reached.looks, f->wanted.looks, f->reached.cart, f->wanted.cart,
            f->reached.purchase, f->wanted.purchase);
fail:
    free(value);
    return st;
}

Status shop_fit_taste(Shop *s, const World *w, const ShopLog *l, const char *path,
                      ShopUtilities start)
{
    ShopFit *f = s->fit = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) return FAIL(ERR_MEMORY, "no memory for the fit of a shop");
    f->sessions = l->sessions;
    f->wanted = l->moments;
    f->utilities = start;
    return fit(s, w, f);
}

void shop_fit_close(ShopFit *f)
{
    if (f) free(f->path);
    free(f);
}

static void describe_moment(FILE *out, const char *name, const char *what, double wanted,
                            double reached, double utility)
{
    fprintf(out, "  %-10s %26s %9.4g %9.4g   %.4g\n", name, what, wanted, reached, utility);
}

void shop_fit_describe(const ShopFit *f, FILE *out)
{
    const ShopMoments *w = &f->wanted, *r = &f->reached;
    const ShopUtilities *u = &f->utilities;
    fprintf(out, "fitted to %s, %" PRId64 " sessions\n", f->path, f->sessions);
    fprintf(out, "  %-10s %26s %9s %9s   %s\n", "", "", "log", "shop", "utility");
    describe_moment(out, "leave", "looks after the first one", w->looks, r->looks, u->leave);
    if (w->skips >= 0.0)
        describe_moment(out, "view", "skips a look", w->skips, r->skips, u->view);
    else
        fprintf(out, "  %-10s %26s %9s %9s   %.4g\n", "view", "skips: not in the log", "-", "-",
                u->view);
    describe_moment(out, "cart", "of looks", w->cart, r->cart, u->cart);
    describe_moment(out, "purchase", "of carts", w->purchase, r->purchase, u->purchase);
    describe_moment(out, "review", "of purchases", w->review, r->review, u->review);
    fputc('\n', out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A shop fitted to a log: from the log of a shop the fit finds that shop. */
#include <math.h>

#include "shop_log_case.h"
#include "world/log.h"
#include "world/open.h"
#include "world/play.h"
#include "world/shop/fit.h"

static void refused(const char *text, const char *saying)
{
    World w;
    assert_refused(world_open(&w, text), ERR_USAGE, saying);
}

static void logs_that_say_too_little_are_refused(void **state)
{
    char path[256], text[512];
    HandLog l;
    (void)state;
    begin_log(&l, path_of(path, "poor"));
    ADD_USER(&l, 1, {0, VIEW, 0, true});
    finish_log(&l, 5, NULL);
    snprintf(text, sizeof text, "shop:fit=%s", path);
    refused(text, "have no category");
    begin_log(&l, path);
    ADD_USER(&l, 1, {0, VIEW, 0, true}, {0, VIEW, 5, false}, {1, VIEW, 5, false});
    finish_log(&l, 5, hand_rows);
    refused(text, "no session of the train split has two looks");
    snprintf(text, sizeof text, "shop:fit=%s,category=brand", path);
    refused(text, "no category \"brand\", want one of shelf");
    snprintf(text, sizeof text, "shop:fit=%s,items=500", path);
    refused(text, "items=500 beside fit=");
    snprintf(text, sizeof text, "shop:fit=%s,cart=-1", path);
    refused(text, "cart=-1 beside fit=");
    unlink(path);
}

/* Sessions of sixteen looks. With view=-8 shoppers look so rarely that a session is cut before it
 * has as many, so the fit must raise the utility of looking. */
static void long_sessions(void **state)
{
    char path[256], text[512];
    World w;
    HandLog l;
    (void)state;
    begin_log(&l, path_of(path, "long"));
    for (int user = 0; user < 50; user++) {
        ShopEvent e[16];
        for (int i = 0; i < 16; i++) e[i] = (ShopEvent){(user + i) % 5, VIEW, 20 + i, i == 15};
        add_user(&l, e, 16, 16);
    }
    finish_log(&l, 5, hand_rows);
    snprintf(text, sizeof text, "shop:fit=%s,view=-8", path);
    assert_ok(world_open(&w, text));
    const ShopFit *f = ((const Shop *)w.parameters)->fit;
    assert_true(f->wanted.skips < 0.0);
    assert_near(f->wanted.looks, 15.0, 1e-12);
    assert_near(f->reached.looks, 15.0, 0.1);
    assert_true(f->utilities.view > -8.0);
    world_close(&w);
    unlink(path);
}

/* ---- A shop's own log ------------------------------------------------------------------------ */

enum { ITEMS = 400, SHELVES = 8, SESSIONS = 200000 };

/* A shop of ITEMS on SHELVES, and its log under `policy`. */
static void play_to(World *w, const char *settings, const char *policy, char path[256])
{
    const PlayOptions o = {.episodes = SESSIONS, .slots = 4096, .seed = 11};
    double *value = malloc(SESSIONS * sizeof *value);
    PlayResult result = {.value = value};
    char text[256];
    WorldLog *log;
    snprintf(text, sizeof text, "shop:items=%d,shelves=%d%s", ITEMS, SHELVES, settings);
    assert_ok(world_open(w, text));
    assert_ok(world_log_open(&log, path_of(path, policy), w, 0, "played"));
    const Actor actor = play_baseline_actor(world_baseline(w, policy));
    assert_ok(play(w, &o, actor, world_log_sink(log), &result));
    assert_ok(world_log_finish(log));
    world_log_close(log);
    free(value);
}

static double cosine(const float *a, const float *b)
{
    double sum = 0.0;
    for (int k = 0; k < SHOP_LATENT; k++) sum += (double)a[k] * (double)b[k];
    return sum;
}

/* Pearson's, of the cosines between all pairs of centres. */
static double agreement(const Shop *a, const Shop *b)
{
    double n = 0.0, x = 0.0, y = 0.0, xx = 0.0, yy = 0.0, xy = 0.0;
    for (int c = 0; c < SHELVES; c++)
        for (int d = 0; d < c; d++) {
            const double p = cosine(a->centre[c], a->centre[d]),
                         q = cosine(b->centre[c], b->centre[d]);
            n += 1.0, x += p, y += q, xx += p * p, yy += q * q, xy += p * q;
        }
    return (n * xy - x * y) / sqrt((n * xx - x * x) * (n * yy - y * y));
}

static void a_shop_is_found_in_its_log(void **state)
{
    char path[256], text[512];
    World made, fitted;
    (void)state;
    play_to(&made, ",satiation=1", "popularity", path);
    snprintf(text, sizeof text, "shop:fit=%s,satiation=1", path);
    assert_ok(world_open(&fitted, text));
    const Shop *a = made.parameters, *b = fitted.parameters;
    assert_int_equal(b->items, ITEMS);
    assert_int_equal(b->shelves, SHELVES);
    /* Shares: five deviations of a binomial share. */
    for (int c = 0; c < SHELVES; c++)
        assert_near(a->shelf_share[c], b->shelf_share[c], 5.0 * 0.5 / sqrt(SESSIONS));
    assert_memory_equal(a->category, b->category, ITEMS * sizeof *a->category);
    assert_memory_equal(a->goes_with, b->goes_with, SHELVES * sizeof *a->goes_with);
    print_message("centres agree by %.3f\n", agreement(a, b));
    assert_true(agreement(a, b) > 0.5);
    assert_near(b->gap_mean, a->gap_mean, 0.02);
    assert_near(b->gap_std, a->gap_std, 0.02);
    /* The moments are the log's within the errors of what was played for them. */
    const ShopFit *f = b->fit;
    assert_near(log(f->reached.looks), log(f->wanted.looks), 0.02);
    assert_near(log(f->reached.skips), log(f->wanted.skips), 0.03);
    assert_near(f->reached.cart, f->wanted.cart, 0.02);
    assert_near(f->reached.purchase, f->wanted.purchase, 0.03);
    assert_near(f->utilities.review, log(f->wanted.review / (1.0 - f->wanted.review)), 1e-12);
    world_close(&fitted);
    world_close(&made);
    unlink(path);
}

/* The catalogue known, and a log of the policy that taste is fitted with: utilities as they were. A
 * moment of the 20,000 sessions of the fit errs by about 0.01 (the length of a session varies as
 * much as its mean), and by as much again before it counts as reached; carts and purchases, which
 * are fewer, by up to twice that. Five times. */
static void tastes_are_found(void **state)
{
    char path[256];
    World made, other;
    ShopLog log;
    const ShopUtilities start = {-3.0, -2.5, -3.0, -2.0, -2.0};
    (void)state;
    play_to(&made, ",view=-2.5,leave=-2,cart=-2,purchase=-1,review=-1", "shelf", path);
    assert_ok(world_open(&other, "shop:items=400,shelves=8"));
    assert_ok(shop_log_read(&log, path, ""));
    Shop *s = other.parameters;
    assert_ok(shop_fit_taste(s, &other, &log, path, start));
    const ShopUtilities *u = &s->fit->utilities;
    print_message("view %.3f leave %.3f cart %.3f purchase %.3f review %.3f\n", u->view, u->leave,
                  u->cart, u->purchase, u->review);
    assert_near(u->view, -2.5, 0.1);
    assert_near(u->leave, -2.0, 0.1);
    assert_near(u->cart, -2.0, 0.1);
    assert_near(u->purchase, -1.0, 0.2);
    assert_near(u->review, -1.0, 0.1);
    shop_log_close(&log);
    world_close(&other);
    world_close(&made);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_that_say_too_little_are_refused),
        cmocka_unit_test(long_sessions),
        cmocka_unit_test(a_shop_is_found_in_its_log),
        cmocka_unit_test(tastes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/bars.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* What settings are tried on. */
typedef struct {
    const Histories *histories;
    ScoredEvents events;
    ScoreOptions options;
} Trial;

/* Measures a bar, and keeps it as `best` where it is better; *better says whether it is. */
static Status try_bar(Trial *t, FittedBar *best, const Bar *bar, const char *settings, bool *better)
{
    const Scorer scorer = bar_scorer(bar);
    Ranking ranking = {0};
    RankingSummary summary;
    Status st;
    *better = !best->bar.name;
    if (!t->events.count) {
        if (!*better) return OK;
        *best = (FittedBar){.validation = NAN, .bar = *bar};
        snprintf(best->settings, sizeof best->settings, "%s", settings);
        return OK;
    }
    TRY_OR_FAIL(st, ranking_open(&ranking, &t->events));
    TRY_OR_FAIL(st, scorer.score(&scorer, t->histories, &t->events, &t->options, &ranking, NULL));
    ranking_summary(&ranking, 1, GROUP_ALL, &summary);
    if (*better || summary.measure[NDCG_10].value > best->validation) {
        *better = true;
        *best = (FittedBar){.validation = summary.measure[NDCG_10].value, .bar = *bar};
        snprintf(best->settings, sizeof best->settings, "%s", settings);
    }
fail:
    ranking_close(&ranking);
    return st;
}

/* The usual settings, 1/2 and 1/2, come first: a tie and a log without validation keep them. */
static Status fit_counter(Bars *b, Trial *t, int kind)
{
    static const double back[] = {0.5, 1.0}, power[] = {0.5, 0.25, 0.0};
    for (int k = 0; k < 2; k++)
        for (int p = 0; p < 3; p++) {
            const CounterSettings settings = {back[k], power[p]};
            const Bar bar = counter_bar(&b->counter, kind, settings);
            char words[64];
            bool better;
            snprintf(words, sizeof words, "pairs backwards %g, power of popularity %g", back[k],
                     power[p]);
            TRY(try_bar(t, &b->bar[kind], &bar, words, &better));
        }
    return OK;
}

static Status fit_counters(Bars *b, Trial *t)
{
    TRY(counter_fit(&b->counter, t->histories, &b->popularity, t->options.threads));
    for (int k = 0; k < COUNTER_COOCCURRENCE; k++) {
        const Bar bar = counter_bar(&b->counter, k, (CounterSettings){0});
        bool better;
        TRY(try_bar(t, &b->bar[k], &bar, "", &better));
    }
    for (int k = COUNTER_COOCCURRENCE; k < COUNTER_BARS; k++) TRY(fit_counter(b, t, k));
    return OK;
}

static Status fit_vsknn(Bars *b, Trial *t)
{
    static const int neighbours[] = {100, 500};
    static const double idf[] = {0.0, 5.0};
    for (int n = 0; n < 2; n++)
        for (int linear = 0; linear < 2; linear++)
            for (int i = 0; i < 2; i++) {
                const VsknnSettings settings = {neighbours[n], linear, idf[i]};
                const Bar bar = vsknn_bar(&b->sets, &b->popularity, settings);
                char words[64];
                bool better;
                snprintf(words, sizeof words, "%d neighbours, %s decay, idf %g", neighbours[n],
                         linear ? "linear" : "harmonic", idf[i]);
                TRY(try_bar(t, &b->bar[BAR_VSKNN], &bar, words, &better));
            }
    return OK;
}

/* Tries the settings that one table serves; *better says whether one of them is the best so far. */
static Status try_itemknn(Bars *b, Trial *t, const ItemKnn *table, double shrink, bool *better)
{
    static const int neighbours[] = {50, 200};
    static const int64_t reach[] = {1, INT64_MAX};
    *better = false;
    for (int n = 0; n < 2; n++)
        for (int r = 0; r < 2; r++) {
            const Bar bar = itemknn_bar(table, neighbours[n], reach[r]);
            char words[64];
            bool this_one;
            snprintf(words, sizeof words, "shrink %g, %d neighbours, %s", shrink, neighbours[n],
                     reach[r] == 1 ? "last item" : "whole history");
            TRY(try_bar(t, &b->bar[BAR_ITEMKNN], &bar, words, &this_one));
            *better |= this_one;
        }
    return OK;
}

enum { WIDTH = 200 }; /* of ItemKNN's table */

static Status fit_itemknn(Bars *b, Trial *t)
{
    static const double shrink[] = {0.0, 10.0, 100.0};
    for (int s = 0; s < 3; s++) {
        ItemKnn table;
        bool better = false;
        TRY(itemknn_fit(&table, &b->sets, &b->popularity, shrink[s], WIDTH, t->options.threads));
        const Status st = try_itemknn(b, t, &table, shrink[s], &better);
        if (st == OK && better) {
            itemknn_close(&b->itemknn);
            b->itemknn = table;
            b->bar[BAR_ITEMKNN].bar.state = &b->itemknn;
            b->shrink = shrink[s];
        } else {
            itemknn_close(&table);
        }
        TRY(st);
    }
    return OK;
}

/* Why EASE is left out, into `why`; "" where it is not. */
static Status judge_ease(char *why, size_t size, const Bars *b, int threads)
{
    int32_t items;
    int64_t bytes;
    const double gib = 1024.0 * 1024.0 * 1024.0;
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    TRY(ease_size(&b->sets, threads, &items, &bytes));
    why[0] = '\0';
    if (items > EASE_ITEMS_MAX)
        snprintf(why, size, "%" PRId32 " items occur with others in train, more than %d", items,
                 EASE_ITEMS_MAX);
    else if ((double)bytes > memory / 2.0)
        snprintf(why, size, "it takes %.1f GiB, more than half of the %.1f GiB of this machine",
                 (double)bytes / gib, memory / gib);
    return OK;
}

/* EASE with one lambda: becomes best->bar, and the table b->ease, where it is better. */
static Status try_ease(Bars *b, Trial *t, FittedBar *best, double lambda, int32_t most)
{
    Ease table;
    char words[64];
    bool better = false;
    snprintf(words, sizeof words, "lambda %g", lambda);
    TRY(ease_fit(&table, &b->sets, &b->popularity, lambda, most, t->options.threads));
    const Bar bar = ease_bar(&table);
    const Status st = try_bar(t, best, &bar, words, &better);
    if (st == OK && better) {
        ease_close(&b->ease);
        b->ease = table;
        best->bar.state = &b->ease;
        b->lambda = lambda;
    } else {
        ease_close(&table);
    }
    return st;
}

/* The time of a fit grows with the cube of the items, so lambda is chosen on the most popular ones
 * where there are more. */
enum { TRIAL_ITEMS = 8000 };

static Status fit_ease(Bars *b, Trial *t)
{
    static const double lambda[] = {10.0, 50.0, 250.0};
    FittedBar *best = &b->bar[BAR_EASE];
    char why[sizeof best->left_out];
    TRY(judge_ease(why, sizeof why, b, t->options.threads));
    if (why[0]) {
        *best = (FittedBar){.validation = NAN, .bar = {.name = "EASE"}};
        snprintf(best->left_out, sizeof best->left_out, "%s", why);
        return OK;
    }
    const int trials = t->events.count ? 3 : 1; /* without events there is nothing to choose by */
    for (int k = 0; k < trials; k++) TRY(try_ease(b, t, best, lambda[k], TRIAL_ITEMS));
    if (b->ease.count < TRIAL_ITEMS) return OK; /* then it has all items */
    *best = (FittedBar){0};
    ease_close(&b->ease);
    return try_ease(b, t, best, b->lambda, 0);
}

static void close_counts(Bars *b)
{
    ease_close(&b->ease);
    itemknn_close(&b->itemknn);
    sets_close(&b->sets);
    counter_close(&b->counter);
    popularity_close(&b->popularity);
}

static Status count_again(Bars *b, const Histories *h, int threads)
{
    FittedBar *ease = &b->bar[BAR_EASE];
    TRY(popularity_count(&b->popularity, h));
    TRY(counter_fit(&b->counter, h, &b->popularity, threads));
    if (b->bars == COUNTER_BARS) return OK;
    TRY(sets_read(&b->sets, h));
    TRY(itemknn_fit(&b->itemknn, &b->sets, &b->popularity, b->shrink, WIDTH, threads));
    if (!ease->left_out[0]) TRY(judge_ease(ease->left_out, sizeof ease->left_out, b, threads));
    if (ease->left_out[0]) return OK;
    return ease_fit(&b->ease, &b->sets, &b->popularity, b->lambda, 0, threads);
}

static void choose_best(Bars *b)
{
    b->best = COUNTER_COOCCURRENCE;
    for (int k = 0; k < b->bars; k++)
        if (!b->bar[k].left_out[0] && b->bar[k].validation > b->bar[b->best].validation)
            b->best = k;
}

/* The bars read the counts where they are in *b, so they need no change. */
Status bars_recount(Bars *b, const Histories *h, int threads)
{
    close_counts(b);
    const Status st = count_again(b, h, threads);
    if (st != OK) return bars_close(b), st;
    choose_best(b); /* EASE may be left out now */
    return OK;
}

Status bars_fit(Bars *b, const Histories *validation, const BarsOptions *options)
{
    Trial t = {.histories = validation,
               .options = {.include_seen = options->include_seen,
                           .threads = options->threads,
                           .purchase = -1,
                           .listener = options->listener}};
    Status st;
    *b = (Bars){.bars = options->counters_only ? COUNTER_BARS : BARS};
    TRY_OR_FAIL(st,
                histories_scored_select(&t.events, validation,
                                        &(ScoredOptions){.sample = options->sample,
                                                         .leave_repeats = !options->include_seen}));
    b->events = t.events.count;
    b->users = t.events.users;
    TRY_OR_FAIL(st, popularity_count(&b->popularity, validation));
    TRY_OR_FAIL(st, fit_counters(b, &t));
    if (!options->counters_only) {
        TRY_OR_FAIL(st, sets_read(&b->sets, validation));
        TRY_OR_FAIL(st, fit_vsknn(b, &t));
        TRY_OR_FAIL(st, fit_itemknn(b, &t));
        TRY_OR_FAIL(st, fit_ease(b, &t));
    }
    choose_best(b);
fail:
    histories_scored_close(&t.events);
    if (st != OK) bars_close(b);
    return st;
}

void bars_close(Bars *b)
{
    close_counts(b);
    *b = (Bars){0};
}

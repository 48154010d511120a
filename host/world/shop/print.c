/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/print.h"

#include <inttypes.h>

#include "world/shop/shop.h"

/* What happened last: the shopper came in, or a kind of event. (A leave ends the visit.) */
enum { ENTRANCE, AFTER, SITUATIONS = AFTER + SHOP_KINDS };

/* Sums over the choices in one situation. */
typedef struct {
    int64_t choices, shelf, goes_with;
    double log_rank;
    double q[SHOP_KINDS]; /* the return, by the kind of event that brings the reward */
} Habit;

static Habit *habit_of(Habit *habit, const WorldEvent *event, int64_t t)
{
    return &habit[t == 0 ? ENTRANCE : AFTER + event[t].action];
}

/* Adds what was shown in one visit of `count` events. */
static void add_showings(Habit *habit, const Shop *s, const WorldEvent *event, int64_t count)
{
    int32_t shelf = -1; /* the opening event is a look, so that this is set at once */
    for (int64_t t = 0; t + 1 < count; t++) {
        if (shop_event_is_look(event[t].action)) shelf = s->item[event[t].item].shelf;
        Habit *h = habit_of(habit, event, t);
        const int32_t item = event[t + 1].item;
        h->choices++;
        h->shelf += s->item[item].shelf == shelf;
        h->goes_with += s->item[item].shelf == s->goes_with[shelf];
        h->log_rank += log(1.0 + s->place[item]);
    }
}

/* Adds the returns of the visit from each choice on. */
static void add_returns(Habit *habit, double discount, const WorldEvent *event, int64_t count)
{
    double q[SHOP_KINDS] = {0};
    for (int64_t t = count - 2; t >= 0; t--) {
        Habit *h = habit_of(habit, event, t);
        for (int k = 0; k < SHOP_KINDS; k++) {
            q[k] *= discount;
            if (k == event[t + 1].action) q[k] += (double)event[t + 1].reward;
            h->q[k] += q[k];
        }
    }
}

static void print_habit(FILE *out, const char *after, const Habit *h)
{
    const double n = (double)h->choices;
    double all = 0.0;
    fprintf(out, "%-10s %10" PRId64 " %8.1f %% %8.1f %% %9.1f", after, h->choices,
            100.0 * (double)h->shelf / n, 100.0 * (double)h->goes_with / n, exp(h->log_rank / n));
    for (int k = 0; k < SHOP_KINDS; k++) {
        all += h->q[k] / n;
        if (shop_event_reward[k] > 0.0f) fprintf(out, " %9.4f", h->q[k] / n);
    }
    fprintf(out, " %9.4f\n", all);
}

Status shop_print(const World *w, const WorldEvent *event, int64_t count, FILE *out)
{
    Habit habit[SITUATIONS] = {0};
    for (int64_t first = 0, i = 0; i < count; i++) {
        if (event[i].end == END_GOES_ON) continue;
        add_showings(habit, w->parameters, event + first, i + 1 - first);
        add_returns(habit, w->spec.discount, event + first, i + 1 - first);
        first = i + 1;
    }
    fputs("what the policy shows after each kind of event: the shares of items of the shelf last\n"
          "looked at, and of the shelf that goes with it; the rank of the item on its shelf\n"
          "(geometric mean, from 1); and Q, the return from there on, by the kind of reward\n",
          out);
    fprintf(out, "%-10s %10s %10s %10s %9s", "after", "choices", "shelf", "goes with", "rank");
    for (int k = 0; k < SHOP_KINDS; k++)
        if (shop_event_reward[k] > 0.0f) fprintf(out, " %9s", shop_event_name[k]);
    fprintf(out, " %9s\n", "Q");
    for (int k = 0; k < SITUATIONS; k++)
        if (habit[k].choices > 0)
            print_habit(out, k == ENTRANCE ? "entrance" : shop_event_name[k - AFTER], &habit[k]);
    return OK;
}

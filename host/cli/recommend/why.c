/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recommend/why.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/report.h"
#include "data/behaviour/keys.h"

enum { EVENTS_SHOWN = 3, GROUPED_MAX = 32, EVENT_TEXT_MAX = REPORT_LINE_MAX + FEATURE_NAME_MAX };
/* Smaller effects, in the unit of scores, and foretold answers are not shown. */
static const double EFFECT_LEAST = 0.01, ANSWER_LEAST = 0.001;
static const char indent[] = "      ";

Status recommend_why_open(Explanation *e, Session *s, const History *history,
                          const Recommendation *r, int64_t found)
{
    *e = (Explanation){0};
    if (found == 0) return OK;
    int32_t *item = malloc((size_t)found * sizeof *item);
    if (!item) return FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items", found);
    for (int64_t i = 0; i < found; i++) item[i] = r[i].item;
    const Status st = explain_open(e, s, history, item, found, INT64_MAX);
    free(item);
    return st;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* A whole number below 10^15 with commas: 4,410. */
static const char *grouped(char text[GROUPED_MAX], double x)
{
    char digits[GROUPED_MAX];
    const int n = snprintf(digits, sizeof digits, "%.0f", x);
    int at = 0;
    for (int i = 0; i < n && at < GROUPED_MAX - 2; i++) {
        if (i > 0 && (n - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static Status name_item(Behaviour *catalogue, int32_t item, char text[REPORT_LINE_MAX])
{
    const char *key = "an unknown item";
    if (item >= 0) TRY(behaviour_keys_item(catalogue, item, &key));
    report_line(text, key);
    return OK;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void print_parts(const ExplainParts *p)
{
    const double sum = p->dense + p->counted, counted = 100.0 * p->counted / sum;
    const char *counts = p->seen ? "seen before" : "viewed or bought together";
    if (!p->candidate)
        printf("%slearned taste 100%%\n", indent);
    else
        printf("%slearned taste %.0f%%, counts %.0f%% (%s)\n", indent, 100.0 - counted, counted,
               counts);
}

/* The last event of the item of the history with the largest effect on item i, of those above
 * EFFECT_LEAST that are below `below`, or as large and later than event `after`; -1: none. */
static int64_t next_largest(const Explanation *e, int64_t i, double below, int64_t after)
{
    int64_t best = -1;
    double largest = EFFECT_LEAST;
    for (int64_t n = 0; n < e->events; n++) {
        const double size = fabs(e->together[i * e->events + n].score);
        if (!explain_is_last(e, n) || !(size < below || (size == below && n > after))) continue;
        if (size > largest) best = n, largest = size;
    }
    return best;
}

/* An effect on the logarithm of a probability is a factor. The first one says what the numbers
 * are. */
static void print_effect(const Explanation *e, const ExplainValues *v, const char *event,
                         bool first)
{
    if (!acting_is_stochastic(&e->rule))
        printf("%s%+.3g by %s", first ? "Q " : "", v->score, event);
    else if (first)
        printf("%.3g times as likely with %s as without", exp(v->score), event);
    else
        printf("%.3g times with %s", exp(v->score), event);
}

/* "998 (cart)", or of an item with several events "998 (3 events)". */
static Status name_event(const Explanation *e, int64_t n, Behaviour *catalogue,
                         char text[EVENT_TEXT_MAX])
{
    char item[REPORT_LINE_MAX];
    TRY(name_item(catalogue, e->event_item[n], item));
    if (e->same[n] > 1)
        snprintf(text, EVENT_TEXT_MAX, "%s (%" PRId64 " events)", item, e->same[n]);
    else
        snprintf(text, EVENT_TEXT_MAX, "%s (%s)", item, catalogue->action_name[e->event_action[n]]);
    return OK;
}

static Status print_events(const Explanation *e, int64_t i, Behaviour *catalogue)
{
    char event[EVENT_TEXT_MAX];
    double size = INFINITY;
    int64_t n = -1;
    int shown = 0;
    for (; shown < EVENTS_SHOWN; shown++) {
        n = next_largest(e, i, size, n);
        if (n < 0) break;
        const ExplainValues *v = &e->together[i * e->events + n];
        size = fabs(v->score);
        TRY(name_event(e, n, catalogue, event));
        fputs(shown ? "; " : indent, stdout);
        print_effect(e, v, event, shown == 0);
    }
    if (shown) putchar('\n');
    return OK;
}

static Status print_evidence(const ExplainedItem *x, Behaviour *catalogue)
{
    char item[REPORT_LINE_MAX], next[GROUPED_MAX], times[GROUPED_MAX];
    int shown = 0;
    for (int n = 0; n < x->evidences; n++) {
        const ExplainEvidence *v = &x->evidence[n];
        if (v->next < 1.0) continue;
        TRY(name_item(catalogue, v->item, item));
        fputs(shown++ ? "; " : indent, stdout);
        printf("%s of %s %s%s", grouped(next, v->next), grouped(times, v->times),
               shown == 1 ? "times right after " : "after ", item);
    }
    if (shown) printf(" in the log\n");
    return OK;
}

static void print_answers(const Explanation *e, int64_t i, const Behaviour *catalogue)
{
    printf("%sforetold answers when it is shown:", indent);
    for (int64_t a = 0, shown = 0; a < e->actions; a++) {
        const double p = (double)e->answer[i * e->actions + a];
        if (p < ANSWER_LEAST) continue;
        printf("%s %s %.2g%%", shown++ ? "," : "", catalogue->action_name[a], 100.0 * p);
    }
    putchar('\n');
}

Status recommend_why_print(const Explanation *e, int64_t i, Behaviour *catalogue)
{
    if (acting_is_stochastic(&e->rule)) print_parts(&e->item[i].parts);
    TRY(print_events(e, i, catalogue));
    TRY(print_evidence(&e->item[i], catalogue));
    if (e->answer) print_answers(e, i, catalogue);
    return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/acting/acting.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/help.h"
#include "base/nearest.h"

enum { CANDIDATES_MAX = 1000 };

static const struct {
    const char *name, *number, *help;
    HeadSet reads;
    double low, high; /* of the number */
} kinds[ACTING_KINDS] = {
    [ACTING_POLICY] = {"policy", NULL, "by the policy", HEAD_BIT(HEAD_POLICY), 0, 0},
    [ACTING_Q] = {"q", NULL, "by the value Q", HEAD_BIT(HEAD_Q), 0, 0},
    [ACTING_MIXED] = {"mixed", "BETA", "by log pi + Q / BETA; without BETA by the model's",
                      HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q), 0, INFINITY},
    [ACTING_CANDIDATES] = {"candidates", "N", "by Q among the N items that the policy ranks best",
                           HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q), 1, CANDIDATES_MAX},
    [ACTING_ALLOWED] = {"allowed", "SHARE",
                        "by Q among the items with more than SHARE of the probability of the "
                        "likeliest one (bcq)",
                        HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q), 0, 0.999},
};

ActingRule acting_by_head(HeadId head)
{
    return (ActingRule){.kind = head == HEAD_Q ? ACTING_Q : ACTING_POLICY};
}

static Status no_such_rule(const char *text, const char *setting)
{
    Nearest near = nearest_to(text);
    for (int k = 0; k < ACTING_KINDS; k++) nearest_offer(&near, kinds[k].name);
    return FAIL(ERR_USAGE,
                "%s = \"%s\"%s, want policy, q, mixed, mixed:BETA, candidates:N or allowed:SHARE",
                setting, text, nearest_hint(&near));
}

static Status read_number(ActingRule *rule, const char *text, const char *number,
                          const char *setting)
{
    const ActingKind k = rule->kind;
    char *end;
    rule->number = strtod(number, &end);
    const bool whole = k != ACTING_CANDIDATES || rule->number == floor(rule->number);
    if (end != number && !*end && whole && rule->number >= kinds[k].low &&
        rule->number <= kinds[k].high)
        return OK;
    return FAIL(ERR_USAGE, "%s = \"%s\": want %s%s from %g to %g", setting, text,
                k == ACTING_CANDIDATES ? "a whole number " : "", kinds[k].number, kinds[k].low,
                kinds[k].high);
}

static Status check_heads(const ActingRule *rule, const char *text, HeadSet has,
                          const char *setting)
{
    char list[HEADS_LIST_MAX];
    const HeadSet reads = kinds[rule->kind].reads;
    if ((has & reads) == reads) return OK;
    heads_list(list, reads & ~has, " and ");
    return FAIL(ERR_USAGE, "%s = \"%s\": the model has no head %s", setting, text, list);
}

/* The limits of the mixture are rules of their own. */
static void simplify(ActingRule *rule)
{
    if (rule->kind != ACTING_MIXED || (rule->number > 0.0 && isfinite(rule->number))) return;
    rule->kind = rule->number > 0.0 ? ACTING_POLICY : ACTING_Q;
    rule->number = 0.0;
}

Status acting_read(ActingRule *rule, const char *text, const ActingRule *own, HeadSet has,
                   const char *setting)
{
    ActingRule r = {.exclude_last = own->exclude_last};
    if (!text || !*text) return *rule = *own, OK;
    const char *colon = strchr(text, ':');
    const size_t length = colon ? (size_t)(colon - text) : strlen(text);
    while (r.kind < ACTING_KINDS &&
           (strlen(kinds[r.kind].name) != length || strncmp(kinds[r.kind].name, text, length) != 0))
        r.kind++;
    if (r.kind == ACTING_KINDS || (colon && !kinds[r.kind].number))
        return no_such_rule(text, setting);
    TRY(check_heads(&r, text, has, setting));
    if (colon) {
        TRY(read_number(&r, text, colon + 1, setting));
    } else if (r.kind == ACTING_MIXED && own->kind == ACTING_MIXED) {
        r.number = own->number;
    } else if (kinds[r.kind].number) {
        return FAIL(ERR_USAGE, "%s = \"%s\": want %s:%s%s", setting, text, kinds[r.kind].name,
                    kinds[r.kind].number,
                    r.kind == ACTING_MIXED ? ", because the model has found no BETA" : "");
    }
    simplify(&r);
    *rule = r;
    return OK;
}

Status acting_check(const ActingRule *rule, int64_t items)
{
    if (rule->exclude_last < items) return OK;
    return FAIL(ERR_USAGE,
                "exclude_last = %" PRId64 " could exclude every item: there are %" PRId64
                ", want fewer events than items",
                rule->exclude_last, items);
}

const char *acting_text(char text[ACTING_TEXT_MAX], const ActingRule *r)
{
    if (kinds[r->kind].number)
        snprintf(text, ACTING_TEXT_MAX, "%s:%.9g", kinds[r->kind].name, r->number);
    else
        snprintf(text, ACTING_TEXT_MAX, "%s", kinds[r->kind].name);
    return text;
}

const char *acting_words(char words[ACTING_WORDS_MAX], const ActingRule *r)
{
    switch (r->kind) {
    case ACTING_POLICY: snprintf(words, ACTING_WORDS_MAX, "the policy"); break;
    case ACTING_Q: snprintf(words, ACTING_WORDS_MAX, "Q"); break;
    case ACTING_MIXED: snprintf(words, ACTING_WORDS_MAX, "log pi + Q / %.4g", r->number); break;
    case ACTING_CANDIDATES:
        snprintf(words, ACTING_WORDS_MAX, "Q among the policy's best %.0f items", r->number);
        break;
    default:
        snprintf(words, ACTING_WORDS_MAX,
                 "Q among the items with more than %.3g of the likeliest one's probability",
                 r->number);
    }
    return words;
}

bool acting_is_stochastic(const ActingRule *r)
{
    return r->kind == ACTING_POLICY || r->kind == ACTING_MIXED;
}

void acting_help(FILE *out)
{
    help_section(out, "Rules of acting (--acting RULE)");
    for (int k = 0; k < ACTING_KINDS; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s%s", kinds[k].name, kinds[k].number ? ":" : "",
                 kinds[k].number ? kinds[k].number : "");
        help_row(out, HELP_COLUMN, name, kinds[k].help);
    }
}

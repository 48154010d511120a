/* SPDX-License-Identifier: Apache-2.0 */
#include "world/inventory/demand_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/behaviour.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/keys.h"
#include "data/rawlog/format/csv.h"
#include "data/rawlog/format/lines.h"
#include "data/rawlog/input.h"

/* BLOCK is the number of events that are read at once. */
enum { KEYS_MAX = 8, FIELDS_MAX = 4096, BLOCK = 1 << 16, DAYS_MAX = 1000000 };
#define DAY_MS INT64_C(86400000)

/* The parts of a text "history:…", and the observations. */
typedef struct {
    const char *path, *column, *row, *item;
    double unit;
    struct {
        const char *name, *value;
    } key[KEYS_MAX];
    int keys;
    int64_t *observed, count, capacity;
} DemandRecord;

static Status add(DemandRecord *h, double number, int64_t line)
{
    const double units = round(number / h->unit);
    if (!(units >= 0.0 && units <= DEMAND_MAX))
        return FAIL(ERR_FORMAT, "%s:%" PRId64 ": %g is a demand of %g units, want 0 to %d", h->path,
                    line, number, units, DEMAND_MAX);
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? 2 * h->capacity : 1024;
        int64_t *more = realloc(h->observed, (size_t)h->capacity * sizeof *more);
        if (!more)
            return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " observations", h->path,
                        h->capacity);
        h->observed = more;
    }
    h->observed[h->count++] = (int64_t)units;
    return OK;
}

static Status add_field(DemandRecord *h, Text field, int64_t line)
{
    double number;
    field = text_trim(field);
    if (field.length == 0) return OK;
    if (!text_number(field, &number))
        return FAIL(ERR_FORMAT, "%s:%" PRId64 ": \"%.*s\", want a number", h->path, line,
                    field.length > 40 ? 40 : (int)field.length, field.at);
    return add(h, number, line);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static Status find_column(const DemandRecord *h, const Text *name, int names, const char *wanted,
                          int *column)
{
    for (*column = 0; *column < names; ++*column)
        if (text_equal(name[*column], text_of(wanted))) return OK;
    return FAIL(ERR_FORMAT, "%s: the header has no column \"%s\"", h->path, wanted);
}

static Status add_record(DemandRecord *h, const Text *field, int fields, int column, const int *key,
                         int64_t line)
{
    if (h->row) {
        if (!text_equal(field[0], text_of(h->row))) return OK;
        for (int i = 1; i < fields; i++) TRY(add_field(h, field[i], line));
        return OK;
    }
    for (int k = 0; k < h->keys; k++)
        if (!text_equal(field[key[k]], text_of(h->key[k].value))) return OK;
    return add_field(h, field[column], line);
}

static Status read_records(DemandRecord *h, char *text, size_t length)
{
    Text field[FIELDS_MAX];
    int names = 0, column = 0, key[KEYS_MAX];
    char *line, *end;
    int64_t number = 0;
    const Dialect commas = {.delimiter = ",", .quoted = true};
    for (char *at = text; lines_next(&at, text + length, &line, &end);) {
        number++;
        const int fields = csv_split(line, end, commas, field, FIELDS_MAX);
        if (number == 1) names = fields;
        if (fields != names || fields < 1 || fields > FIELDS_MAX)
            return FAIL(ERR_FORMAT,
                        "%s:%" PRId64 ": %d fields, want as many as the header, %d, and at most %d",
                        h->path, number, fields, names, FIELDS_MAX);
        if (number > 1) {
            TRY(add_record(h, field, fields, column, key, number));
            continue;
        }
        if (h->column) TRY(find_column(h, field, names, h->column, &column));
        for (int k = 0; k < h->keys; k++)
            TRY(find_column(h, field, names, h->key[k].name, &key[k]));
    }
    return OK;
}

static Status read_csv(DemandRecord *h)
{
    char *text;
    size_t length;
    if (!h->column == !h->row || (h->row && h->keys))
        return FAIL(ERR_USAGE, "%s: want column=NAME, with KEY=VALUE to choose rows, or row=KEY",
                    h->path);
    TRY(input_whole(h->path, &text, &length));
    const Status st = read_records(h, text, length);
    free(text);
    return st;
}

/* ---- The behaviour file ---------------------------------------------------------------------- */

typedef struct {
    int64_t first, last; /* days of the file */
    int64_t *sold;       /* [last - first + 1]; NULL: the first pass, which finds the days */
} Days;

static void add_events(Days *d, const int64_t *time, const int32_t *item, const uint8_t *action,
                       int64_t count, int32_t wanted, int purchase)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t day = (int64_t)floor((double)time[i] / (double)DAY_MS);
        if (!d->sold) {
            if (day < d->first) d->first = day;
            if (day > d->last) d->last = day;
        } else if (item[i] == wanted && action[i] == purchase) {
            d->sold[day - d->first]++;
        }
    }
}

typedef struct {
    int64_t time[BLOCK];
    int32_t item[BLOCK];
    uint8_t action[BLOCK];
} EventBlock;

static Status read_block(const Behaviour *b, int64_t first, int64_t count, EventBlock *block)
{
    TRY(columns_read(b, COLUMN_TIME, first, count, block->time));
    TRY(columns_read(b, COLUMN_ITEM, first, count, block->item));
    return columns_read(b, COLUMN_ACTION, first, count, block->action);
}

/* One pass over all events of the file. */
static Status scan(const Behaviour *b, Days *d, int32_t item, int purchase)
{
    Status st = OK;
    EventBlock *block = malloc(sizeof *block);
    if (!block) return FAIL(ERR_MEMORY, "no memory to read events");
    for (int64_t e = 0; e < b->events; e += BLOCK) {
        const int64_t count = b->events - e < BLOCK ? b->events - e : BLOCK;
        TRY_OR_FAIL(st, read_block(b, e, count, block));
        add_events(d, block->time, block->item, block->action, count, item, purchase);
    }
fail:
    free(block);
    return st;
}

static Status count_days(DemandRecord *h, Behaviour *b)
{
    int32_t item;
    int purchase = 0;
    TRY(behaviour_keys_find_item(b, h->item, &item));
    if (item < 0) return FAIL(ERR_USAGE, "%s has no item \"%s\"", h->path, h->item);
    while (purchase < b->actions && strcmp(b->action_name[purchase], "purchase")) purchase++;
    if (purchase == b->actions) return FAIL(ERR_FORMAT, "%s has no action \"purchase\"", h->path);
    Days d = {INT64_MAX, INT64_MIN, NULL};
    TRY(scan(b, &d, item, purchase));
    if (d.last - d.first > DAYS_MAX)
        return FAIL(ERR_FORMAT, "%s spans %" PRId64 " days, want at most %d", h->path,
                    d.last - d.first, DAYS_MAX);
    d.sold = calloc((size_t)(d.last - d.first + 1), sizeof *d.sold);
    if (!d.sold) return FAIL(ERR_MEMORY, "no memory to count days");
    Status st;
    TRY_OR_FAIL(st, scan(b, &d, item, purchase));
    for (int64_t day = 0; day <= d.last - d.first; day++)
        TRY_OR_FAIL(st, add(h, (double)d.sold[day], day));
fail:
    free(d.sold);
    return st;
}

static Status read_behaviour(DemandRecord *h)
{
    Behaviour b;
    if (h->column || h->row || h->keys)
        return FAIL(ERR_USAGE, "%s: want item=KEY, the item whose purchases are counted", h->path);
    TRY(behaviour_open(&b, h->path));
    const Status st = count_days(h, &b);
    behaviour_close(&b);
    return st;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static Status number_of(const char *text, const char *what, double *number)
{
    if (text && text_number(text_of(text), number)) return OK;
    return FAIL(ERR_USAGE, "demand: %s is \"%s\", want a number", what, text ? text : "");
}

static Status take_part(DemandRecord *h, char *part)
{
    char *value = strchr(part, '=');
    if (!value) return FAIL(ERR_USAGE, "demand: \"%s\", want KEY=VALUE", part);
    *value++ = '\0';
    if (!strcmp(part, "column"))
        h->column = value;
    else if (!strcmp(part, "row"))
        h->row = value;
    else if (!strcmp(part, "item"))
        h->item = value;
    else if (!strcmp(part, "unit")) {
        TRY(number_of(value, "unit", &h->unit));
        if (!(h->unit > 0.0)) return FAIL(ERR_USAGE, "demand: unit=%s, want above 0", value);
    } else if (h->keys == KEYS_MAX)
        return FAIL(ERR_USAGE, "demand: more than %d columns KEY=VALUE to choose rows by",
                    KEYS_MAX);
    else {
        h->key[h->keys].name = part;
        h->key[h->keys++].value = value;
    }
    return OK;
}

static Status parse_history(Demand *d, char *rest)
{
    DemandRecord h = {.unit = 1.0};
    h.path = rest ? strsep(&rest, ":") : NULL;
    if (!h.path || !*h.path) return FAIL(ERR_USAGE, "demand: history, want history:FILE");
    Status st;
    while (rest) TRY_OR_FAIL(st, take_part(&h, strsep(&rest, ":")));
    TRY_OR_FAIL(st, h.item ? read_behaviour(&h) : read_csv(&h));
    if (h.count == 0)
        TRY_OR_FAIL(
            st, FAIL(ERR_FORMAT, "%s: no observation of this demand, want at least one", h.path));
    TRY_OR_FAIL(st, demand_history(d, h.observed, h.count));
fail:
    free(h.observed);
    return st;
}

static Status parse_shape(Demand *d, const char *name, char *rest)
{
    const bool poisson = !strcmp(name, "poisson"), gamma = !strcmp(name, "gamma");
    double mean, cov = 0.0, max = 0.0;
    if (!poisson && !gamma && strcmp(name, "negative_binomial"))
        return FAIL(ERR_USAGE, "demand \"%s\", want poisson, negative_binomial, gamma or history",
                    name);
    TRY(number_of(strsep(&rest, ":"), "the mean", &mean));
    if (!poisson)
        TRY(number_of(rest ? strsep(&rest, ":") : NULL, "the coefficient of variation", &cov));
    if (rest) {
        if (strncmp(rest, "max=", 4)) return FAIL(ERR_USAGE, "demand: \"%s\", want max=N", rest);
        TRY(number_of(rest + 4, "max", &max));
        if (!(max >= 1.0 && max <= DEMAND_MAX && max == floor(max)))
            return FAIL(ERR_USAGE, "demand: max=%g, want a whole number from 1 to %d", max,
                        DEMAND_MAX);
    }
    return poisson ? demand_poisson(d, mean, (int)max)
           : gamma ? demand_gamma(d, mean, cov, (int)max)
                   : demand_negative_binomial(d, mean, cov, (int)max);
}

Status demand_text_parse(Demand *d, const char *text)
{
    *d = (Demand){0};
    char *copy = strdup(text), *rest = copy;
    if (!copy) return FAIL(ERR_MEMORY, "no memory for a demand");
    const char *name = strsep(&rest, ":");
    const Status st =
        !strcmp(name, "history") ? parse_history(d, rest) : parse_shape(d, name, rest);
    free(copy);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/bid_log.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/format/lines.h"
#include "data/rawlog/input.h"
#include "data/rawlog/text.h"

enum { PRICE_MAX = 1 << 20 };

void bid_log_close(BidLog *log)
{
    free(log->price);
    free(log->value);
    free(log->click);
    *log = (BidLog){0};
}

Status bid_log_allocate(BidLog *log, int64_t rows)
{
    *log = (BidLog){.price = malloc((size_t)rows * sizeof *log->price),
                    .value = malloc((size_t)rows * sizeof *log->value),
                    .click = malloc((size_t)rows)};
    if (log->price && log->value && log->click) return OK;
    bid_log_close(log);
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " auctions", rows);
}

/* The next field between blanks or tabs. */
static Text next_field(char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t')) ++*at;
    char *start = *at;
    while (*at < end && **at != ' ' && **at != '\t') ++*at;
    return (Text){start, (uint32_t)(*at - start)};
}

static bool read_row(BidLog *log, char *at, const char *end)
{
    double click, price, value;
    if (!text_number(next_field(&at, end), &click) || (click != 0.0 && click != 1.0)) return false;
    if (!text_number(next_field(&at, end), &price) || price != (double)(int32_t)price ||
        price < 0.0 || price > PRICE_MAX)
        return false;
    if (!text_number(next_field(&at, end), &value) || value < 0.0 || value > 1.0) return false;
    log->click[log->auctions] = click == 1.0;
    log->price[log->auctions] = (int32_t)price;
    log->value[log->auctions++] = value;
    return true;
}

Status bid_log_read(BidLog *log, const char *path, int64_t rows)
{
    char *text = NULL, *line, *end;
    size_t length;
    Status st;
    *log = (BidLog){0};
    TRY(input_whole(path, &text, &length));
    int64_t lines = 1;
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    if (rows == 0 || rows > lines) rows = lines;
    TRY_OR_FAIL(st, bid_log_allocate(log, rows));
    for (char *at = text; log->auctions < rows;) {
        if (!lines_next(&at, text + length, &line, &end)) break;
        if (!read_row(log, line, end))
            TRY_OR_FAIL(st, FAIL(ERR_FORMAT,
                                 "%s: row %" PRId64 " is \"%.*s\", want click (0 or 1), price (a "
                                 "whole number, 0 to %d) and value (0 to 1), separated by blanks",
                                 path, log->auctions + 1, (int)(end - line > 60 ? 60 : end - line),
                                 line, PRICE_MAX));
    }
    if (log->auctions == 0) st = FAIL(ERR_FORMAT, "%s: no auctions, want at least one", path);
fail:
    free(text);
    if (st != OK) bid_log_close(log);
    return st;
}

void bid_log_campaign_close(Campaign *c)
{
    free(c->price);
    *c = (Campaign){0};
}

/* Turns the counts in c->price into probabilities. */
static void smooth(Campaign *c)
{
    double sum = c->prices;
    for (int p = 0; p < c->prices; p++) sum += c->price[p];
    for (int p = 0; p < c->prices; p++) c->price[p] = (c->price[p] + 1.0) / sum;
}

static Status allocate_prices(Campaign *c, int64_t prices)
{
    c->prices = (int)prices;
    c->price = calloc((size_t)prices, sizeof *c->price);
    return c->price ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " prices", prices);
}

static Status check(const Campaign *c, const char *where)
{
    if (c->impressions > 0.0 && c->clicks > 0.0 && c->cost > 0.0) return OK;
    return FAIL(ERR_FORMAT, "%s: %g impressions, %g clicks, cost %g, want all above 0", where,
                c->impressions, c->clicks, c->cost);
}

static Status take(Campaign *c, const json_t *json, const char *path)
{
    static const char *const name[] = {"imp_train", "clk_train", "cost_train"};
    double *const field[] = {&c->impressions, &c->clicks, &c->cost};
    for (int i = 0; i < 3; i++) {
        const json_t *number = json_object_get(json, name[i]);
        if (!json_is_number(number))
            return FAIL(ERR_FORMAT, "%s: want a number \"%s\"", path, name[i]);
        *field[i] = json_number_value(number);
    }
    const json_t *counts = json_object_get(json, "price_counter_train");
    const size_t prices = json_array_size(counts);
    if (prices < 1 || prices > PRICE_MAX)
        return FAIL(ERR_FORMAT, "%s: price_counter_train has %zu counts, want an array of 1 to %d",
                    path, prices, PRICE_MAX);
    TRY(allocate_prices(c, (int64_t)prices));
    for (size_t p = 0; p < prices; p++) {
        const json_t *count = json_array_get(counts, p);
        if (!json_is_number(count) || json_number_value(count) < 0.0)
            return FAIL(ERR_FORMAT,
                        "%s: price_counter_train[%zu] is not a count, want a number from 0", path,
                        p);
        c->price[p] = json_number_value(count);
    }
    smooth(c);
    return check(c, path);
}

Status bid_log_campaign_read(Campaign *c, const char *path)
{
    json_error_t error;
    *c = (Campaign){0};
    json_t *json = json_load_file(path, 0, &error);
    if (!json) return FAIL(ERR_FORMAT, "%s: line %d: %s", path, error.line, error.text);
    const Status st = take(c, json, path);
    json_decref(json);
    if (st != OK) bid_log_campaign_close(c);
    return st;
}

Status bid_log_campaign_count(Campaign *c, const BidLog *log)
{
    *c = (Campaign){.impressions = (double)log->auctions};
    int32_t highest = 0;
    for (int64_t i = 0; i < log->auctions; i++) {
        c->clicks += log->click[i];
        c->cost += log->price[i];
        if (log->price[i] > highest) highest = log->price[i];
    }
    Status st;
    TRY_OR_FAIL(st, allocate_prices(c, (int64_t)highest + 1));
    TRY_OR_FAIL(st, check(c, "the past of the log"));
    for (int64_t i = 0; i < log->auctions; i++) c->price[log->price[i]]++;
    smooth(c);
    return OK;
fail:
    bid_log_campaign_close(c);
    return st;
}

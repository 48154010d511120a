/* SPDX-License-Identifier: Apache-2.0 */
#include "train/defaults.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/help.h"
#include "data/stream/stream.h"

enum {
    VALID_USERS = 20000,
    STEPS_LEAST = 500,
    TOKENS_LEAST = 1024,
    TOKENS_MOST = 16384,
    WARMUP_LEAST = 30,
    WARMUP_MOST = 1000,
};
static const double PASSES = 20, PASSES_EVENTS = 200e3; /* so many over a log of that size */
static const double PASSES_MOST = 40, ITEM_NUMBERS = 0x1p28;

/* ---- The rules: each returns the value and writes its reason --------------------------------- */

/* A whole number with a comma before each three digits. */
typedef struct {
    char text[32];
} Grouped;
static Grouped grouped(int64_t n)
{
    char digits[24];
    Grouped g;
    size_t at = 0;
    const size_t count = (size_t)snprintf(digits, sizeof digits, "%" PRId64, n);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) g.text[at++] = ',';
        g.text[at++] = digits[i];
    }
    g.text[at] = '\0';
    return g;
}

typedef char Reason[sizeof((Chosen *)0)->row->reason];
static void because(Reason reason, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void because(Reason reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(Reason), format, args);
    va_end(args);
}

static double at_least(double a, double b) { return a > b ? a : b; }
static double at_most(double a, double b) { return a < b ? a : b; }

/* The largest power of two up to x >= 1. */
static double power_of_two(double x) { return exp2(floor(log2(x))); }

static double choose_dim(const Config *c, const LogSize *s, Reason why)
{
    double dim = s->events <= 1000000 ? 64 : s->events <= 20000000 ? 128 : 256;
    because(why, "%s train events", grouped(s->events).text);
    if ((double)s->items * dim > ITEM_NUMBERS) {
        while (dim > 32 && (double)s->items * dim > ITEM_NUMBERS) dim /= 2;
        because(why, "%s items", grouped(s->items).text);
    }
    const double whole = 2.0 * (double)c->model_heads;
    return ceil(dim / whole) * whole;
}

static double choose_dropout(const Config *c, const LogSize *s, Reason why)
{
    (void)c;
    because(why, "%s train events", grouped(s->events).text);
    return s->events <= 3000000 ? 0.3 : s->events <= 30000000 ? 0.2 : 0.1;
}

static double tokens_of(const Config *c, const LogSize *s)
{
    const double share = at_least((double)s->events / 1000.0, 1.0);
    const double tokens = at_most(at_least(power_of_two(share), TOKENS_LEAST), TOKENS_MOST);
    return at_least(tokens, 2.0 * power_of_two((double)c->model_length));
}

static double choose_tokens(const Config *c, const LogSize *s, Reason why)
{
    because(why, "%s train events", grouped(s->events).text);
    return tokens_of(c, s);
}

static double choose_steps(const Config *c, const LogSize *s, Reason why)
{
    if (s->batches > 0) {
        because(why, "%" PRId64 " passes of %s batches", c->train_epochs, grouped(s->batches).text);
        return (double)(c->train_epochs * s->batches);
    }
    const double events = at_least((double)s->events, 1.0);
    const double passes =
        at_most(at_least(PASSES * sqrt(PASSES_EVENTS / events), 1.0), PASSES_MOST);
    const double steps = ceil(passes * events / (double)c->train_tokens);
    if (steps < STEPS_LEAST) {
        because(why, "never fewer, however small the log");
        return STEPS_LEAST;
    }
    because(why, "%.3g passes over %s train events", passes, grouped(s->events).text);
    return steps;
}

static double choose_warmup(const Config *c, const LogSize *s, Reason why)
{
    const double steps = (double)c->train_steps;
    const double warmup = at_most(at_least(ceil(steps / 50.0), WARMUP_LEAST), WARMUP_MOST);
    (void)s;
    because(why, "%s steps", grouped(c->train_steps).text);
    return at_most(warmup, ceil(steps / 5.0));
}

static double choose_valid_users(const Config *c, const LogSize *s, Reason why)
{
    const bool all = s->valid_users <= VALID_USERS;
    (void)c;
    because(why,
            all ? "all %s users of the validation split" : "of %s users of the validation split",
            grouped(s->valid_users).text);
    return all ? 0 : VALID_USERS;
}

/* The events that a validation of the sample reads. */
static double validation_reads(const Config *c, const LogSize *s)
{
    const double users = at_least((double)s->valid_users, 1.0);
    const double sample = c->train_valid_users ? (double)c->train_valid_users : users;
    return (double)s->valid_read * at_most(sample / users, 1.0);
}

static double choose_valid_every(const Config *c, const LogSize *s, Reason why)
{
    const double steps = (double)c->train_steps, reads = validation_reads(c, s);
    const double often = ceil(steps / 20.0), seldom = ceil(steps / 10.0);
    const double balanced = ceil(reads / (double)c->train_tokens);
    because(why, balanced <= often ? "a twentieth of the steps" : "a validation reads %s events",
            grouped((int64_t)reads).text);
    return at_most(at_least(often, balanced), seldom);
}

static double choose_patience(const Config *c, const LogSize *s, Reason why)
{
    (void)s;
    because(why, "a quarter of the steps");
    return at_least(ceil((double)c->train_steps / 4.0 / (double)c->train_valid_every), 2.0);
}

static double choose_save_every(const Config *c, const LogSize *s, Reason why)
{
    (void)s;
    because(why, "at each validation");
    return (double)c->train_valid_every;
}

/* In the order in which they are chosen: a rule reads settings above its own. */
static const struct {
    const char *key, *rule;
    double (*choose)(const Config *c, const LogSize *size, Reason why);
    double without_log; /* CONFIG_AUTO: stays auto */
} rules[DEFAULTS_MAX] = {
    {"model.dim",
     "64 up to 1 million train events, 128 up to 20 million, 256 above; halved, down to 32, until "
     "the vectors of all items have at most 2^28 numbers",
     choose_dim, 64},
    {"model.dropout", "0.3 up to 3 million train events, 0.2 up to 30 million, 0.1 above",
     choose_dropout, 0.2},
    {"train.tokens",
     "a thousandth of the train events, down to a power of two, 1,024 to 16,384; but "
     "more than model.length",
     choose_tokens, 4096},
    {"train.steps",
     "as many as 20 sqrt(200,000 / events) passes over the train events need, at most 40 passes "
     "and at least 1; at least 500 steps; with train.epochs, as many as these passes need",
     choose_steps, CONFIG_AUTO},
    {"optim.warmup", "a fiftieth of the steps, 30 to 1,000, but at most a fifth of them",
     choose_warmup, 100},
    {"train.valid_users", "all users of the validation split up to 20,000, else 20,000 of them",
     choose_valid_users, CONFIG_AUTO},
    {"train.valid_every",
     "a twentieth of the steps, or as many as read the events that a validation reads, but at most "
     "a tenth",
     choose_valid_every, CONFIG_AUTO},
    {"train.patience", "a quarter of the steps", choose_patience, CONFIG_AUTO},
    {"train.save_every", "at each validation", choose_save_every, CONFIG_AUTO},
};

/* ---- Choosing -------------------------------------------------------------------------------- */

/* Steps of 0 mean auto too, as they did before there was that word. */
static void read_zeros(Config *c)
{
    int64_t *const steps[] = {&c->train_steps, &c->train_valid_every, &c->train_save_every};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (*steps[i] == 0) *steps[i] = CONFIG_AUTO;
}

static void set(Config *c, const char *key, double number, char value[32])
{
    snprintf(value, 32, "%.15g", number);
    REQUIRE(config_set(c, key, value) == OK, "a rule chose %s=%s, want a value that it may have",
            key, value);
}

void defaults_choose(Chosen *chosen, Config *c, const LogSize *size)
{
    *chosen = (Chosen){0};
    read_zeros(c);
    for (int i = 0; i < DEFAULTS_MAX; i++) {
        const char *key = rules[i].key;
        if (!config_is_auto(c, config_find(key))) continue;
        const int n = chosen->count++;
        chosen->row[n].key = key;
        const double value = rules[i].choose(c, size, chosen->row[n].reason);
        set(c, key, value, chosen->row[n].value);
    }
}

void defaults_without_log(Config *c)
{
    char value[32];
    for (int i = 0; i < DEFAULTS_MAX; i++)
        if (config_is_auto(c, config_find(rules[i].key)) && rules[i].without_log != CONFIG_AUTO)
            set(c, rules[i].key, rules[i].without_log, value);
}

/* ---- Measuring a log ------------------------------------------------------------------------- */

/* The batches of an epoch, with the settings of *c. */
static Status count_batches(LogSize *s, const Config *c, const Behaviour *b)
{
    const bool given = c->train_tokens != CONFIG_AUTO;
    Stream *stream;
    const StreamOptions options = {.split = SPLIT_TRAIN,
                                   .tokens = given ? c->train_tokens : (int64_t)tokens_of(c, s),
                                   .length = c->model_length,
                                   .pool_events = c->train_pool_events,
                                   .seed = (uint64_t)c->train_seed,
                                   .shuffle = true};
    TRY(stream_open(&stream, b, &options, (StreamCursor){0}));
    const Status st = stream_batches(stream, 0, &s->batches);
    stream_close(stream);
    return st;
}

static void measure(LogSize *s, const Behaviour *b, int64_t length)
{
    *s = (LogSize){.users = b->users, .items = b->items};
    for (int64_t u = 0; u < b->users; u++) {
        const int64_t *train = b->split[SPLIT_TRAIN][u], *valid = b->split[SPLIT_VALID][u];
        const int64_t before = valid[0] - b->offset[u], scored = valid[1] - valid[0];
        s->events += train[1] - train[0];
        if (scored <= 0) continue;
        s->valid_users++;
        s->valid_read += (before < length ? before : length) + scored - 1;
    }
}

Status defaults_of_log(Chosen *chosen, Config *c, const Behaviour *b)
{
    LogSize size;
    measure(&size, b, c->model_length);
    read_zeros(c);
    if (c->train_epochs != CONFIG_AUTO && c->train_steps == CONFIG_AUTO)
        TRY(count_batches(&size, c, b));
    defaults_choose(chosen, c, &size);
    return OK;
}

/* ---- For people ------------------------------------------------------------------------------ */

const char *defaults_text(char text[DEFAULTS_TEXT_MAX], const Chosen *chosen)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < chosen->count; i++) {
        char setting[64];
        snprintf(setting, sizeof setting, "%s=%s", chosen->row[i].key, chosen->row[i].value);
        used += (size_t)snprintf(text + used, DEFAULTS_TEXT_MAX - used, "%s  %-24s  %s",
                                 used ? "\n" : "", setting, chosen->row[i].reason);
    }
    return text;
}

json_t *defaults_json(const Chosen *chosen)
{
    json_t *json = json_object();
    for (int i = 0; i < chosen->count; i++)
        json_object_set_new(json, chosen->row[i].key,
                            json_pack("{s:s, s:s}", "value", chosen->row[i].value, "reason",
                                      chosen->row[i].reason));
    return json;
}

void defaults_help(FILE *out)
{
    help_section(out, "Settings that are auto, which the size of the log decides");
    for (int i = 0; i < DEFAULTS_MAX; i++) help_row(out, HELP_COLUMN, rules[i].key, rules[i].rule);
    help_text(out, "A setting that is given wins, and the rules below it follow it. A training "
                   "prints what was chosen, and --plan prints it as JSON; checkpoints hold the "
                   "numbers. With --world there is no log to choose by:");
    for (int i = 0; i < DEFAULTS_MAX; i++)
        if (rules[i].without_log != CONFIG_AUTO)
            fprintf(out, "  %s=%g\n", rules[i].key, rules[i].without_log);
}

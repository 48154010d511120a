/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "data/rawlog/formats.h"

#define FROM_EVER INT64_MIN
#define TO_EVER   INT64_MAX

typedef Status Setter(Mapping *m, const char *name, const char *value);

#define MISSING "NULL,null,nan,NaN,None,\\N,NA,<NA>"

static Status set_missing(Mapping *m, const char *value)
{
    m->missings = 0;
    memset(m->missing_first, 0, sizeof m->missing_first);
    for (const char *at = value; *at;) {
        const size_t length = strcspn(at, ",");
        const Text word = text_trim((Text){at, (uint32_t)length});
        at += length + (at[length] == ',');
        if (word.length == 0) continue;
        if (m->missings == MISSING_MAX || word.length >= MISSING_BYTES)
            return FAIL(ERR_FORMAT,
                        "missing = \"%.80s\", want at most %d words of at most %d bytes", value,
                        MISSING_MAX, MISSING_BYTES - 1);
        char *copy = m->missing[m->missings++];
        memcpy(copy, word.at, word.length);
        copy[word.length] = '\0';
        m->missing_first[(unsigned char)*copy] = true;
    }
    return OK;
}

void map_init(Mapping *m)
{
    *m = (Mapping){
        .detect = true,
        .step_ms = 1000,
        .reward_cell = -1,
        .propensity_cell = -1,
        .unknown_at = -1,
        .impressions = -1,
        .max_lost = 0.5,
        .time_check = true,
        .plausible_from = FROM_EVER,
        .plausible_to = TO_EVER,
        .from_ms = FROM_EVER,
        .to_ms = TO_EVER,
        .drop_duplicates = true,
        .max_per_minute = 120,
        .max_per_day = 5000,
        .min_user_events = 1,
        .min_item_events = 1,
        .list = {.separator = " ", .field_separator = "-"},
        .gap_ms = 30 * 60 * 1000,
        .valid_share = 0.1,
        .test_share = 0.1,
    };
    set_missing(m, MISSING); /* which fits */
}

void map_close(Mapping *m)
{
    free(m->column);
    m->column = NULL;
    keys_close(&m->action_value);
}

static Status copy_name(char *to, const char *name, const char *value)
{
    if (!*value || strlen(value) >= NAME_MAX_BYTES)
        return FAIL(ERR_FORMAT, "%s = \"%.80s\", want 1 to %d bytes", name, value,
                    NAME_MAX_BYTES - 1);
    snprintf(to, NAME_MAX_BYTES, "%s", value);
    return OK;
}

static Status set_number(const char *name, const char *value, double low, double high, double *out)
{
    if (!text_number(text_of(value), out) || *out < low || *out > high)
        return FAIL(ERR_FORMAT, "%s = \"%.80s\", want a number from %g to %g", name, value, low,
                    high);
    return OK;
}

static Status set_count(const char *name, const char *value, int64_t low, int64_t *out)
{
    double number;
    TRY(set_number(name, value, (double)low, 1e15, &number));
    if (number != floor(number))
        return FAIL(ERR_FORMAT, "%s = \"%.80s\", want a whole number", name, value);
    *out = (int64_t)number;
    return OK;
}

static Status set_choice(const char *name, const char *value, const char *const *choice, int *out)
{
    char all[256] = "";
    Nearest near = nearest_to(value);
    for (int i = 0; choice[i]; i++) {
        if (strcmp(value, choice[i]) == 0) return *out = i, OK;
        nearest_offer(&near, choice[i]);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", choice[i]);
    }
    return FAIL(ERR_FORMAT, "%s = \"%.80s\"%s, want one of: %s", name, value, nearest_hint(&near),
                all);
}

static Status set_duration(const char *name, const char *value, int64_t *out)
{
    if (!text_duration(value, out) || *out == 0)
        return FAIL(ERR_FORMAT, "%s = \"%.80s\", want a duration such as 90s, 30m, 2h, 1d", name,
                    value);
    return OK;
}

static Status set_time(const char *name, const char *value, int64_t zone_ms, int64_t *out)
{
    TimeFormat format = {.unit = text_time_unit(text_of(value)), .zone_ms = zone_ms};
    if (format.unit == TIME_AUTO || !text_time(text_of(value), &format, out))
        return FAIL(ERR_FORMAT, "%s = \"%.80s\", want an ISO time or a number since 1970", name,
                    value);
    return OK;
}

/* `names`: those that the section has, joined by commas. */
static Status no_such_name(const char *section, const char *name, const char *names)
{
    Nearest near = nearest_to(name);
    nearest_offer_list(&near, names);
    return FAIL(ERR_FORMAT, "[%s] has no \"%.60s\"%s, want one of: %s", section, name,
                nearest_hint(&near), names);
}

static Status set_delimiter(const char *value, char *delimiter)
{
    static const struct {
        const char *name, *is;
    } names[] = {{"tab", "\t"},  {"\\t", "\t"}, {"comma", ","}, {"semicolon", ";"},
                 {"space", " "}, {"pipe", "|"}, {"auto", ""}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i].name) == 0) value = names[i].is;
    if (strlen(value) > DELIMITER_MAX || strpbrk(value, "\"\n\r"))
        return FAIL(ERR_FORMAT,
                    "delimiter = \"%.80s\", want 1 to %d characters without quotes, or tab, comma, "
                    "semicolon, space, pipe, auto",
                    value, DELIMITER_MAX);
    snprintf(delimiter, DELIMITER_MAX + 1, "%s", value);
    return OK;
}

/* Appends to the names given so far, because a long list may need several lines. */
static Status set_columns(Mapping *m, const char *value)
{
    if (!m->column) m->column = calloc(LOG_COLUMNS_MAX, sizeof *m->column);
    if (!m->column) return FAIL(ERR_MEMORY, "no memory for column names");
    for (const char *at = value; *at;) {
        const size_t length = strcspn(at, ",");
        const Text name = text_trim((Text){at, (uint32_t)length});
        at += length + (at[length] == ',');
        if (name.length == 0 && !*at) break;
        if (m->columns == LOG_COLUMNS_MAX || name.length >= NAME_MAX_BYTES)
            return FAIL(ERR_FORMAT, "columns: at most %d names of at most %d bytes",
                        LOG_COLUMNS_MAX, NAME_MAX_BYTES - 1);
        memcpy(m->column[m->columns++], name.at, name.length);
    }
    return OK;
}

static Status set_format(const char *value, const Format **format)
{
    char all[256] = "auto";
    Nearest near = nearest_to(value);
    *format = NULL;
    if (strcmp(value, "auto") == 0) return OK;
    for (int f = 0; (*format = formats_at(f)); f++) {
        if (strcmp(value, (*format)->name) == 0) return OK;
        snprintf(all + strlen(all), sizeof all - strlen(all), ", %s", (*format)->name);
        nearest_offer(&near, (*format)->name);
    }
    return FAIL(ERR_FORMAT, "format = \"%.80s\"%s, want one of: %s", value, nearest_hint(&near),
                all);
}

static Status set_input(Mapping *m, const char *name, const char *value)
{
    static const char *const auto_no_yes[] = {"auto", "no", "yes", NULL};
    int at;
    if (!strcmp(name, "quote") || !strcmp(name, "header")) {
        TRY(set_choice(name, value, auto_no_yes, &at));
        *(name[0] == 'q' ? &m->quote : &m->header) = (Choice)at;
        return OK;
    }
    if (!strcmp(name, "decimal")) {
        static const char *const signs[] = {"auto", "point", "comma", NULL};
        TRY(set_choice(name, value, signs, &at));
        m->decimal = "\0.,"[at];
        m->grouped = at > 0;
        return OK;
    }
    if (!strcmp(name, "missing")) return set_missing(m, value);
    if (!strcmp(name, "detect")) {
        TRY(set_choice(name, value, auto_no_yes + 1, &at));
        m->detect = at;
        return OK;
    }
    if (!strcmp(name, "delimiter")) return set_delimiter(value, m->delimiter);
    if (!strcmp(name, "columns")) return set_columns(m, value);
    if (!strcmp(name, "step")) return set_duration(name, value, &m->step_ms);
    if (!strcmp(name, "format")) return set_format(value, &m->format);
    return no_such_name(
        "input", name, "format, delimiter, quote, header, columns, detect, missing, decimal, step");
}

/* The names of `value`, which commas separate. */
static Status set_names(const char *name, const char *value, char (*out)[NAME_MAX_BYTES], int most,
                        int *count)
{
    *count = 0;
    for (const char *at = value; *at;) {
        const size_t length = strcspn(at, ",");
        const Text one = text_trim((Text){at, (uint32_t)length});
        at += length + (at[length] == ',');
        if (*count == most || one.length == 0 || one.length >= NAME_MAX_BYTES)
            return FAIL(ERR_FORMAT, "%s = \"%.80s\", want at most %d names of 1 to %d bytes", name,
                        value, most, NAME_MAX_BYTES - 1);
        snprintf(out[(*count)++], NAME_MAX_BYTES, "%.*s", (int)one.length, one.at);
    }
    return OK;
}

static Status set_list(Mapping *m, const char *name, const char *value)
{
    ListSpec *l = &m->list;
    int count;
    if (!strcmp(name, "separator") || !strcmp(name, "field_separator")) {
        if (!strcmp(value, "auto"))
            return FAIL(ERR_FORMAT, "%s = \"auto\", want what is between the elements", name);
        return set_delimiter(value, *name == 's' ? l->separator : l->field_separator);
    }
    if (!strcmp(name, "columns"))
        return set_names(name, value, l->column, LIST_COLUMNS_MAX, &l->columns);
    if (!strcmp(name, "fields"))
        return set_names(name, value, l->field, LIST_FIELDS_MAX, &l->fields);
    if (!strcmp(name, "then")) return set_names(name, value, l->then, LIST_COLUMNS_MAX, &count);
    return no_such_name("list", name, "columns, then, separator, fields, field_separator");
}

/* The cell that reads `column` this way, made if there is none. */
static Status cell_of(Mapping *m, const char *column, bool category, int *cell)
{
    for (*cell = 0; *cell < m->cells; (*cell)++) {
        const CellSpec *c = &m->cell[*cell];
        if (c->category == category && strcmp(c->column, column) == 0) return OK;
    }
    if (m->cells == CELLS_MAX)
        return FAIL(ERR_FORMAT, "more than %d columns read as features", CELLS_MAX);
    m->cell[m->cells] = (CellSpec){.category = category, .low = -HUGE_VAL, .high = HUGE_VAL};
    TRY(copy_name(m->cell[m->cells].column, "column", column));
    *cell = m->cells++;
    return OK;
}

static Status set_time_unit(Mapping *m, const char *value)
{
    static const char *const units[] = {"auto", "s", "ms", "us", "ns", "iso", "date", NULL};
    int at;
    if (strchr(value, '%')) {
        m->time.unit = TIME_PATTERN;
        return copy_name(m->time.pattern, "time_unit", value);
    }
    TRY(set_choice("time_unit", value, units, &at));
    m->time.unit = (TimeUnit)at;
    return OK;
}

static Status set_zone(Mapping *m, const char *value)
{
    char sample[64];
    int64_t ms;
    const TimeFormat iso = {.unit = TIME_ISO};
    snprintf(sample, sizeof sample, "1970-01-02 00:00 %.32s", value);
    if (!text_time(text_of(sample), &iso, &ms))
        return FAIL(ERR_FORMAT, "time_zone = \"%.80s\", want UTC or an offset such as +08:00",
                    value);
    m->time.zone_ms = 86400000 - ms;
    return OK;
}

static const char *const role_name[ROLES] = {
    [ROLE_USER] = "user",          [ROLE_ITEM] = "item", [ROLE_ACTION] = "action",
    [ROLE_TIME] = "time",          [ROLE_GAP] = "gap",   [ROLE_SESSION] = "session",
    [ROLE_OFFSET] = "time_offset", [ROLE_END] = "end"};

static Status set_role(Mapping *m, const char *name, const char *value)
{
    if (!strcmp(name, "time_unit")) return set_time_unit(m, value);
    if (!strcmp(name, "time_check")) {
        static const char *const no_yes[] = {"no", "yes", NULL};
        int at;
        TRY(set_choice(name, value, no_yes, &at));
        m->time_check = at;
        return OK;
    }
    if (!strcmp(name, "time_zone")) return set_zone(m, value);
    if (!strcmp(name, "time_origin")) return set_time(name, value, 0, &m->time.origin_ms);
    if (!strcmp(name, "reward")) return cell_of(m, value, false, &m->reward_cell);
    if (!strcmp(name, "propensity")) return cell_of(m, value, false, &m->propensity_cell);
    for (int r = 0; r < ROLES; r++) {
        if (strcmp(name, role_name[r])) continue;
        return copy_name(m->role[r], name, value);
    }
    return no_such_name("columns", name,
                        "user, item, action, time, gap, session, end, reward, propensity, "
                        "time_unit, time_zone, time_origin, time_offset, time_check");
}

static Status set_action(Mapping *m, const char *name, const char *value)
{
    double reward;
    TRY(set_number(name, value, -1e6, 1e6, &reward));
    int at = 0;
    while (at < m->actions && strcmp(m->action_name[at], name)) at++;
    if (at == ACTIONS_MAX) return FAIL(ERR_FORMAT, "[actions] has more than %d", ACTIONS_MAX);
    TRY(copy_name(m->action_name[at], "action", name));
    m->action_reward[at] = (float)reward;
    if (at == m->actions) m->actions++;
    return OK;
}

/* LOW..HIGH; either bound may be missing. */
static bool parse_range(Text text, double *low, double *high)
{
    const char *dots = text.length ? memmem(text.at, text.length, "..", 2) : NULL;
    if (!dots) return false;
    const Text below = text_trim((Text){text.at, (uint32_t)(dots - text.at)});
    const Text above = text_trim((Text){dots + 2, (uint32_t)(text.at + text.length - dots - 2)});
    *low = -HUGE_VAL;
    *high = HUGE_VAL;
    return (below.length == 0 || text_number(below, low)) &&
           (above.length == 0 || text_number(above, high)) && *low <= *high;
}

static Status set_impressions(Mapping *m, const char *name, const char *value)
{
    if (!strcmp(name, "taken")) return copy_name(m->taken, name, value);
    if (!strcmp(name, "answers")) {
        static const char *const same_later[] = {"same", "later", NULL};
        int at;
        TRY(set_choice(name, value, same_later, &at));
        m->answers_later = at;
        return OK;
    }
    if (strcmp(name, "actions"))
        return no_such_name("impressions", name, "actions, answers, taken");
    m->impressions = -1;
    if (!strcmp(value, "auto")) return OK;
    if (!strcmp(value, "none")) return m->impressions = 0, OK;
    return set_names(name, value, m->impression_name, IMPRESSIONS_MAX, &m->impressions);
}

static Status set_action_value(Mapping *m, const char *name, const char *value)
{
    const Text text = text_of(name);
    uint32_t id;
    double low, high;
    if (parse_range(text, &low, &high)) {
        if (m->ranges == RANGES_MAX)
            return FAIL(ERR_FORMAT, "[action_values] takes %d ranges", RANGES_MAX);
        m->range[m->ranges].low = low;
        m->range[m->ranges].high = high;
        return copy_name(m->range[m->ranges++].name, name, value);
    }
    if (text.length > KEY_MAX || m->action_value.count == ACTIONS_MAX)
        return FAIL(ERR_FORMAT, "[action_values] takes %d values", ACTIONS_MAX);
    TRY(keys_add(&m->action_value, text, text_hash(text), &id));
    return copy_name(m->value_name[id], name, value);
}

/* Whether the schema has a dataset of this name beside the features of `owner`. */
static bool is_taken(Owner owner, const char *name)
{
    if (owner == OWNER_EVENT) return schema_is_column(name);
    return strcmp(name, "key") == 0 || (owner == OWNER_USER && strcmp(name, "offset") == 0);
}

/* The words before the column's name; a feature of this kind. */
typedef struct {
    const char *word;
    bool category, text;
} FeatureKind;
static const FeatureKind feature_kinds[] = {
    {"number ", false, false}, {"category ", true, false}, {"text ", true, true}};

static const FeatureKind *kind_of(const char *value)
{
    for (size_t i = 0; i < sizeof feature_kinds / sizeof *feature_kinds; i++)
        if (strncmp(value, feature_kinds[i].word, strlen(feature_kinds[i].word)) == 0)
            return &feature_kinds[i];
    return NULL;
}

/* name = number COLUMN [log] | category COLUMN | text COLUMN. A column's name may contain
 * blanks. */
static Status add_feature(Mapping *m, Owner owner, const char *name, const char *value)
{
    Feature f = {.owner = owner};
    char column[NAME_MAX_BYTES];
    TRY(copy_name(f.name, "feature", name));
    if (is_taken(owner, name))
        return FAIL(ERR_FORMAT,
                    "a feature cannot be called \"%s\": the behaviour file has a dataset of this "
                    "name",
                    name);
    if (strchr(name, '/') || name[0] == '.')
        return FAIL(
            ERR_FORMAT,
            "a feature cannot be called \"%s\": want a name without / that does not begin with .",
            name);
    const FeatureKind *kind = kind_of(value);
    if (!kind)
        return FAIL(ERR_FORMAT,
                    "%s = \"%.80s\", want number COLUMN [log] or category COLUMN; items may also "
                    "have text COLUMN",
                    name, value);
    f.category = kind->category;
    f.text = kind->text;
    if (f.category && owner == OWNER_EVENT)
        return FAIL(ERR_FORMAT, "%s: events have numbers only, not categories or texts", name);
    if (f.text && owner != OWNER_ITEM) return FAIL(ERR_FORMAT, "%s: only items have texts", name);
    Text rest = text_trim(text_of(value + strlen(kind->word)));
    if (!f.category && rest.length > 4 && memcmp(rest.at + rest.length - 4, " log", 4) == 0) {
        f.log = true;
        rest = text_trim((Text){rest.at, rest.length - 4});
    }
    if (rest.length == 0 || rest.length >= NAME_MAX_BYTES)
        return FAIL(ERR_FORMAT, "%s = \"%.80s\": the column's name is missing or too long", name,
                    value);
    snprintf(column, sizeof column, "%.*s", (int)rest.length, rest.at);
    for (int i = 0; i < m->features; i++)
        if (m->feature[i].owner == owner && strcmp(m->feature[i].name, name) == 0)
            return FAIL(ERR_FORMAT, "feature \"%s\" is given twice", name);
    if (m->features == CELLS_MAX) return FAIL(ERR_FORMAT, "more than %d features", CELLS_MAX);
    TRY(cell_of(m, column, f.category, &f.cell));
    m->feature[m->features++] = f;
    return OK;
}

static Status set_item(Mapping *m, const char *n, const char *v)
{
    return add_feature(m, OWNER_ITEM, n, v);
}
static Status set_user(Mapping *m, const char *n, const char *v)
{
    return add_feature(m, OWNER_USER, n, v);
}
static Status set_event(Mapping *m, const char *n, const char *v)
{
    return add_feature(m, OWNER_EVENT, n, v);
}

/* column = LOW..HIGH [missing], either end may be left out. */
static Status set_limit(Mapping *m, const char *name, const char *value)
{
    static const char word[] = " missing";
    const size_t length = strlen(value), size = sizeof word - 1;
    const bool missing = length > size && strcmp(value + length - size, word) == 0;
    double low, high;
    if (!parse_range((Text){value, (uint32_t)(missing ? length - size : length)}, &low, &high))
        return FAIL(ERR_FORMAT,
                    "%s = \"%.80s\", want LOW..HIGH, LOW.. or ..HIGH, and missing behind it where "
                    "numbers outside are not known",
                    name, value);
    if (m->limits == CELLS_MAX) return FAIL(ERR_FORMAT, "more than %d limits", CELLS_MAX);
    TRY(copy_name(m->limit[m->limits].name, "limit", name));
    m->limit[m->limits].low = low;
    m->limit[m->limits].missing = missing;
    m->limit[m->limits++].high = high;
    return OK;
}

static Status set_clean(Mapping *m, const char *name, const char *value)
{
    static const char *const duplicates[] = {"keep", "drop", NULL};
    int at;
    if (!strcmp(name, "from")) return set_time(name, value, m->time.zone_ms, &m->from_ms);
    if (!strcmp(name, "to")) return set_time(name, value, m->time.zone_ms, &m->to_ms);
    if (!strcmp(name, "max_per_minute")) return set_count(name, value, 0, &m->max_per_minute);
    if (!strcmp(name, "max_per_day")) return set_count(name, value, 0, &m->max_per_day);
    if (!strcmp(name, "min_user_events")) return set_count(name, value, 1, &m->min_user_events);
    if (!strcmp(name, "min_item_events")) return set_count(name, value, 1, &m->min_item_events);
    if (!strcmp(name, "max_lost")) return set_number(name, value, 0.0, 1.0, &m->max_lost);
    if (!strcmp(name, "unknown_action")) {
        m->unknown_action[0] = '\0';
        return strcmp(value, "drop") == 0 ? OK : copy_name(m->unknown_action, name, value);
    }
    if (strcmp(name, "duplicates"))
        return no_such_name("clean", name,
                            "from, to, duplicates, max_lost, unknown_action, max_per_minute, "
                            "max_per_day, min_user_events, min_item_events");
    TRY(set_choice(name, value, duplicates, &at));
    m->drop_duplicates = at;
    return OK;
}

static Status set_episodes(Mapping *m, const char *name, const char *value)
{
    if (strcmp(name, "gap")) return no_such_name("episodes", name, "gap");
    return set_duration(name, value, &m->gap_ms);
}

static Status set_split(Mapping *m, const char *name, const char *value)
{
    static const char *const rules[] = {"time", "leave-one-out", "leave-last-basket", "files",
                                        NULL};
    int at;
    if (!strcmp(name, "valid")) return set_number(name, value, 0.0, 0.9, &m->valid_share);
    if (!strcmp(name, "test")) return set_number(name, value, 0.0, 0.9, &m->test_share);
    if (strcmp(name, "rule")) return no_such_name("split", name, "rule, valid, test");
    TRY(set_choice(name, value, rules, &at));
    m->split = (SplitRule)at;
    return OK;
}

static const struct {
    const char *name;
    Setter *set;
} sections[] = {
    {"list", set_list},
    {"input", set_input},
    {"columns", set_role},
    {"actions", set_action},
    {"action_values", set_action_value},
    {"impressions", set_impressions},
    {"items", set_item},
    {"users", set_user},
    {"events", set_event},
    {"limits", set_limit},
    {"clean", set_clean},
    {"episodes", set_episodes},
    {"split", set_split},
};

Status map_set(Mapping *m, const char *section, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strcmp(section, sections[i].name) == 0) return sections[i].set(m, name, value);
    char names[256] = "";
    Nearest near = nearest_to(section);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", sections[i].name);
        nearest_offer(&near, sections[i].name);
    }
    return FAIL(ERR_FORMAT, "there is no section [%.60s]%s, want one of: %s", section,
                nearest_hint(&near), names);
}

Status map_assign(Mapping *m, const char *assignment)
{
    char section[64], name[64];
    const char *dot = strchr(assignment, '.'), *equal = strchr(assignment, '=');
    if (!dot || !equal || dot > equal || dot - assignment >= 64 || equal - dot > 64)
        return FAIL(ERR_USAGE, "\"%s\": want SECTION.KEY=VALUE", assignment);
    snprintf(section, sizeof section, "%.*s", (int)(dot - assignment), assignment);
    snprintf(name, sizeof name, "%.*s", (int)(equal - dot - 1), dot + 1);
    return map_set(m, section, name, equal + 1) == OK ? OK : ERR_USAGE;
}

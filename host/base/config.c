/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/help.h"
#include "base/nearest.h"

enum { AUTO = CONFIG_AUTO }; /* as config.def spells it */
static const char auto_text[] = "auto";

typedef enum { kind_text, kind_count, kind_real, kind_flag } Kind;

typedef enum { role_place, role_clock, role_pace, role_size, role_learned, role_acting } Role;

static const struct {
    const char *name;
    int sets; /* of ConfigSet */
} roles[] = {
    [role_place] = {"place", 0},
    [role_clock] = {"clock", CONFIG_ARM},
    [role_pace] = {"pace", CONFIG_STORED | CONFIG_ARM},
    [role_size] = {"size", CONFIG_STORED | CONFIG_RESUMED | CONFIG_WEIGHTS | CONFIG_ARM},
    [role_learned] = {"learned", CONFIG_STORED | CONFIG_RESUMED | CONFIG_ARM},
    [role_acting] = {"acting", CONFIG_STORED | CONFIG_ARM},
};

static const struct {
    const char *key, *section, *name, *help;
    Kind kind;
    Role role;
    size_t offset;
    double low, high;
} settings[] = {
#define SETTING(TYPE, ROLE, SECTION, NAME, VALUE, LOW, HIGH, HELP)                                 \
    {.key = #SECTION "." #NAME,                                                                    \
     .section = #SECTION,                                                                          \
     .name = #NAME,                                                                                \
     .help = HELP,                                                                                 \
     .kind = kind_##TYPE,                                                                          \
     .role = role_##ROLE,                                                                          \
     .offset = offsetof(Config, SECTION##_##NAME),                                                 \
     .low = LOW,                                                                                   \
     .high = HIGH},
#include "base/config.def"
#undef SETTING
};

/* Settings that were renamed. The former key still works in config files and arguments, and files
 * keep it. */
static const struct {
    const char *former, *key;
} renamed[] = {
    {"learn.value_weight", "learn.critic_weight"},
    {"world.exclude_last", "acting.exclude_last"},
};
enum { RENAMED = sizeof renamed / sizeof *renamed };

static const char *present_key(const char *key)
{
    for (int i = 0; i < RENAMED; i++)
        if (!strcmp(key, renamed[i].former)) return renamed[i].key;
    return key;
}

const char *config_file_key(int i)
{
    for (int r = 0; r < RENAMED; r++)
        if (!strcmp(config_key(i), renamed[r].key)) return renamed[r].former;
    return config_key(i);
}

Config config_default(void)
{
    return (Config){
#define SETTING(type, role, section, name, value, low, high, help) .section##_##name = value,
#include "base/config.def"
#undef SETTING
    };
}

bool config_is_auto(const Config *c, int i)
{
    const void *field = (const char *)c + settings[i].offset;
    switch (settings[i].kind) {
    case kind_text: return false;
    case kind_real: return *(const Config_real *)field == CONFIG_AUTO;
    default: return *(const int64_t *)field == CONFIG_AUTO;
    }
}

static bool may_be_auto(int i)
{
    const Config c = config_default();
    return config_is_auto(&c, i);
}

int config_count(void) { return (int)(sizeof settings / sizeof *settings); }
const char *config_key(int i) { return settings[i].key; }
bool config_range(int i, NumberRange *r)
{
    *r = (NumberRange){.whole = settings[i].kind != kind_real,
                       .automatic = may_be_auto(i),
                       .low = settings[i].low,
                       .high = settings[i].high};
    return settings[i].kind != kind_text;
}
const char *config_explain(int i) { return settings[i].help; }
const char *config_role(int i) { return roles[settings[i].role].name; }
bool config_in(int i, ConfigSet set)
{
    return set == CONFIG_ALL || roles[settings[i].role].sets & set;
}

void config_fill(Config *c, const Config *from, ConfigSet set)
{
    for (int i = 0; i < config_count(); i++)
        if (config_in(i, set) && config_is_auto(c, i)) /* a number: both kinds have 8 bytes */
            memcpy((char *)c + settings[i].offset, (const char *)from + settings[i].offset,
                   sizeof(int64_t));
}

/* Names the setting that was probably meant. A key may lack its section. */
static Status no_such_setting(const char *key)
{
    const char *dot = strchr(key, '.');
    char wanted[NEAREST_NAME_MAX];
    snprintf(wanted, sizeof wanted, "%.*s", dot ? (int)(dot - key) : 0, key);
    Nearest section = nearest_to(wanted), name = nearest_to(dot ? dot + 1 : key);
    for (int i = 0; i < config_count(); i++) nearest_offer(&section, settings[i].section);
    for (int i = 0; i < config_count(); i++)
        if (!dot || !strcmp(section.best, settings[i].section))
            nearest_offer_as(&name, settings[i].name, settings[i].key);
    return FAIL(ERR_USAGE, "there is no setting \"%s\"%s; souk train --help lists all", key,
                nearest_hint(&name));
}

int config_find(const char *name)
{
    const char *key = present_key(name);
    for (int i = 0; i < config_count(); i++)
        if (!strcmp(key, settings[i].key)) return i;
    return -1;
}

Status config_set_as(Config *c, int i, const char *value, const char *name)
{
    double number;
    int64_t whole;
    NumberRange range;
    void *field = (char *)c + settings[i].offset;
    if (config_range(i, &range)) {
        if (range.automatic && !strcmp(value, auto_text))
            number = (double)(whole = CONFIG_AUTO);
        else
            TRY(number_parse(name, value, &range, &number, &whole));
        if (range.whole)
            *(int64_t *)field = whole;
        else
            *(Config_real *)field = number;
        return OK;
    }
    if (strlen(value) >= sizeof(Config_text))
        return FAIL(ERR_USAGE, "%s has %zu bytes, want at most %zu", name, strlen(value),
                    sizeof(Config_text) - 1);
    snprintf(*(Config_text *)field, sizeof(Config_text), "%s", value);
    return OK;
}

Status config_set(Config *c, const char *key, const char *value)
{
    const int i = config_find(key);
    return i < 0 ? no_such_setting(key) : config_set_as(c, i, value, config_key(i));
}

Status config_assign(Config *c, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    char key[128];
    if (!equals || (size_t)(equals - assignment) >= sizeof key)
        return FAIL(ERR_USAGE, "\"%s\": want section.key=value", assignment);
    memcpy(key, assignment, (size_t)(equals - assignment));
    key[equals - assignment] = '\0';
    return config_set(c, key, equals + 1);
}

static int set_from_ini(void *user, const char *section, const char *name, const char *value)
{
    char key[256];
    snprintf(key, sizeof key, "%s.%s", section, name);
    return config_set(user, key, value) == OK;
}

Status config_read(Config *c, const char *path)
{
    const int line = ini_parse(path, set_from_ini, c);
    if (line == 0) return OK;
    if (line < 0) return FAIL(ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    char cause[600];
    snprintf(cause, sizeof cause, "%s", status_message()[0] ? status_message() : "not key = value");
    status_clear();
    return FAIL(ERR_USAGE, "%s:%d: %s", path, line, cause);
}

void config_value(const Config *c, int i, char *value, size_t size)
{
    const void *field = (const char *)c + settings[i].offset;
    if (config_is_auto(c, i)) {
        snprintf(value, size, "%s", auto_text);
        return;
    }
    switch (settings[i].kind) {
    case kind_text: snprintf(value, size, "%s", *(const Config_text *)field); break;
    case kind_real: snprintf(value, size, "%.17g", *(const Config_real *)field); break;
    default: snprintf(value, size, "%" PRId64, *(const int64_t *)field);
    }
}

bool config_differ(const Config *a, const Config *b, ConfigSet set, ConfigDifference *d)
{
    for (int i = 0; i < config_count(); i++) {
        if (!config_in(i, set)) continue;
        d->key = config_key(i);
        config_value(a, i, d->a, sizeof d->a);
        config_value(b, i, d->b, sizeof d->b);
        if (strcmp(d->a, d->b) != 0) return true;
    }
    return false;
}

void config_default_text(int i, char *value, size_t size)
{
    const Config c = config_default();
    if (settings[i].kind == kind_real && !may_be_auto(i))
        snprintf(value, size, "%g", *(const Config_real *)((const char *)&c + settings[i].offset));
    else
        config_value(&c, i, value, size);
}

void config_help(FILE *out)
{
    for (int i = 0; i < config_count(); i++) {
        char value[sizeof(Config_text)], setting[sizeof value + 64], range[64], help[512];
        NumberRange r;
        config_default_text(i, value, sizeof value);
        snprintf(setting, sizeof setting, "%s=%s", settings[i].key, value);
        snprintf(help, sizeof help, "%s", settings[i].help);
        if (config_range(i, &r)) {
            number_range(&r, range, sizeof range);
            snprintf(help, sizeof help, "%s (%s)", settings[i].help, range);
        }
        if (i > 0 && strcmp(settings[i].section, settings[i - 1].section) != 0) fputc('\n', out);
        help_row(out, HELP_COLUMN, setting, help);
    }
}

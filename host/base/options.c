/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/help.h"
#include "base/nearest.h"

enum { OPTIONS_MAX = 64, ARGUMENT = 1, HELP = 'h', VERSION = 256, FIRST, LABEL = 64 };

static bool is_end(const Option *o) { return !o->name && !o->heading; }

static void label(char text[LABEL], const Option *o) { snprintf(text, LABEL, "--%s", o->name); }

/* ---- Values ---------------------------------------------------------------------------------- */

static Status choose(const Option *o, const char *name, const char *value, int *choice)
{
    char all[256] = "";
    Nearest near = nearest_to(value);
    for (int i = 0; o->choices[i]; i++) {
        if (!strcmp(value, o->choices[i])) return *choice = i, OK;
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", o->choices[i]);
        nearest_offer(&near, o->choices[i]);
    }
    return FAIL(ERR_USAGE, "%s = \"%s\"%s, want one of %s", name, value, nearest_hint(&near), all);
}

static Status set_field(const Option *o, void *field, const char *value)
{
    char name[LABEL];
    double real;
    int64_t count;
    const NumberRange range = {.whole = o->type == OPTION_COUNT, .low = o->low, .high = o->high};
    label(name, o);
    switch (o->type) {
    case OPTION_FLAG: *(bool *)field = true; break;
    case OPTION_TEXT: *(const char **)field = value; break;
    case OPTION_CHOICE: return choose(o, name, value, field);
    case OPTION_COUNT: return number_parse(name, value, &range, &real, field);
    case OPTION_REAL: return number_parse(name, value, &range, field, &count);
    }
    return OK;
}

static Status set_option(const Option *o, void *arguments, const char *value)
{
    char name[LABEL];
    if (o->take) return o->take(arguments, o, value);
    if (!o->setting) return set_field(o, (char *)arguments + o->at, value);
    label(name, o);
    return config_set_as(arguments, config_find(o->setting), o->value ? value : "1", name);
}

static void set_absent(const Option *o, void *field)
{
    if (o->type == OPTION_CHOICE) *(int *)field = -1;
    if (o->type == OPTION_COUNT) *(int64_t *)field = -1;
    if (o->type == OPTION_REAL) *(double *)field = NAN;
}

static void set_defaults(const OptionTable *t, void *arguments)
{
    *(Config *)arguments = config_default();
    for (const Option *o = t->options; !is_end(o); o++) {
        if (o->heading) continue;
        REQUIRE(!o->setting || config_find(o->setting) >= 0, "--%s: no setting %s", o->name,
                o->setting);
        if (o->initial)
            REQUIRE(set_option(o, arguments, o->initial) == OK, "%s", status_message());
        else if (!o->setting && !o->take)
            set_absent(o, (char *)arguments + o->at);
    }
}

/* A long command should not learn at its end that its result has no place. */
static Status check_written(const Option *o, const void *arguments)
{
    const char *path = *(const char *const *)((const char *)arguments + o->at);
    return path ? files_check_writable(path) : OK;
}

static bool is_missing(const Option *o, const void *arguments)
{
    char value[sizeof(Config_text)];
    if (!o->setting) return !*(const char *const *)((const char *)arguments + o->at);
    config_value(arguments, config_find(o->setting), value, sizeof value);
    return !*value;
}

/* ---- Wrong options --------------------------------------------------------------------------- */

static bool takes_setting(const OptionTable *t, int i)
{
    for (const Option *o = t->options; !t->all_settings && !is_end(o); o++)
        if (o->setting && !strcmp(o->setting, config_key(i))) return true;
    return t->all_settings;
}

static Status no_such_option(const OptionTable *t, const char *given, const char *name)
{
    char shown[NEAREST_NAME_MAX];
    Nearest near = nearest_to(name);
    nearest_offer_as(&near, "help", "--help");
    nearest_offer_as(&near, "version", "--version");
    for (const Option *o = t->options; !is_end(o); o++) {
        if (o->heading) continue;
        snprintf(shown, sizeof shown, "--%s", o->name);
        nearest_offer_as(&near, o->name, shown);
    }
    for (int i = 0; i < config_count(); i++) {
        if (!takes_setting(t, i)) continue;
        snprintf(shown, sizeof shown, "%.40s=VALUE", config_key(i));
        nearest_offer_as(&near, config_key(i), shown);
        nearest_offer_as(&near, strchr(config_key(i), '.') + 1, shown);
    }
    return FAIL(ERR_USAGE, "there is no option %s%s; souk %s --help lists all", given,
                nearest_hint(&near), t->name);
}

/* What getopt_long() refused: `given` is "--name" or "--name=value", or the letter is in optopt. */
static Status refuse_option(const OptionTable *t, const char *given)
{
    char name[LABEL], all[256] = "";
    int matches = 0;
    if (optopt && optopt < VERSION) {
        snprintf(name, sizeof name, "-%c", optopt);
        return no_such_option(t, name, "");
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    for (const Option *o = t->options; !is_end(o); o++) {
        if (o->heading || strncmp(o->name, name, strlen(name)) != 0) continue;
        if (!strcmp(o->name, name)) return FAIL(ERR_USAGE, "%s: --%s takes no value", given, name);
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s--%s", matches++ ? " or " : "", o->name);
    }
    if (matches > 1) return FAIL(ERR_USAGE, "--%s is short for %s, want one of them", name, all);
    snprintf(all, sizeof all, "--%s", name);
    return no_such_option(t, all, name);
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* The tables of getopt_long(): option i has the number FIRST + i. The '-' makes it return arguments
 * that are no options in their place, as ARGUMENT; the ':' tells a missing value from an unknown
 * option. */
typedef struct {
    struct option longs[OPTIONS_MAX];
    char letters[2 * OPTIONS_MAX + 8];
} GetoptTable;

static void getopt_table(const OptionTable *t, GetoptTable *g)
{
    int n = 0;
    size_t used = (size_t)snprintf(g->letters, sizeof g->letters, "-:h");
    g->longs[n++] = (struct option){"help", no_argument, NULL, HELP};
    g->longs[n++] = (struct option){"version", no_argument, NULL, VERSION};
    for (const Option *o = t->options; !is_end(o); o++) {
        if (o->heading) continue;
        REQUIRE(n < OPTIONS_MAX - 1, "souk %s has more than %d options", t->name, n);
        const int has = o->value ? required_argument : no_argument;
        g->longs[n++] = (struct option){o->name, has, NULL, FIRST + (int)(o - t->options)};
        if (o->letter)
            used += (size_t)snprintf(g->letters + used, sizeof g->letters - used, "%c%s", o->letter,
                                     o->value ? ":" : "");
    }
    g->longs[n] = (struct option){0};
}

static const Option *option_of(const OptionTable *t, int found)
{
    if (found >= FIRST) return &t->options[found - FIRST];
    const Option *o = t->options;
    while (o->letter != found) o++;
    return o;
}

/* The number of the setting that "key=value" sets, if the command takes it; else -1. */
static int setting_of(const OptionTable *t, const char *text)
{
    char key[NEAREST_NAME_MAX];
    const size_t length = strcspn(text, "=");
    if (!text[length] || length >= sizeof key) return -1;
    snprintf(key, sizeof key, "%.*s", (int)length, text);
    const int i = config_find(key);
    return i >= 0 && takes_setting(t, i) ? i : -1;
}

/* An argument that is no option, no setting of the command, and no operand. */
static Status refuse_argument(const OptionTable *t, void *arguments, const char *text)
{
    char all[256] = "";
    TRY(config_assign(arguments, text)); /* says what is wrong where this is not a setting at all */
    for (const Option *o = t->options; !is_end(o); o++) {
        const size_t used = strlen(all);
        if (o->setting)
            snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", o->setting);
    }
    return FAIL(ERR_USAGE, "souk %s does not take the setting %s, want one of: %s", t->name, text,
                *all ? all : "none");
}

/* Operands are moved to the beginning of argv, over arguments that getopt_long() has read. */
static Status take_argument(const OptionTable *t, char *text, void *arguments, Operands *operands)
{
    const int i = setting_of(t, text);
    if (i >= 0) return config_set_as(arguments, i, strchr(text, '=') + 1, config_key(i));
    if (!t->operands) return refuse_argument(t, arguments, text);
    operands->text[operands->count++] = text;
    return OK;
}

/* One pass over the command line, in its order: the early options, or all else. */
static Status take_all(const OptionTable *t, int argc, char **argv, void *arguments, bool early,
                       Operands *operands, OptionsRequest *request)
{
    GetoptTable g;
    getopt_table(t, &g);
    optind = 0; /* getopt_long() begins anew */
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, g.letters, g.longs, NULL)) != -1;) {
        if (found == HELP || found == VERSION) {
            *request = found == HELP ? OPTIONS_HELP : OPTIONS_VERSION;
            return OK;
        }
        if (found == ':')
            return FAIL(ERR_USAGE, "%s is the last argument, want a value behind it",
                        argv[optind - 1]);
        if (found == '?') return refuse_option(t, argv[optind - 1]);
        if (found == ARGUMENT) {
            if (!early) TRY(take_argument(t, optarg, arguments, operands));
            continue;
        }
        const Option *o = option_of(t, found);
        if (o->early == early) TRY(set_option(o, arguments, optarg));
    }
    for (int k = optind; k < argc && !early; k++) /* behind "--" */
        TRY(take_argument(t, argv[k], arguments, operands));
    return OK;
}

Status options_parse(const OptionTable *t, int argc, char **argv, void *arguments,
                     Operands *operands, OptionsRequest *request)
{
    *request = OPTIONS_RUN;
    *operands = (Operands){argv, 0};
    set_defaults(t, arguments);
    TRY(take_all(t, argc, argv, arguments, true, operands, request));
    if (*request != OPTIONS_RUN) return OK;
    TRY(take_all(t, argc, argv, arguments, false, operands, request));
    for (const Option *o = t->options; !is_end(o); o++)
        if (o->required && is_missing(o, arguments))
            return FAIL(ERR_USAGE, "want --%s %s; souk %s --help says more", o->name, o->value,
                        t->name);
    for (const Option *o = t->options; !is_end(o); o++)
        if (o->written) TRY(check_written(o, arguments));
    return OK;
}

/* ---- Help ------------------------------------------------------------------------------------ */

/* "1 to 100; default 10" and the like, each part behind `text` where it is known. */
static void add_part(char *text, size_t size, const char *before, const char *part)
{
    const size_t used = strlen(text);
    if (*part) snprintf(text + used, size - used, "%s%s%s", used ? "; " : "", before, part);
}

static void add_range(char *text, size_t size, const Option *o)
{
    char range[64] = "";
    NumberRange r = {.whole = o->type == OPTION_COUNT, .low = o->low, .high = o->high};
    bool number = !o->take && (o->type == OPTION_COUNT || o->type == OPTION_REAL);
    if (o->setting) number = o->value && config_range(config_find(o->setting), &r);
    if (number) number_range(&r, range, sizeof range);
    add_part(text, size, "", range);
    for (int i = 0; o->choices && o->choices[i]; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? ", " : "", o->choices[i]);
    }
}

static void help_option(FILE *out, const Option *o)
{
    char name[LABEL], letter[8] = "    ", details[256] = "", initial[sizeof(Config_text)] = "";
    char text[1024];
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(name, sizeof name, "%s--%.32s%s%.20s", letter, o->name, o->value ? " " : "",
             o->value ? o->value : "");
    add_range(details, sizeof details, o);
    if (o->initial)
        snprintf(initial, sizeof initial, "%s", o->initial);
    else if (o->setting && o->value)
        config_default_text(config_find(o->setting), initial, sizeof initial);
    add_part(details, sizeof details, "default ", initial);
    if (o->setting) add_part(details, sizeof details, "setting ", o->setting);
    snprintf(text, sizeof text, "%s%s%s%s",
             o->help ? o->help : config_explain(config_find(o->setting)), *details ? " (" : "",
             details, *details ? ")" : "");
    help_row(out, HELP_COLUMN, name, text);
}

static void help_options(const OptionTable *t, FILE *out)
{
    if (!t->options->heading) help_section(out, "Options");
    for (const Option *o = t->options; !is_end(o); o++)
        if (o->heading)
            help_section(out, o->heading);
        else
            help_option(out, o);
    help_row(out, HELP_COLUMN, "-h, --help", "print this text");
    help_row(out, HELP_COLUMN, "    --version", "print the version of souk");
}

static void help_settings(const OptionTable *t, FILE *out)
{
    bool some = t->all_settings;
    for (const Option *o = t->options; !is_end(o); o++) some |= o->setting != NULL;
    if (!some) return;
    help_section(out, "Settings");
    if (t->lists_settings)
        config_help(out);
    else if (t->all_settings)
        help_text(out, "All settings of souk train, as SECTION.KEY=VALUE. souk train --help lists "
                       "them.\n");
    else
        help_text(out, "An option that names a setting may also be given as SETTING=VALUE.\n");
}

static void help_exits(const OptionTable *t, FILE *out)
{
    static const char *const usual[OPTIONS_EXITS] = {
        "done", "failed; one line on standard error says why", "wrong usage"};
    help_section(out, "Exit status");
    for (int i = 0; i < OPTIONS_EXITS; i++) {
        char code[4];
        snprintf(code, sizeof code, "%d", i);
        if (t->exits[i] || usual[i]) help_row(out, 8, code, t->exits[i] ? t->exits[i] : usual[i]);
    }
}

void options_help(const OptionTable *t, FILE *out)
{
    for (int i = 0; i < OPTIONS_USAGES && t->usage[i]; i++)
        fprintf(out, "%s souk %s%s%s\n", i ? "      " : "Usage:", t->name, *t->usage[i] ? " " : "",
                t->usage[i]);
    fprintf(out, "\n%s.\n", t->summary);
    if (t->description) fputc('\n', out), help_text(out, t->description);
    help_options(t, out);
    help_settings(t, out);
    if (t->more) t->more(out);
    help_section(out, "Examples");
    for (int i = 0; i < OPTIONS_EXAMPLES && t->examples[i]; i++)
        fprintf(out, "  %s\n", t->examples[i]);
    help_exits(t, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of one subcommand, from one table: parsing, ranges, messages and the help text.
 *
 * A row is an option. What it sets is a setting of config.def, a field of the command's arguments,
 * or what its function makes of the value:
 *
 *     typedef struct {
 *         Config config; // first: settings are set here
 *         const char *json;
 *         int64_t k;
 *     } Arguments;
 *     #define FIELD(name) OPTION_FIELD(Arguments, name)
 *
 *     static const Option options[] = {
 *         {.name = "data", .letter = 'd', .setting = "data.path", .required = true},
 *         {.name = "k", FIELD(k), .low = 1, .high = 100, .initial = "10", .help = "items"},
 *         {.heading = "Output options"},
 *         {.name = "json", .value = "FILE", FIELD(json), .help = "write the report as JSON too"},
 *         {0},
 *     };
 *
 * A setting may be given by its option (--data FILE) or by its key (data.path=FILE); the last one
 * wins. A command takes the settings that its options name, or all of them. --help (-h) and
 * --version are options of every command. Long names may be cut where they stay unambiguous.
 */
#ifndef SOUK_OPTIONS_H
#define SOUK_OPTIONS_H

#include <stddef.h>

#include "base/config.h"

typedef enum { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_REAL, OPTION_CHOICE } OptionType;

typedef struct Option Option;
struct Option {
    const char *name;
    char letter;       /* of the short form; 0: none */
    const char *value; /* what the help calls the value; NULL: the option has none */
    const char *help;  /* NULL: that of the setting */

    const char *setting; /* the key of a setting; without a value it becomes 1 */
    OptionType type;     /* or a field: use OPTION_FIELD */
    size_t at;
    double low, high;           /* of OPTION_COUNT and OPTION_REAL */
    const char *const *choices; /* of OPTION_CHOICE, which stores the index; ends with NULL */
    /* Or a function, which is called each time the option is given. */
    Status (*take)(void *arguments, const Option *o, const char *value);
    const char *key; /* for take() */

    /* The default, as a text that the option takes. Without one a text is NULL, a choice and a
     * count are -1, a real is NAN, and a setting has the default of config.def. */
    const char *initial;
    bool required;
    bool
        written; /* a text: the path of a file that is written at the end, which must be possible */
    bool early;  /* taken before the others wherever it stands: a file of settings */

    const char *heading; /* not an option: the title of a section of the help */
};

/* The place and the type of a field, which is bool, const char *, int64_t, double or, for a choice,
 * int. */
#define OPTION_FIELD(Arguments, field)                                                             \
    .at = offsetof(Arguments, field),                                                              \
    .type = _Generic(((Arguments *)0)->field,                                                      \
        bool: OPTION_FLAG,                                                                         \
        const char *: OPTION_TEXT,                                                                 \
        int64_t: OPTION_COUNT,                                                                     \
        double: OPTION_REAL,                                                                       \
        int: OPTION_CHOICE)

enum { OPTIONS_USAGES = 3, OPTIONS_EXAMPLES = 6, OPTIONS_EXITS = 4 };

typedef struct {
    const char *name;                  /* "eval" */
    const char *summary;               /* one line, without a full stop */
    const char *usage[OPTIONS_USAGES]; /* each what may follow "souk NAME" */
    const char *description;           /* paragraphs, each of which ends with '\n' */
    const Option *options;             /* the last one is {0} */
    bool operands;                     /* takes arguments that are neither options nor settings */
    bool all_settings;
    bool lists_settings;     /* the help lists them; else it says which command does */
    void (*more)(FILE *out); /* further sections of the help; NULL: none */
    const char *examples[OPTIONS_EXAMPLES];
    const char *exits[OPTIONS_EXITS]; /* what an exit code means, where it is not the usual */
} OptionTable;

typedef struct {
    char **text;
    int count;
} Operands;

typedef enum { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION } OptionsRequest;

/* Set the defaults of *arguments, a struct that begins with a Config and is otherwise zero, then
 * what argv[1] … says. The operands are moved, in their order, to the beginning of argv. ERR_USAGE
 * for everything that the table does not allow. Uses getopt_long(), so no two threads may parse at
 * once. */
Status options_parse(const OptionTable *t, int argc, char **argv, void *arguments,
                     Operands *operands, OptionsRequest *request);
void options_help(const OptionTable *t, FILE *out);

#endif

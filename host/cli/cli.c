/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/help.h"
#include "base/nearest.h"
#include "souk.h"

static const Command *const library[] = {
    &cli_ablate, &cli_bench, &cli_check,     &cli_eval,     &cli_generate, &cli_info,
    &cli_ingest, &cli_ope,   &cli_recommend, &cli_simulate, &cli_trace,    &cli_train,
};
enum { LIBRARY = sizeof library / sizeof *library };

/* Those of the library and the program's own one, by name. */
static const Command *commands[LIBRARY + 1];
static int command_count;

static void list_commands(const Command *own)
{
    command_count = 0;
    for (int i = 0; i < LIBRARY; i++) {
        if (own && strcmp(own->table.name, library[i]->table.name) < 0) {
            commands[command_count++] = own;
            own = NULL;
        }
        commands[command_count++] = library[i];
    }
    if (own) commands[command_count++] = own;
}

static void help(FILE *out)
{
    fputs("Usage: souk COMMAND [ARGUMENT]...\n"
          "       souk help [COMMAND]\n"
          "       souk --version\n\n"
          "Train large models on shoppers' behaviour with reinforcement learning.\n",
          out);
    help_section(out, "Commands");
    for (int i = 0; i < command_count; i++)
        help_row(out, 14, commands[i]->table.name, commands[i]->table.summary);
    help_section(out, "Examples");
    fputs("  souk generate --events 500000 --out log.csv\n"
          "  souk ingest --plain-keys log.csv shop.h5\n"
          "  souk train --data shop.h5 --out run learn.objective=cross_entropy+double_q\n"
          "  souk eval --checkpoint run --data shop.h5\n"
          "  souk help eval\n",
          out);
}

static const Command *find(const char *name)
{
    for (int i = 0; i < command_count; i++)
        if (!strcmp(name, commands[i]->table.name)) return commands[i];
    return NULL;
}

static bool is_help(const char *text) { return !strcmp(text, "--help") || !strcmp(text, "-h"); }

static int no_such_command(const char *name)
{
    Nearest near = nearest_to(name);
    for (int i = 0; i < command_count; i++) nearest_offer(&near, commands[i]->table.name);
    nearest_offer(&near, "help");
    nearest_offer(&near, "--help");
    nearest_offer(&near, "--version");
    fprintf(stderr, "souk: there is no command \"%s\"%s; souk --help lists all\n", name,
            nearest_hint(&near));
    return 2;
}

static int fail(const char *name, Status st)
{
    fprintf(stderr, "souk %s: %s\n", name, status_message());
    if (getenv("SOUK_DEBUG")) fprintf(stderr, "  at %s\n", status_place());
    return st == ERR_USAGE ? 2 : 1;
}

static Status run(const Command *c, int argc, char **argv, void *arguments, int *exit_code)
{
    Operands operands;
    OptionsRequest request;
    TRY(options_parse(&c->table, argc, argv, arguments, &operands, &request));
    if (request == OPTIONS_HELP) return options_help(&c->table, stdout), OK;
    if (request == OPTIONS_VERSION) return printf("souk %s\n", souk_version()), OK;
    return c->run(arguments, operands, exit_code);
}

static int run_command(const Command *c, int argc, char **argv)
{
    int exit_code = -1;
    void *arguments = calloc(1, c->arguments);
    if (!arguments) return fail(c->table.name, FAIL(ERR_MEMORY, "no memory for its arguments"));
    if (c->begin) c->begin(arguments);
    const Status st = run(c, argc, argv, arguments, &exit_code);
    if (c->end) c->end(arguments);
    free(arguments);
    const int usual = st == OK ? 0 : fail(c->table.name, st);
    return exit_code < 0 ? usual : exit_code;
}

int cli_run(const Command *own, int argc, char **argv)
{
    status_clear();
    list_commands(own);
    if (argc < 2) return help(stderr), 2;
    const char *name = argv[1];
    if (!strcmp(name, "--version")) return printf("souk %s\n", souk_version()), 0;
    const bool help_wanted = is_help(name) || !strcmp(name, "help");
    if (help_wanted && (argc == 2 || is_help(argv[2]))) return help(stdout), 0;
    const Command *c = find(help_wanted ? argv[2] : name);
    if (!c) return no_such_command(help_wanted ? argv[2] : name);
    if (help_wanted) return options_help(&c->table, stdout), 0;
    return run_command(c, argc - 1, argv + 1);
}

Status cli_read_config(void *arguments, const Option *o, const char *value)
{
    (void)o;
    return config_read(arguments, value);
}

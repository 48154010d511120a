/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines from a table: values, refusals, help. */
#include <math.h>

#include "test.h"

#include "base/options.h"

typedef struct {
    Config config;
    bool loud;
    const char *json;
    int64_t k, row;
    double share, rate;
    int split, kind;
    int taken;
    const char *last;
} Arguments;

static Status take(void *arguments, const Option *o, const char *value)
{
    Arguments *a = arguments;
    a->taken++;
    a->last = value;
    assert_string_equal(o->key, "key of it");
    return strcmp(value, "bad") ? OK : FAIL(ERR_FORMAT, "it is bad");
}

static Status read_file(void *arguments, const Option *o, const char *value)
{
    (void)o;
    return config_assign(arguments, value);
}

static const char *const splits[] = {"train", "valid", "test", NULL};
#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    {.name = "data", .letter = 'd', .value = "FILE", .setting = "data.path", .required = true},
    {.name = "quiet", .letter = 'q', .setting = "train.quiet"},
    {.name = "threads", .value = "N", .setting = "train.threads", .initial = "3"},
    {.name = "loud", FIELD(loud), .help = "be loud"},
    {.name = "json", .value = "FILE", FIELD(json), .written = true, .help = "write JSON"},
    {.heading = "Further options"},
    {.name = "k",
     .value = "N",
     FIELD(k),
     .low = 1,
     .high = 100,
     .initial = "10",
     .help = "how many"},
    {.name = "row", .value = "N", FIELD(row), .high = (double)INT64_MAX, .help = "a row"},
    {.name = "share", .value = "X", FIELD(share), .high = 1, .initial = "0.5", .help = "a share"},
    {.name = "rate", .value = "X", FIELD(rate), .high = 9, .help = "a rate"},
    {.name = "split",
     .value = "NAME",
     FIELD(split),
     .choices = splits,
     .initial = "test",
     .help = "s"},
    {.name = "kind", .value = "NAME", FIELD(kind), .choices = splits, .help = "a kind"},
    {.name = "it", .value = "X", .take = take, .key = "key of it", .help = "may be given again"},
    {.name = "config", .value = "FILE", .take = read_file, .early = true, .help = "first"},
    {0},
};
static const OptionTable table = {.name = "command",
                                  .summary = "Do it",
                                  .usage = {"--data FILE [OPTION]..."},
                                  .description = "It is done.\n",
                                  .options = options,
                                  .examples = {"souk command --data x"},
                                  .exits = {[3] = "three"}};

enum { WORDS = 32 };
static Arguments a;
static Operands operands;
static OptionsRequest request;
static char *argv[WORDS], words[WORDS][64];

/* Parses the words of `line`, which stay in `words`. */
static Status parse_with(const OptionTable *t, const char *line)
{
    char copy[512], *rest = copy;
    int count = 1;
    snprintf(copy, sizeof copy, "%s", line);
    argv[0] = words[0];
    for (char *word; (word = strsep(&rest, " ")) && *word; count++) {
        snprintf(words[count], sizeof words[count], "%s", word);
        argv[count] = words[count];
    }
    argv[count] = NULL;
    a = (Arguments){0};
    return options_parse(t, count, argv, &a, &operands, &request);
}
static Status parse(const char *line) { return parse_with(&table, line); }

static void without_options_fields_have_their_defaults(void **state)
{
    (void)state;
    assert_ok(parse("--data x"));
    assert_int_equal(request, OPTIONS_RUN);
    assert_string_equal(a.config.data_path, "x");
    assert_int_equal(a.config.model_dim, config_default().model_dim);
    assert_int_equal(a.config.train_threads, 3);
    assert_false(a.loud);
    assert_null(a.json);
    assert_int_equal(a.k, 10);
    assert_int_equal(a.row, -1);
    assert_true(a.share == 0.5);
    assert_true(isnan(a.rate));
    assert_int_equal(a.split, 2);
    assert_int_equal(a.kind, -1);
    assert_int_equal(operands.count, 0);
}

static void every_type_of_option_is_stored(void **state)
{
    (void)state;
    assert_ok(
        parse("-d x -q --loud --json=y --k 1e2 --row 9223372036854775807 --share 0.25 --rate 9 "
              "--split valid --it one --it two"));
    assert_int_equal(a.config.train_quiet, 1);
    assert_true(a.loud);
    assert_string_equal(a.json, "y");
    assert_int_equal(a.k, 100);
    assert_true(a.row == INT64_MAX);
    assert_true(a.share == 0.25 && a.rate == 9.0);
    assert_int_equal(a.split, 1);
    assert_int_equal(a.taken, 2);
    assert_string_equal(a.last, "two");
    assert_ok(parse("--thr 7 --data=x --lo"));
    assert_int_equal(a.config.train_threads, 7);
    assert_true(a.loud);
}

static void a_setting_is_the_option_that_names_it(void **state)
{
    (void)state;
    assert_ok(parse("data.path=x train.threads=5 train.quiet=1"));
    assert_string_equal(a.config.data_path, "x");
    assert_int_equal(a.config.train_threads, 5);
    assert_int_equal(a.config.train_quiet, 1);
    assert_ok(parse("data.path=x --data y"));
    assert_string_equal(a.config.data_path, "y");
    assert_ok(parse("--data y data.path=x"));
    assert_string_equal(a.config.data_path, "x"); /* the last one wins */
    assert_ok(parse("--threads 4 --data x --config train.threads=8"));
    assert_int_equal(a.config.train_threads, 4); /* the early option came first */
    assert_ok(parse("--data x --config train.threads=8"));
    assert_int_equal(a.config.train_threads, 8);
}

static void wrong_options_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "want --data FILE; souk command --help says more"},
        {"--data", "--data is the last argument, want a value"},
        {"-d", "-d is the last argument, want a value"},
        {"--data x --nothing", "there is no option --nothing; souk command --help lists all"},
        {"--data x --treads 3", "no option --treads (did you mean \"--threads\"?)"},
        {"--data x --heLp", "no option --heLp (did you mean \"--help\"?)"},
        {"--data x --path=3", "no option --path (did you mean \"data.path=VALUE\"?)"},
        {"--data x -z", "there is no option -z;"},
        {"--data x --loud=2", "--loud=2: --loud takes no value"},
        {"--data x --k 101", "--k = \"101\", want a whole number, 1 to 100"},
        {"--data x --threads x", "--threads = \"x\", want a whole number, 0 to 4096"},
        {"--data x train.threads=x", "train.threads = \"x\", want a whole number"},
        {"--data x --share 2", "--share = \"2\", want a number, 0 to 1"},
        {"--data x --split tset", "--split = \"tset\" (did you mean \"test\"?), want one of train, "
                                  "valid, test"},
        {"--data x train.epochs=3",
         "command does not take the setting train.epochs=3, want one of: "
         "data.path, train.quiet, train.threads"},
        {"--data x tran.threads=3", "there is no setting \"tran.threads\" (did you mean "},
        {"--data x word", "\"word\": want section.key=value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(parse(cases[i].line), ERR_USAGE, cases[i].says);
    assert_refused(parse("--data x --s 3"), ERR_USAGE, "--s is short for --share or --split");
    assert_refused(parse("--data x --it bad"), ERR_FORMAT, "it is bad");
    assert_refused(parse("--data x --json /nowhere/x.json"), ERR_IO,
                   "/nowhere/x.json: cannot create: No such file or directory");
}

static void operands_stay_in_order_without_options_and_settings(void **state)
{
    (void)state;
    OptionTable with = table;
    with.operands = true;
    assert_ok(parse_with(&with, "one --data x two train.threads=2 a=b --loud three -- --k"));
    assert_int_equal(operands.count, 5);
    assert_string_equal(operands.text[0], "one");
    assert_string_equal(operands.text[1], "two");
    assert_string_equal(operands.text[2], "a=b");
    assert_string_equal(operands.text[3], "three");
    assert_string_equal(operands.text[4], "--k");
    assert_int_equal(a.config.train_threads, 2);
}

static void a_command_may_take_all_settings(void **state)
{
    (void)state;
    OptionTable with = table;
    with.all_settings = true;
    assert_ok(parse_with(&with, "--data x train.epochs=3 learn.value_weight=0.25"));
    assert_int_equal(a.config.train_epochs, 3);
    assert_true(a.config.learn_critic_weight == 0.25);
    assert_refused(parse_with(&with, "--data x train.epoch=3"), ERR_USAGE,
                   "did you mean \"train.epochs\"");
}

static void help_and_version_need_nothing_else(void **state)
{
    (void)state;
    assert_ok(parse("--help"));
    assert_int_equal(request, OPTIONS_HELP);
    assert_ok(parse("-h --nothing"));
    assert_int_equal(request, OPTIONS_HELP);
    assert_ok(parse("--k 5 --version"));
    assert_int_equal(request, OPTIONS_VERSION);
}

static void the_help_has_every_part_of_the_table(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "Usage: souk command --data FILE [OPTION]...\n\nDo it.\n\nIt is done.\n\nOptions:\n",
        "  -d, --data FILE ",
        "  -q, --quiet ",
        "(0 to 4096; default 3;",
        "\nFurther options:\n",
        "      --k N                 how many (1 to 100; default 10)\n",
        "      --row N               a row (0 or more)\n",
        "a kind (train, valid, test)\n",
        "s (train, valid, test; default test)\n",
        "  -h, --help ",
        "      --version ",
        "\nSettings:\n",
        "\nExamples:\n  souk command --data x\n",
        "\nExit status:\n  0     done\n",
        "  3     three\n",
    };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    options_help(&table, out);
    fclose(out);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i])) fail_msg("no \"%s\" in\n%s", parts[i], text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_fields_have_their_defaults),
        cmocka_unit_test(every_type_of_option_is_stored),
        cmocka_unit_test(a_setting_is_the_option_that_names_it),
        cmocka_unit_test(wrong_options_are_refused_by_name),
        cmocka_unit_test(operands_stay_in_order_without_options_and_settings),
        cmocka_unit_test(a_command_may_take_all_settings),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(the_help_has_every_part_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

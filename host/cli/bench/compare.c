/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench/compare.h"

#include <stdio.h>
#include <string.h>

#include "cli/bench/report.h"

static Status read_report(const char *path, json_t **report)
{
    json_error_t error;
    *report = json_load_file(path, 0, &error);
    if (!*report) return FAIL(ERR_FORMAT, "%s: %s (line %d)", path, error.text, error.line);
    const char *schema = json_string_value(json_object_get(*report, "schema"));
    if (schema && !strcmp(schema, BENCH_SCHEMA)) return OK;
    return FAIL(ERR_FORMAT, "%s has the schema \"%s\", want a report of souk bench, " BENCH_SCHEMA,
                path, schema ? schema : "none");
}

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- Ops ------------------------------------------------------------------------------------- */

static const json_t *same_row(const json_t *rows, const json_t *as)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const bool same = !strcmp(text(row, "op"), text(as, "op")) &&
                          !strcmp(text(row, "shape"), text(as, "shape")) &&
                          !strcmp(text(row, "dtype"), text(as, "dtype"));
        if (same) return row;
    }
    return NULL;
}

static void name_row(const json_t *row)
{
    printf("%-24s %-38s %-5s ", text(row, "op"), text(row, "shape"), text(row, "dtype"));
}

static void compare_ops(const json_t *a, const json_t *b)
{
    size_t i;
    json_t *row;
    printf("%-24s %-38s %-5s %12s %12s %7s\n", "op", "shape", "dtype", "A us", "B us", "A / B");
    json_array_foreach(a, i, row)
    {
        const json_t *other = same_row(b, row);
        const double mine = number(row, "median"), others = number(other, "median");
        name_row(row);
        if (other)
            printf("%12.1f %12.1f %7.2f\n", mine * 1e6, others * 1e6, mine / others);
        else
            printf("%12.1f %12s\n", mine * 1e6, "missing");
    }
    json_array_foreach(b, i, row)
    {
        if (same_row(a, row)) continue;
        name_row(row);
        printf("%12s %12.1f\n", "missing", number(row, "median") * 1e6);
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void print_pair(const char *name, double a, double b)
{
    printf("%-28s %14.6g %14.6g ", name, a, b);
    if (b != 0.0)
        printf("%7.2f\n", a / b);
    else
        printf("%7s\n", "-");
}

static void compare_steps(const json_t *a, const json_t *b)
{
    const char *const keys[] = {"tokens_per_s", "median", "p10", "p90", "of_ceiling", "waited"};
    const char *const parts[] = {"parameters",     "gradients",   "moments",
                                 "target_network", "activations", "scratch"};
    const json_t *memory_a = json_object_get(a, "memory"), *memory_b = json_object_get(b, "memory");
    char name[40];
    printf("%-28s %14s %14s %7s\n", "step", "A", "B", "A / B");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        print_pair(keys[i], number(a, keys[i]), number(b, keys[i]));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(name, sizeof name, "bytes of %s", parts[i]);
        print_pair(name, number(memory_a, parts[i]), number(memory_b, parts[i]));
    }
}

static Status compare(const char *path_a, const json_t *a, const char *path_b, const json_t *b)
{
    const json_t *ops_a = json_object_get(a, "ops"), *ops_b = json_object_get(b, "ops");
    const json_t *steps_a = json_object_get(a, "steps"), *steps_b = json_object_get(b, "steps");
    if (ops_a && ops_b)
        compare_ops(ops_a, ops_b);
    else if (steps_a && steps_b)
        compare_steps(steps_a, steps_b);
    else
        return FAIL(ERR_FORMAT, "%s is a report of %s, %s one of %s, want two of a kind", path_a,
                    ops_a ? "ops" : "steps", path_b, ops_b ? "ops" : "steps");
    return OK;
}

Status bench_compare(const char *path_a, const char *path_b)
{
    json_t *a = NULL, *b = NULL;
    Status st;
    TRY_OR_FAIL(st, read_report(path_a, &a));
    TRY_OR_FAIL(st, read_report(path_b, &b));
    TRY_OR_FAIL(st, compare(path_a, a, path_b, b));
fail:
    json_decref(a);
    json_decref(b);
    return st;
}

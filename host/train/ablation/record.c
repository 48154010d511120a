/* SPDX-License-Identifier: Apache-2.0 */
#include "train/ablation/record.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/report.h"

static void path_of(char *path, size_t size, const Config *c)
{
    snprintf(path, size, "%s/arm.json", c->train_out);
}

Status ablation_record_write(const AblationRecord *r, const Config *c, const Behaviour *file)
{
    char path[sizeof(Config_text) + 32];
    path_of(path, sizeof path, c);
    json_t *root = json_pack(
        "{s:s, s:b, s:I, s:f, s:{s:f, s:f}, s:o, s:s?, s:I, s:o}", "schema", "souk-arm-1",
        "complete", r->complete, "steps", (json_int_t)r->steps, "seconds", r->seconds, "return",
        "mean", r->greedy.mean, "half_interval_95", r->greedy.half, "optimum",
        report_number(r->optimum), "catalogue_hash", file ? file->catalogue_hash : NULL, "events",
        (json_int_t)(file ? file->events : 0), "settings", report_settings(c, CONFIG_ARM));
    return report_write(path, root, REPORT_17DIGITS);
}

/* Compares the settings of the record with `c`. A setting that the record does not have, because it
 * is older, had its default. */
static Status check_settings(const json_t *root, const Config *c, const char *path)
{
    const json_t *settings = json_object_get(root, "settings");
    Config then = config_default();
    ConfigDifference d;
    for (int i = 0; i < config_count(); i++) {
        const char *value = json_string_value(json_object_get(settings, config_file_key(i)));
        if (value && config_in(i, CONFIG_ARM)) TRY(config_set(&then, config_key(i), value));
    }
    if (!config_differ(&then, c, CONFIG_ARM, &d)) return OK;
    return FAIL(
        ERR_USAGE,
        "%s: this arm was trained with %s = \"%s\", want \"%s\"; choose another train.out, or "
        "--force, which trains all arms again",
        path, d.key, d.a, d.b);
}

static Status check_file(const json_t *root, const Behaviour *file, const char *path)
{
    const char *hash = json_string_value(json_object_get(root, "catalogue_hash"));
    const int64_t events = json_integer_value(json_object_get(root, "events"));
    if (file ? hash && !strcmp(hash, file->catalogue_hash) && events == file->events : !hash)
        return OK;
    return FAIL(ERR_USAGE,
                "%s: this arm was trained on other data, of %" PRId64 " events; choose another "
                "train.out, or --force, which trains all arms again",
                path, events);
}

/* Takes the figures of the record. */
static Status take(AblationRecord *r, const json_t *root, const char *path)
{
    int complete;
    json_int_t steps;
    json_t *optimum;
    if (json_unpack((json_t *)root, "{s:b, s:I, s:f, s:{s:f, s:f}, s:o}", "complete", &complete,
                    "steps", &steps, "seconds", &r->seconds, "return", "mean", &r->greedy.mean,
                    "half_interval_95", &r->greedy.half, "optimum", &optimum) != 0)
        return FAIL(ERR_FORMAT, "%s is not the record of an arm, want schema souk-arm-1", path);
    r->complete = complete;
    r->steps = steps;
    r->optimum = json_is_real(optimum) ? json_real_value(optimum) : NAN;
    return OK;
}

Status ablation_record_read(AblationRecord *r, bool *there, const Config *c, const Behaviour *file)
{
    char path[sizeof(Config_text) + 32];
    json_error_t error;
    path_of(path, sizeof path, c);
    *r = (AblationRecord){.optimum = NAN};
    *there = access(path, F_OK) == 0;
    if (!*there) return OK;
    json_t *root = json_load_file(path, 0, &error);
    if (!root) return FAIL(ERR_FORMAT, "%s:%d: %s", path, error.line, error.text);
    Status st;
    TRY_OR_FAIL(st, take(r, root, path));
    TRY_OR_FAIL(st, check_settings(root, c, path));
    TRY_OR_FAIL(st, check_file(root, file, path));
fail:
    json_decref(root);
    return st;
}

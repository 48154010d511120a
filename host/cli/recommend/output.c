/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recommend/output.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "cli/recommend/why.h"
#include "data/behaviour/keys.h"
#include "infer/explain/json.h"

/* ---- One list -------------------------------------------------------------------------------- */

Status recommend_output_json(Behaviour *catalogue, const Recommendation *r, int64_t found,
                             const Explanation *why)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        json_t *reasons;
        TRY(behaviour_keys_item(catalogue, r[i].item, &key));
        json_t *item =
            json_pack("{s:o, s:i, s:f, s:o, s:o}", "item", report_string(key), "row",
                      (int)r[i].item, "score", (double)r[i].score, "probability",
                      report_number((double)r[i].probability), "q", report_number((double)r[i].q));
        json_array_append_new(list, item);
        if (!why) continue;
        TRY(explain_json(why, i, catalogue, &reasons));
        json_object_set_new(item, "why", reasons);
    }
    return report_print(stdout, json_pack("{s:o}", "recommendations", list), REPORT_WIDE);
}

static void print_number(float x)
{
    if (isfinite(x))
        printf(" %12.5g", (double)x);
    else
        printf(" %12s", "-");
}

Status recommend_output_table(Behaviour *catalogue, const Recommendation *r, int64_t found,
                              const Explanation *why)
{
    printf("%4s  %-32s %12s %12s %12s\n", "rank", "item", "score", "probability", "Q");
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        char shown[REPORT_LINE_MAX];
        TRY(behaviour_keys_item(catalogue, r[i].item, &key));
        printf("%4" PRId64 "  %-32s", i + 1, report_line(shown, key));
        print_number(r[i].score);
        print_number(r[i].probability);
        print_number(r[i].q);
        putchar('\n');
        if (why) TRY(recommend_why_print(why, i, catalogue));
    }
    return OK;
}

/* ---- Many lists ------------------------------------------------------------------------------ */

const char *const recommend_output_formats[] = {"jsonl", "csv", NULL};

Status recommend_output_open(RecommendOutput *o, Behaviour *catalogue, RecommendFormat format,
                             const char *path)
{
    *o = (RecommendOutput){.catalogue = catalogue, .format = format, .to = stdout};
    if (path) {
        TRY(files_atomic_open(&o->file, path));
        o->to = o->file.stream;
    }
    if (format == RECOMMEND_CSV) fputs("id,rank,item,score,probability,q\n", o->to);
    return OK;
}

/* A value as JSON. Most keys need no escapes, and then no memory either. */
static void write_json(FILE *to, const json_t *value)
{
    const char *text = json_string_value(value);
    const char *at = text;
    while (at && (unsigned char)*at >= ' ' && (unsigned char)*at < 127 && *at != '"' && *at != '\\')
        at++;
    if (at && !*at)
        fprintf(to, "\"%s\"", text);
    else
        json_dumpf(value, to, JSON_ENCODE_ANY | JSON_COMPACT);
}

static void write_json_key(FILE *to, const char *key)
{
    json_t *text = report_string(key);
    write_json(to, text);
    json_decref(text);
}

/* A field of CSV (RFC 4180). */
static void write_field(FILE *to, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"') fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void write_id_field(FILE *to, const json_t *id)
{
    if (json_is_string(id))
        write_field(to, json_string_value(id));
    else
        json_dumpf(id, to, JSON_ENCODE_ANY);
}

/* `none` where there is no such number. */
static void write_number(FILE *to, const char *before, float x, const char *none)
{
    if (isfinite(x))
        fprintf(to, "%s%.9g", before, (double)x);
    else
        fprintf(to, "%s%s", before, none);
}

static Status write_why(FILE *to, const Explanation *why, int64_t i, Behaviour *catalogue)
{
    json_t *reasons;
    if (!why) return OK;
    TRY(explain_json(why, i, catalogue, &reasons));
    fputs(", \"why\": ", to);
    json_dumpf(reasons, to, JSON_REAL_PRECISION(9));
    json_decref(reasons);
    return OK;
}

static Status add_json(RecommendOutput *o, const json_t *id, const Recommendation *r, int64_t found,
                       const Explanation *why)
{
    FILE *to = o->to;
    fputs("{\"id\": ", to);
    write_json(to, id);
    fputs(", \"recommendations\": [", to);
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        TRY(behaviour_keys_item(o->catalogue, r[i].item, &key));
        fputs(i ? ", {\"item\": " : "{\"item\": ", to);
        write_json_key(to, key);
        write_number(to, ", \"score\": ", r[i].score, "null");
        write_number(to, ", \"probability\": ", r[i].probability, "null");
        write_number(to, ", \"q\": ", r[i].q, "null");
        TRY(write_why(to, why, i, o->catalogue));
        fputc('}', to);
    }
    fputs("]}\n", to);
    return OK;
}

static Status add_csv(RecommendOutput *o, const json_t *id, const Recommendation *r, int64_t found)
{
    FILE *to = o->to;
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        TRY(behaviour_keys_item(o->catalogue, r[i].item, &key));
        write_id_field(to, id);
        fprintf(to, ",%" PRId64 ",", i + 1);
        write_field(to, key);
        write_number(to, ",", r[i].score, "");
        write_number(to, ",", r[i].probability, "");
        write_number(to, ",", r[i].q, "");
        fputc('\n', to);
    }
    return OK;
}

static Status check_written(const RecommendOutput *o)
{
    if (!ferror(o->to)) return OK;
    return FAIL(ERR_IO, "%s: cannot write: %s", o->file.path ? o->file.path : "standard output",
                strerror(errno));
}

Status recommend_output_add(RecommendOutput *o, const json_t *id, const Recommendation *r,
                            int64_t found, const Explanation *why)
{
    errno = 0;
    TRY(o->format == RECOMMEND_CSV ? add_csv(o, id, r, found) : add_json(o, id, r, found, why));
    return check_written(o);
}

Status recommend_output_commit(RecommendOutput *o)
{
    errno = 0;
    if (o->file.path) return files_atomic_commit(&o->file);
    fflush(o->to);
    return check_written(o);
}

void recommend_output_close(RecommendOutput *o)
{
    files_atomic_close(&o->file);
    *o = (RecommendOutput){0};
}

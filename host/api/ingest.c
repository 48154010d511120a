/* SPDX-License-Identifier: Apache-2.0 */
#include "souk.h"

#include <stdlib.h>

#include "api/call.h"
#include "api/follow.h"
#include "api/lines.h"
#include "data/ingest/ingest.h"
#include "data/rawlog/map.h"
#include "data/rawlog/map_file.h"
#include "model/saved.h"

static Status assign(void *mapping, const char *line) { return map_assign(mapping, line); }

static Status hand_out(const IngestReport *report, souk_ingest_result *result)
{
    souk_ingest_result r = {.rows = report->rows,
                            .users = report->users,
                            .items = report->items,
                            .events = report->events,
                            .seconds = report->seconds};
    for (int kind = 0; kind < BAD_KINDS; kind++) r.bad_rows += report->bad[kind].count;
    return call_result(result, &r, sizeof r, CALL_LEAST(souk_ingest_result, seconds), "result");
}

static Status check(const souk_ingest_options *o)
{
    if (o->input_count < 1)
        return FAIL(ERR_USAGE, "options->input_count is %d, want 1 or more", o->input_count);
    TRY(call_needs(o->inputs, "options->inputs"));
    for (int i = 0; i < o->input_count; i++) TRY(call_needs(o->inputs[i], "an input"));
    for (int i = 0; o->streams && i < o->input_count; i++)
        TRY(call_needs(o->streams[i], "a stream"));
    TRY(call_needs(o->output, "options->output"));
    if (o->memory < 0 || o->threads < 0)
        return FAIL(ERR_USAGE, "options->memory or options->threads is negative, want 0 or more");
    return OK;
}

static Status run(const souk_ingest_options *o, Mapping *m, IngestReport *report)
{
    Follow listener = follow(o->progress, o->message, o->context, NULL);
    char catalogue[SAVED_PATH];
    const IngestOptions how = {.inputs = o->inputs,
                               .streams = o->streams,
                               .input_count = o->input_count,
                               .output = o->output,
                               .key_file = o->key_file,
                               .catalogue = o->catalogue ? catalogue : NULL,
                               .directory = o->directory,
                               .memory = o->memory,
                               .threads = o->threads,
                               .plain_keys = o->plain_keys,
                               .strict = o->strict,
                               .force = o->force,
                               .compress = o->compress,
                               .listener = &listener.listener};
    if (o->catalogue) TRY(saved_find_catalogue(catalogue, o->catalogue));
    if (o->map) TRY(map_file_read(m, o->map));
    TRY(lines_each(o->settings, assign, m));
    return ingest_run(&how, m, report);
}

static Status ingest(const souk_ingest_options *given, souk_ingest_result *result)
{
    souk_ingest_options o = SOUK_INGEST_OPTIONS_INIT;
    Mapping *m = NULL;
    IngestReport *report = NULL;
    Status st;
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_ingest_options, context), given, "options"));
    TRY(check(&o));
    m = malloc(sizeof *m);
    report = calloc(1, sizeof *report);
    if (!m || !report) {
        free(m);
        free(report);
        return FAIL(ERR_MEMORY, "no memory to ingest");
    }
    map_init(m);
    TRY_OR_FAIL(st, hand_out(report, result)); /* its size is checked before the work */
    TRY_OR_FAIL(st, run(&o, m, report));
    st = hand_out(report, result);
fail:
    ingest_report_close(report);
    map_close(m);
    free(m);
    free(report);
    return st;
}

souk_status souk_ingest(const souk_ingest_options *options, souk_ingest_result *result,
                        souk_error *error)
{
    call_begin();
    return call_end(ingest(options, result), error);
}

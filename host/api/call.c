/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include <stdio.h>
#include <string.h>

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

const char *souk_version(void)
{
    return VALUE(SOUK_VERSION_MAJOR) "." VALUE(SOUK_VERSION_MINOR) "." VALUE(SOUK_VERSION_PATCH);
}

const char *souk_status_name(souk_status status)
{
    switch (status) {
    case SOUK_OK: return "SOUK_OK";
    case SOUK_ERROR_USAGE: return "SOUK_ERROR_USAGE";
    case SOUK_ERROR_IO: return "SOUK_ERROR_IO";
    case SOUK_ERROR_FORMAT: return "SOUK_ERROR_FORMAT";
    case SOUK_ERROR_MEMORY: return "SOUK_ERROR_MEMORY";
    case SOUK_ERROR_DEVICE: return "SOUK_ERROR_DEVICE";
    case SOUK_ERROR_RANKS: return "SOUK_ERROR_RANKS";
    case SOUK_CANCELLED: return "SOUK_CANCELLED";
    }
    return "unknown status";
}

void call_begin(void) { status_clear(); }

static souk_status public_status(Status st)
{
    switch (st) {
    case OK: return SOUK_OK;
    case ERR_IO: return SOUK_ERROR_IO;
    case ERR_FORMAT: return SOUK_ERROR_FORMAT;
    case ERR_MEMORY: return SOUK_ERROR_MEMORY;
    case ERR_DEVICE: return SOUK_ERROR_DEVICE;
    case ERR_COMM: return SOUK_ERROR_RANKS;
    case ERR_USAGE: return SOUK_ERROR_USAGE;
    case ERR_CANCELLED: return SOUK_CANCELLED;
    }
    return SOUK_ERROR_USAGE;
}

souk_status call_end(Status st, souk_error *error)
{
    const souk_status status = public_status(st);
    if (error) {
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", st == OK ? "" : status_message());
    }
    status_clear();
    return status;
}

Status call_needs(const void *argument, const char *name)
{
    return argument ? OK : FAIL(ERR_USAGE, "%s is NULL, want a value", name);
}

/* ---- Structs that grow ----------------------------------------------------------------------- */

#define NO_PADDING(type, last)                                                                     \
    _Static_assert(sizeof(type) == CALL_LEAST(type, last), "padding behind the last field")
NO_PADDING(souk_model_options, exclude_last);
NO_PADDING(souk_recommend_options, cap);
NO_PADDING(souk_ingest_options, catalogue);
NO_PADDING(souk_ingest_result, seconds);
NO_PADDING(souk_train_options, context);
NO_PADDING(souk_evaluate_options, against);
NO_PADDING(souk_ope_options, context);
NO_PADDING(souk_train_result, validation);

static Status check_size(size_t size, size_t least, const char *name)
{
    if (size >= least) return OK;
    return FAIL(ERR_USAGE, "%s->size is %zu, want %zu: begin with the ..._INIT value of souk.h",
                name, size, least);
}

Status call_options(void *options, size_t size, size_t least, const void *given, const char *name)
{
    size_t has;
    TRY(call_needs(given, name));
    memcpy(&has, given, sizeof has);
    TRY(check_size(has, least, name));
    if (has > size)
        return FAIL(ERR_USAGE, "%s->size is %zu, of a header that is newer than souk %s, want %zu",
                    name, has, souk_version(), size);
    memcpy(options, given, has);
    return OK;
}

Status call_result(void *given, const void *result, size_t size, size_t least, const char *name)
{
    size_t has;
    if (!given) return OK;
    memcpy(&has, given, sizeof has);
    TRY(check_size(has, least, name));
    memcpy((char *)given + sizeof has, (const char *)result + sizeof has,
           (has < size ? has : size) - sizeof has);
    return OK;
}

/* Mappings from INI files, through inih. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "data/rawlog/map.h"

typedef struct {
    Mapping *mapping;
    FILE *file;
    int line;      /* being read */
    int bad_line;  /* of the first refused setting */
    bool too_long; /* `line` does not fit inih's buffer */
    Status status;
    char message[512];
} Reading;

static char *next_line(char *out, int size, void *context)
{
    Reading *r = context;
    if (r->too_long || !fgets(out, size, r->file)) return NULL;
    r->line++;
    const size_t length = strlen(out);
    if ((length == 0 || out[length - 1] != '\n') && !feof(r->file)) {
        r->too_long = true;
        return NULL;
    }
    return out;
}

static int handle(void *context, const char *section, const char *name, const char *value)
{
    Reading *r = context;
    if (r->bad_line) return 0;
    const Status st = map_set(r->mapping, section, name, value ? value : "");
    if (st == OK) return 1;
    r->bad_line = r->line;
    r->status = st;
    snprintf(r->message, sizeof r->message, "%s", status_message());
    status_clear();
    return 0;
}

static Status read_mapping(Mapping *m, const char *path, FILE *file)
{
    Reading r = {.mapping = m, .file = file};
    const int line = ini_parse_stream(next_line, &r, handle, &r);
    if (r.too_long)
        return FAIL(ERR_FORMAT, "%s:%d: line longer than %d bytes, or with a NUL byte", path,
                    r.line, INI_MAX_LINE - 3);
    if (r.bad_line && r.bad_line == line) return FAIL(r.status, "%s:%d: %s", path, line, r.message);
    if (line > 0) return FAIL(ERR_FORMAT, "%s:%d: expected [section] or name = value", path, line);
    if (ferror(file)) return FAIL(ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    return OK;
}

Status ini_read(Mapping *m, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) return FAIL(ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    const Status st = read_mapping(m, path, file);
    fclose(file);
    return st;
}

Status ini_read_text(Mapping *m, const char *path, const char *text, size_t length)
{
    if (length == 0) return OK;
    FILE *file = fmemopen((void *)text, length, "r");
    if (!file) return FAIL(ERR_MEMORY, "%s: cannot read from memory", path);
    const Status st = read_mapping(m, path, file);
    fclose(file);
    return st;
}

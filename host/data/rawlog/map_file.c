/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/map_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "data/rawlog/map.h"

/* ---- INI ------------------------------------------------------------------------------------- */

typedef struct {
    Mapping *mapping;
    FILE *file;
    int line;      /* number of the line that was read last */
    int bad_line;  /* number of the line of the first refused setting; 0: none */
    bool too_long; /* `line` does not fit the buffer of inih */
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

static Status read_stream(Mapping *m, const char *path, FILE *file)
{
    Reading r = {.mapping = m, .file = file};
    const int line = ini_parse_stream(next_line, &r, handle, &r);
    if (r.too_long)
        return FAIL(ERR_FORMAT, "%s:%d: line longer than %d bytes, or with a NUL byte", path,
                    r.line, INI_MAX_LINE - 3);
    if (r.bad_line && r.bad_line == line) return FAIL(r.status, "%s:%d: %s", path, line, r.message);
    if (line > 0) return FAIL(ERR_FORMAT, "%s:%d: want [section] or name = value", path, line);
    if (ferror(file)) return FAIL(ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    return OK;
}

static Status read_path(Mapping *m, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) return FAIL(ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    const Status st = read_stream(m, path, file);
    fclose(file);
    return st;
}

Status map_file_read_text(Mapping *m, const char *path, const char *text, size_t length)
{
    if (length == 0) return OK;
    FILE *file = fmemopen((void *)text, length, "r");
    if (!file) return FAIL(ERR_MEMORY, "%s: cannot read from memory", path);
    const Status st = read_stream(m, path, file);
    fclose(file);
    return st;
}

/* ---- Presets --------------------------------------------------------------------------------- */

static const MapPreset presets[] = {
#include "presets.def"
};

const MapPreset *map_file_preset(int index)
{
    return index < (int)(sizeof presets / sizeof *presets) ? &presets[index] : NULL;
}

static const MapPreset *find_preset(const char *name)
{
    const MapPreset *preset;
    for (int i = 0; (preset = map_file_preset(i)); i++)
        if (strcmp(preset->name, name) == 0) return preset;
    return NULL;
}

/* The hint at the preset that is nearest to `name`, which may be a file's: NAME.ini. */
static const char *hint(Nearest *near, const char *name)
{
    char stem[NEAREST_NAME_MAX];
    const char *dot = strrchr(name, '.');
    const size_t length = dot && strcmp(dot, ".ini") == 0 ? (size_t)(dot - name) : strlen(name);
    const MapPreset *preset;
    snprintf(stem, sizeof stem, "%.*s", length < sizeof stem ? (int)length : 0, name);
    *near = nearest_to(stem);
    for (int i = 0; (preset = map_file_preset(i)); i++) nearest_offer(near, preset->name);
    return nearest_hint(near);
}

Status map_file_read_preset(Mapping *m, const char *name)
{
    Nearest near;
    const MapPreset *preset = find_preset(name);
    if (preset) return map_file_read_text(m, name, preset->text, strlen(preset->text));
    return FAIL(ERR_USAGE,
                "there is no preset \"%.80s\"%s; souk ingest --preset list shows all of them", name,
                hint(&near, name));
}

Status map_file_read(Mapping *m, const char *name)
{
    Nearest near;
    if (access(name, F_OK) == 0 || strchr(name, '/')) return read_path(m, name);
    if (find_preset(name)) return map_file_read_preset(m, name);
    return FAIL(ERR_USAGE, "map \"%.200s\": want a file, or the name of a preset%s", name,
                hint(&near, name));
}

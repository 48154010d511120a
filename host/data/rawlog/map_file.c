/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/map_file.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "data/rawlog/map.h"
#include "datasets.h"

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

/* ---- Installed maps -------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder) closedir(folder);
    return folder != NULL;
}

/* share/souk/datasets beside the folder of `object`, a program or a library in bin/, lib/ or
 * lib/ARCHITECTURE/. */
static bool beside(char *folder, size_t size, const char *object)
{
    static const char *const share[] = {"../share/souk/datasets", "../../share/souk/datasets"};
    char path[PATH_MAX];
    if (!realpath(object, path)) return false;
    *strrchr(path, '/') = '\0';
    for (int i = 0; i < 2; i++) {
        const int length = snprintf(folder, size, "%s/%s", path, share[i]);
        if (length < (int)size && is_folder(folder)) return true;
    }
    return false;
}

/* The folder of the installed maps; "" where there is none. */
static void find_folder(char *folder, size_t size)
{
    Dl_info library; /* the object that has this function: libsouk.so or the program */
    if (dladdr((const void *)&find_folder, &library) && strchr(library.dli_fname, '/') &&
        beside(folder, size, library.dli_fname))
        return;
    if (beside(folder, size, "/proc/self/exe")) return;
    snprintf(folder, size, "%s", is_folder(SOUK_DATASETS) ? SOUK_DATASETS : "");
}

static Status no_map(const char *name, const char *folder)
{
    Nearest near = nearest_to(name);
    DIR *maps = *folder ? opendir(folder) : NULL;
    for (struct dirent *e; maps && (e = readdir(maps));) {
        char stem[NEAREST_NAME_MAX];
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".ini") != 0) continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(dot - e->d_name), e->d_name);
        nearest_offer(&near, stem);
    }
    if (maps) closedir(maps);
    return FAIL(ERR_USAGE, "map \"%s\": want a file, or the name of a map in %s%s", name,
                *folder ? folder : "share/souk/datasets", nearest_hint(&near));
}

Status map_file_read(Mapping *m, const char *name)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];
    if (access(name, F_OK) == 0 || strchr(name, '/')) return read_path(m, name);
    find_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/%s.ini", folder, name);
    return access(path, F_OK) == 0 ? read_path(m, path) : no_map(name, folder);
}

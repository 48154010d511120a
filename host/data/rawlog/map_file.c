#include "data/rawlog/map_file.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "datasets.h"

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
    if (access(name, F_OK) == 0 || strchr(name, '/')) return ini_read(m, name);
    find_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/%s.ini", folder, name);
    return access(path, F_OK) == 0 ? ini_read(m, path) : no_map(name, folder);
}

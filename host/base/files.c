/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Status files_atomic_open(AtomicFile *f, const char *path)
{
    *f = (AtomicFile){.path = strdup(path)};
    if (!f->path || asprintf(&f->temporary, "%s.tmp.%d", path, (int)getpid()) < 0)
        return FAIL(ERR_MEMORY, "%s: no memory for the path", path);
    f->stream = fopen(f->temporary, "wb");
    if (!f->stream) return FAIL(ERR_IO, "%s: cannot create: %s", f->path, strerror(errno));
    return OK;
}

static Status sync_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy) return FAIL(ERR_MEMORY, "%s: no memory for the path", path);
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY);
    free(copy);
    if (fd < 0) return OK; /* some file systems do not let a folder be opened */
    fsync(fd);             /* nor be flushed: no error, the file itself is safe */
    close(fd);
    return OK;
}

Status files_atomic_commit(AtomicFile *f)
{
    /* A write that failed earlier leaves its mark on the stream, not in errno. */
    int cause = ferror(f->stream) ? EIO : 0;
    if (fflush(f->stream) != 0 || fsync(fileno(f->stream)) != 0) cause = errno;
    if (fclose(f->stream) != 0 && !cause) cause = errno;
    f->stream = NULL;
    if (cause) return FAIL(ERR_IO, "%s: cannot write: %s", f->path, strerror(cause));
    if (rename(f->temporary, f->path) != 0)
        return FAIL(ERR_IO, "%s: cannot rename into place: %s", f->path, strerror(errno));
    free(f->temporary);
    f->temporary = NULL;
    return sync_folder(f->path);
}

void files_atomic_close(AtomicFile *f)
{
    if (f->stream) fclose(f->stream);
    if (f->temporary) unlink(f->temporary);
    free(f->temporary);
    free(f->path);
    *f = (AtomicFile){0};
}

Status files_atomic_write(const char *path, FileWriter write, const void *content)
{
    AtomicFile file;
    Status st;
    TRY_OR_FAIL(st, files_atomic_open(&file, path));
    TRY_OR_FAIL(st, write(content, file.stream));
    TRY_OR_FAIL(st, files_atomic_commit(&file));
fail:
    files_atomic_close(&file);
    return st;
}

/* Why no file can be created in the folder of `path`, an errno; 0: it can. */
static int folder_refuses(const char *path)
{
    struct stat info;
    char *copy = strdup(path);
    if (!copy) return ENOMEM;
    const char *folder = dirname(copy);
    int refused = stat(folder, &info) != 0 || access(folder, W_OK) != 0 ? errno : 0;
    if (!refused && !S_ISDIR(info.st_mode)) refused = ENOTDIR;
    free(copy);
    return refused;
}

Status files_check_writable(const char *path)
{
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return FAIL(ERR_IO, "%s: is a folder, want the path of a file", path);
    /* A pipe or a device is written in place, a file through another one beside it. */
    const bool in_place = exists && !S_ISREG(info.st_mode);
    const int denied = access(path, W_OK) != 0 ? errno : 0;
    const int refused = in_place ? denied : folder_refuses(path);
    return refused ? FAIL(ERR_IO, "%s: cannot create: %s", path, strerror(refused)) : OK;
}

Status files_make_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy) return FAIL(ERR_MEMORY, "%s: no memory for the path", path);
    for (char *slash = copy + 1; *slash; slash++) {
        if (*slash != '/') continue;
        *slash = '\0';
        mkdir(copy, 0777); /* most parents exist; a real failure shows at the folder itself */
        *slash = '/';
    }
    const int failed = mkdir(copy, 0777) != 0 && errno != EEXIST;
    const int cause = errno;
    free(copy);
    return failed ? FAIL(ERR_IO, "%s: cannot create folder: %s", path, strerror(cause)) : OK;
}

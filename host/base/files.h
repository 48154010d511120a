/* Files that appear whole or not at all: written under a temporary name beside the target, flushed
 * to the disk, then renamed over it. */
#ifndef SOUK_FILES_H
#define SOUK_FILES_H

#include <stdio.h>

#include "base/status.h"

typedef struct {
    FILE *stream; /* write here */
    char *path, *temporary;
} AtomicFile;

Status files_atomic_open(AtomicFile *f, const char *path);
/* Flush, fsync, rename, fsync the folder. On failure the target is untouched, the temporary is
 * gone. */
Status files_atomic_commit(AtomicFile *f);
/* Remove what was not committed. Safe on {0} and after a commit. */
void files_atomic_close(AtomicFile *f);

/* A file that write(content, stream) fills; nothing appears where that fails. */
typedef Status (*FileWriter)(const void *content, FILE *out);
Status files_atomic_write(const char *path, FileWriter write, const void *content);

/* Create the folder and its parents where missing. */
Status files_make_folder(const char *path);

#endif

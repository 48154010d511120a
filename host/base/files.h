/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear whole or not at all: written under a temporary name beside the target, flushed
 * to the disk, then renamed over it. */
#ifndef SOUK_FILES_H
#define SOUK_FILES_H

#include <stdio.h>

#include "base/status.h"

typedef struct {
    FILE *stream; /* what is to be written goes here */
    char *path, *temporary;
} AtomicFile;

/* Create the temporary file, `path`.tmp.PID. files_atomic_close follows in any case. */
Status files_atomic_open(AtomicFile *f, const char *path);
/* Flush, fsync, rename, fsync the folder. After a failure the target is as it was before. */
Status files_atomic_commit(AtomicFile *f);
/* Remove a temporary file that was not committed. Safe on {0} and after a commit. */
void files_atomic_close(AtomicFile *f);

/* Open a file, let write(content, stream) fill it, commit and close it. Where any of that fails,
 * nothing appears under `path`. */
typedef Status (*FileWriter)(const void *content, FILE *out);
Status files_atomic_write(const char *path, FileWriter write, const void *content);

/* Whether a file can be written whole: fails with the reason where its folder does not exist or may
 * not be written to, or where `path` is a folder. Writes nothing. */
Status files_check_writable(const char *path);

/* Create the folder and those of its parents that do not exist. */
Status files_make_folder(const char *path);

#endif

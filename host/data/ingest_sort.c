#include "data/ingest_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, RECORDS_MIN = 1024, WINDOW_BYTES = 1 << 21 };

size_t record_size(int cells)
{
    return (offsetof(Record, cell) + (size_t)cells * sizeof(CellValue) + 7) / 8 * 8;
}

/* ---- Temporary files and reserved memory -------------------------------------------------------
 */

static Status temporary_file(int *fd, const char *directory)
{
    char path[4096];
    if (*fd >= 0) return OK;
    snprintf(path, sizeof path, "%s/souk-ingest-XXXXXX", directory);
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0) return FAIL(ERR_IO, "%s: cannot make a temporary file: %s", path, strerror(errno));
    unlink(path);
    return OK;
}

static Status write_all(int fd, const char *from, size_t bytes, const char *directory)
{
    while (bytes) {
        const ssize_t n = write(fd, from, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return FAIL(ERR_IO, "%s: cannot write a temporary file: %s", directory,
                        strerror(errno));
        from += n;
        bytes -= (size_t)n;
    }
    return OK;
}

static Status read_at(int fd, char *to, size_t bytes, int64_t offset, const char *directory)
{
    while (bytes) {
        const ssize_t n = pread(fd, to, bytes, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return FAIL(ERR_IO, "%s: cannot read a temporary file: %s", directory,
                        n ? strerror(errno) : "it was cut");
        to += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return OK;
}

/* Address space; pages come as they are touched. */
static void *reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at != MAP_FAILED) return at;
    FAIL(ERR_MEMORY, "no memory: cannot reserve %zu bytes", bytes);
    return NULL;
}

static Status grow_group(char **group, int64_t *room, int64_t count, size_t size)
{
    if (count <= *room) return OK;
    const int64_t wanted = count + count / 2 + 64;
    char *fresh = realloc(*group, (size_t)wanted * size);
    if (!fresh) return FAIL(ERR_MEMORY, "no memory for one user's %lld events", (long long)count);
    *group = fresh;
    *room = wanted;
    return OK;
}

/* ---- Sorter ------------------------------------------------------------------------------------
 */

typedef struct {
    int64_t next, end; /* records of the file not yet in the buffer */
    char *buffer;
    int64_t at, loaded;
} Run;

struct Sorter {
    size_t size;
    char *buffer;
    int64_t room, count; /* records */
    uint64_t *order[2];  /* user << 32 | position */
    const char *directory;
    int fd;
    int64_t written;
    Run *run;
    int runs, runs_room, heap_size;
    int *heap; /* of runs, by (user at their head, run) */
    int64_t at;
    char *group;
    int64_t group_room;
};

Status sorter_open(Sorter **sorter, size_t size, int64_t memory, const char *directory)
{
    Sorter *s = *sorter = calloc(1, sizeof *s);
    if (!s) return FAIL(ERR_MEMORY, "no memory for the sort");
    s->fd = -1;
    s->size = size;
    s->directory = directory;
    s->room = memory / (int64_t)(size + 16);
    if (s->room < RECORDS_MIN) s->room = RECORDS_MIN;
    if (s->room > UINT32_MAX / 2) s->room = UINT32_MAX / 2;
    s->buffer = reserve((size_t)s->room * size);
    for (int i = 0; i < 2; i++) s->order[i] = reserve((size_t)s->room * 8);
    return s->buffer && s->order[0] && s->order[1] ? OK : ERR_MEMORY;
}

void sorter_close(Sorter *s)
{
    if (!s) return;
    if (s->buffer) munmap(s->buffer, (size_t)s->room * s->size);
    for (int i = 0; i < 2; i++)
        if (s->order[i]) munmap(s->order[i], (size_t)s->room * 8);
    if (s->fd >= 0) close(s->fd);
    free(s->run);
    free(s->heap);
    free(s->group);
    free(s);
}

int64_t sorter_count(const Sorter *s) { return s->written + s->count; }

int sorter_runs(const Sorter *s) { return s->runs; }

/* order[0]: positions by user, stable. Least significant digit first, over the bits in use. */
static void sort_buffer(Sorter *s)
{
    uint64_t *from = s->order[0], *to = s->order[1], largest = 0;
    for (int64_t i = 0; i < s->count; i++) {
        from[i] = (uint64_t)record_at(s->buffer, s->size, i)->user << 32 | (uint64_t)i;
        if (from[i] > largest) largest = from[i];
    }
    for (int shift = 32; shift < 64 && largest >> shift; shift += RADIX_BITS) {
        int64_t start[RADIX + 1] = {0};
        for (int64_t i = 0; i < s->count; i++) start[(from[i] >> shift & (RADIX - 1)) + 1]++;
        for (int d = 0; d < RADIX; d++) start[d + 1] += start[d];
        for (int64_t i = 0; i < s->count; i++)
            to[start[from[i] >> shift & (RADIX - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    s->order[0] = from;
    s->order[1] = to;
}

static void gather(const Sorter *s, char *to, int64_t first, int64_t count)
{
    enum { AHEAD = 16 };
    for (int64_t i = first; i < first + count; i++, to += s->size) {
        if (i + AHEAD < s->count)
            __builtin_prefetch(
                record_at(s->buffer, s->size, (int64_t)(uint32_t)s->order[0][i + AHEAD]));
        memcpy(to, record_at(s->buffer, s->size, (int64_t)(uint32_t)s->order[0][i]), s->size);
    }
}

static Status write_run(Sorter *s)
{
    TRY(temporary_file(&s->fd, s->directory));
    if (s->runs == s->runs_room) {
        s->runs_room = s->runs_room ? 2 * s->runs_room : 16;
        Run *run = realloc(s->run, (size_t)s->runs_room * sizeof *run);
        if (!run) return FAIL(ERR_MEMORY, "no memory for %d runs", s->runs_room);
        s->run = run;
    }
    sort_buffer(s);
    char *out = malloc(WINDOW_BYTES + s->size);
    if (!out) return FAIL(ERR_MEMORY, "no memory to write a run");
    const int64_t step = WINDOW_BYTES / (int64_t)s->size;
    Status st = OK;
    for (int64_t i = 0; i < s->count && st == OK; i += step) {
        const int64_t count = s->count - i < step ? s->count - i : step;
        gather(s, out, i, count);
        st = write_all(s->fd, out, (size_t)count * s->size, s->directory);
    }
    free(out);
    s->run[s->runs++] = (Run){.next = s->written, .end = s->written + s->count};
    s->written += s->count;
    s->count = 0;
    return st;
}

Record *sorter_push(Sorter *s)
{
    if (s->count == s->room && write_run(s) != OK) return NULL;
    return record_at(s->buffer, s->size, s->count++);
}

static Status load_run(Sorter *s, Run *r)
{
    const int64_t share = s->room / s->runs, window = WINDOW_BYTES / (int64_t)s->size;
    const int64_t room = share < window ? share : window;
    r->at = 0;
    r->loaded = r->end - r->next < room ? r->end - r->next : room;
    TRY(read_at(s->fd, r->buffer, (size_t)r->loaded * s->size, r->next * (int64_t)s->size,
                s->directory));
    r->next += r->loaded;
    return OK;
}

static uint64_t head_of(const Sorter *s, int run)
{
    const Run *r = &s->run[run];
    return (uint64_t)record_at(r->buffer, s->size, r->at)->user << 32 | (uint64_t)run;
}

static void sift(Sorter *s, int at)
{
    for (;;) {
        int least = at;
        for (int child = 2 * at + 1; child <= 2 * at + 2 && child < s->heap_size; child++)
            if (head_of(s, s->heap[child]) < head_of(s, s->heap[least])) least = child;
        if (least == at) return;
        const int swap = s->heap[at];
        s->heap[at] = s->heap[least];
        s->heap[least] = swap;
        at = least;
    }
}

Status sorter_finish(Sorter *s)
{
    if (s->runs == 0) {
        sort_buffer(s);
        return OK;
    }
    if (s->count) TRY(write_run(s));
    madvise(s->buffer, (size_t)s->room * s->size, MADV_DONTNEED);
    for (int i = 0; i < 2; i++) madvise(s->order[i], (size_t)s->room * 8, MADV_DONTNEED);
    s->heap = calloc((size_t)s->runs, sizeof *s->heap);
    if (!s->heap || s->runs > s->room)
        return FAIL(ERR_MEMORY, "%d runs to merge: give more --memory", s->runs);
    for (int i = 0; i < s->runs; i++) {
        s->run[i].buffer = s->buffer + (size_t)(s->room / s->runs * i) * s->size;
        TRY(load_run(s, &s->run[i]));
        s->heap[s->heap_size++] = i;
    }
    for (int i = s->heap_size / 2; i >= 0; i--) sift(s, i);
    return OK;
}

/* All records of `user` at the head of run r, appended to the group. */
static Status take_user(Sorter *s, Run *r, uint32_t user, int64_t *count)
{
    while (r->at < r->loaded) {
        int64_t end = r->at;
        while (end < r->loaded && record_at(r->buffer, s->size, end)->user == user) end++;
        TRY(grow_group(&s->group, &s->group_room, *count + end - r->at, s->size));
        memcpy(s->group + (size_t)*count * s->size, record_at(r->buffer, s->size, r->at),
               (size_t)(end - r->at) * s->size);
        *count += end - r->at;
        r->at = end;
        if (end < r->loaded) break;
        if (r->next < r->end) TRY(load_run(s, r));
    }
    return OK;
}

static Status next_in_memory(Sorter *s, int64_t *count)
{
    int64_t end = s->at;
    while (end < s->count && s->order[0][end] >> 32 == s->order[0][s->at] >> 32) end++;
    *count = end - s->at;
    TRY(grow_group(&s->group, &s->group_room, *count, s->size));
    gather(s, s->group, s->at, *count);
    s->at = end;
    return OK;
}

Status sorter_next_user(Sorter *s, Record **records, int64_t *count)
{
    *count = 0;
    if (s->runs == 0) {
        TRY(next_in_memory(s, count));
    } else if (s->heap_size) {
        const uint32_t user = (uint32_t)(head_of(s, s->heap[0]) >> 32);
        while (s->heap_size && head_of(s, s->heap[0]) >> 32 == user) {
            Run *r = &s->run[s->heap[0]];
            TRY(take_user(s, r, user, count));
            if (r->at == r->loaded) s->heap[0] = s->heap[--s->heap_size];
            sift(s, 0);
        }
    }
    *records = (Record *)s->group;
    return OK;
}

/* ---- Table -------------------------------------------------------------------------------------
 */

struct Table {
    size_t size;
    char *buffer;
    int64_t room;           /* records of the buffer in use */
    size_t reserved;        /* bytes of the buffer */
    int64_t count, in_file; /* all records; those written to the file */
    int64_t held, at;       /* records in the buffer, the next to be read */
    int64_t next;           /* record of the file to be loaded next */
    const char *directory;
    int fd;
    char *group; /* a user's records that lie across two loads */
    int64_t group_room;
};

Status table_open(Table **table, size_t size, int64_t memory, const char *directory)
{
    Table *t = *table = calloc(1, sizeof *t);
    if (!t) return FAIL(ERR_MEMORY, "no memory for a table");
    t->fd = -1;
    t->size = size;
    t->directory = directory;
    t->room = memory / (int64_t)size;
    if (t->room < RECORDS_MIN) t->room = RECORDS_MIN;
    t->reserved = (size_t)t->room * size;
    t->buffer = reserve(t->reserved);
    return t->buffer ? OK : ERR_MEMORY;
}

void table_close(Table *t)
{
    if (!t) return;
    if (t->buffer) munmap(t->buffer, t->reserved);
    if (t->fd >= 0) close(t->fd);
    free(t->group);
    free(t);
}

int64_t table_count(const Table *t) { return t->count; }

/* From the first flush on a window that fits the processor's cache serves better than much memory. */
static Status flush(Table *t)
{
    const int64_t window = WINDOW_BYTES / (int64_t)t->size;
    TRY(temporary_file(&t->fd, t->directory));
    TRY(write_all(t->fd, t->buffer, (size_t)t->held * t->size, t->directory));
    if (t->in_file == 0) madvise(t->buffer, t->reserved, MADV_DONTNEED);
    if (t->room > window) t->room = window;
    t->in_file += t->held;
    t->held = 0;
    return OK;
}

Status table_append(Table *t, const Record *records, int64_t count)
{
    for (int64_t done = 0; done < count;) {
        if (t->held == t->room) TRY(flush(t));
        const int64_t fits = t->room - t->held, step = count - done < fits ? count - done : fits;
        memcpy(record_at(t->buffer, t->size, t->held), record_at(records, t->size, done),
               (size_t)step * t->size);
        t->held += step;
        done += step;
    }
    t->count += count;
    return OK;
}

Status table_rewind(Table *t)
{
    if (t->in_file && t->in_file < t->count && t->held) TRY(flush(t));
    if (t->in_file) t->held = 0;
    t->at = t->next = 0;
    return OK;
}

static Status load(Table *t)
{
    t->at = 0;
    t->held = t->count - t->next < t->room ? t->count - t->next : t->room;
    TRY(read_at(t->fd, t->buffer, (size_t)t->held * t->size, t->next * (int64_t)t->size,
                t->directory));
    t->next += t->held;
    return OK;
}

static int64_t same_user(const Table *t, int64_t from, uint32_t user)
{
    int64_t end = from;
    while (end < t->held && record_at(t->buffer, t->size, end)->user == user) end++;
    return end;
}

Status table_next_user(Table *t, Record **records, int64_t *count)
{
    *count = 0;
    if (t->at == t->held && t->in_file && t->next < t->count) TRY(load(t));
    if (t->at == t->held) return OK;
    const uint32_t user = record_at(t->buffer, t->size, t->at)->user;
    int64_t end = same_user(t, t->at, user);
    *records = record_at(t->buffer, t->size, t->at);
    *count = end - t->at;
    t->at = end;
    if (end < t->held || !t->in_file || t->next == t->count) return OK;
    /* It may go on in the next load. */
    int64_t held = *count;
    TRY(grow_group(&t->group, &t->group_room, held, t->size));
    memcpy(t->group, *records, (size_t)held * t->size);
    while (t->at == t->held && t->next < t->count) {
        TRY(load(t));
        end = same_user(t, 0, user);
        TRY(grow_group(&t->group, &t->group_room, held + end, t->size));
        memcpy(t->group + (size_t)held * t->size, t->buffer, (size_t)end * t->size);
        held += end;
        t->at = end;
    }
    *records = (Record *)t->group;
    *count = held;
    return OK;
}

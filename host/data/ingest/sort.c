/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/sort.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    RADIX_BITS = 11,
    RADIX = 1 << RADIX_BITS,
    RECORDS_MIN = 1024,
    WINDOW_BYTES = 1 << 21,
    BATCH_BYTES = 1 << 19, /* fits the own cache of a core, beside what is computed from it */
};

size_t sort_record_size(int cells)
{
    return (offsetof(Record, cell) + (size_t)cells * sizeof(CellValue) + 7) / 8 * 8;
}

/* ---- Temporary files and reserved memory ----------------------------------------------------- */

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
                        n ? strerror(errno) : "it is shorter than it was");
        to += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return OK;
}

/* Address space; it takes memory only as its pages are touched. */
static void *reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at != MAP_FAILED) return at;
    FAIL(ERR_MEMORY, "no memory: cannot reserve %zu bytes", bytes);
    return NULL;
}

/* ---- Batches --------------------------------------------------------------------------------- */

int64_t sort_batch_user_end(const RecordBatch *b, size_t size, int64_t at)
{
    const uint32_t user = record_at(b->records, size, at)->user;
    while (++at < b->count && record_at(b->records, size, at)->user == user) continue;
    return at;
}

void sort_batch_close(RecordBatch *b)
{
    free(b->buffer);
    *b = (RecordBatch){0};
}

/* Capacity for `count` records; the contents are kept. */
static Status reserve_batch(RecordBatch *b, int64_t count, size_t size)
{
    if (count > b->capacity) {
        const int64_t wanted = count + count / 4 + 64;
        char *fresh = realloc(b->buffer, (size_t)wanted * size);
        if (!fresh) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " events", count);
        b->buffer = fresh;
        b->capacity = wanted;
    }
    b->records = (Record *)b->buffer;
    return OK;
}

/* ---- Sorter ---------------------------------------------------------------------------------- */

typedef struct {
    int64_t next, end; /* records of the file that were not loaded yet */
    char *buffer;
    int64_t at, loaded; /* in the buffer: the next record, and the end */
} Run;

struct Sorter {
    size_t size;
    char *buffer;
    int64_t capacity, count; /* records */
    uint64_t *order[2];      /* user << 32 | position */
    const char *directory;
    int fd;
    int64_t written;
    Run *run;
    int runs, runs_capacity, heap_size;
    int *heap;  /* run numbers, by (user of the run's next record, run) */
    int64_t at; /* without runs: index in order[0] of the record that is handed out next */
};

Status sort_open(Sorter **sorter, size_t size, int64_t memory, const char *directory)
{
    Sorter *s = *sorter = calloc(1, sizeof *s);
    if (!s) return FAIL(ERR_MEMORY, "no memory for the sort");
    s->fd = -1;
    s->size = size;
    s->directory = directory;
    s->capacity = memory / (int64_t)(size + 16);
    if (s->capacity < RECORDS_MIN) s->capacity = RECORDS_MIN;
    if (s->capacity > UINT32_MAX / 2) s->capacity = UINT32_MAX / 2;
    s->buffer = reserve((size_t)s->capacity * size);
    for (int i = 0; i < 2; i++) s->order[i] = reserve((size_t)s->capacity * 8);
    return s->buffer && s->order[0] && s->order[1] ? OK : ERR_MEMORY;
}

void sort_close(Sorter *s)
{
    if (!s) return;
    if (s->buffer) munmap(s->buffer, (size_t)s->capacity * s->size);
    for (int i = 0; i < 2; i++)
        if (s->order[i]) munmap(s->order[i], (size_t)s->capacity * 8);
    if (s->fd >= 0) close(s->fd);
    free(s->run);
    free(s->heap);
    free(s);
}

int64_t sort_count(const Sorter *s) { return s->written + s->count; }

int sort_runs(const Sorter *s) { return s->runs; }

/* order[0] becomes the positions of all records, by user; a stable radix sort, from the least
 * significant digit up to the highest bit that any user id has. */
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
    if (s->runs == s->runs_capacity) {
        s->runs_capacity = s->runs_capacity ? 2 * s->runs_capacity : 16;
        Run *run = realloc(s->run, (size_t)s->runs_capacity * sizeof *run);
        if (!run) return FAIL(ERR_MEMORY, "no memory for %d runs", s->runs_capacity);
        s->run = run;
    }
    sort_buffer(s);
    char *out = malloc(WINDOW_BYTES + s->size);
    if (!out) return FAIL(ERR_MEMORY, "no memory to write a run");
    const int64_t step = WINDOW_BYTES / (int64_t)s->size;
    Status st = OK;
    for (int64_t i = 0; i < s->count; i += step) {
        const int64_t count = s->count - i < step ? s->count - i : step;
        gather(s, out, i, count);
        TRY_OR_FAIL(st, write_all(s->fd, out, (size_t)count * s->size, s->directory));
    }
    s->run[s->runs++] = (Run){.next = s->written, .end = s->written + s->count};
    s->written += s->count;
    s->count = 0;
fail:
    free(out);
    return st;
}

Record *sort_push(Sorter *s)
{
    if (s->count == s->capacity && write_run(s) != OK) return NULL;
    return record_at(s->buffer, s->size, s->count++);
}

static Status load_run(Sorter *s, Run *r)
{
    const int64_t share = s->capacity / s->runs, window = WINDOW_BYTES / (int64_t)s->size;
    const int64_t capacity = share < window ? share : window;
    r->at = 0;
    r->loaded = r->end - r->next < capacity ? r->end - r->next : capacity;
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

Status sort_finish(Sorter *s)
{
    if (s->runs == 0) {
        sort_buffer(s);
        return OK;
    }
    if (s->count) TRY(write_run(s));
    madvise(s->buffer, (size_t)s->capacity * s->size, MADV_DONTNEED);
    for (int i = 0; i < 2; i++) madvise(s->order[i], (size_t)s->capacity * 8, MADV_DONTNEED);
    s->heap = calloc((size_t)s->runs, sizeof *s->heap);
    if (!s->heap || s->runs > s->capacity)
        return FAIL(ERR_MEMORY, "%d sorted runs to merge, want more --memory", s->runs);
    for (int i = 0; i < s->runs; i++) {
        s->run[i].buffer = s->buffer + (size_t)(s->capacity / s->runs * i) * s->size;
        TRY(load_run(s, &s->run[i]));
        s->heap[s->heap_size++] = i;
    }
    for (int i = s->heap_size / 2; i >= 0; i--) sift(s, i);
    return OK;
}

/* Append to the batch all records of `user`, with whom run r goes on. */
static Status take_user(Sorter *s, Run *r, uint32_t user, RecordBatch *b)
{
    while (r->at < r->loaded) {
        int64_t end = r->at;
        while (end < r->loaded && record_at(r->buffer, s->size, end)->user == user) end++;
        TRY(reserve_batch(b, b->count + end - r->at, s->size));
        memcpy(record_at(b->records, s->size, b->count), record_at(r->buffer, s->size, r->at),
               (size_t)(end - r->at) * s->size);
        b->count += end - r->at;
        r->at = end;
        if (end < r->loaded) break;
        if (r->next < r->end) TRY(load_run(s, r));
    }
    return OK;
}

static Status next_merged(Sorter *s, RecordBatch *b, int64_t least)
{
    while (s->heap_size && b->count < least) {
        const uint32_t user = (uint32_t)(head_of(s, s->heap[0]) >> 32);
        while (s->heap_size && head_of(s, s->heap[0]) >> 32 == user) {
            Run *r = &s->run[s->heap[0]];
            TRY(take_user(s, r, user, b));
            if (r->at == r->loaded) s->heap[0] = s->heap[--s->heap_size];
            sift(s, 0);
        }
    }
    return OK;
}

static Status next_in_memory(Sorter *s, RecordBatch *b, int64_t least)
{
    int64_t end = s->count - s->at < least ? s->count : s->at + least;
    while (end < s->count && s->order[0][end] >> 32 == s->order[0][end - 1] >> 32) end++;
    b->count = end - s->at;
    TRY(reserve_batch(b, b->count, s->size));
    gather(s, b->buffer, s->at, b->count);
    s->at = end;
    return OK;
}

Status sort_next(Sorter *s, RecordBatch *b)
{
    const int64_t least = BATCH_BYTES / (int64_t)s->size;
    b->count = 0;
    return s->runs ? next_merged(s, b, least) : next_in_memory(s, b, least);
}

/* ---- Table ----------------------------------------------------------------------------------- */

struct Table {
    size_t size;
    char *buffer;
    int64_t capacity;       /* records that the buffer takes */
    size_t reserved;        /* bytes of the buffer */
    int64_t count, in_file; /* all records; those written to the file */
    int64_t held;           /* records in the buffer */
    int64_t at;             /* record to be read next */
    const char *directory;
    int fd;
};

Status sort_table_open(Table **table, size_t size, int64_t memory, const char *directory)
{
    Table *t = *table = calloc(1, sizeof *t);
    if (!t) return FAIL(ERR_MEMORY, "no memory for a table");
    t->fd = -1;
    t->size = size;
    t->directory = directory;
    t->capacity = memory / (int64_t)size;
    if (t->capacity < RECORDS_MIN) t->capacity = RECORDS_MIN;
    t->reserved = (size_t)t->capacity * size;
    t->buffer = reserve(t->reserved);
    return t->buffer ? OK : ERR_MEMORY;
}

void sort_table_close(Table *t)
{
    if (!t) return;
    if (t->buffer) munmap(t->buffer, t->reserved);
    if (t->fd >= 0) close(t->fd);
    free(t);
}

int64_t sort_table_count(const Table *t) { return t->count; }

/* After the first flush the buffer is only a window to the file, and a window that fits the
 * processor's cache is faster than a large one. */
static Status flush(Table *t)
{
    const int64_t window = WINDOW_BYTES / (int64_t)t->size;
    TRY(temporary_file(&t->fd, t->directory));
    TRY(write_all(t->fd, t->buffer, (size_t)t->held * t->size, t->directory));
    if (t->in_file == 0) madvise(t->buffer, t->reserved, MADV_DONTNEED);
    if (t->capacity > window) t->capacity = window;
    t->in_file += t->held;
    t->held = 0;
    return OK;
}

Status sort_table_append(Table *t, const Record *records, int64_t count)
{
    for (int64_t done = 0; done < count;) {
        if (t->held == t->capacity) TRY(flush(t));
        const int64_t fits = t->capacity - t->held,
                      step = count - done < fits ? count - done : fits;
        memcpy(record_at(t->buffer, t->size, t->held), record_at(records, t->size, done),
               (size_t)step * t->size);
        t->held += step;
        done += step;
    }
    t->count += count;
    return OK;
}

Status sort_table_rewind(Table *t)
{
    if (t->in_file && t->held) TRY(flush(t));
    t->at = 0;
    return OK;
}

/* How many of the first `count` records of a batch belong to users before the last one. The last
 * user may have more records behind them. 0: all are of one user. */
static int64_t without_last_user(const RecordBatch *b, size_t size, int64_t count)
{
    const uint32_t user = record_at(b->records, size, count - 1)->user;
    while (count && record_at(b->records, size, count - 1)->user == user) count--;
    return count;
}

/* Reads twice as many records each time until the last record of at least one user is among
 * them. */
static Status next_in_file(const Table *t, RecordBatch *b, int64_t wanted)
{
    const int64_t left = t->count - t->at;
    for (int64_t have = 0; b->count == 0 && have < left; wanted *= 2) {
        if (wanted > left) wanted = left;
        TRY(reserve_batch(b, wanted, t->size));
        TRY(read_at(t->fd, b->buffer + (size_t)have * t->size, (size_t)(wanted - have) * t->size,
                    (t->at + have) * (int64_t)t->size, t->directory));
        have = wanted;
        b->count = have == left ? have : without_last_user(b, t->size, have);
    }
    return OK;
}

static void next_in_buffer(const Table *t, RecordBatch *b, int64_t wanted)
{
    b->records = record_at(t->buffer, t->size, t->at);
    b->count = t->count - t->at;
    if (b->count > wanted) b->count = sort_batch_user_end(b, t->size, wanted - 1);
}

Status sort_table_next(Table *t, RecordBatch *b)
{
    const int64_t wanted = BATCH_BYTES / (int64_t)t->size;
    b->count = 0;
    if (t->in_file)
        TRY(next_in_file(t, b, wanted));
    else
        next_in_buffer(t, b, wanted);
    t->at += b->count;
    return OK;
}

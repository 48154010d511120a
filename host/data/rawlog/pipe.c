/* One lock guards the reader's state and the ring of slots. A worker holds it while it reads a
 * piece (a copy, or decompression), and releases it to parse:
 *
 *     read piece n  ->  slot n mod slots (EMPTY -> PARSING)  ->  parse  ->  READY  ->  caller  ->
 * EMPTY
 *
 * A worker waits while its next slot is not EMPTY: at most `slots` pieces exist at a time. */
#include "data/rawlog/pipe.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/input.h"

enum {
    PIECE_BYTES = 1 << 20, /* smaller ones wake threads more often than they spare the caches */
    BUFFER_BYTES = PIECE_BYTES + RECORD_BYTES_MAX,
    WINDOW_BYTES = 2 * BUFFER_BYTES, /* what is left of it moves only every few pieces */
    WORKERS_MAX = 64
};
typedef enum { SLOT_EMPTY, SLOT_PARSING, SLOT_READY } SlotState;

typedef struct {
    SlotState state;
    Status status;
    char message[1024], place[128];
    Piece piece;
    Layout layout;
    Rows rows;
    char *buffer;
} Slot;

struct Pipe {
    Mapping *m;
    const char *const *paths;
    int files, file; /* file being read; == files after the last */
    LogFile *input;
    Layout layout;
    int64_t line, closed_bytes;
    char *window, *rest; /* rest: what was read into the window and not handed out yet */
    size_t rest_length;
    bool input_ended;
    _Atomic int64_t position;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t worker[WORKERS_MAX];
    int workers, slots;
    Slot *slot;
    int64_t read, taken; /* pieces */
    bool holding;        /* the caller has slot (taken - 1) */
    bool stop, all_read;
};

/* ---- Reading (under the lock, or before the workers start) -------------------------------------
 */

/* More text behind `rest`, until it holds `size` bytes or the input ends. */
static Status fill(Pipe *p, size_t size)
{
    size_t got = 0;
    if (p->input_ended || p->rest_length >= size) return OK;
    if (p->rest + size > p->window + WINDOW_BYTES)
        p->rest = memmove(p->window, p->rest, p->rest_length);
    TRY(input_read(p->input, p->rest + p->rest_length, size - p->rest_length, &got));
    p->rest_length += got;
    p->input_ended = p->rest_length < size;
    p->position = p->closed_bytes + input_position(p->input);
    return OK;
}

static void drop(Pipe *p, size_t bytes)
{
    p->rest += bytes;
    p->rest_length -= bytes;
}

static char guess_delimiter(const char *line, size_t length)
{
    static const char candidates[] = ",\t;|";
    for (const char *c = candidates; *c; c++)
        if (memchr(line, *c, length)) return *c;
    return ',';
}

static Status guess_format(Pipe *p, const char *path)
{
    size_t at = 0;
    while (at < p->rest_length && strchr(" \t\r\n", p->rest[at])) at++;
    if (p->m->format == FORMAT_AUTO)
        p->m->format = at < p->rest_length && p->rest[at] == '{' ? FORMAT_JSONL : FORMAT_CSV;
    const char *newline = memchr(p->rest, '\n', p->rest_length);
    const size_t length = newline ? (size_t)(newline - p->rest) : p->rest_length;
    p->layout.delimiter = p->m->delimiter;
    if (p->m->format == FORMAT_CSV && !p->layout.delimiter)
        p->layout.delimiter = guess_delimiter(p->rest, length);
    if (p->rest_length == 0 && !p->m->mapped && p->m->format == FORMAT_CSV)
        return FAIL(ERR_FORMAT, "%s: the log is empty, expected a header and rows", path);
    return OK;
}

/* A copy of the first record, split. */
static Status first_record(Pipe *p, const char *path, char **copy, Text *field, int *fields,
                           size_t *bytes)
{
    const char *end = rows_record_end(p->rest, p->rest + p->rest_length, p->m, p->layout.delimiter,
                                      p->input_ended);
    *copy = NULL;
    *fields = 0;
    *bytes = end ? (size_t)(end - p->rest) : 0;
    if (*bytes == 0) return OK;
    size_t length = *bytes;
    while (length && (p->rest[length - 1] == '\n' || p->rest[length - 1] == '\r')) length--;
    if (!(*copy = malloc(length + 1))) return FAIL(ERR_MEMORY, "%s: no memory", path);
    memcpy(*copy, p->rest, length);
    *fields = rows_split_record(*copy, *copy + length, p->layout.delimiter, field, LOG_COLUMNS_MAX);
    if (*fields < 0 || *fields > LOG_COLUMNS_MAX) {
        free(*copy);
        *copy = NULL;
        return FAIL(ERR_FORMAT, "%s:1: %s, expected a header of at most %d columns", path,
                    *fields < 0 ? "a broken quote" : "too many columns", LOG_COLUMNS_MAX);
    }
    return OK;
}

static Status detect(Pipe *p, const Text *name, int names, char *found, size_t size)
{
    if (p->m->mapped || !found) return OK;
    return detect_mapping(p->m, name, names, found, size);
}

static Status open_csv(Pipe *p, const char *path, char *found, size_t size)
{
    Text name[LOG_COLUMNS_MAX] = {0};
    char *copy = NULL;
    int names;
    size_t bytes = 0;
    Status st;
    if (!p->m->header) {
        if (!p->m->columns)
            return FAIL(ERR_FORMAT, "%s: a log without header needs [input] columns", path);
        for (names = 0; names < p->m->columns; names++) name[names] = text_of(p->m->column[names]);
    } else {
        TRY_OR_FAIL(st, first_record(p, path, &copy, name, &names, &bytes));
        if (!copy) {
            st = p->rest_length
                     ? FAIL(ERR_FORMAT, "%s:1: no line end within %d bytes", path, RECORD_BYTES_MAX)
                     : OK; /* an empty file among others */
            names = 0;
            if (st == OK) return OK;
            goto fail;
        }
    }
    TRY_OR_FAIL(st, detect(p, name, names, found, size));
    st = rows_layout_find(&p->layout, p->m, path, name, names);
    for (size_t i = 0; i < bytes; i++) p->line += p->rest[i] == '\n';
    drop(p, bytes);
fail:
    free(copy);
    return st;
}

static Status open_json(Pipe *p, const char *path, char *found, size_t size)
{
    Text name[LOG_COLUMNS_MAX];
    int names = 0;
    const char *key;
    json_t *value;
    json_error_t error;
    if (p->m->mapped || !found) return rows_layout_of_json(&p->layout, p->m), OK;
    json_t *object = json_loadb(p->rest, p->rest_length, JSON_DISABLE_EOF_CHECK, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return FAIL(ERR_FORMAT, "%s:1: %s, expected a JSON object", path, error.text);
    }
    json_object_foreach(object, key, value) if (names < LOG_COLUMNS_MAX) name[names++] =
        text_of(key);
    const Status st = detect(p, name, names, found, size);
    json_decref(object);
    if (st == OK) rows_layout_of_json(&p->layout, p->m);
    return st;
}

/* The time column of one record as text; "" where it has none. */
static Status time_of(const Pipe *p, const char *at, size_t length, char *sample, size_t size)
{
    const Mapping *m = p->m;
    *sample = '\0';
    if (m->format == FORMAT_JSONL) {
        json_t *object = json_loadb(at, length, 0, NULL);
        const json_t *time = json_object_get(object, m->role[ROLE_TIME]);
        if (json_is_string(time)) snprintf(sample, size, "%s", json_string_value(time));
        if (json_is_number(time)) snprintf(sample, size, "%.15g", json_number_value(time));
        json_decref(object);
        return OK;
    }
    Text field[LOG_COLUMNS_MAX];
    char *copy = malloc(length + 1);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for a record");
    memcpy(copy, at, length);
    while (length && (copy[length - 1] == '\n' || copy[length - 1] == '\r')) length--;
    const int fields =
        rows_split_record(copy, copy + length, p->layout.delimiter, field, LOG_COLUMNS_MAX);
    if (p->layout.role[ROLE_TIME] < fields) {
        const Text time = text_trim(field[p->layout.role[ROLE_TIME]]);
        snprintf(sample, size, "%.*s", (int)time.length, time.at);
    }
    free(copy);
    return OK;
}

/* Where the mapping leaves the unit of time open: that of the first row with a time. */
static Status settle_time_unit(Pipe *p, const char *path)
{
    enum { ROWS = 100 };
    char sample[80], first[80] = "";
    const char *at = p->rest, *const end = p->rest + p->rest_length;
    int rows = 0;
    if (p->m->time.unit != TIME_AUTO || !map_has_clock(p->m)) return OK;
    for (; rows < ROWS && at < end && p->m->time.unit == TIME_AUTO; rows++) {
        const char *next = rows_record_end(at, end, p->m, p->layout.delimiter, p->input_ended);
        if (!next) break;
        TRY(time_of(p, at, (size_t)(next - at), sample, sizeof sample));
        if (!*first) snprintf(first, sizeof first, "%s", sample);
        p->m->time.unit = text_time_unit(text_of(sample));
        at = next;
    }
    if (rows && p->m->time.unit == TIME_AUTO)
        return FAIL(
            ERR_FORMAT,
            "%s: %s is \"%s\", no number and no ISO time, in each of the first %d rows; set "
            "time_unit",
            path, p->m->role[ROLE_TIME], first, rows);
    return OK;
}

static Status open_file(Pipe *p, char *found, size_t size)
{
    const char *path = p->paths[p->file];
    TRY(input_open(&p->input, path));
    p->line = 1;
    p->rest_length = 0;
    p->input_ended = false;
    TRY(fill(p, BUFFER_BYTES));
    if (p->rest_length >= 3 && memcmp(p->rest, "\xef\xbb\xbf", 3) == 0) drop(p, 3);
    TRY(guess_format(p, path));
    if (p->m->format == FORMAT_CSV) TRY(open_csv(p, path, found, size));
    if (p->m->format == FORMAT_JSONL) TRY(open_json(p, path, found, size));
    return settle_time_unit(p, path);
}

static void close_file(Pipe *p)
{
    if (p->input) p->closed_bytes += input_position(p->input);
    input_close(p->input);
    p->input = NULL;
    p->file++;
}

/* Bytes of `rest` that hold whole records: as many as fit a piece, at least one. */
static Status whole_records(Pipe *p, size_t *bytes)
{
    const char *at = p->rest, *const end = p->rest + p->rest_length;
    const char delimiter = p->layout.delimiter;
    const char *stop = p->rest_length > PIECE_BYTES ? at + PIECE_BYTES : end;
    if (stop == end && p->input_ended) {
        at = end;
    } else if (p->m->format != FORMAT_CSV || !memchr(at, '"', (size_t)(stop - at))) {
        const char *newline = memrchr(at, '\n', (size_t)(stop - at));
        if (newline) at = newline + 1;
    } else {
        const char *next;
        while (at < stop && (next = rows_record_end(at, end, p->m, delimiter, p->input_ended)))
            at = next;
    }
    if (at == p->rest) { /* the first record is longer than a piece */
        at = rows_record_end(at, end, p->m, delimiter, p->input_ended);
        if (!at)
            return FAIL(ERR_FORMAT, "%s:%lld: no line end within %d bytes", p->paths[p->file],
                        (long long)p->line, RECORD_BYTES_MAX);
    }
    *bytes = (size_t)(at - p->rest);
    return OK;
}

/* The next piece into slot->buffer; length 0 after the last file. */
static Status read_piece(Pipe *p, Slot *slot)
{
    slot->piece.length = 0;
    while (p->file < p->files) {
        if (!p->input) TRY(open_file(p, NULL, 0));
        TRY(fill(p, BUFFER_BYTES));
        if (p->rest_length) break;
        close_file(p);
    }
    if (p->file == p->files) return OK;
    size_t bytes = 0;
    TRY(whole_records(p, &bytes));
    memcpy(slot->buffer, p->rest, bytes);
    slot->piece = (Piece){p->paths[p->file], p->file, p->files, p->line, slot->buffer, bytes};
    slot->layout = p->layout;
    drop(p, bytes);
    int64_t lines = 0;
    for (size_t i = 0; i < bytes; i++) lines += slot->buffer[i] == '\n';
    p->line += lines;
    return OK;
}

/* ---- Workers -----------------------------------------------------------------------------------
 */

static void keep_failure(Slot *slot, Status st)
{
    slot->status = st;
    if (st == OK) return;
    snprintf(slot->message, sizeof slot->message, "%s", status_message());
    snprintf(slot->place, sizeof slot->place, "%s", status_place());
    status_clear();
}

static void *work(void *context)
{
    Pipe *p = context;
    pthread_mutex_lock(&p->lock);
    while (!p->stop && !p->all_read) {
        Slot *slot = &p->slot[p->read % p->slots];
        if (slot->state != SLOT_EMPTY) {
            pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        Status st = read_piece(p, slot);
        p->read++;
        p->all_read = st != OK || slot->piece.length == 0;
        slot->state = SLOT_PARSING;
        pthread_mutex_unlock(&p->lock);
        if (st == OK && slot->piece.length)
            st = rows_parse(&slot->rows, p->m, &slot->layout, &slot->piece);
        keep_failure(slot, st);
        pthread_mutex_lock(&p->lock);
        slot->state = SLOT_READY;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

Status pipe_open(Pipe **pipe, Mapping *m, const char *const *paths, int files, int threads,
                 char *found, size_t found_size)
{
    Status st = OK;
    Pipe *p = *pipe = calloc(1, sizeof *p);
    if (!p) return FAIL(ERR_MEMORY, "no memory for the reader");
    *found = '\0';
    p->m = m;
    p->paths = paths;
    p->files = files;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    threads = threads < 1 ? 1 : threads > WORKERS_MAX ? WORKERS_MAX : threads;
    p->slots = threads + 2;
    p->slot = calloc((size_t)p->slots, sizeof *p->slot);
    p->rest = p->window = malloc(WINDOW_BYTES);
    for (int i = 0; p->slot && i < p->slots; i++)
        if (!(p->slot[i].buffer = malloc(BUFFER_BYTES))) st = ERR_MEMORY;
    if (!p->slot || !p->window || st != OK) {
        st = FAIL(ERR_MEMORY, "no memory for the reader");
        goto fail;
    }
    TRY_OR_FAIL(st, open_file(p, found, found_size));
    TRY_OR_FAIL(st, detect_finish(m));
    if (m->format == FORMAT_JSONL) rows_layout_of_json(&p->layout, m);
    for (; p->workers < threads; p->workers++)
        if (pthread_create(&p->worker[p->workers], NULL, work, p)) {
            st = FAIL(ERR_MEMORY, "cannot start thread %d", p->workers + 1);
            goto fail;
        }
    return OK;
fail:
    pipe_close(p);
    *pipe = NULL;
    return st;
}

Status pipe_next(Pipe *p, const Rows **rows, const Piece **piece)
{
    pthread_mutex_lock(&p->lock);
    if (p->holding) {
        p->slot[(p->taken - 1) % p->slots].state = SLOT_EMPTY;
        pthread_cond_broadcast(&p->changed);
    }
    Slot *slot = &p->slot[p->taken % p->slots];
    while (slot->state != SLOT_READY) pthread_cond_wait(&p->changed, &p->lock);
    p->taken++;
    p->holding = true;
    pthread_mutex_unlock(&p->lock);
    if (slot->status != OK) status_adopt(slot->message, slot->place);
    *rows = slot->status == OK && slot->piece.length ? &slot->rows : NULL;
    *piece = &slot->piece;
    return slot->status;
}

int64_t pipe_position(const Pipe *p) { return p->position; }

void pipe_close(Pipe *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->workers; i++) pthread_join(p->worker[i], NULL);
    for (int i = 0; p->slot && i < p->slots; i++) {
        rows_close(&p->slot[i].rows);
        free(p->slot[i].buffer);
    }
    input_close(p->input);
    free(p->slot);
    free(p->window);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One lock guards the pieces and the ring of slots. A worker holds the lock while it reads a piece,
 * which means a copy or a decompression, and releases it to parse:
 *
 *     piece n is read into slot n mod slots    SLOT_EMPTY   -> SLOT_PARSING
 *     it is parsed                             SLOT_PARSING -> SLOT_READY
 *     the caller has taken the next one        SLOT_READY   -> SLOT_EMPTY
 *
 * A worker waits while its next slot is not empty, so that at most `slots` pieces exist at a
 * time. */
#include "data/rawlog/pipe.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/rawlog/format/format.h"

enum { WORKERS_MAX = 64 };
typedef enum { SLOT_EMPTY, SLOT_PARSING, SLOT_READY } SlotState;

typedef struct {
    SlotState state;
    Status status;
    char message[1024], place[128];
    LogPiece piece;
    LogLayout layout;
    LogRows rows;
    char *buffer; /* [PIECE_BYTES_MAX] */
} Slot;

struct Pipe {
    Mapping *m;
    pthread_mutex_t lock; /* guards what follows */
    Pieces pieces;
    pthread_cond_t changed;
    pthread_t worker[WORKERS_MAX];
    int workers, slots;
    Slot *slot;
    int64_t read, taken; /* pieces */
    bool holding;        /* the caller has slot (taken - 1) */
    bool stop, all_read;
};

static void keep_failure(Slot *slot, Status st)
{
    slot->status = st;
    if (st == OK) return;
    snprintf(slot->message, sizeof slot->message, "%s", status_message());
    snprintf(slot->place, sizeof slot->place, "%s", status_place());
    status_clear();
}

static Status parse(const Pipe *p, Slot *slot)
{
    TRY(rows_begin(&slot->rows));
    if (slot->piece.too_long) {
        slot->rows.seen++;
        rows_bad(&slot->rows, BAD_LONG, slot->piece.first_line, "no line end within %d bytes",
                 RECORD_BYTES_MAX);
        return OK;
    }
    return p->m->format->parse(&slot->rows, p->m, &slot->layout, &slot->piece);
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
        arrow_table_release(&slot->piece.range);
        Status st = pieces_next(&p->pieces, slot->buffer, &slot->piece, &slot->layout);
        p->read++;
        p->all_read = st != OK || slot->piece.length == 0;
        slot->state = SLOT_PARSING;
        pthread_mutex_unlock(&p->lock);
        if (st == OK && slot->piece.length) st = parse(p, slot);
        keep_failure(slot, st);
        pthread_mutex_lock(&p->lock);
        slot->state = SLOT_READY;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static Status open_slots(Pipe *p, int threads)
{
    p->slots = threads + 2;
    p->slot = calloc((size_t)p->slots, sizeof *p->slot);
    if (!p->slot) return FAIL(ERR_MEMORY, "no memory for the reader");
    for (int i = 0; i < p->slots; i++)
        if (!(p->slot[i].buffer = malloc(PIECE_BYTES_MAX)))
            return FAIL(ERR_MEMORY, "no memory for the reader");
    return OK;
}

Status pipe_open(Pipe **pipe, Mapping *m, const LogInputs *inputs, int threads, ColumnUses *uses)
{
    Status st;
    Pipe *p = *pipe = calloc(1, sizeof *p);
    if (!p) return FAIL(ERR_MEMORY, "no memory for the reader");
    p->m = m;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    threads = threads < 1 ? 1 : threads > WORKERS_MAX ? WORKERS_MAX : threads;
    TRY_OR_FAIL(st, open_slots(p, threads));
    TRY_OR_FAIL(st, pieces_open(&p->pieces, m, inputs, uses));
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

Status pipe_next(Pipe *p, const LogRows **rows, const LogPiece **piece)
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

int64_t pipe_position(const Pipe *p) { return pieces_position(&p->pieces); }

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
        arrow_table_release(&p->slot[i].piece.range);
        free(p->slot[i].buffer);
    }
    pieces_close(&p->pieces);
    free(p->slot);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks that are threads of a test, with a Comm over the memory they share: what a program runs on
 * one rank runs here on several. Their devices are CPUs.
 */
#ifndef SOUK_TEST_RANKS_H
#define SOUK_TEST_RANKS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/comm.h"
#include "test.h"

enum { RANKS_MAX = 8 };

/* Work of one rank; 0, or the line of the check that failed. */
typedef int RankWork(Comm *c, Device *dev, void *context);
/* cmocka's own checks may not be used in threads. */
#define RANK_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) return __LINE__;                                                         \
    } while (0)

/* What a rank has for the others in an operation: rows[r] rows for rank r, from byte at[r] on. */
typedef struct {
    const char *operation;
    const char *bytes;
    size_t row_bytes, at[RANKS_MAX];
    int64_t rows[RANKS_MAX];
} RankOffer;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    int ranks, arrived;
    int64_t meetings;
    bool broken, good; /* a rank is gone or disagrees; the last meeting was before that */
    RankOffer offer[RANKS_MAX];
} RankMeeting;

/* Wait for all ranks; false when one of them will not come. */
static bool ranks_meet(RankMeeting *m)
{
    pthread_mutex_lock(&m->lock);
    const int64_t meeting = m->meetings;
    if (++m->arrived == m->ranks) {
        m->arrived = 0;
        m->meetings++;
        m->good = !m->broken;
        pthread_cond_broadcast(&m->change);
    }
    while (m->meetings == meeting && !m->broken) pthread_cond_wait(&m->change, &m->lock);
    const bool met = m->meetings > meeting && m->good;
    pthread_mutex_unlock(&m->lock);
    return met;
}

static void ranks_break(RankMeeting *m)
{
    pthread_mutex_lock(&m->lock);
    m->broken = true;
    pthread_cond_broadcast(&m->change);
    pthread_mutex_unlock(&m->lock);
}

/* To `to` what each rank r offers this one, of which rows[r] rows are expected. The offers stay
 * until all ranks have taken theirs. */
static Status ranks_exchange(Comm *c, const RankOffer *mine, char *to, const int64_t *rows)
{
    RankMeeting *m = c->state;
    m->offer[c->rank] = *mine;
    if (!ranks_meet(m)) return FAIL(ERR_COMM, "%s: a rank is gone", mine->operation);
    for (int r = 0; r < c->ranks; r++) {
        const RankOffer *o = &m->offer[r];
        const size_t bytes = (size_t)rows[r] * o->row_bytes;
        const char *from = o->bytes + o->at[c->rank];
        if (strcmp(o->operation, mine->operation) != 0 || o->row_bytes != mine->row_bytes ||
            o->rows[c->rank] != rows[r])
            ranks_break(m);
        else if (bytes && to != from)
            memcpy(to, from, bytes);
        to += bytes;
    }
    if (!ranks_meet(m)) return FAIL(ERR_COMM, "%s: the ranks do not agree", mine->operation);
    return OK;
}

/* A failed device takes part no more. */
static void ranks_op(Comm *c, Device *dev, const RankOffer *mine, Tensor to, const int64_t *rows)
{
    if (dev->status != OK)
        ranks_break(c->state);
    else
        device_fail(dev, ranks_exchange(c, mine, to.data, rows));
}

static size_t ranks_row_bytes(Tensor t)
{
    t.dim[0] = 1;
    return tensor_bytes(t);
}

static void ranks_all_gather(Comm *c, Device *dev, Tensor to, Tensor from)
{
    RankOffer mine = {"all_gather", from.data, ranks_row_bytes(from), {0}, {0}};
    for (int r = 0; r < c->ranks; r++) mine.rows[r] = from.dim[0];
    ranks_op(c, dev, &mine, to, mine.rows);
}

static void ranks_all_to_all(Comm *c, Device *dev, Tensor to, const int64_t *to_rows, Tensor from,
                             const int64_t *from_rows)
{
    RankOffer mine = {"all_to_all", from.data, ranks_row_bytes(from), {0}, {0}};
    int64_t expected[RANKS_MAX], before = 0;
    for (int r = 0; r < c->ranks; r++) {
        mine.rows[r] = from_rows ? from_rows[r] : from.dim[0] / c->ranks;
        expected[r] = to_rows ? to_rows[r] : to.dim[0] / c->ranks;
        mine.at[r] = (size_t)before * mine.row_bytes;
        before += mine.rows[r];
    }
    ranks_op(c, dev, &mine, to, expected);
}

static Status ranks_broadcast(Comm *c, void *bytes, size_t size, int root)
{
    RankOffer mine = {"broadcast", bytes, size, {0}, {0}};
    int64_t expected[RANKS_MAX] = {0};
    for (int r = 0; r < c->ranks && c->rank == root; r++) mine.rows[r] = 1;
    expected[root] = 1;
    return ranks_exchange(c, &mine, bytes, expected);
}

static Status ranks_barrier(Comm *c)
{
    return ranks_meet(c->state) ? OK : FAIL(ERR_COMM, "barrier: a rank is gone");
}

static void ranks_close(Comm *c) { ranks_break(c->state); }

typedef struct {
    RankMeeting *meeting;
    int rank, line;
    RankWork *work;
    void *context;
} RankThread;

static void *ranks_thread(void *argument)
{
    static const CommOps ops = {"threads",       ranks_all_gather, ranks_all_to_all,
                                ranks_broadcast, ranks_barrier,    ranks_close};
    RankThread *t = argument;
    Comm c = {t->rank, t->meeting->ranks, &ops, t->meeting};
    Device dev;
    t->line = device_open(&dev, "cpu", 1) == OK ? t->work(&c, &dev, t->context) : __LINE__;
    comm_close(&c);
    device_close(&dev);
    return NULL;
}

/* Run `work` on so many ranks; fails the test where one of them returns a line. */
static inline void ranks_run(int ranks, RankWork *work, void *context)
{
    RankMeeting meeting = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER, .ranks = ranks};
    RankThread thread[RANKS_MAX];
    pthread_t id[RANKS_MAX];
    for (int r = 0; r < ranks; r++) {
        thread[r] = (RankThread){&meeting, r, 0, work, context};
        assert_int_equal(pthread_create(&id[r], NULL, ranks_thread, &thread[r]), 0);
    }
    for (int r = 0; r < ranks; r++) pthread_join(id[r], NULL);
    for (int r = 0; r < ranks; r++)
        if (thread[r].line) fail_msg("rank %d of %d, line %d", r, ranks, thread[r].line);
}

#endif

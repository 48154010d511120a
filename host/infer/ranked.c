/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/ranked.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/rank.h"

/* ---- The candidates on the host -------------------------------------------------------------- */

typedef struct {
    int32_t item;
    float score;
} Scored;

/* The candidates of each row that are not excluded, and the target also where it is, by falling
 * score and rising item: scored[first[i] .. first[i+1]-1]. */
typedef struct {
    int64_t *first;
    Scored *scored;
} Proposed;

static int by_score(const void *a, const void *b)
{
    const Scored *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static bool excluded(const Exclude *e, int64_t row, int32_t item)
{
    const Exclusion on_host = {e->offset, e->item};
    if (e->rows == 0) return false; /* no row leaves an item out */
    const int64_t at = exclusion_from(&on_host, row, item);
    return at < e->offset[row + 1] && e->item[at] == item;
}

static void close_proposed(Proposed *p)
{
    free(p->first);
    free(p->scored);
}

/* Sort the candidates of each row into *p, and list in memory.proposed what the dense half must
 * leave out: the excluded items and the candidates. */
static Status sort_rows(Session *s, Proposed *p, int32_t *item, const float *score,
                        const int32_t *target, int64_t rows, int64_t width)
{
    SessionMemory *m = &s->memory;
    int64_t count = 0;
    exclude_begin(&m->proposed);
    for (int64_t i = 0; i < rows; i++) {
        int32_t *items = item + i * width;
        const bool any = m->exclude.rows > 0;
        const int64_t base = any ? m->exclude.offset[i] : 0;
        const int64_t bases = any ? m->exclude.offset[i + 1] - base : 0;
        int64_t n = 0;
        p->first[i] = count;
        for (int64_t j = 0; j < width; j++) {
            if (items[j] < 0) continue;
            if (!excluded(&m->exclude, i, items[j]) || (target && items[j] == target[i]))
                p->scored[count++] = (Scored){items[j], score[i * width + j]};
            items[n++] = items[j];
        }
        qsort(p->scored + p->first[i], (size_t)(count - p->first[i]), sizeof *p->scored, by_score);
        TRY(exclude_add(&m->proposed, any ? m->exclude.item + base : NULL, bases, items, n));
    }
    p->first[rows] = count;
    return OK;
}

/* target [rows] of the host, which is never excluded; NULL: there is none. */
static Status read_proposed(Session *s, const HeadScores *z, const int32_t *target, Proposed *p)
{
    const size_t mark = scratch_mark(s->dev);
    const CountsPart c = scores_part(s->dev, z);
    const int64_t rows = c.item.dim[0], width = c.item.dim[1];
    int32_t *read = device_read(s->dev, c.item.data, tensor_bytes(c.item));
    int32_t *item = malloc(tensor_bytes(c.item));
    float *score = device_read(s->dev, c.s.data, tensor_bytes(c.s));
    *p = (Proposed){calloc((size_t)rows + 1, sizeof *p->first),
                    calloc((size_t)(rows * width), sizeof *p->scored)};
    Status st = read && score ? device_sync(s->dev) : ERR_MEMORY;
    if (st == OK && !(item && p->first && p->scored))
        st = FAIL(ERR_MEMORY, "no memory for the candidates of a batch");
    if (st == OK) {
        memcpy(item, read, tensor_bytes(c.item));
        st = sort_rows(s, p, item, score, target, rows, width);
    }
    device_read_done(s->dev, read);
    device_read_done(s->dev, score);
    free(item);
    scratch_release(s->dev, mark);
    if (st != OK) close_proposed(p);
    return st;
}

/* ---- The best items -------------------------------------------------------------------------- */

/* Join `count` candidates to the k best other items of a row, in place; `target`, a candidate or
 * -1, is not taken from the others. */
static void join_best(const Scored *candidate, int64_t count, int32_t *item, float *score,
                      int64_t k, int32_t target, Scored *work)
{
    int64_t others = 0, at = 0, c = 0;
    for (int64_t j = 0; j < k && item[j] >= 0; j++)
        if (item[j] != target) work[others++] = (Scored){item[j], score[j]};
    for (int64_t j = 0; j < k; j++) {
        const bool more = at < others, proposed = c < count;
        Scored next = {-1, -INFINITY};
        if (proposed && (!more || by_score(&candidate[c], &work[at]) < 0))
            next = candidate[c++];
        else if (more)
            next = work[at++];
        item[j] = next.item;
        score[j] = next.score;
    }
}

static const Scored *find(const Proposed *p, int64_t row, int32_t item)
{
    for (int64_t j = p->first[row]; j < p->first[row + 1]; j++)
        if (p->scored[j].item == item) return &p->scored[j];
    return NULL;
}

/* Join the candidates to item and score [rows, k] of the device. target [rows] of the host: NULL
 * where there is none. */
static Status join_rows(Session *s, const Proposed *p, const int32_t *target, Tensor item,
                        Tensor score)
{
    const int64_t rows = item.dim[0], k = item.dim[1];
    int32_t *items = malloc(tensor_bytes(item));
    float *scores = malloc(tensor_bytes(score));
    Scored *work = calloc((size_t)k, sizeof *work);
    Status st = items && scores && work ? OK : FAIL(ERR_MEMORY, "no memory for a ranking");
    if (st == OK) {
        device_copy_out(s->dev, items, item.data, tensor_bytes(item));
        device_copy_out(s->dev, scores, score.data, tensor_bytes(score));
        for (int64_t i = 0; i < rows; i++)
            join_best(p->scored + p->first[i], p->first[i + 1] - p->first[i], items + i * k,
                      scores + i * k, k, target && find(p, i, target[i]) ? target[i] : -1, work);
        device_copy_in(s->dev, item.data, items, tensor_bytes(item));
        device_copy_in(s->dev, score.data, scores, tensor_bytes(score));
        st = s->dev->status;
    }
    free(items);
    free(scores);
    free(work);
    return st;
}

Status ranked_best(Session *s, const HeadScores *z, Tensor item, Tensor score)
{
    const Tensor none = {0};
    Proposed p;
    if (!z->counted.item.data) {
        catalogue_rank(s->dev, none, none, item, score, z->u, &z->items, z->bias, none,
                       exclude_on_device(s->dev, &s->memory.exclude));
        return s->dev->status;
    }
    TRY(read_proposed(s, z, NULL, &p));
    catalogue_rank(s->dev, none, none, item, score, z->u, &z->items, z->bias, none,
                   exclude_on_device(s->dev, &s->memory.proposed));
    const Status st = join_rows(s, &p, NULL, item, score);
    close_proposed(&p);
    return st;
}

/* ---- Ranks of targets ------------------------------------------------------------------------ */

/* On the host, [rows] each. */
typedef struct {
    int32_t *target, *above, *ties;
    float *dense, *score; /* of the target: by the dense half, and by both */
} Ranks;

static void close_ranks(Ranks *r)
{
    free(r->target);
    free(r->above);
    free(r->ties);
    free(r->dense);
    free(r->score);
}

static Status open_ranks(Ranks *r, int64_t rows)
{
    const size_t n = (size_t)rows + 1;
    *r = (Ranks){calloc(n, sizeof *r->target), calloc(n, sizeof *r->above),
                 calloc(n, sizeof *r->ties), calloc(n, sizeof *r->dense),
                 calloc(n, sizeof *r->score)};
    if (r->target && r->above && r->ties && r->dense && r->score) return OK;
    close_ranks(r);
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " ranks", rows);
}

/* Add the candidates to the counts of the other items, and take the target out of them: it was
 * counted with its dense score. */
static void add_candidates(const Proposed *p, Ranks *r, int64_t row)
{
    const Scored *own = find(p, row, r->target[row]);
    const float score = r->score[row];
    /* The score of a candidate is not below its dense score but for rounding. */
    if (!own || r->dense[row] == score) r->ties[row]--;
    if (own && r->dense[row] > score) r->above[row]--;
    for (int64_t j = p->first[row]; j < p->first[row + 1]; j++) {
        if (p->scored[j].score > score) r->above[row]++;
        if (p->scored[j].score == score && &p->scored[j] != own) r->ties[row]++;
    }
}

static Status rank_rows(Session *s, const HeadScores *z, const Proposed *p, Ranks *r, Tensor target,
                        Tensor above, Tensor ties, Tensor item, Tensor score)
{
    const int64_t rows = target.dim[0];
    Device *dev = s->dev;
    const Tensor of_target = SCRATCH(dev, F32, rows);
    const Exclusion exclusion = exclude_on_device(dev, &s->memory.proposed);
    catalogue_rank_best(dev, item, score, of_target, z->u, &z->items, z->bias, target, exclusion);
    device_copy_out(dev, r->dense, of_target.data, tensor_bytes(of_target));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) {
        const Scored *own = find(p, i, r->target[i]);
        r->score[i] = own ? own->score : r->dense[i];
    }
    device_copy_in(dev, of_target.data, r->score, tensor_bytes(of_target));
    catalogue_rank_counts(dev, above, ties, of_target, z->u, &z->items, z->bias, target, exclusion);
    device_copy_out(dev, r->above, above.data, tensor_bytes(above));
    device_copy_out(dev, r->ties, ties.data, tensor_bytes(ties));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) add_candidates(p, r, i);
    device_copy_in(dev, above.data, r->above, tensor_bytes(above));
    device_copy_in(dev, ties.data, r->ties, tensor_bytes(ties));
    return join_rows(s, p, r->target, item, score);
}

Status ranked_targets(Session *s, const HeadScores *z, Tensor target, Tensor above, Tensor ties,
                      Tensor item, Tensor score)
{
    Proposed p;
    Ranks r;
    if (!z->counted.item.data) {
        catalogue_rank(s->dev, above, ties, item, score, z->u, &z->items, z->bias, target,
                       exclude_on_device(s->dev, &s->memory.exclude));
        return s->dev->status;
    }
    TRY(open_ranks(&r, target.dim[0]));
    device_copy_out(s->dev, r.target, target.data, tensor_bytes(target));
    Status st = device_sync(s->dev);
    if (st == OK) st = read_proposed(s, z, r.target, &p);
    if (st == OK) {
        st = rank_rows(s, z, &p, &r, target, above, ties, item, score);
        close_proposed(&p);
    }
    close_ranks(&r);
    return st;
}

/* ---- Draws ----------------------------------------------------------------------------------- */

/* The draw from the candidates of a row alone. */
static RowDraw draw_of(const Scored *candidate, int64_t count, int64_t stream,
                       const SampleOptions *o)
{
    RowDraw d = {.max = -FLT_MAX, .key = -INFINITY, .score = -FLT_MAX};
    for (int64_t j = 0; j < count; j++) d.max = fmaxf(d.max, candidate[j].score);
    for (int64_t j = 0; j < count; j++) {
        const float score = candidate[j].score;
        const float key = catalogue_sample_key(o, stream, candidate[j].item, score);
        d.sum += exp(((double)score - (double)d.max) / (double)o->temperature);
        if (key > d.key || (key == d.key && candidate[j].item < d.item))
            d.key = key, d.score = score, d.item = candidate[j].item;
    }
    return d;
}

Status ranked_draw(Session *s, const HeadScores *z, const int64_t *stream, SampleOptions options,
                   Tensor item, Tensor log_probability)
{
    Device *dev = s->dev;
    const int64_t rows = item.dim[0], size = sizeof(RowDraw);
    Proposed p;
    if (!z->counted.item.data) {
        options.exclusion = exclude_on_device(dev, &s->memory.exclude);
        catalogue_sample(dev, item, log_probability, z->u, &z->items, z->bias, options);
        return dev->status;
    }
    TRY(read_proposed(s, z, NULL, &p));
    const Tensor pair = SCRATCH(dev, U8, 2, rows, size);
    RowDraw *proposed = calloc((size_t)rows, sizeof *proposed);
    if (!proposed) {
        close_proposed(&p);
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " draws", rows);
    }
    options.exclusion = exclude_on_device(dev, &s->memory.proposed);
    catalogue_sample_partial(dev, TENSOR(pair.data, U8, rows, size), z->u, &z->items, z->bias,
                             options);
    for (int64_t i = 0; i < rows; i++)
        proposed[i] =
            draw_of(p.scored + p.first[i], p.first[i + 1] - p.first[i], stream[i], &options);
    device_copy_in(dev, (char *)pair.data + rows * size, proposed, (size_t)(rows * size));
    catalogue_merge_draws(dev, item, log_probability, pair, options.temperature);
    free(proposed);
    close_proposed(&p);
    return dev->status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/vsknn.h"

#include <math.h>
#include <stdlib.h>

enum { NEIGHBOURS, LINEAR, IDF }; /* the bar's parameters */

typedef struct {
    double similarity;
    int32_t place;
} Neighbour;

typedef struct {
    double *similarity; /* [users] zero between events */
    int32_t *nearest;   /* [users] d(n), where similarity > 0 */
    int32_t *met;       /* [users] those with similarity > 0 */
    int32_t count;
    Neighbour *heap; /* [K] the worst of the best on top */
} Space;

static void space_close(void *own)
{
    Space *s = own;
    free(s->similarity);
    free(s->nearest);
    free(s->met);
    free(s->heap);
    free(s);
}

static void *space_open(const Bar *self)
{
    const Sets *sets = self->state;
    const size_t users = (size_t)sets->users + 1;
    Space *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->similarity = calloc(users, sizeof *s->similarity);
    s->nearest = malloc(users * sizeof *s->nearest);
    s->met = malloc(users * sizeof *s->met);
    s->heap = malloc((size_t)self->parameter[NEIGHBOURS] * sizeof *s->heap + 1);
    if (s->similarity && s->nearest && s->met && s->heap) return s;
    space_close(s);
    return NULL;
}

static bool is_better(Neighbour a, Neighbour b)
{
    if (a.similarity != b.similarity) return a.similarity > b.similarity;
    return a.place < b.place;
}

static void meet(Space *s, const Sets *sets, int32_t x, int32_t d, double weight, int32_t self)
{
    int64_t end = sets->offset[x + 1];
    if (end - sets->offset[x] > VSKNN_SAMPLE) end = sets->offset[x] + VSKNN_SAMPLE;
    for (int64_t i = sets->offset[x]; i < end; i++) {
        const int32_t n = sets->holder[i];
        if (n == self) continue;
        if (s->similarity[n] == 0.0) {
            s->nearest[n] = d;
            s->met[s->count++] = n;
        }
        s->similarity[n] += weight;
    }
}

/* Moves heap[at] down to where none below it is worse. */
static void sink(Neighbour *heap, int count, int at)
{
    const Neighbour moved = heap[at];
    for (int below = 2 * at + 1; below < count; below = 2 * at + 1) {
        if (below + 1 < count && is_better(heap[below], heap[below + 1])) below++;
        if (!is_better(moved, heap[below])) break;
        heap[at] = heap[below];
        at = below;
    }
    heap[at] = moved;
}

/* The worst of the K best of those that were met. */
static Neighbour find_worst(Space *s, int neighbours)
{
    int count = 0;
    for (int32_t k = 0; k < s->count; k++) {
        const Neighbour n = {s->similarity[s->met[k]], s->met[k]};
        if (count < neighbours) {
            s->heap[count++] = n;
            for (int at = count / 2 - 1; count == neighbours && at >= 0; at--)
                sink(s->heap, count, at);
        } else if (is_better(n, s->heap[0])) {
            s->heap[0] = n;
            sink(s->heap, count, 0);
        }
    }
    return count == neighbours ? s->heap[0] : (Neighbour){0.0, INT32_MAX};
}

static void score(const Bar *self, BarScratch *scratch, const BarHistory *h)
{
    const Sets *sets = self->state;
    Space *s = scratch->own;
    const int32_t length = bar_recent(scratch, h, VSKNN_REACH);
    for (int32_t d = 0; d < length; d++)
        meet(s, sets, scratch->recent[d], d,
             self->parameter[LINEAR] > 0.0 ? (double)(length - d) / length : 1.0 / (1.0 + d),
             sets->place[h->user]);
    const Neighbour worst = find_worst(s, (int)self->parameter[NEIGHBOURS]);
    for (int32_t k = 0; k < s->count; k++) {
        const Neighbour n = {s->similarity[s->met[k]], s->met[k]};
        s->similarity[n.place] = 0.0;
        if (is_better(worst, n)) continue;
        for (int64_t i = sets->first[n.place]; i < sets->first[n.place + 1]; i++)
            bar_touch(scratch, sets->item[i], n.similarity / (1.0 + s->nearest[n.place]));
    }
    s->count = 0;
    for (int32_t k = 0; k < scratch->touches && self->parameter[IDF] > 0.0; k++) {
        const int32_t y = scratch->touched[k];
        scratch->score[y] *=
            1.0 + self->parameter[IDF] * log((double)sets->users / (double)sets_holders(sets, y));
    }
}

Bar vsknn_bar(const Sets *sets, const Popularity *popularity, VsknnSettings settings)
{
    return (Bar){
        .name = "V-SKNN",
        .popularity = popularity,
        .state = sets,
        .parameter =
            {[NEIGHBOURS] = settings.neighbours, [LINEAR] = settings.linear, [IDF] = settings.idf},
        .score = score,
        .scratch_open = space_open,
        .scratch_close = space_close};
}

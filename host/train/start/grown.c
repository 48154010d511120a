/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start/grown.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/cold.h"
#include "model/counts.h"

typedef struct {
    Trainer *t;
    const int32_t *from; /* [items] the row of the model; -1: new */
    const FeatureSet *features;
    CountTable counts; /* on the host; item.data NULL: there is none */
    int64_t items;
    double *sum;      /* [categories + 1, columns] of known items; the last row: of all */
    int64_t *of_kind; /* [categories + 1] how many known items */
} Grown;

static bool is_known(const Grown *g, int64_t item) { return g->from[item] >= 0; }

/* ---- Items ----------------------------------------------------------------------------------- */

/* Sums of the known rows by category, and over all. */
static void sum_known(Grown *g, const float *row, int64_t columns)
{
    const FeatureSet *f = g->features;
    const int64_t all = f->categories;
    memset(g->sum, 0, (size_t)((all + 1) * columns) * sizeof *g->sum);
    memset(g->of_kind, 0, (size_t)(all + 1) * sizeof *g->of_kind);
    for (int64_t a = 0; a < g->items; a++) {
        if (!is_known(g, a)) continue;
        for (int k = 0; k <= f->kinds; k++) {
            const int64_t c = k < f->kinds ? f->category[a * f->kinds + k] : all;
            g->of_kind[c]++;
            for (int64_t d = 0; d < columns; d++)
                g->sum[c * columns + d] += (double)row[a * columns + d];
        }
    }
}

/* The mean of the known neighbours; false where there is none. */
static bool from_neighbours(const Grown *g, int64_t item, float *row, int64_t columns, double *mean)
{
    double all = 0.0;
    if (!g->counts.item.data) return false;
    const int64_t width = g->counts.item.dim[1];
    memset(mean, 0, (size_t)columns * sizeof *mean);
    for (int64_t j = item * width; j < (item + 1) * width; j++) {
        const int32_t y = i32(g->counts.item)[j];
        if (y < 0) break;
        if (!is_known(g, y)) continue;
        const double weight =
            (double)f32(g->counts.after)[j] + 0.5 * (double)f32(g->counts.before)[j];
        all += weight;
        for (int64_t d = 0; d < columns; d++) mean[d] += weight * (double)row[y * columns + d];
    }
    for (int64_t d = 0; d < columns && all > 0.0; d++)
        row[item * columns + d] = (float)(mean[d] / all);
    return all > 0.0;
}

/* Row 0 of a kind, "unknown", says nothing. */
static void from_categories(const Grown *g, int64_t item, float *row, int64_t columns, double *mean)
{
    const FeatureSet *f = g->features;
    int64_t kinds = 0, unknown = 0;
    memset(mean, 0, (size_t)columns * sizeof *mean);
    for (int k = 0; k < f->kinds; unknown += f->kind_rows[k++]) {
        const int64_t c = f->category[item * f->kinds + k];
        if (c == unknown || g->of_kind[c] == 0) continue;
        kinds++;
        for (int64_t d = 0; d < columns; d++)
            mean[d] += g->sum[c * columns + d] / (double)g->of_kind[c];
    }
    const double *all = g->sum + f->categories * columns;
    const double known = (double)(g->of_kind[f->categories] ? g->of_kind[f->categories] : 1);
    for (int64_t d = 0; d < columns; d++)
        row[item * columns + d] = (float)(kinds ? mean[d] / (double)kinds : all[d] / known);
}

/* New rows of a table of items. cold: features stand for items without neighbours. */
static Status grow_items(Grown *g, float *row, int64_t columns, bool cold)
{
    double *mean = calloc((size_t)columns, sizeof *mean);
    if (!mean) return FAIL(ERR_MEMORY, "no memory for a vector");
    sum_known(g, row, columns);
    for (int64_t a = 0; a < g->items; a++) {
        if (is_known(g, a) || from_neighbours(g, a, row, columns, mean)) continue;
        if (cold)
            memset(row + a * columns, 0, (size_t)columns * sizeof *row);
        else
            from_categories(g, a, row, columns, mean);
    }
    free(mean);
    return OK;
}

/* The bias of the policy stays as far from the logarithm of popularity as it is on average. */
static void grow_policy_bias(const Grown *g, float *bias)
{
    const float *popularity = f32(g->counts.popularity);
    double shift = 0.0;
    int64_t known = 0;
    for (int64_t a = 0; a < g->items; a++) {
        if (!is_known(g, a) || popularity[a] == 0.0f) continue;
        shift += (double)bias[a] - log((double)popularity[a] + 0.5);
        known++;
    }
    if (known) shift /= (double)known;
    for (int64_t a = 0; a < g->items; a++)
        if (!is_known(g, a)) bias[a] = (float)(log((double)popularity[a] + 0.5) + shift);
}

/* ---- Categories ------------------------------------------------------------------------------ */

/* New rows get the mean of the known ones of their kind, `kind_rows` [kinds], row 0 left out. */
static void grow_categories(float *row, int64_t columns, const RowMatch *m, const FeatureSet *f)
{
    for (int64_t first = 0, k = 0; k < f->kinds; first += f->kind_rows[k++]) {
        const int64_t end = first + f->kind_rows[k];
        for (int64_t d = 0; d < columns; d++) {
            double sum = 0.0;
            int64_t known = 0;
            for (int64_t c = first + 1; c < end; c++) {
                if (m->from[c] < 0) continue;
                sum += (double)row[c * columns + d];
                known++;
            }
            for (int64_t c = first + 1; c < end; c++)
                if (m->from[c] < 0)
                    row[c * columns + d] = known ? (float)(sum / (double)known) : 0.0f;
        }
    }
}

/* ---- All ------------------------------------------------------------------------------------- */

/* The row kinds of ROWS_NGRAM stay 0 but for the random start, which is taken away. */
static void clear_new(float *row, int64_t columns, const RowMatch *m)
{
    for (int64_t r = 0; r < m->now; r++)
        if (m->from[r] < 0) memset(row + r * columns, 0, (size_t)columns * sizeof *row);
}

static Status grow_rows(Grown *g, const CatalogueMatch *match, int i, float *row, int64_t columns)
{
    const Model *m = &g->t->model;
    const RowKind kind = m->params.info[i].rows;
    const Behaviour *b = &g->t->file;
    if (kind == ROWS_NGRAM)
        clear_new(row, columns, &match->rows[kind]);
    else if (kind == ROWS_ITEM_CATEGORY)
        grow_categories(row, columns, &match->rows[kind], &b->item_features);
    else if (kind == ROWS_USER_CATEGORY)
        grow_categories(row, columns, &match->rows[kind], &b->user_features);
    else if (i == m->at.head[HEAD_POLICY].bias && g->counts.item.data)
        grow_policy_bias(g, row);
    else
        return grow_items(g, row, columns, i == m->at.item_id && cold_wanted(&m->shape));
    return OK;
}

static Status grow_parameter(Grown *g, const CatalogueMatch *match, int i)
{
    const Params *p = &g->t->model.params;
    const Tensor to = p->copy[PARAM_VALUE][i];
    Device *dev = &g->t->dev;
    if (p->info[i].rows == ROWS_FIXED) return OK;
    const int64_t columns = to.rank > 1 ? to.dim[1] : 1;
    float *row = malloc(tensor_bytes(to) + 1);
    if (!row) return FAIL(ERR_MEMORY, "no memory for %s", p->info[i].name);
    device_copy_out(dev, row, to.data, tensor_bytes(to));
    Status st = device_sync(dev);
    if (st == OK) st = grow_rows(g, match, i, row, columns);
    if (st == OK) device_copy_in(dev, to.data, row, tensor_bytes(to));
    free(row);
    return st == OK ? dev->status : st;
}

Status grown_start(Trainer *t, const CatalogueMatch *match)
{
    const Model *m = &t->model;
    Grown g = {.t = t,
               .from = match->rows[ROWS_ITEM].from,
               .features = &t->file.item_features,
               .items = m->shape.items};
    const size_t rows = (size_t)g.features->categories + 1;
    Status st;
    if (match->same) return OK;
    g.sum = calloc(rows * (size_t)m->shape.dim, sizeof *g.sum);
    g.of_kind = calloc(rows, sizeof *g.of_kind);
    if (!g.sum || !g.of_kind)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for the means of %zu categories", rows));
    void *host = NULL;
    if (m->shape.candidates) {
        host = device_read(&t->dev, m->counts_memory.base, m->counts_memory.used);
        if (!host) TRY_OR_FAIL(st, t->dev.status);
        g.counts = counts_on_host(&m->counts, &m->counts_memory, host);
    }
    st = OK;
    for (int i = 0; i < m->params.count && st == OK; i++) st = grow_parameter(&g, match, i);
    device_read_done(&t->dev, host);
fail:
    free(g.sum);
    free(g.of_kind);
    return st;
}

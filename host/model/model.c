/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "catalogue/policy.h"
#include "data/stream/stream.h"
#include "model/counts.h"

void model_shape_of_file(ModelShape *s, const Behaviour *b)
{
    s->items = b->items;
    s->actions = b->actions;
    s->item_kinds = b->item_features.kinds;
    s->item_categories = b->item_features.categories;
    s->item_numbers = b->item_features.numbers;
    s->item_ngrams = b->texts.rows;
    s->user_kinds = b->user_features.kinds;
    s->user_categories = b->user_features.categories;
    s->user_numbers = b->user_features.numbers;
    s->event_numbers = b->event_features.numbers;
}

static bool of_actions(HeadId head)
{
    const HeadKind kind = heads_table[head].kind;
    return kind == HEAD_OF_ACTIONS || kind == HEAD_OF_ANSWERS;
}

static Status check_shape(ModelShape *s)
{
    if (s->ff == 0) s->ff = (8 * s->dim + 3 * 32 - 1) / (3 * 32) * 32;
    if (s->dim % s->heads || s->dim / s->heads % 2)
        return FAIL(ERR_USAGE,
                    "model.dim = %" PRId64 ", model.heads = %" PRId64 ": want an even dim/heads",
                    s->dim, s->heads);
    if (s->items < 1 || s->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%" PRId64 " items, want 1 to 2^31-1", s->items);
    for (HeadId h = 0; h < HEADS; h++)
        if (of_actions(h) && s->actions < 2) s->head_set &= ~HEAD_BIT(h);
    if (!(s->head_set & HEAD_BIT(HEAD_POLICY))) s->candidates = 0;
    return OK;
}

/* A table of embeddings; -1 where it would have no rows. */
static int embedding(Model *m, const char *name, int64_t rows, RowKind kind)
{
    const ModelShape *s = &m->shape;
    if (rows == 0) return -1;
    const int i = PARAM(&m->params, name, INIT_NORMAL, s->init_std, DECAY_EMBEDDING, rows, s->dim);
    return params_rows(&m->params, i, kind);
}

static void declare_embeddings(Model *m)
{
    const ModelShape *s = &m->shape;
    m->at.item_id = embedding(m, "item.id", s->items, ROWS_ITEM);
    m->at.item_category = embedding(m, "item.category", s->item_categories, ROWS_ITEM_CATEGORY);
    m->at.item_number = embedding(m, "item.number", s->item_numbers, ROWS_FIXED);
    m->at.item_text = embedding(m, "item.text", s->item_ngrams, ROWS_NGRAM);
    m->at.action = embedding(m, "action.embedding", s->actions, ROWS_FIXED);
    m->at.gap = embedding(m, "gap.embedding", GAP_BUCKETS, ROWS_FIXED);
    m->at.user_category = embedding(m, "user.category", s->user_categories, ROWS_USER_CATEGORY);
    m->at.user_number = embedding(m, "user.number", s->user_numbers, ROWS_FIXED);
    m->at.event_number = embedding(m, "event.number", s->event_numbers, ROWS_FIXED);
}

static int matrix(Model *m, int64_t layer, const char *name, double std, int64_t rows,
                  int64_t columns)
{
    char full[64];
    snprintf(full, sizeof full, "block.%" PRId64 ".%s", layer, name);
    return params_product(
        &m->params, PARAM(&m->params, full, INIT_NORMAL, (float)std, DECAY_MATRIX, rows, columns));
}

static int norm(Model *m, int64_t layer, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "block.%" PRId64 ".%s", layer, name);
    return PARAM(&m->params, full, INIT_ONE, 0, DECAY_NONE, m->shape.dim);
}

static void declare_block(Model *m, int64_t l)
{
    const int64_t dim = m->shape.dim, ff = m->shape.ff;
    /* The two matrices that write into the residual stream start smaller by 1/sqrt(2 layers), so
     * that the stream's size does not grow with depth (Radford et al. 2019). */
    const double shrink = sqrt(2.0 * (double)m->shape.layers);
    m->at.block[l] = (BlockParams){
        .attention_norm = norm(m, l, "attention.norm"),
        .qkv = matrix(m, l, "attention.qkv", 1.0 / sqrt((double)dim), 3 * dim, dim),
        .out = matrix(m, l, "attention.out", 1.0 / (sqrt((double)dim) * shrink), dim, dim),
        .mlp_norm = norm(m, l, "mlp.norm"),
        .gate_up = matrix(m, l, "mlp.gate_up", 1.0 / sqrt((double)dim), 2 * ff, dim),
        .down = matrix(m, l, "mlp.down", 1.0 / (sqrt((double)ff) * shrink), dim, ff),
    };
}

enum { ITEM_ARRAYS = 6, ALIGN = 16 };

/* Let ops read the file's item features. */
static Status place_features(Model *m, const Behaviour *b)
{
    const ModelShape *s = &m->shape;
    const ItemTexts *x = &b->texts;
    const int64_t entries = s->item_ngrams ? x->offset[s->items] : 0;
    const struct {
        bool present;
        Tensor *to;
        void *from;
        Tensor like;
    } array[ITEM_ARRAYS] = {
        {s->item_kinds, &m->item_category, b->item_features.category,
         TENSOR(NULL, I32, s->items, s->item_kinds)},
        {s->item_numbers, &m->item_number, b->item_features.number,
         TENSOR(NULL, F32, s->items, s->item_numbers)},
        {s->item_ngrams, &m->item_text.offset, x->offset, TENSOR(NULL, I64, s->items + 1)},
        {s->item_ngrams, &m->item_text.at, x->row_offset, TENSOR(NULL, I64, s->item_ngrams + 1)},
        {s->item_ngrams, &m->item_text.row, x->row, TENSOR(NULL, I32, entries)},
        {s->item_ngrams, &m->item_text.bag, x->item, TENSOR(NULL, I32, entries)},
    };
    size_t bytes[ITEM_ARRAYS], all = 0, used = 0;
    for (int i = 0; i < ITEM_ARRAYS; i++) {
        bytes[i] = array[i].present ? tensor_bytes(array[i].like) : 0;
        all += (bytes[i] + ALIGN - 1) / ALIGN * ALIGN;
    }
    TRY(device_alloc_staging(m->dev, &m->staging, all, "item features"));
    for (int i = 0; i < ITEM_ARRAYS; i++) {
        if (!array[i].present) continue;
        *array[i].to = array[i].like;
        array[i].to->data = device_stage(m->dev, m->staging ? (char *)m->staging + used : NULL,
                                         array[i].from, bytes[i]);
        used += (bytes[i] + ALIGN - 1) / ALIGN * ALIGN;
    }
    device_feed_done(m->dev);
    return m->dev->status;
}

Status model_open(Model *m, const ModelShape *shape, const Behaviour *b, Device *dev)
{
    *m = (Model){.shape = *shape, .known = COUNTED_TRAIN, .dev = dev};
    if (heads_choosing(shape->head_set)) m->acting = acting_by_head(heads_default(shape->head_set));
    const ModelShape *s = &m->shape;
    TRY(check_shape(&m->shape));
    m->at.block = calloc((size_t)s->layers, sizeof *m->at.block);
    if (!m->at.block) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " layers", s->layers);
    declare_embeddings(m);
    for (int64_t l = 0; l < s->layers; l++) declare_block(m, l);
    m->at.final_norm = PARAM(&m->params, "final.norm", INIT_ONE, 0, DECAY_NONE, s->dim);
    heads_declare(&m->params, s->head_set, s->dim, s->items, s->actions, m->at.head);
    if (s->candidates)
        m->at.counted = counted_params_declare(&m->params, s->dim, s->actions, GAP_BUCKETS,
                                               model_has_features(s));
    if (model_has(m, HEAD_OUTCOME))
        m->at.outcome = outcome_params_declare(&m->params, s->dim, s->actions);
    heads_declare_aside(&m->params, s->head_set, s->dim, s->items, s->actions, m->at.head);
    TRY(m->params.status);
    TRY(place_features(m, b));
    if (s->item_ngrams) params_sum(&m->params, m->at.item_text, m->item_text);
    if (!s->candidates) return OK;
    m->counted = COUNTED_TRAIN;
    return counts_open(&m->counts, &m->counts_memory, s->items, s->neighbours, dev);
}

Status model_shut(Model *m, const bool *shut)
{
    const int64_t items = m->shape.items;
    float *closed = calloc((size_t)items, sizeof *closed);
    m->shut = malloc((size_t)items * sizeof *m->shut);
    Status st = closed && m->shut
                    ? OK
                    : FAIL(ERR_MEMORY, "no memory for a list of %" PRId64 " items", items);
    for (int pass = 0; pass < 2 && st == OK; pass++) {
        m->closed = ARENA(&m->closed_memory, F32, items);
        if (pass == 0) st = arena_open(&m->closed_memory, m->dev, "items that are not chosen");
    }
    for (int32_t a = 0; a < items && st == OK; a++) {
        if (shut[a]) m->shut[m->shuts++] = a;
        closed[a] = shut[a] ? CATALOGUE_NEVER : 0.0f;
    }
    if (st == OK) device_copy_in(m->dev, m->closed.data, closed, tensor_bytes(m->closed));
    free(closed);
    return st;
}

void model_close(Model *m)
{
    params_close(&m->params);
    arena_close(&m->counts_memory);
    arena_close(&m->closed_memory);
    free(m->shut);
    free(m->unknown);
    retired_close(&m->retired);
    device_free(m->dev, m->staging);
    free(m->at.block);
    *m = (Model){0};
}

ItemTable model_items(const Model *m, Weights w, Tensor kept)
{
    ItemTable table = {.id = w[m->at.item_id], .text = params_sums(&m->params, w), .kept = kept};
    if (m->at.item_category >= 0) {
        table.category = m->item_category;
        table.category_table = w[m->at.item_category];
    }
    if (m->at.item_number >= 0) {
        table.numeric = m->item_number;
        table.numeric_weight = w[m->at.item_number];
    }
    return table;
}

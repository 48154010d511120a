/* SPDX-License-Identifier: Apache-2.0 */
/* Each op is called as the model calls it. A comment above `fill` names the tensors in their
 * order. */
#include "measure/ops_layers.h"

#include <inttypes.h>
#include <stdio.h>

#include "adamw.h"
#include "bag.h"
#include "base/tree.h"
#include "dropout.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"
#include "id_dropout.h"
#include "items.h"
#include "measure/ops_attention.h"
#include "residual_norm.h"
#include "rmsnorm.h"
#include "rope.h"
#include "swiglu.h"

static double elements(const Shape *s) { return (double)s->rows * (double)s->dim; }

/* ---- Norms ----------------------------------------------------------------------------------- */

/* x, y, weight, rstd, dx, dweight, dy */
static void norm_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[2] = measure_tensor(c, F32, s->dim, 0, 1.0f);
    t[3] = measure_tensor(c, F32, s->rows, 0, 1.0f);
    t[4] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[5] = measure_tensor(c, F32, s->dim, 0, 1.0f);
    t[6] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
}
static void norm_call(Case *c, const Tensor *t)
{
    rmsnorm_forward(c->dev, t[1], t[3], t[0], t[2], 1e-6f);
}
static void norm_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * elements(s) + 4.0 * (double)s->rows;
    *flops = 0.0;
}
static void norm_backward_call(Case *c, const Tensor *t)
{
    rmsnorm_backward(c->dev, t[4], t[5], t[6], t[0], t[2], t[3]);
}
static void norm_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s) + 4.0 * (double)s->rows; /* x, dy; dx read and written */
    *flops = 0.0;
}
static void residual_call(Case *c, const Tensor *t)
{
    residual_norm(c->dev, t[1], t[3], t[4], t[0], t[6], t[2], 1e-6f, (Dropout){0});
}
static void residual_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s) + 4.0 * (double)s->rows; /* y, residual; x, n */
    *flops = 0.0;
}

/* y, x, residual, step */
static void dropout_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 3; i++)
        t[i] = measure_tensor(c, c->shape.dtype, c->shape.rows, c->shape.dim, 1.0f);
    t[3] = measure_zeros(c, I64, 1, 0);
}
static void dropout_call(Case *c, const Tensor *t)
{
    dropout_add(c->dev, t[0], t[1], t[2], (Dropout){.rate = 0.1f, .seed = 1, .step = t[3]});
}
static void dropout_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 3.0 * size * elements(s);
    *flops = 0.0;
}

/* kept, popularity; the step */
static void id_dropout_fill(Case *c, Tensor *t)
{
    t[0] = measure_tensor(c, F32, c->shape.items, 0, 1.0f);
    t[1] = measure_tensor(c, F32, c->shape.items, 0, 1.0f);
    t[2] = measure_zeros(c, I64, 1, 0);
}
static void id_dropout_call(Case *c, const Tensor *t)
{
    id_dropout(c->dev, t[0], t[1], (Dropout){.rate = 0.3f, .seed = 1, .step = t[2]});
}
static void id_dropout_cost(const Shape *s, double size, double *bytes, double *flops)
{
    (void)size;
    *bytes = 8.0 * (double)s->items;
    *flops = 0.0;
}

/* y, x; dots */
static void two_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 2; i++)
        t[i] = measure_tensor(c, c->shape.dtype, c->shape.rows, c->shape.dim, 1.0f);
    t[2] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
}
static void axpy_call(Case *c, const Tensor *t) { elementwise_axpy(c->dev, t[0], -0.5f, t[1]); }
static void axpy_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 3.0 * size * elements(s);
    *flops = 0.0;
}
static void row_dot_call(Case *c, const Tensor *t)
{
    elementwise_row_dot(c->dev, t[2], t[0], t[1]);
}
static void row_dot_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * elements(s) + 4.0 * (double)s->rows;
    *flops = 0.0;
}

/* ---- Rotary positions, SwiGLU ---------------------------------------------------------------- */

enum { POSITIONS = 512 };

static void rope_fill(Case *c, Tensor *t)
{
    t[0] = measure_tensor(c, c->shape.dtype, c->shape.rows, 3 * c->shape.dim, 1.0f);
    t[1] = measure_ids(c, c->shape.rows, POSITIONS);
}
static void rope_call(Case *c, const Tensor *t)
{
    rope(c->dev, t[0], t[1], c->shape.heads, POSITIONS, 10000.0, 1);
}
static void rope_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s) + 4.0 * (double)s->rows; /* q, k read and written */
    *flops = 0.0;
}

/* dim: of the hidden layer. gate_up, y, dgate_up */
static void swiglu_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, 2 * s->dim, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[2] = measure_tensor(c, s->dtype, s->rows, 2 * s->dim, 1.0f);
}
static void swiglu_call(Case *c, const Tensor *t) { swiglu_forward(c->dev, t[1], t[0]); }
static void swiglu_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 3.0 * size * elements(s);
    *flops = 0.0;
}
static void swiglu_backward_call(Case *c, const Tensor *t)
{
    swiglu_backward(c->dev, t[2], t[1], t[0]);
}
static void swiglu_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 5.0 * size * elements(s);
    *flops = 0.0;
}

/* ---- Rows of a table ------------------------------------------------------------------------- */

/* items: rows of the table. */
static void embedding_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, F32, s->items, s->dim, 1.0f);
    t[2] = measure_ids(c, s->rows, s->items);
}
static void embedding_call(Case *c, const Tensor *t) { embedding_add(c->dev, t[0], t[1], t[2]); }
static void embedding_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (2.0 * size + 4.0) * elements(s) + 4.0 * (double)s->rows;
    *flops = 0.0;
}
static void embedding_backward_call(Case *c, const Tensor *t)
{
    embedding_backward(c->dev, t[1], t[0], t[2]);
}
static void embedding_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double touched = (double)(s->items < s->rows ? s->items : s->rows);
    *bytes = size * elements(s) + 8.0 * touched * (double)s->dim + 4.0 * (double)s->rows;
    *flops = 0.0;
}

enum { CATEGORIES = 1000, NUMBERS = 2 };

/* y, id, category, category_table, numeric, numeric_weight, ids */
static void items_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, F32, s->items, s->dim, 1.0f);
    t[2] = measure_ids(c, s->items, CATEGORIES);
    t[3] = measure_tensor(c, F32, CATEGORIES, s->dim, 1.0f);
    t[4] = measure_tensor(c, F32, s->items, NUMBERS, 1.0f);
    t[5] = measure_tensor(c, F32, NUMBERS, s->dim, 1.0f);
    t[6] = measure_ids(c, s->rows, s->items);
}
static void items_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1],
                             .category = TENSOR(t[2].data, I32, c->shape.items, 1),
                             .category_table = t[3],
                             .numeric = t[4],
                             .numeric_weight = t[5]};
    items_gather(c->dev, t[0], &table, t[6]);
}
/* The tables of categories and numbers stay in a cache: read once. */
static void items_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double of_row = 4.0 * (2.0 + NUMBERS), tables = 4.0 * (CATEGORIES + NUMBERS);
    *bytes = (size + 4.0) * elements(s) + of_row * (double)s->rows + tables * (double)s->dim;
    *flops = 0.0;
}

enum { BAG_ROWS = 32 };

/* y, table, offset, row, at, bag: a bag of BAG_ROWS rows for each of the y. */
static void bag_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    const int64_t entries = s->rows * BAG_ROWS;
    t[0] = measure_tensor(c, F32, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, F32, s->items, s->dim, 1.0f);
    t[2] = measure_offsets(c, s->rows, entries);
    t[3] = measure_ids(c, entries, s->items);
    t[4] = measure_offsets(c, s->items, entries);
    t[5] = measure_ids(c, entries, s->rows);
}
static Bags bags_of(const Tensor *t) { return (Bags){t[2], t[3], t[4], t[5]}; }
static void bag_call(Case *c, const Tensor *t)
{
    const Bags bags = bags_of(t);
    bag_forward(c->dev, t[0], t[1], &bags);
}
static void bag_backward_call(Case *c, const Tensor *t)
{
    const Bags bags = bags_of(t);
    bag_backward(c->dev, t[1], t[0], &bags);
}
/* The smaller matrix is read once, the larger one where an entry names its row. */
static void bag_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = size * (double)(s->rows + s->items) * (double)s->dim +
             12.0 * (double)(s->rows + s->items) + 4.0 * BAG_ROWS * (double)s->rows;
    *flops = BAG_ROWS * elements(s);
}

/* ---- Products of the model's shapes ---------------------------------------------------------- */

/* [rows, dim] = [rows, items] [dim, items]^T */
static void product_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->items, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->dim, s->items, 1.0f);
    t[2] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
}
static void product_call(Case *c, const Tensor *t) { gemm(c->dev, t[2], t[0], t[1], GEMM_NT); }
static void product_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double m = (double)s->rows, n = (double)s->dim, k = (double)s->items;
    *bytes = size * (m * n + n * k + m * k);
    *flops = 2.0 * m * n * k;
}

/* ---- The step -------------------------------------------------------------------------------- */

/* rows: parameters. p, m, v, g, first, count, decay, rate, schedule, state */
static void adamw_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 4; i++) t[i] = measure_tensor(c, F32, c->shape.rows, 0, 0.01f);
    const int64_t segment[] = {0, c->shape.rows};
    const double numbers[1 + ADAMW_SCHEDULE + ADAMW_STATE] = {1.0, 1e-3, 0.1, 0.001, 0.0};
    const Tensor memory = measure_zeros(c, F64, 16, 0);
    if (!memory.data) return;
    double *at = memory.data;
    device_copy_in(c->dev, at, segment, sizeof segment);
    device_copy_in(c->dev, at + 3, numbers, sizeof numbers);
    t[4] = TENSOR(at, I64, 1), t[5] = TENSOR(at + 1, I64, 1), t[6] = TENSOR(at + 2, F64, 1);
    t[7] = TENSOR(at + 3, F64, 1), t[8] = TENSOR(at + 4, F64, ADAMW_SCHEDULE);
    t[9] = TENSOR(at + 4 + ADAMW_SCHEDULE, F64, ADAMW_STATE);
}
static void adamw_call(Case *c, const Tensor *t)
{
    adamw_step(c->dev, t[0], t[1], t[2], t[3], (AdamwSegments){t[4], t[5], t[6], t[7]}, t[8], t[9],
               (AdamwOptions){0.9, 0.999, 1e-8, 0.0});
}
static void adamw_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 7.0 * size * (double)s->rows;
    *flops = 0.0;
}

enum { TREE_PARTS = 8 };

/* to, part */
static void tree_fill(Case *c, Tensor *t)
{
    t[0] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[1] = measure_tensor(c, F32, TREE_PARTS, c->shape.rows, 1.0f);
}
static void tree_call(Case *c, const Tensor *t) { tree_sum(c->dev, t[0], t[1]); }
static void tree_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (TREE_PARTS + 1.0) * size * (double)s->rows;
    *flops = 0.0;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char ROWS_WHY[] = "one pass; what is left is the tail of the last blocks";
static const char ROWS_CPU[] = "conversions of bf16; a row's sums, before it can be written";
static const char GATE_CPU[] = "conversions of bf16; an exponential an element";
static const Op norm = {"rmsnorm forward", norm_fill, norm_call, norm_cost, ROWS_WHY, ROWS_CPU};
static const Op norm_backward = {"rmsnorm backward",
                                 norm_fill,
                                 norm_backward_call,
                                 norm_backward_cost,
                                 "dw: partial sums of chunks, and a second kernel that adds them",
                                 ROWS_CPU};
static const Op residual = {"residual norm", norm_fill, residual_call,
                            residual_cost,   ROWS_WHY,  ROWS_CPU};
static const Op dropout = {"dropout",
                           dropout_fill,
                           dropout_call,
                           dropout_cost,
                           "the words of Philox: ten rounds for four elements",
                           "conversions of bf16; the words of Philox"};
static const Op ids = {"id dropout",
                       id_dropout_fill,
                       id_dropout_call,
                       id_dropout_cost,
                       "the words of Philox: ten rounds for each item",
                       "the words of Philox: ten rounds for four items"};
static const Op axpy = {"elementwise axpy", two_fill, axpy_call,
                        axpy_cost,          ROWS_WHY, "conversions of bf16"};
static const Op row_dot = {"elementwise row dot", two_fill,
                           row_dot_call,          row_dot_cost,
                           "sums in double",      "conversions of bf16; sums in double"};
static const Op rotary = {"rope",
                          rope_fill,
                          rope_call,
                          rope_cost,
                          "two accesses of 16 bytes a step, a head apart",
                          "conversions of bf16; the sines and cosines of a token"};
static const Op gate = {"swiglu forward", swiglu_fill, swiglu_call,
                        swiglu_cost,      ROWS_WHY,    GATE_CPU};
static const Op gate_backward = {"swiglu backward",    swiglu_fill, swiglu_backward_call,
                                 swiglu_backward_cost, ROWS_WHY,    GATE_CPU};
static const Op gather = {"embedding gather",
                          embedding_fill,
                          embedding_call,
                          embedding_cost,
                          "rows of the table lie apart: reads of single rows",
                          "rows of the table lie apart: reads of single rows"};
static const Op items = {"items gather",
                         items_fill,
                         items_call,
                         items_cost,
                         "rows of the tables lie apart: reads of single rows",
                         "rows of the tables lie apart; conversions of bf16"};
static const Op bag = {"bag sum",
                       bag_fill,
                       bag_call,
                       bag_cost,
                       "rows of the table lie apart: reads of single rows",
                       "rows of the table lie apart: reads of single rows"};
static const Op bag_gradient = {"bag gradient",
                                bag_fill,
                                bag_backward_call,
                                bag_cost,
                                "rows of the gradient lie apart; long rows are added by few warps",
                                "rows of the gradient lie apart; sums in double"};
static const Op scatter = {"embedding gradient",
                           embedding_fill,
                           embedding_backward_call,
                           embedding_backward_cost,
                           "ids are sorted first (no atomics): passes over ids, small launches",
                           "rows of the table lie apart; ids are sorted first"};
static const Op product = {"gemm",
                           product_fill,
                           product_call,
                           product_cost,
                           "the library's kernel; tiles that do not fill the processors",
                           "the library's kernel; operands packed first"};
static const Op adamw = {"adamw",    adamw_fill, adamw_call,
                         adamw_cost, ROWS_WHY,   "several streams read and written at once"};
static const Op tree = {"tree sum", tree_fill, tree_call,
                        tree_cost,  ROWS_WHY,  "several streams read at once"};

typedef struct {
    int64_t tokens, dim, heads, items, parameters;
} Sizes;

static Status rows_of(Bench *b, Dtype dtype, const Sizes *z)
{
    char text[64];
    Shape s = {dtype, z->tokens, z->dim, z->items, 0, z->heads};
    snprintf(text, sizeof text, "%" PRId64 " x %" PRId64, s.rows, s.dim);
    TRY(measure_case(b, &norm, s, text));
    TRY(measure_case(b, &norm_backward, s, text));
    TRY(measure_case(b, &residual, s, text));
    TRY(measure_case(b, &dropout, s, text));
    TRY(measure_case(b, &axpy, s, text));
    TRY(measure_case(b, &row_dot, s, text));
    TRY(measure_case(b, &rotary, s, text));
    Shape hidden = s;
    hidden.dim = 8 * s.dim / 3 / 32 * 32;
    snprintf(text, sizeof text, "%" PRId64 " x %" PRId64, s.rows, hidden.dim);
    TRY(measure_case(b, &gate, hidden, text));
    TRY(measure_case(b, &gate_backward, hidden, text));
    snprintf(text, sizeof text, "%" PRId64 " x %" PRId64 " of %" PRId64, s.rows, s.dim, s.items);
    TRY(measure_case(b, &gather, s, text));
    TRY(measure_case(b, &items, s, text));
    if (dtype == F32) TRY(measure_case(b, &bag, s, text));
    if (dtype == F32) TRY(measure_case(b, &bag_gradient, s, text));
    TRY(measure_case(b, &scatter, s, text));
    snprintf(text, sizeof text, "%" PRId64 " items", s.items);
    return measure_case(b, &ids, s, text);
}

static Status products_of(Bench *b, Dtype dtype, const Sizes *z)
{
    const int64_t hidden = 8 * z->dim / 3 / 32 * 32;
    const int64_t shapes[][2] = {{3 * z->dim, z->dim}, {2 * hidden, z->dim}, {z->dim, hidden}};
    for (int i = 0; i < 3; i++) {
        char text[64];
        const Shape s = {dtype, z->tokens, shapes[i][0], shapes[i][1], 0, 0};
        snprintf(text, sizeof text, "%" PRId64 " x %" PRId64 " x %" PRId64, s.rows, s.dim, s.items);
        TRY(measure_case(b, &product, s, text));
    }
    return OK;
}

Status measure_ops_layers(Bench *b)
{
    static const Sizes gpu = {32768, 1024, 8, 1000000, 100 << 20};
    static const Sizes cpu = {2048, 256, 4, 20000, 4 << 20}, tiny = {100, 64, 2, 300, 5000};
    const bool cuda = ON_CUDA(b->dev);
    const Sizes *z = b->options->tiny ? &tiny : cuda ? &gpu : &cpu;
    /* On a GPU 32768 x 512: the shape in which attention is compared with cuDNN. */
    const int64_t attended = z == &gpu ? z->dim / 2 : z->dim;
    char text[64];
    const Dtype dtypes[] = {BF16, F32};
    for (int i = 0; i < (b->options->quick ? 1 : 2); i++) {
        TRY(rows_of(b, dtypes[i], z));
        TRY(measure_ops_attention(b, dtypes[i], z->tokens, attended, z->heads));
        TRY(products_of(b, dtypes[i], z));
    }
    /* Shapes of the steps of bench/gpu-acceptance.sh, and the bare product of a catalogue's
     * scores. */
    if (z == &gpu) {
        TRY(measure_case(b, &scatter, (Shape){BF16, 32768, 256, 20000, 0, 4},
                         "32768 x 256 of 20000"));
        TRY(measure_case(b, &product, (Shape){BF16, 16384, 100000, 512, 0, 0},
                         "16384 x 100000 x 512"));
    }
    snprintf(text, sizeof text, "%" PRId64 " parameters", z->parameters);
    TRY(measure_case(b, &adamw, (Shape){.dtype = F32, .rows = z->parameters}, text));
    snprintf(text, sizeof text, "%d x %" PRId64, TREE_PARTS, z->parameters / TREE_PARTS);
    return measure_case(b, &tree, (Shape){.dtype = F32, .rows = z->parameters / TREE_PARTS}, text);
}

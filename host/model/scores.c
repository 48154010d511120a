/* SPDX-License-Identifier: Apache-2.0 */
#include "model/scores.h"

#include "catalogue/catalogue.h"
#include "catalogue/gather.h"
#include "catalogue/policy.h"
#include "counts/mass.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"

/* <h[i], weight> + bias, f32 [rows] */
static Tensor of_states(Device *dev, Tensor h, Tensor weight, Tensor bias)
{
    const Tensor column = SCRATCH(dev, F32, h.dim[0], 1);
    gemm(dev, column, h, weight, GEMM_NT);
    elementwise_shift(dev, column, bias);
    return TENSOR(column.data, F32, h.dim[0]);
}

static const HeadParams *params_of(const Model *m, HeadId head)
{
    REQUIRE(model_has(m, head), "the model has no head %s", heads_table[head].name);
    return &m->at.head[head];
}

/* Scores of use: no item that must not be chosen has any mass, by neither half. */
static void close_items(Device *dev, const Model *m, HeadScores *s)
{
    const Tensor bias = SCRATCH(dev, F32, m->shape.items);
    elementwise_copy(dev, bias, s->bias);
    elementwise_add(dev, bias, m->closed);
    s->bias = bias;
    if (!s->counted.item.data) return;
    const size_t mark = scratch_mark(dev);
    const int64_t rows = s->counted.item.dim[0];
    const Tensor one = SCRATCH(dev, F32, rows, 1);
    const Tensor never = scratch_tensor(dev, F32, 2, s->counted.score.dim);
    const ItemTable closed = {.id = TENSOR(m->closed.data, F32, m->shape.items, 1)};
    elementwise_fill(dev, one, 1.0f);
    catalogue_gather(dev, never, one, &closed, (Tensor){0}, s->counted.item);
    elementwise_axpy(dev, s->counted.score, 1.0f, never);
    scratch_release(dev, mark);
}

HeadScores scores_ranking(Device *dev, const Model *m, Weights w, HeadId head,
                          const StateRows *rows)
{
    const HeadParams *at = params_of(m, head);
    const Tensor h = rows->h;
    if (heads_table[head].kind == HEAD_OF_ACTIONS)
        return (HeadScores){.u = h, .items = {.id = w[at->weight]}, .bias = w[at->bias]};
    REQUIRE(heads_table[head].kind == HEAD_OF_ITEMS, "the head %s has no scores of items",
            heads_table[head].name);
    HeadScores s = {.u = SCRATCH(dev, h.dtype, h.dim[0], m->shape.dim),
                    .items = model_items(m, w, rows->kept),
                    .bias = w[at->bias]};
    gemm(dev, s.u, h, w[at->weight], GEMM_NT);
    if (head == HEAD_POLICY && rows->candidates.item.data) {
        s.counted = counted_scores(dev, m, w, rows, s.u, &s.items);
        if (rows->calibrated) s.bias = counted_scores_calibrate(dev, m, w, s.u, s.bias);
    }
    if (m->closed.data) close_items(dev, m, &s);
    return s;
}

HeadScores scores_full(Device *dev, const Model *m, Weights w, HeadId head, const StateRows *rows)
{
    const HeadParams *at = params_of(m, head);
    HeadScores s = scores_ranking(dev, m, w, head, rows);
    if (at->state_weight >= 0)
        s.state = of_states(dev, rows->h, w[at->state_weight], w[at->state_bias]);
    return s;
}

Tensor scores_of_state(Device *dev, const Model *m, Weights w, HeadId head, Tensor h)
{
    const HeadParams *at = params_of(m, head);
    REQUIRE(heads_table[head].kind == HEAD_OF_STATE, "the head %s is no number of a state",
            heads_table[head].name);
    return of_states(dev, h, w[at->weight], w[at->bias]);
}

Tensor scores_rows(Device *dev, Tensor from, const int32_t *row, int64_t count)
{
    const Tensor to = SCRATCH(dev, F32, count, from.dim[1]);
    elementwise_fill(dev, to, 0.0f);
    embedding_add(dev, to, elementwise_cast(dev, from, F32), scratch_copy(dev, row, I32, count));
    return elementwise_cast(dev, to, from.dtype);
}

/* ---- Over the whole catalogue ---------------------------------------------------------------- */

static bool has_candidates(const HeadScores *s) { return s->counted.item.data; }

CountsPart scores_part(Device *dev, const HeadScores *s)
{
    const CountsPart c = {.item = s->counted.item,
                          .z = scratch_tensor(dev, F32, 2, s->counted.score.dim),
                          .s = scratch_tensor(dev, F32, 2, s->counted.score.dim)};
    catalogue_gather(dev, c.z, s->u, &s->items, s->bias, c.item);
    counts_part_scores(dev, c.s, c.z, s->counted.score);
    return c;
}

void scores_at(Device *dev, const HeadScores *s, Tensor out, Tensor item)
{
    catalogue_score(dev, out, s->u, &s->items, s->bias, item);
    if (has_candidates(s)) {
        const size_t mark = scratch_mark(dev);
        counts_part_items(dev, TENSOR(out.data, F32, out.dim[0], 1), scores_part(dev, s),
                          TENSOR(item.data, I32, out.dim[0], 1));
        scratch_release(dev, mark);
    }
    if (s->state.data) elementwise_add(dev, out, s->state);
}

/* The joined part of all items and the part of the candidates. RowStats and RowBest come in pairs
 * [2, rows]: the first is that of the dense half. */
static Tensor part_of(Tensor pair, int64_t index)
{
    char *data = pair.data;
    return TENSOR(data + (size_t)(index * pair.dim[1] * pair.dim[2]), U8, pair.dim[1], pair.dim[2]);
}

void scores_stats(Device *dev, const HeadScores *s, CatalogueStats stats, float temperature)
{
    if (!has_candidates(s)) {
        catalogue_stats(dev, stats, s->u, &s->items, s->bias, temperature);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor pair = SCRATCH(dev, U8, 2, s->u.dim[0], (int64_t)sizeof(RowStats));
    catalogue_stats_partial(dev, part_of(pair, 0), s->u, &s->items, s->bias, temperature,
                            catalogue_merge_wanted(&stats));
    counts_part_stats(dev, part_of(pair, 1), scores_part(dev, s), (Tensor){0}, temperature);
    catalogue_merge_stats(dev, stats, pair, temperature);
    scratch_release(dev, mark);
}

void scores_expected(Device *dev, const HeadScores *policy, const HeadScores *q, Tensor expected,
                     float temperature)
{
    const CatalogueHead z = {policy->u, &policy->items, policy->bias};
    const CatalogueHead values = {q->u, &q->items, q->bias};
    if (!has_candidates(policy)) {
        catalogue_policy_expectation(dev, expected, z, values, temperature);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor pair = SCRATCH(dev, U8, 2, policy->u.dim[0], (int64_t)sizeof(RowStats));
    const CountsPart c = scores_part(dev, policy);
    const Tensor of_candidates = scratch_tensor(dev, F32, 2, c.z.dim);
    catalogue_policy_expectation_partial(dev, part_of(pair, 0), z, values, temperature);
    catalogue_gather(dev, of_candidates, q->u, &q->items, q->bias, c.item);
    counts_part_stats(dev, part_of(pair, 1), c, of_candidates, temperature);
    catalogue_merge_stats(dev, (CatalogueStats){.expectation = expected}, pair, temperature);
    scratch_release(dev, mark);
}

void scores_allowed_best(Device *dev, const HeadScores *policy, const HeadScores *q, Tensor best,
                         float ratio)
{
    const int64_t rows = policy->u.dim[0];
    const CatalogueHead z = {policy->u, &policy->items, policy->bias};
    const CatalogueHead values = {q->u, &q->items, q->bias};
    if (!has_candidates(policy)) {
        catalogue_policy_allowed_best(dev, best, z, values, ratio);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor pair = SCRATCH(dev, U8, 2, rows, (int64_t)sizeof(RowBest));
    const Tensor top = SCRATCH(dev, F32, rows);
    const CountsPart c = scores_part(dev, policy);
    const Tensor of_candidates = scratch_tensor(dev, F32, 2, c.z.dim);
    scores_stats(dev, policy, (CatalogueStats){.max = top}, 1.0f);
    catalogue_policy_allowed_partial(dev, part_of(pair, 0), top, z, values, ratio);
    catalogue_gather(dev, of_candidates, q->u, &q->items, q->bias, c.item);
    counts_part_allowed(dev, part_of(pair, 1), c, of_candidates, top, ratio);
    catalogue_merge_best(dev, best, pair);
    scratch_release(dev, mark);
}

void scores_minus_items(Device *dev, const HeadScores *s, Tensor item, Tensor weight, Tensor du,
                        Tensor dbias)
{
    const size_t mark = scratch_mark(dev);
    const int64_t rows = s->u.dim[0];
    const CountedScores *c = &s->counted;
    const Tensor loss = SCRATCH(dev, F32, rows), none = {0};
    CatalogueMixture mixture = {0};
    if (has_candidates(s)) {
        mixture = (CatalogueMixture){.other = SCRATCH(dev, F32, rows),
                                     .other_target = SCRATCH(dev, F32, rows),
                                     .logsumexp = SCRATCH(dev, F32, rows),
                                     .share = SCRATCH(dev, F32, rows)};
        counts_mass(dev, mixture.other, mixture.other_target, c->score, c->item, item);
    }
    catalogue_cross_entropy_with(dev, loss, du, none, dbias, s->u, &s->items, s->bias, item, weight,
                                 mixture);
    if (has_candidates(s)) {
        const Tensor dscore = scratch_tensor(dev, F32, 2, c->score.dim);
        counts_mass_backward(
            dev, dscore,
            &(MassLoss){c->score, c->item, item, weight, mixture.logsumexp, mixture.share});
        catalogue_gather_backward(dev, du, none, dbias, dscore, s->u, &s->items, c->item);
    }
    scratch_release(dev, mark);
}

/* x / temperature */
static Tensor cooled(Device *dev, Tensor x, float temperature)
{
    const Tensor y = scratch_tensor(dev, F32, x.rank, x.dim);
    elementwise_fill(dev, y, 0.0f);
    elementwise_axpy(dev, y, 1.0f / temperature, elementwise_cast(dev, x, F32));
    return y;
}

HeadScores scores_cooled(Device *dev, const HeadScores *s, float temperature)
{
    HeadScores out = {.u = cooled(dev, s->u, temperature),
                      .items = s->items,
                      .bias = cooled(dev, s->bias, temperature)};
    if (s->state.data) out.state = cooled(dev, s->state, temperature);
    if (!has_candidates(s)) return out;
    out.counted.item = s->counted.item;
    out.counted.score = scratch_tensor(dev, F32, 2, s->counted.score.dim);
    const size_t mark = scratch_mark(dev);
    counts_part_cooled(dev, out.counted.score, scores_part(dev, s), temperature);
    scratch_release(dev, mark);
    return out;
}

/* y[i, j] += x[i] */
static void add_to_rows(Device *dev, Tensor y, Tensor x)
{
    const size_t mark = scratch_mark(dev);
    const Tensor ones = SCRATCH(dev, F32, 1, y.dim[1]);
    elementwise_fill(dev, ones, 1.0f);
    gemm(dev, y, TENSOR(x.data, F32, x.dim[0], 1), ones, GEMM_ADD_NN);
    scratch_release(dev, mark);
}

void scores_of_items(Device *dev, const HeadScores *s, Tensor out, Tensor item)
{
    catalogue_gather(dev, out, s->u, &s->items, s->bias, item);
    if (has_candidates(s)) {
        const size_t mark = scratch_mark(dev);
        counts_part_items(dev, out, scores_part(dev, s), item);
        scratch_release(dev, mark);
    }
    if (s->state.data) add_to_rows(dev, out, s->state);
}

Tensor scores_to_values(Device *dev, const Model *m, Tensor scores)
{
    if (!m->shape.log_values || !scores.data) return scores;
    const Tensor values = SCRATCH(dev, F32, scores.dim[0]);
    elementwise_exp(dev, values, scores);
    return values;
}

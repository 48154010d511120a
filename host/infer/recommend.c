#include "infer/recommend.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue.h"
#include "infer/states.h"

static int by_item(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Q of the chosen items [k] at the state h [1, dim]: [k], in the unit of rewards. */
static Tensor action_values(const ModelScorer *s, Tensor h, Tensor items)
{
    const Model *m = s->model;
    const HeadScores of_state = scores_full(s->dev, m, m->params.copy[PARAM_VALUE], HEAD_Q, h);
    const HeadScores z = scores_repeat(s->dev, &of_state, items.dim[0]);
    const Tensor q = SCRATCH(s->dev, F32, items.dim[0]);
    scores_at(s->dev, &z, q, items);
    return scores_to_values(s->dev, m, q);
}

static Exclusion on_device(Device *dev, Exclusion seen)
{
    if (!seen.offset) return seen;
    return (Exclusion){scratch_copy(dev, seen.offset, I64, 2).data,
                       scratch_copy(dev, seen.item, I32, seen.offset[1]).data};
}

/* The best items, item [1, k], as the caller gets them; total [1]: of the softmax. */
static Status read_best(const ModelScorer *s, Tensor item, Tensor score, Tensor q, Tensor total,
                        Recommendation *out, int64_t *found)
{
    const int64_t k = item.dim[1];
    const bool policy = model_has(s->model, HEAD_POLICY), has_q = model_has(s->model, HEAD_Q);
    int32_t *items = device_read(s->dev, item.data, tensor_bytes(item));
    float *scores = device_read(s->dev, score.data, tensor_bytes(score));
    float *qs = device_read(s->dev, q.data, tensor_bytes(q));
    float *sum = device_read(s->dev, total.data, tensor_bytes(total));
    const Status st = items && scores && qs && sum ? device_sync(s->dev) : ERR_MEMORY;
    for (*found = 0; st == OK && *found < k && items[*found] >= 0; ++*found) {
        const int64_t i = *found;
        out[i] = (Recommendation){.item = items[i],
                                  .score = scores[i],
                                  .probability = policy ? expf(scores[i] - sum[0]) : NAN,
                                  .q = has_q ? qs[i] : NAN};
    }
    device_read_done(s->dev, items);
    device_read_done(s->dev, scores);
    device_read_done(s->dev, qs);
    device_read_done(s->dev, sum);
    return st;
}

/* Rank by the state h [1, dim]. */
static Status rank(const ModelScorer *s, Tensor h, Exclusion seen, int64_t k, Recommendation *out,
                   int64_t *found)
{
    const Model *m = s->model;
    Weights w = m->params.copy[PARAM_VALUE];
    Tensor item = SCRATCH(s->dev, I32, 1, k), score = SCRATCH(s->dev, F32, 1, k);
    Tensor total = SCRATCH(s->dev, F32, 1), q = SCRATCH(s->dev, F32, k), none = {0};
    const HeadScores z = scores_ranking(s->dev, m, w, heads_default(m->shape.head_set), h);
    catalogue_rank(s->dev, none, none, item, score, z.u, &z.items, z.bias, none,
                   on_device(s->dev, seen));
    catalogue_stats(s->dev, (CatalogueStats){.logsumexp = total}, z.u, &z.items, z.bias, 1);
    if (model_has(m, HEAD_Q)) q = action_values(s, h, TENSOR(item.data, I32, k));
    return read_best(s, item, score, q, total, out, found);
}

/* Encode the one window of `batch` and rank by its last state. */
static Status recommend_batch(const ModelScorer *s, const Batch *batch, Exclusion seen, int64_t k,
                              Recommendation *out, int64_t *found)
{
    ModelInput input = {0};
    Encoder encoder = {0};
    Status st;
    TRY_OR_FAIL(st, model_input_open(&input, s->model, batch->tokens, s->dev));
    TRY_OR_FAIL(st, encoder_open(&encoder, s->model, batch->tokens, false, s->dev));
    model_input_set(&input, s->model, batch, s->file);
    const size_t mark = scratch_mark(s->dev);
    Tensor h = encoder_forward(s->dev, &encoder, s->model, s->model->params.copy[PARAM_VALUE],
                               &input, (DropoutKey){0});
    st = rank(s, tensor_rows(h, batch->used - 1, 1), seen, k, out, found);
    scratch_release(s->dev, mark);
fail:
    model_input_close(&input);
    encoder_close(&encoder);
    return st;
}

static Status recommend(const ModelScorer *s, const Batch *batch, int32_t *items, int64_t count,
                        bool include_seen, int64_t k, Recommendation *out, int64_t *found)
{
    const int64_t offset[] = {0, count};
    REQUIRE(k >= 1, "%" PRId64 " recommendations", k);
    qsort(items, (size_t)count, sizeof *items, by_item);
    const Exclusion seen = {offset, items};
    return recommend_batch(s, batch, include_seen ? (Exclusion){0} : seen, k, out, found);
}

Status recommend_user(const ModelScorer *s, int64_t user, bool include_seen, int64_t k,
                      Recommendation *out, int64_t *found)
{
    const int64_t start = s->file->offset[user], end = s->file->offset[user + 1];
    const int64_t first = end - start > s->length ? end - s->length : start;
    const Window window = {.user = user, .first = first, .end = end};
    if (start == end) return FAIL(ERR_USAGE, "%s: this user has no events", s->file->path);
    int32_t *items = malloc((size_t)(end - start) * sizeof *items);
    Batch batch = {0};
    Status st = items ? batch_open(&batch, s->file, end - first)
                      : FAIL(ERR_MEMORY, "no memory for %" PRId64 " events", end - start);
    if (st == OK) st = columns_read(s->file, COLUMN_ITEM, start, end - start, items);
    if (st == OK) st = batch_fill(&batch, s->file, &window, 1);
    if (st == OK) st = recommend(s, &batch, items, end - start, include_seen, k, out, found);
    batch_close(&batch);
    free(items);
    return st;
}

Status recommend_history(const ModelScorer *s, const HistoryEvent *events, int64_t count,
                         int64_t user, bool include_seen, int64_t k, Recommendation *out,
                         int64_t *found)
{
    REQUIRE(count >= 1, "a history of %" PRId64 " events", count);
    const int64_t skipped = count > s->length ? count - s->length : 0;
    int32_t *items = malloc((size_t)count * sizeof *items);
    Batch batch = {0};
    Status st = items ? batch_open(&batch, s->file, count - skipped)
                      : FAIL(ERR_MEMORY, "no memory for %" PRId64 " events", count);
    for (int64_t i = 0; i < count && st == OK; i++) items[i] = events[i].item;
    for (int64_t i = 0; i < count - skipped && st == OK; i++) {
        const HistoryEvent *e = events + skipped + i;
        batch.item[i] = e->item;
        batch.action[i] = e->action;
        batch.gap[i] = i ? batch_gap_bucket(e->time_ms - e[-1].time_ms) : 0;
        batch.position[i] = (int32_t)i;
        batch.target[i] = -1;
    }
    if (st == OK) {
        batch.used = count - skipped;
        batch.windows = 1;
        batch.cu_seqlens[1] = (int32_t)batch.used;
        batch.user[0] = user;
        st = recommend(s, &batch, items, count, include_seen, k, out, found);
    }
    batch_close(&batch);
    free(items);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/answers.h"

#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "model/outcome/outcome.h"

typedef struct {
    Session *session;
    const int32_t *item;
    AnswersForm form;
    float *p;
} Request;

bool answers_known(const Session *s) { return model_has(s->model, HEAD_OUTCOME); }

static Status answer(void *context, const StateBatch *batch)
{
    const Request *r = context;
    Session *s = r->session;
    const size_t bytes = (size_t)answers_width(s) * sizeof *r->p;
    TRY(session_reserve_items(s, batch->count));
    for (int64_t i = 0; i < batch->count; i++) {
        const int32_t item = r->item[batch->index[i]];
        REQUIRE(item >= 0 && item < s->model->shape.items,
                "item %" PRId32 " is shown, want below %" PRId64, item, s->model->shape.items);
        s->memory.item[i] = item;
    }
    const Tensor item = scratch_copy(s->dev, s->memory.item, I32, batch->count);
    Weights w = session_weights(s);
    const Tensor p = r->form == ANSWERS_LOGITS
                         ? outcome_forward(s->dev, s->model, w, &batch->rows, item).logits
                         : outcome_probabilities(s->dev, s->model, w, &batch->rows, item);
    char *read = device_read(s->dev, p.data, tensor_bytes(p));
    const Status st = read ? device_sync(s->dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count && st == OK; i++)
        memcpy((char *)r->p + (size_t)batch->index[i] * bytes, read + (size_t)i * bytes, bytes);
    device_read_done(s->dev, read);
    return st;
}

Status answers_before(Session *s, const LogEvents *events, const int32_t *item, AnswersForm form,
                      Listener *listener, float *p)
{
    Request r = {s, item, form, p};
    return states_before(s, events, "answers", listener, (StateSink){answer, &r});
}

Status answers_after(Session *s, const History *history, int64_t count, const int32_t *item,
                     float *p)
{
    Request r = {s, item, ANSWERS_CALIBRATED, p};
    return states_after(s, history, count, (StateSink){answer, &r});
}

AnswersReward answers_reward_of_file(const Behaviour *b)
{
    return (AnswersReward){.kinds = b->actions, .of_kind = b->action_reward};
}

Status answers_times_of_file(const Behaviour *b, const char *number, float *times)
{
    const FeatureSet *f = &b->item_features;
    Nearest near = nearest_to(number);
    int n = 0;
    while (n < f->numbers && strcmp(f->number_name[n], number))
        nearest_offer(&near, f->number_name[n++]);
    if (n == f->numbers)
        return FAIL(ERR_USAGE, "%s: there is no item number \"%s\"%s", b->path, number,
                    nearest_hint(&near));
    for (int64_t a = 0; a < b->items; a++)
        times[a] = (float)schema_value(f, n, f->number[a * f->numbers + n]);
    return OK;
}

double answers_reward(const AnswersReward *r, const float *p, int32_t item)
{
    double sum = 0.0;
    for (int64_t k = 0; k < r->kinds; k++) sum += (double)p[k] * (double)r->of_kind[k];
    return sum * (r->times ? (double)r->times[item] : 1.0) - r->cost;
}

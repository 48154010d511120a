#include "model/input.h"

#include <stdlib.h>
#include <string.h>

Status model_input_open(ModelInput *in, const Model *m, int64_t tokens, Device *dev)
{
    const ModelShape *s = &m->shape;
    *in = (ModelInput){.dev = dev, .user_kinds = s->user_kinds};
    in->user_category = calloc((size_t)s->user_kinds + 1, sizeof *in->user_category);
    if (!in->user_category) return FAIL(ERR_MEMORY, "no memory for the input");
    for (int64_t k = 0; k < s->user_kinds; k++) {
        void *data = device_alloc(dev, (size_t)tokens * sizeof(int32_t));
        if (!data) return ERR_MEMORY;
        in->user_category[k] = TENSOR(data, I32, tokens);
    }
    if (s->user_numbers) {
        void *data = device_alloc(dev, (size_t)(tokens * s->user_numbers) * sizeof(float));
        if (!data) return ERR_MEMORY;
        in->user_number = TENSOR(data, F32, tokens, s->user_numbers);
    }
    return OK;
}

void model_input_close(ModelInput *in)
{
    for (int64_t k = 0; in->user_category && k < in->user_kinds; k++)
        device_free(in->dev, in->user_category[k].data);
    free(in->user_category);
    device_free(in->dev, in->user_number.data);
    *in = (ModelInput){0};
}

/* No profile: every category is its kind's row 0, "unknown", every number at its mean. */
static void spread_unknown(ModelInput *in, const ModelShape *s, const Batch *batch, int64_t w,
                           const FeatureSet *users)
{
    for (int64_t i = batch->cu_seqlens[w]; i < batch->cu_seqlens[w + 1]; i++) {
        int32_t row = 0;
        for (int64_t k = 0; k < s->user_kinds; row += users->kind_rows[k++])
            i32(in->user_category[k])[i] = row;
        for (int64_t n = 0; n < s->user_numbers; n++)
            f32(in->user_number)[i * s->user_numbers + n] = 0.0f;
    }
}

static void spread_profiles(ModelInput *in, const ModelShape *s, const Batch *batch,
                            const FeatureSet *users)
{
    for (int64_t k = 0; k < s->user_kinds; k++) in->user_category[k].dim[0] = batch->used;
    in->user_number.dim[0] = batch->used;
    for (int64_t w = 0; w < batch->windows; w++) {
        const int64_t user = batch->user[w];
        if (user < 0) {
            spread_unknown(in, s, batch, w, users);
            continue;
        }
        for (int64_t i = batch->cu_seqlens[w]; i < batch->cu_seqlens[w + 1]; i++) {
            for (int64_t k = 0; k < s->user_kinds; k++)
                i32(in->user_category[k])[i] = users->category[user * s->user_kinds + k];
            if (s->user_numbers)
                memcpy(f32(in->user_number) + i * s->user_numbers,
                       users->number + user * s->user_numbers,
                       (size_t)s->user_numbers * sizeof(float));
        }
    }
}

void model_input_set(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b)
{
    const ModelShape *s = &m->shape;
    in->tokens = batch->used;
    in->windows = batch->windows;
    in->item = TENSOR(batch->item, I32, batch->used);
    in->action = TENSOR(batch->action, I32, batch->used);
    in->gap = TENSOR(batch->gap, I32, batch->used);
    in->position = TENSOR(batch->position, I32, batch->used);
    in->cu_seqlens = TENSOR(batch->cu_seqlens, I32, batch->windows + 1);
    if (s->event_numbers) in->feature = TENSOR(batch->feature, F32, batch->used, s->event_numbers);
    in->target = TENSOR(batch->target, I32, batch->used);
    in->target_action = TENSOR(batch->target_action, I32, batch->used);
    in->reward = TENSOR(batch->reward, F32, batch->used);
    in->end = TENSOR(batch->end, U8, batch->used);
    if (s->user_kinds || s->user_numbers) spread_profiles(in, s, batch, &b->user_features);
}

#include "model/input.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256, COLUMNS = 14 };

/* Bytes of all inputs of `tokens`, each from a multiple of ALIGN on. */
static size_t room_bytes(const ModelShape *s, int64_t tokens)
{
    const int64_t four = 8 + s->user_kinds + s->user_numbers + s->event_numbers;
    return (size_t)(tokens * (4 * four + 1)) + (size_t)(COLUMNS + s->user_kinds) * ALIGN;
}

Status model_input_open(ModelInput *in, const Model *m, int64_t tokens, Device *dev)
{
    const ModelShape *s = &m->shape;
    *in = (ModelInput){.dev = dev, .user_kinds = s->user_kinds};
    in->user_category = calloc((size_t)s->user_kinds + 1, sizeof *in->user_category);
    in->user_row = calloc((size_t)(s->user_kinds * tokens) + 1, sizeof *in->user_row);
    in->user_value = calloc((size_t)(s->user_numbers * tokens) + 1, sizeof *in->user_value);
    if (!in->user_category || !in->user_row || !in->user_value)
        return FAIL(ERR_MEMORY, "no memory for the input");
    return device_room(dev, &in->room, room_bytes(s, tokens));
}

void model_input_close(ModelInput *in)
{
    free(in->user_category);
    free(in->user_row);
    free(in->user_value);
    device_free(in->dev, in->room);
    *in = (ModelInput){0};
}

/* No profile: every category is its kind's row 0, "unknown", every number at its mean. */
static void spread_unknown(ModelInput *in, const ModelShape *s, const Batch *batch, int64_t w,
                           const FeatureSet *users)
{
    for (int64_t i = batch->cu_seqlens[w]; i < batch->cu_seqlens[w + 1]; i++) {
        int32_t row = 0;
        for (int64_t k = 0; k < s->user_kinds; row += users->kind_rows[k++])
            in->user_row[k * batch->used + i] = row;
        for (int64_t n = 0; n < s->user_numbers; n++)
            in->user_value[i * s->user_numbers + n] = 0.0f;
    }
}

static void spread_profiles(ModelInput *in, const ModelShape *s, const Batch *batch,
                            const FeatureSet *users)
{
    for (int64_t w = 0; w < batch->windows; w++) {
        const int64_t user = batch->user[w];
        if (user < 0) {
            spread_unknown(in, s, batch, w, users);
            continue;
        }
        for (int64_t i = batch->cu_seqlens[w]; i < batch->cu_seqlens[w + 1]; i++) {
            for (int64_t k = 0; k < s->user_kinds; k++)
                in->user_row[k * batch->used + i] = users->category[user * s->user_kinds + k];
            if (s->user_numbers)
                memcpy(in->user_value + i * s->user_numbers, users->number + user * s->user_numbers,
                       (size_t)s->user_numbers * sizeof(float));
        }
    }
}

static int64_t longest_window(const Batch *batch)
{
    int64_t longest = 0;
    for (int64_t w = 0; w < batch->windows; w++) {
        const int64_t length = batch->cu_seqlens[w + 1] - batch->cu_seqlens[w];
        if (length > longest) longest = length;
    }
    return longest;
}

/* An array of the host as a tensor of the device; in the room it lies behind those before it. */
static Tensor place(ModelInput *in, void *from, Dtype dtype, int64_t rows, int64_t columns)
{
    Tensor t = columns ? TENSOR(from, dtype, rows, columns) : TENSOR(from, dtype, rows);
    const size_t bytes = tensor_bytes(t);
    t.data = device_place(in->dev, in->room ? (char *)in->room + in->used : NULL, from, bytes);
    in->used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return t;
}

void model_input_set(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b)
{
    const ModelShape *s = &m->shape;
    const int64_t tokens = batch->used;
    if (s->user_kinds || s->user_numbers) spread_profiles(in, s, batch, &b->user_features);
    in->tokens = tokens;
    in->windows = batch->windows;
    in->longest = longest_window(batch);
    in->used = 0;
    device_feed_follow(in->dev);
    in->item = place(in, batch->item, I32, tokens, 0);
    in->action = place(in, batch->action, I32, tokens, 0);
    in->gap = place(in, batch->gap, I32, tokens, 0);
    in->position = place(in, batch->position, I32, tokens, 0);
    in->cu_seqlens = place(in, batch->cu_seqlens, I32, batch->windows + 1, 0);
    if (s->event_numbers) in->feature = place(in, batch->feature, F32, tokens, s->event_numbers);
    in->target = place(in, batch->target, I32, tokens, 0);
    in->target_action = place(in, batch->target_action, I32, tokens, 0);
    in->reward = place(in, batch->reward, F32, tokens, 0);
    in->end = place(in, batch->end, U8, tokens, 0);
    for (int64_t k = 0; k < s->user_kinds; k++)
        in->user_category[k] = place(in, in->user_row + k * tokens, I32, tokens, 0);
    if (s->user_numbers) in->user_number = place(in, in->user_value, F32, tokens, s->user_numbers);
    device_feed_join(in->dev);
}

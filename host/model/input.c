/* SPDX-License-Identifier: Apache-2.0 */
#include "model/input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256, COLUMNS = 22 };
static const char USE[] = "inputs", PROFILES[] = "user profiles";

/* The bytes of all columns; each begins at a multiple of ALIGN. */
size_t model_input_bytes(const Model *m, int64_t tokens, int64_t own)
{
    const ModelShape *s = &m->shape;
    const int64_t four = 18 + s->user_kinds + s->user_numbers + s->event_numbers;
    return (size_t)(tokens * (4 * four + 1) + 8 * own) + (size_t)(COLUMNS + s->user_kinds) * ALIGN;
}

Status model_input_open(ModelInput *in, const Model *m, int64_t tokens, int64_t own, Device *dev)
{
    const ModelShape *s = &m->shape;
    *in = (ModelInput){.dev = dev, .user_kinds = s->user_kinds};
    in->user_category = calloc((size_t)s->user_kinds + 1, sizeof *in->user_category);
    if (!in->user_category)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " categories of users", s->user_kinds);
    const size_t rows = (size_t)(s->user_kinds * tokens) * sizeof *in->user_row;
    const size_t values = (size_t)(s->user_numbers * tokens) * sizeof *in->user_value;
    in->user_row = device_alloc_host(dev, rows, PROFILES);
    in->user_value = in->user_row ? device_alloc_host(dev, values, PROFILES) : NULL;
    if (!in->user_value) return ERR_MEMORY;
    return device_alloc_staging(dev, &in->staging, model_input_bytes(m, tokens, own), USE);
}

void model_input_close(ModelInput *in)
{
    free(in->user_category);
    device_free(in->dev, in->user_row);
    device_free(in->dev, in->user_value);
    device_free(in->dev, in->staging);
    *in = (ModelInput){0};
}

/* A user without a profile: every category is row 0 of its kind, "unknown", every number its
 * mean. */
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
    if (s->user_kinds == 0 && s->user_numbers == 0) return;
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

/* Copy `bytes`, then add `more` bytes of padding: the 32-bit number `padding`, or 0 in any
 * dtype. */
static void pack(char *to, const void *from, size_t bytes, size_t more, int32_t padding)
{
    memcpy(to, from, bytes);
    memset(to + bytes, 0, more);
    for (size_t i = 0; padding != 0 && i < more / sizeof padding; i++)
        memcpy(to + bytes + i * sizeof padding, &padding, sizeof padding);
}

/* An array of `rows` on the host becomes a tensor of `all` rows on the device. Tensors follow one
 * another in the staging memory, in the order of the calls. */
static Tensor place(ModelInput *in, void *from, Dtype dtype, int64_t rows, int64_t all,
                    int64_t columns, int32_t padding)
{
    Tensor t = columns ? TENSOR(from, dtype, all, columns) : TENSOR(from, dtype, all);
    const size_t bytes = tensor_bytes(t), own = tensor_bytes(tensor_rows(t, 0, rows));
    char *to = in->staging ? (char *)in->staging + in->used : NULL;
    if (in->packed) {
        pack(in->packed + in->used, from, own, bytes - own, padding);
        t.data = to;
    } else {
        t.data = device_stage(in->dev, to, from, bytes);
    }
    in->used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return t;
}

static Tensor place_tokens(ModelInput *in, const Batch *batch, void *from, Dtype dtype,
                           int64_t columns, int32_t padding)
{
    return place(in, from, dtype, batch->used, in->tokens, columns, padding);
}

/* `own`: the own events of all windows. */
static void place_all(ModelInput *in, const Model *m, const Batch *batch, int32_t own)
{
    const ModelShape *s = &m->shape;
    in->used = 0;
    in->item = place_tokens(in, batch, batch->item, I32, 0, -1);
    in->action = place_tokens(in, batch, batch->action, I32, 0, -1);
    in->gap = place_tokens(in, batch, batch->gap, I32, 0, -1);
    in->position = place_tokens(in, batch, batch->position, I32, 0, 0);
    in->time = place_tokens(in, batch, batch->time, I64, 0, 0);
    in->state = place_tokens(in, batch, batch->state, I32, 0, -1);
    in->cu_seqlens = place(in, batch->cu_seqlens, I32, batch->windows + 1, in->windows + 1, 0,
                           (int32_t)batch->used);
    in->own_offset = place(in, batch->own_offset, I32, batch->windows + 1, in->windows + 1, 0, own);
    if (s->event_numbers)
        in->feature = place_tokens(in, batch, batch->feature, F32, s->event_numbers, 0);
    in->target = place_tokens(in, batch, batch->target, I32, 0, -1);
    in->target_action = place_tokens(in, batch, batch->target_action, I32, 0, 0);
    in->taken = batch->taken ? place_tokens(in, batch, batch->taken, I32, 0, -1) : in->target;
    in->reward = place_tokens(in, batch, batch->reward, F32, 0, 0);
    in->end = place_tokens(in, batch, batch->end, U8, 0, 0);
    if (batch->propensity) {
        int32_t one; /* the bits of 1.0, for tokens that are added: its logarithm is finite */
        memcpy(&one, &(float){1.0f}, sizeof one);
        in->propensity = place_tokens(in, batch, batch->propensity, F32, 0, one);
    }
    in->first_event = place(in, batch->first_event, I64, batch->windows, in->windows, 0, 0);
    in->user = place(in, batch->user, I64, batch->windows, in->windows, 0, 0);
    for (int64_t k = 0; k < s->user_kinds; k++)
        in->user_category[k] = place_tokens(in, batch, in->user_row + k * batch->used, I32, 0, -1);
    if (s->user_numbers)
        in->user_number = place_tokens(in, batch, in->user_value, F32, s->user_numbers, 0);
    /* Last: the tensor has constant sizes, but what is copied ends with the events that there
     * are. */
    in->own = place(in, batch->own, I32, own, own, 2, 0);
    if (in->packed) in->own.dim[0] = batch->own_capacity;
}

void model_input_set(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b)
{
    in->tokens = batch->used;
    in->windows = batch->windows;
    in->longest = longest_window(batch);
    in->ties = b->tie != NULL;
    spread_profiles(in, &m->shape, batch, &b->user_features);
    device_feed_follow(in->dev);
    place_all(in, m, batch, batch->own_offset[batch->windows]);
    device_feed_join(in->dev);
}

void model_input_pack(ModelInput *in, const Model *m, const Batch *batch, const Behaviour *b,
                      InputShape shape, void *packed)
{
    const int64_t longest = longest_window(batch);
    REQUIRE(batch->used <= shape.tokens && batch->windows <= shape.windows &&
                longest <= shape.longest,
            "a batch of %" PRId64 " tokens in %" PRId64 " windows of up to %" PRId64
            ", want at most %" PRId64 ", %" PRId64 ", %" PRId64,
            batch->used, batch->windows, longest, shape.tokens, shape.windows, shape.longest);
    in->tokens = shape.tokens;
    in->windows = shape.windows;
    in->longest = shape.longest;
    in->ties = b->tie != NULL;
    in->packed = packed;
    spread_profiles(in, &m->shape, batch, &b->user_features);
    place_all(in, m, batch, batch->own_offset[batch->windows]);
    in->packed = NULL;
}

void model_input_measure(ModelInput *in, const Model *m, InputShape shape, const Behaviour *b)
{
    REQUIRE(in->dev->measures, "a device that runs gets an input without data, want a batch");
    void *none = in->user_row; /* of a device that measures: an address that must not be read */
    const Batch batch = {.tokens = shape.tokens,
                         .used = shape.tokens,
                         .windows = shape.windows,
                         .cu_seqlens = none,
                         .user = none,
                         .first_event = none,
                         .item = none,
                         .action = none,
                         .time = none,
                         .gap = none,
                         .position = none,
                         .state = none,
                         .target = none,
                         .target_action = none,
                         .taken = b->has_impressions ? none : NULL,
                         .reward = none,
                         .end = none,
                         .propensity = b->has_propensity ? none : NULL,
                         .feature = none,
                         .own_offset = none,
                         .own = none};
    in->tokens = shape.tokens;
    in->windows = shape.windows;
    in->longest = shape.longest;
    in->ties = b->tie != NULL;
    place_all(in, m, &batch, (int32_t)shape.own);
}

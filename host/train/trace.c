/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model/counts.h"
#include "model/saved.h"
#include "train/checkpoint.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { NAME_MAX_BYTES = 96, FIXED = 48 };

typedef struct {
    Device *dev;
    NamedTensor *list;
    void *
        *read; /* for each tensor, the copy that device_read made; NULL for a tensor of the host */
    char (*name)[NAME_MAX_BYTES];
    int count, capacity;
} Trace;

/* Add a tensor whose data is in host memory; an absent one is left out. */
static void add_host(Trace *t, Tensor tensor, const char *name)
{
    if (!tensor.data) return;
    REQUIRE(t->count < t->capacity, "a trace of more than %d tensors", t->capacity);
    snprintf(t->name[t->count], NAME_MAX_BYTES, "%s", name);
    t->list[t->count] = (NamedTensor){t->name[t->count], tensor};
    t->count++;
}

__attribute__((format(printf, 3, 4))) static void add(Trace *t, Tensor tensor, const char *format,
                                                      ...)
{
    va_list args;
    char name[NAME_MAX_BYTES];
    if (!tensor.data) return;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    tensor.data = device_read(t->dev, tensor.data, tensor_bytes(tensor));
    t->read[t->count] = tensor.data;
    add_host(t, tensor, name);
}

static Status trace_open(Trace *t, Trainer *trainer)
{
    t->dev = &trainer->dev;
    t->capacity = 3 * trainer->model.params.count + (int)trainer->model.shape.layers + FIXED;
    t->list = calloc((size_t)t->capacity, sizeof *t->list);
    t->read = calloc((size_t)t->capacity, sizeof *t->read);
    t->name = calloc((size_t)t->capacity, sizeof *t->name);
    return t->list && t->read && t->name ? OK : FAIL(ERR_MEMORY, "no memory for a trace");
}

/* Add the users' categories as one tensor [tokens, kinds], the layout of host/model/README.md. */
static void add_categories(Trace *trace, Trainer *t, int32_t *space)
{
    const int64_t tokens = t->input.tokens, kinds = t->model.shape.user_kinds;
    if (!kinds) return;
    for (int64_t i = 0; i < tokens; i++)
        for (int64_t k = 0; k < kinds; k++)
            space[i * kinds + k] = t->input.user_row[k * tokens + i];
    add_host(trace, TENSOR(space, I32, tokens, kinds), "batch.user_category");
}

/* `space` holds [tokens, user kinds] for the categories of users. */
static void add_inputs(Trace *trace, Trainer *t, int32_t *space)
{
    const ModelInput *in = &t->input;
    add(trace, in->cu_seqlens, "batch.cu_seqlens");
    add(trace, in->item, "batch.item");
    add(trace, in->action, "batch.action");
    add(trace, in->gap, "batch.gap");
    add(trace, in->position, "batch.position");
    add(trace, in->time, "batch.time");
    add(trace, in->feature, "batch.feature");
    add_categories(trace, t, space);
    add(trace, in->user_number, "batch.user_number");
    add(trace, in->state, "batch.state");
    add(trace, in->target, "batch.target");
    add(trace, in->target_action, "batch.target_action");
    if (in->taken.data != in->target.data) add(trace, in->taken, "batch.taken");
    add(trace, in->reward, "batch.reward");
    add(trace, in->end, "batch.end");
    add(trace, in->propensity, "batch.propensity");
    add(trace, in->own_offset, "batch.own_offset");
    add(trace, in->own, "batch.own");
    add(trace, t->model.item_category, "catalogue.category");
    add(trace, t->model.item_number, "catalogue.number");
    add(trace, t->model.item_text.offset, "catalogue.text_offset");
    add(trace, t->model.item_text.row, "catalogue.text");
}

/* The count table, by the names that it has in checkpoints. */
static void add_counts(Trace *trace, const Model *m)
{
    NamedTensor list[COUNTS_TENSORS];
    if (!m->shape.candidates) return;
    counts_list(list, &m->counts, &m->counts_memory, m->counts_memory.base);
    for (int i = 0; i < COUNTS_TENSORS; i++) add(trace, list[i].tensor, "%s", list[i].name);
}

static void add_results(Trace *trace, Trainer *t, Losses *l)
{
    const Params *p = &t->model.params;
    const int64_t tokens = t->input.tokens;
    for (int i = 0; i < LOSSES; i++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "loss.%s", objective_loss_name[i]);
        add_host(trace, TENSOR(&l->mean[i], F64, 1), name);
    }
    add_host(trace, TENSOR(&l->total, F64, 1), "loss.total");
    for (int64_t b = 0; b < t->model.shape.layers; b++)
        if (b == 0)
            add(trace, tensor_rows(t->online.block[0].x, 0, tokens), "activation.embedding");
        else
            add(trace, tensor_rows(t->online.block[b].x, 0, tokens), "activation.block.%" PRId64,
                b - 1);
    add(trace, tensor_rows(t->online.x, 0, tokens), "activation.block.%" PRId64,
        t->model.shape.layers - 1);
    add(trace, tensor_rows(t->online.h, 0, tokens), "activation.final");
    for (int i = 0; i < p->count; i++) {
        add(trace, p->copy[PARAM_VALUE][i], "param.%s", p->info[i].name);
        add(trace, p->copy[PARAM_GRAD][i], "grad.%s", p->info[i].name);
        if (p->copy[PARAM_TARGET])
            add(trace, p->copy[PARAM_TARGET][i], "target_param.%s", p->info[i].name);
    }
}

static Status write_trace(Trainer *t, const Batch *batch, const char *out)
{
    Trace trace = {0};
    Metadata metadata[128];
    char(*value)[sizeof(Config_text)] = calloc(128, sizeof *value);
    TRY(trace_open(&trace, t));
    Losses l = step_gradients(t, batch);
    int32_t *space =
        calloc((size_t)(t->input.tokens * t->model.shape.user_kinds) + 1, sizeof *space);
    if (!space) return FAIL(ERR_MEMORY, "no memory for a trace");
    add_inputs(&trace, t, space);
    add_counts(&trace, &t->model);
    add_results(&trace, t, &l);
    int n = 0;
    for (; n < config_count(); n++) {
        config_value(&t->config, n, value[n], sizeof(Config_text));
        metadata[n] = (Metadata){config_file_key(n), value[n]};
    }
    snprintf(value[n], sizeof(Config_text), "%" PRId64, t->step);
    metadata[n] = (Metadata){"step", value[n]};
    Status st = device_sync(&t->dev);
    if (st == OK) st = safetensors_write(out, trace.list, trace.count, metadata, n + 1);
    for (int i = 0; i < trace.count; i++)
        if (trace.read[i]) device_read_done(&t->dev, trace.read[i]);
    free(space);
    free(trace.list);
    free(trace.read);
    free(trace.name);
    free(value);
    return st;
}

static Status read_batch(const Trainer *t, int64_t batch, Stream **stream, const Batch **out)
{
    const StreamOptions options = trainer_stream(t);
    int64_t batches;
    TRY(stream_open(stream, &t->file, &options, (StreamCursor){0, batch}));
    TRY(stream_batches(*stream, 0, &batches));
    if (batch < 0 || batch >= batches)
        return FAIL(ERR_USAGE, "batch %" PRId64 ": epoch 0 has %" PRId64, batch, batches);
    return stream_next(*stream, out);
}

Status trace_write(const char *checkpoint, const char *data, const char *device, int64_t batch,
                   const char *out)
{
    char path[4096];
    Safetensors file = {0};
    Behaviour log; /* the trainer takes it over */
    Trainer t = {0};
    Progression progression = {0};
    Stream *stream = NULL;
    const Batch *b;
    Config config;
    Status st;
    TRY_OR_FAIL(st, saved_find(path, sizeof path, checkpoint, true));
    TRY_OR_FAIL(st, safetensors_open(&file, path));
    TRY_OR_FAIL(st, saved_config(&config, &file));
    snprintf(config.data_path, sizeof config.data_path, "%s", data);
    snprintf(config.train_device, sizeof config.train_device, "%s", device);
    TRY_OR_FAIL(st, behaviour_open(&log, config.data_path));
    TRY_OR_FAIL(st, trainer_open_on(&t, &config, log, (TrainerOptions){.restored = true}));
    TRY_OR_FAIL(st, checkpoint_resume(&t, &progression, path));
    TRY_OR_FAIL(st, read_batch(&t, batch, &stream, &b));
    st = write_trace(&t, b, out);
fail:
    stream_close(stream);
    trainer_close(&t);
    safetensors_close(&file);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <inttypes.h>
#include <string.h>

#include "elementwise.h"

/* ---- Opening --------------------------------------------------------------------------------- */

static Status read_objective(Trainer *t)
{
    const Config *c = &t->config;
    t->objective.options = agent_options(c);
    TRY(objective_parse(&t->objective, c->learn_objective));
    return objective_check(&t->objective, c->learn_objective);
}

static Status read_precision(const Config *c, Dtype *activation)
{
    *activation = strcmp(c->train_precision, "bf16") == 0 ? BF16 : F32;
    if (*activation == BF16 || strcmp(c->train_precision, "f32") == 0) return OK;
    return FAIL(ERR_USAGE, "train.precision = \"%s\": want f32 or bf16", c->train_precision);
}

static void read_optimizer(Trainer *t)
{
    const Config *c = &t->config;
    t->optimizer = (Optimizer){
        .lr = c->optim_lr,
        .lr_floor = c->optim_lr_floor,
        .warmup = c->optim_warmup,
        .steps = c->train_steps,
        .beta1 = c->optim_beta1,
        .beta2 = c->optim_beta2,
        .eps = c->optim_eps,
        .weight_decay = c->optim_weight_decay,
        .embedding_decay = c->optim_embedding_decay,
        .clip = c->optim_clip,
        .polyak = c->learn_polyak,
        .copy_every = c->learn_copy_every,
    };
}

static Status open_model(Trainer *t)
{
    const Config *c = &t->config;
    ModelShape shape = {
        .dim = c->model_dim,
        .layers = c->model_layers,
        .heads = c->model_heads,
        .ff = c->model_ff,
        .dropout = (float)c->model_dropout,
        .id_dropout = (float)c->model_id_dropout,
        .init_std = (float)c->model_init_std,
        .log_values = c->learn_log_values,
        .candidates = c->model_candidates,
        .neighbours = c->model_neighbours,
        .head_set = heads_of_log(t->objective.trains, t->file.has_propensity) |
                    (t->objective.second_q ? HEAD_BIT(HEAD_SECOND_Q) : 0),
    };
    TRY(read_precision(c, &shape.activation));
    model_shape_of_file(&shape, &t->file);
    if (!c->model_text) shape.item_ngrams = 0;
    return model_open(&t->model, &shape, &t->file, &t->dev);
}

static Status open_feed(Trainer *t)
{
    const Config *c = &t->config;
    TRY(feed_open(&t->feed, &t->model, &t->file, c->train_tokens, c->model_length + 1, FEED_SLOTS,
                  &t->dev));
    for (int i = 0; i < STEPS_AHEAD; i++) {
        PendingStep *p = &t->pending[i];
        p->found = device_alloc_host(&t->dev, sizeof *p->found, "reports");
        if (!p->found) return ERR_MEMORY;
        TRY(device_event_open(&t->dev, &p->found_event));
    }
    return OK;
}

Status trainer_take(Trainer *t)
{
    TRY(open_model(t));
    Params *p = &t->model.params;
    const int64_t tokens = t->config.train_tokens;
    const Dtype activation = t->model.shape.activation;
    for (ParamCopy c = PARAM_VALUE; c <= PARAM_MOMENT2; c++) TRY(params_open(p, c, &t->dev));
    if (activation == BF16) TRY(params_open_bf16(p, PARAM_VALUE, &t->dev));
    TRY(optimizer_open(&t->optimizer, p, &t->dev));
    TRY(encoder_open(&t->online, &t->model, tokens, true, &t->dev));
    const int64_t own = batch_own_capacity(&t->file, t->model.counted, tokens);
    TRY(model_input_open(&t->input, &t->model, tokens, own, &t->dev));
    for (int pass = 0; pass < 2; pass++) {
        t->dh = ARENA(&t->gradient_arena, activation, tokens, t->model.shape.dim);
        t->sums = ARENA(&t->gradient_arena, F64, SUMS);
        t->number = ARENA(&t->gradient_arena, I64, 1);
        if (pass == 0) TRY(arena_open(&t->gradient_arena, &t->dev, "activations"));
    }
    TRY(open_feed(t));
    if (!t->objective.target) return OK;
    TRY(params_open(p, PARAM_TARGET, &t->dev));
    if (activation == BF16) TRY(params_open_bf16(p, PARAM_TARGET, &t->dev));
    return encoder_open(&t->target, &t->model, tokens, false, &t->dev);
}

void trainer_begin(Trainer *t)
{
    Params *p = &t->model.params;
    for (int i = 0; t->objective.target && i < p->count; i++)
        elementwise_copy(&t->dev, p->copy[PARAM_TARGET][i], p->copy[PARAM_VALUE][i]);
    params_refresh(&t->dev, p, PARAM_VALUE);
    params_refresh(&t->dev, p, PARAM_TARGET);
}

Status trainer_prepare(Trainer *t, const Config *config, Behaviour file)
{
    Status st;
    const Config *c = &t->config;
    *t = (Trainer){.config = *config, .comm = comm_single(), .file = file};
    TRY_OR_FAIL(st, read_objective(t));
    if (t->objective.needs_propensities && !file.has_propensity) {
        st = FAIL(
            ERR_USAGE,
            "%s: learn.objective = %s reads the probabilities with which the log chose its items; "
            "want /events/propensity (worlds write it)",
            file.path, c->learn_objective);
        goto fail;
    }
    TRY_OR_FAIL(st, defaults_of_log(&t->chosen, &t->config, &t->file));
    read_optimizer(t);
    if (c->model_length >= c->train_tokens) {
        st = FAIL(ERR_USAGE,
                  "model.length = %" PRId64 ", want less than train.tokens = %" PRId64
                  ": a window is a context and the event after it",
                  c->model_length, c->train_tokens);
        goto fail;
    }
    if (c->train_tokens * (c->model_candidates + 1) > INT32_MAX) {
        st = FAIL(ERR_USAGE,
                  "train.tokens = %" PRId64 " with model.candidates = %" PRId64
                  ": want at most 2^31-1 candidates in a batch",
                  c->train_tokens, c->model_candidates);
        goto fail;
    }
    TRY_OR_FAIL(st, device_open(&t->dev, c->train_device, (int)c->train_threads));
    return OK;
fail:
    trainer_close(t);
    return st;
}

void trainer_open_measuring(Trainer *t, const Trainer *like)
{
    *t = (Trainer){.config = like->config,
                   .comm = like->comm,
                   .file = like->file,
                   .objective = like->objective};
    read_optimizer(t);
    device_open_measuring(&t->dev, &like->dev);
}

void trainer_close(Trainer *t)
{
    for (int i = 0; i < FEED_INPUTS; i++)
        for (int s = 0; s < FEED_SHAPES; s++) device_graph_close(&t->dev, t->graph[i][s]);
    for (int i = 0; i < STEPS_AHEAD; i++) {
        device_free(&t->dev, t->pending[i].found);
        device_event_close(&t->dev, t->pending[i].found_event);
    }
    feed_close(&t->feed);
    arena_close(&t->gradient_arena);
    optimizer_close(&t->optimizer);
    model_input_close(&t->input);
    encoder_close(&t->online);
    encoder_close(&t->target);
    model_close(&t->model);
    if (!t->dev.measures) { /* else they are those of another trainer */
        behaviour_close(&t->file);
        comm_close(&t->comm);
    }
    device_close(&t->dev);
    *t = (Trainer){0};
}

Status trainer_session(Trainer *t, Session **session)
{
    return session_open(session, &(SessionOptions){.model = &t->model,
                                                   .length = t->config.model_length,
                                                   .encoder = &t->online,
                                                   .file = &t->file,
                                                   .dev = &t->dev});
}

StreamOptions trainer_stream(const Trainer *t)
{
    const Config *c = &t->config;
    return (StreamOptions){.split = SPLIT_TRAIN,
                           .tokens = c->train_tokens,
                           .length = c->model_length,
                           .pool_events = c->train_pool_events,
                           .seed = (uint64_t)c->train_seed,
                           .threads = (int)c->train_readers,
                           .shuffle = true,
                           .counted = t->model.counted,
                           .rank = t->comm.rank,
                           .ranks = t->comm.ranks};
}

void trainer_schedule(Trainer *t, int64_t steps) { t->optimizer.steps = steps; }

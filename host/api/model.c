/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/keys.h"

enum { THREADS_MAX = 4096 };

static Status open(const souk_model_options *given, souk_model **model)
{
    souk_model_options o = SOUK_MODEL_OPTIONS_INIT;
    Status st;
    TRY(call_needs(model, "model"));
    *model = NULL;
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_model_options, threads), given, "options"));
    TRY(call_needs(o.checkpoint, "options->checkpoint"));
    if (o.threads < 0 || o.threads > THREADS_MAX)
        return FAIL(ERR_USAGE, "options->threads is %" PRId64 ", want 0 to %d", o.threads,
                    THREADS_MAX);
    souk_model *m = calloc(1, sizeof *m);
    if (!m) return FAIL(ERR_MEMORY, "no memory for a model");
    pthread_mutex_init(&m->users, NULL);
    const ActingChoice acting = {o.acting, o.exclude_last};
    TRY_OR_FAIL(st, session_open(&m->session, &(SessionOptions){
                                                  .checkpoint = o.checkpoint,
                                                  .acting = &acting,
                                                  .data = o.data,
                                                  .device = o.device ? o.device : "cpu",
                                                  .threads = (int)o.threads,
                                              }));
    TRY_OR_FAIL(st, behaviour_keys_index_items(m->session->file));
    m->checkpoint = strdup(o.checkpoint);
    if (!m->checkpoint) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for a model"));
    *model = m;
    return OK;
fail:
    souk_model_close(m);
    return st;
}

souk_status souk_model_open(const souk_model_options *options, souk_model **model,
                            souk_error *error)
{
    call_begin();
    return call_end(open(options, model), error);
}

void souk_model_close(souk_model *model)
{
    if (!model) return;
    session_close(model->session);
    pthread_mutex_destroy(&model->users);
    free(model->checkpoint);
    free(model);
}

Status model_needs_users(const souk_model *model)
{
    if (model->session->file->users > 0) return OK;
    return FAIL(ERR_USAGE,
                "%s was opened without data, so there are no users: want options->data, "
                "or the events of the history",
                model->checkpoint);
}

Status model_find_user(souk_model *model, const char *key, int64_t *user)
{
    Behaviour *file = model->session->file;
    TRY(model_needs_users(model));
    pthread_mutex_lock(&model->users);
    Status st = behaviour_keys_index_users(file);
    if (st == OK) st = behaviour_keys_find_user(file, key, user);
    pthread_mutex_unlock(&model->users);
    TRY(st);
    return *user >= 0 ? OK : FAIL(ERR_USAGE, "%s has no user \"%s\"", file->path, key);
}

/* ---- The catalogue --------------------------------------------------------------------------- */

static Behaviour *file_of(const souk_model *model) { return model->session->file; }

int64_t souk_model_items(const souk_model *model) { return model ? file_of(model)->items : 0; }
int64_t souk_model_users(const souk_model *model) { return model ? file_of(model)->users : 0; }
int souk_model_actions(const souk_model *model) { return model ? file_of(model)->actions : 0; }

const char *souk_model_item_key(const souk_model *model, int32_t item)
{
    const char *key = NULL;
    if (item < 0 || item >= souk_model_items(model)) return NULL;
    return behaviour_keys_item(file_of(model), item, &key) == OK ? key : NULL;
}

const char *souk_model_action_name(const souk_model *model, int action)
{
    if (action < 0 || action >= souk_model_actions(model)) return NULL;
    return file_of(model)->action_name[action];
}

int32_t souk_model_find_item(const souk_model *model, const char *key)
{
    int32_t item = -1;
    if (!model || !key) return -1;
    return behaviour_keys_find_item(file_of(model), key, &item) == OK ? item : -1;
}

int souk_model_retired(const souk_model *model, int32_t item)
{
    const Model *m = model ? model->session->model : NULL;
    return m && m->retired.item && item >= 0 && item < m->shape.items && m->retired.item[item];
}

int souk_model_find_action(const souk_model *model, const char *name)
{
    for (int i = 0; name && i < souk_model_actions(model); i++)
        if (!strcmp(name, file_of(model)->action_name[i])) return i;
    return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/models.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "model/saved.h"

/* ---- What is wanted -------------------------------------------------------------------------- */

static Status name_of_path(char name[MODELS_NAME], const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') begin--;
    if (end == begin || end - begin >= MODELS_NAME)
        return FAIL(ERR_USAGE, "the model \"%s\" has no short name, want NAME=PATH", path);
    snprintf(name, MODELS_NAME, "%.*s", (int)(end - begin), path + begin);
    return OK;
}

static Status read_share(double *share, const char *text)
{
    char *end;
    *share = strtod(text, &end);
    if (end == text || *end || !(*share > 0.0 && *share <= 1.0))
        return FAIL(ERR_USAGE, "the share of a model is \"%s\", want a number above 0 and up to 1",
                    text);
    return OK;
}

Status models_read(ModelWanted *wanted, const char *text)
{
    *wanted = (ModelWanted){0};
    const char *equals = strchr(text, '='), *path = equals ? equals + 1 : text;
    const char *colon = strrchr(path, ':');
    const size_t bytes = colon ? (size_t)(colon - path) : strlen(path);
    if (bytes == 0 || bytes >= MODELS_PATH)
        return FAIL(ERR_USAGE, "\"%s\": want a path of 1 to %d bytes", text, MODELS_PATH - 1);
    memcpy(wanted->path, path, bytes);
    if (colon) TRY(read_share(&wanted->share, colon + 1));
    if (!equals) return name_of_path(wanted->name, wanted->path);
    if (equals == text || equals - text >= MODELS_NAME)
        return FAIL(ERR_USAGE, "\"%s\": want a name of 1 to %d bytes before the =", text,
                    MODELS_NAME - 1);
    memcpy(wanted->name, text, (size_t)(equals - text));
    return OK;
}

Status models_share(ModelWanted *wanted, int count)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++) {
        sum += wanted[i].share;
        for (int j = 0; j < i; j++)
            if (!strcmp(wanted[i].name, wanted[j].name))
                return FAIL(ERR_USAGE, "two models are called \"%s\", want NAME=PATH for one",
                            wanted[i].name);
    }
    if (sum == 0.0) {
        for (int i = 0; i < count; i++) wanted[i].share = 1.0 / count;
        return OK;
    }
    for (int i = 0; i < count; i++)
        if (wanted[i].share == 0.0)
            return FAIL(ERR_USAGE, "the model \"%s\" has no share but others have, want PATH:SHARE",
                        wanted[i].name);
    return fabs(sum - 1.0) < 1e-6
               ? OK
               : FAIL(ERR_USAGE, "the shares of the models add up to %g, want 1", sum);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* The first half of BLAKE2b-128 of the file of weights, as text. */
static Status hash_file(char version[MODELS_VERSION], const char *path)
{
    enum { BLOCK = 1 << 20, BYTES = 16 };
    char file[4096];
    unsigned char hash[BYTES];
    crypto_generichash_state state;
    TRY(saved_find(file, sizeof file, path, false));
    FILE *in = fopen(file, "rb");
    if (!in) return FAIL(ERR_IO, "%s: %s", file, strerror(errno));
    unsigned char *block = malloc(BLOCK);
    size_t got;
    crypto_generichash_init(&state, NULL, 0, BYTES);
    while (block && (got = fread(block, 1, BLOCK, in)) > 0)
        crypto_generichash_update(&state, block, got);
    crypto_generichash_final(&state, hash, BYTES);
    const bool whole = block && !ferror(in);
    fclose(in);
    free(block);
    if (!whole) return FAIL(ERR_IO, "%s could not be read", file);
    sodium_bin2hex(version, MODELS_VERSION, hash, (MODELS_VERSION - 1) / 2);
    return OK;
}

static Status open_one(ServedModel *s, const ModelWanted *w, const char *device, int64_t threads,
                       Listener *listener)
{
    souk_model_options o = SOUK_MODEL_OPTIONS_INIT;
    souk_error error;
    snprintf(s->name, sizeof s->name, "%s", w->name);
    s->share = w->share;
    TRY(hash_file(s->version, w->path));
    o.checkpoint = w->path;
    o.device = device;
    o.threads = threads;
    if (souk_model_open(&o, &s->model, &error))
        return FAIL(ERR_USAGE, "model \"%s\": %s", w->name, error.message);
    session_warn(s->model->session, listener);
    return OK;
}

Status models_open(Models **models, const ModelWanted *wanted, int count, const char *device,
                   int64_t threads, Listener *listener)
{
    Status st = OK;
    Models *m = *models = calloc(1, sizeof *m);
    if (!m) return FAIL(ERR_MEMORY, "no memory for %d models", count);
    REQUIRE(count >= 1 && count <= MODELS_MAX, "%d models, want 1 to %d", count, MODELS_MAX);
    if (sodium_init() < 0) st = FAIL(ERR_IO, "libsodium does not start");
    atomic_init(&m->holders, 1);
    for (; st == OK && m->count < count; m->count++)
        st = open_one(&m->served[m->count], &wanted[m->count], device, threads, listener);
    if (st == OK) return OK;
    models_release(m);
    *models = NULL;
    return st;
}

Models *models_hold(Models *m)
{
    atomic_fetch_add(&m->holders, 1);
    return m;
}

void models_release(Models *m)
{
    if (!m || atomic_fetch_sub(&m->holders, 1) > 1) return;
    for (int i = 0; i < m->count; i++) souk_model_close(m->served[i].model);
    free(m);
}

/* ---- Choosing -------------------------------------------------------------------------------- */

const ServedModel *models_find(const Models *m, const char *name)
{
    for (int i = 0; i < m->count; i++)
        if (!strcmp(m->served[i].name, name)) return &m->served[i];
    return NULL;
}

const ServedModel *models_of_user(const Models *m, const char *user)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "souk-serve users";
    unsigned char hash[crypto_shorthash_BYTES];
    uint64_t bits;
    if (!user) return &m->served[0];
    crypto_shorthash(hash, (const unsigned char *)user, strlen(user), key);
    memcpy(&bits, hash, sizeof bits);
    double left = (double)(bits >> 11) * 0x1p-53;
    for (int i = 0; i < m->count - 1; i++) {
        if (left < m->served[i].share) return &m->served[i];
        left -= m->served[i].share;
    }
    return &m->served[m->count - 1];
}

/* ---- The set in use -------------------------------------------------------------------------- */

Models *models_now(ModelsPlace *place)
{
    pthread_mutex_lock(&place->lock);
    Models *m = models_hold(place->now);
    pthread_mutex_unlock(&place->lock);
    return m;
}

void models_replace(ModelsPlace *place, Models *next)
{
    pthread_mutex_lock(&place->lock);
    Models *before = place->now;
    place->now = next;
    pthread_mutex_unlock(&place->lock);
    models_release(before);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A small shop's log, a model that was trained on it, and a folder for both, for the tests of
 * souk.h. */
#ifndef SOUK_API_CASE_H
#define SOUK_API_CASE_H

#include <fcntl.h>
#include <ftw.h>

#include "shop.h"
#include "souk.h"

/* Users with profiles; the first event of a user is item shop_user()->item[0]. */
static const Shop api_shop = {
    .users = 80, .longest = 20, .plain_keys = true, .features = true, .seed = 5};

typedef struct {
    char folder[64], data[96], run[96];
} ApiCase;

#define assert_done(call)                                                                          \
    do {                                                                                           \
        souk_error error_ = {SOUK_OK, ""}, *error = &error_;                                       \
        if ((call) != SOUK_OK) fail_msg("%s: %s", #call, error_.message);                          \
        assert_int_equal(error_.status, SOUK_OK);                                                  \
        assert_string_equal(error_.message, "");                                                   \
    } while (0)

/* `call` uses `error`; it fails with `want` and a message that holds `saying`. */
#define assert_failed(call, want, saying)                                                          \
    do {                                                                                           \
        souk_error error_ = {SOUK_OK, ""}, *error = &error_;                                       \
        assert_int_equal((call), want);                                                            \
        assert_int_equal(error_.status, want);                                                     \
        if (!strstr(error_.message, saying))                                                       \
            fail_msg("\"%s\" does not say \"%s\"", error_.message, saying);                        \
    } while (0)

/* Settings of a small training into `out`; `more` are further lines. */
static inline const char *api_settings(const ApiCase *c, const char *out, const char *more)
{
    static char text[2048];
    snprintf(text, sizeof text,
             "data.path=%s\n train.out = %s\n# small, and on one thread, as OpenMP's library is\n"
             "# unknown to ThreadSanitizer\n\ntrain.threads=1\ntrain.tokens=128\nmodel.dim=16\n"
             "model.length=12\ntrain.steps=12\ntrain.valid_every=4\noptim.warmup=4\n"
             "learn.objective=cross_entropy+double_q\n%s",
             c->data, out, more);
    return text;
}

static inline souk_status api_train(const ApiCase *c, souk_error *error)
{
    souk_train_options o = SOUK_TRAIN_OPTIONS_INIT;
    o.settings = api_settings(c, c->run, "");
    return souk_train(&o, NULL, error);
}

static inline void api_case_open(ApiCase *c)
{
    snprintf(c->folder, sizeof c->folder, "/tmp/souk-test-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    snprintf(c->data, sizeof c->data, "%s/shop.h5", c->folder);
    snprintf(c->run, sizeof c->run, "%s/run", c->folder);
    assert_ok(shop_write(&api_shop, c->data));
    assert_done(api_train(c, error));
}

static inline int api_remove(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s, (void)type, (void)at;
    return remove(path);
}

static inline void api_case_close(const ApiCase *c)
{
    nftw(c->folder, api_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The model, with the users of `data`; NULL: without any. */
static inline souk_model *api_model_with(const ApiCase *c, const char *data)
{
    souk_model_options o = SOUK_MODEL_OPTIONS_INIT;
    souk_model *model;
    o.checkpoint = c->run;
    o.data = data;
    o.threads = 1;
    assert_done(souk_model_open(&o, &model, error));
    return model;
}

static inline souk_model *api_model(const ApiCase *c) { return api_model_with(c, c->data); }

#endif

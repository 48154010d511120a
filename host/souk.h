/* souk as a library: train a model on shoppers' behaviour, and recommend by it.
 *
 *     souk_model_options options = SOUK_MODEL_OPTIONS_INIT;
 *     souk_history history = SOUK_HISTORY_INIT;
 *     souk_recommend_options how = SOUK_RECOMMEND_OPTIONS_INIT;
 *     const char *seen[] = {"1004", "998"};
 *     souk_recommendation best[5];
 *     souk_model *model;
 *     souk_error error;
 *
 *     options.checkpoint = "run";
 *     options.data = "shop.h5";
 *     if (souk_model_open(&options, &model, &error)) return puts(error.message), 1;
 *     history.count = 2;
 *     history.item_key = seen;
 *     how.k = 5;
 *     if (souk_recommend(model, &history, 1, &how, best, NULL, &error)) puts(error.message);
 *     souk_model_close(model);
 *
 * Link with `pkg-config souk`, or with `pkg-config --static souk` for libsouk.a. Every name here
 * begins with souk_ or SOUK_, and the libraries show no other name.
 *
 * Errors are values. A call that can fail returns a souk_status, which is 0 when all went well, and
 * writes the reason into the caller's souk_error. There is no global error state. A wrong argument
 * is an error like any other: no call ends the program. Where memory runs out the call fails with
 * SOUK_ERROR_MEMORY.
 *
 * The library prints nothing, reads nothing from standard input unless an input is called "-", and
 * handles no signals. What a long call has to say, it says to the callbacks in its options.
 *
 * Ownership. The caller owns what it passes in, and may free it when the call returns. Texts that a
 * model returns live until the model is closed. The library never takes or returns memory that the
 * caller must free, but for the model itself.
 *
 * Threads. Any number of threads may call any functions at the same time, also with the same model;
 * only souk_model_close() wants to be the last call with its model. Requests to one model run one
 * after the other, each on all of the model's threads, so a program gains nothing by asking one
 * model from several threads except that it need not lock; several models run side by side. The
 * results are the same for any number of threads. The library works with OpenMP, whose threads wait
 * actively for some time after each request: set OMP_WAIT_POLICY=passive in the environment of a
 * program that has other work for its processors. HDF5 must be built thread-safe, as Debian's is.
 *
 * Texts are UTF-8. Times are milliseconds since 1970-01-01 UTC. Structs that may grow begin with
 * their size; begin with their ..._INIT value, which sets it, and change what you need.
 *
 * Versions follow semver.org. While MAJOR is 0, a new MINOR may change what programs were compiled
 * against, and a new PATCH may not; from 1.0 on only a new MAJOR may. The name that a program loads
 * the shared library by (the SONAME) has the numbers that must agree: libsouk.so.0.2 for all of
 * 0.2.x, libsouk.so.1 for all of 1.x.
 */
#ifndef SOUK_H
#define SOUK_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header. The build takes its version from here. */
#define SOUK_VERSION_MAJOR 0
#define SOUK_VERSION_MINOR 2
#define SOUK_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH" of the library that runs, a constant. */
const char *souk_version(void);

/* ---- Errors ---------------------------------------------------------------------------------- */

typedef enum souk_status {
    SOUK_OK = 0,
    SOUK_ERROR_USAGE = 1,  /* a wrong argument, setting or request */
    SOUK_ERROR_IO = 2,     /* the operating system refused to open, read or write */
    SOUK_ERROR_FORMAT = 3, /* a file is not what its format promises */
    SOUK_ERROR_MEMORY = 4, /* an allocation failed, or a plan does not fit into memory */
    SOUK_ERROR_DEVICE = 5, /* the GPU or its driver failed, or numbers are not finite */
    SOUK_ERROR_RANKS = 6,  /* another process of the same training is gone or does not agree */
    SOUK_CANCELLED = 7     /* the progress callback asked to stop */
} souk_status;

/* Its name, such as "SOUK_ERROR_IO"; "unknown status" for any other number. A constant. */
const char *souk_status_name(souk_status status);

enum { SOUK_MESSAGE_MAX = 1024 };

/* Where a call says why it failed. Every function that takes a `souk_error *` takes NULL too, and
 * fills it at each call: with SOUK_OK and "" when all went well. This struct does not grow. */
typedef struct souk_error {
    souk_status status;             /* what the call returned */
    char message[SOUK_MESSAGE_MAX]; /* what was found and what was wanted; cut where too long */
} souk_error;

/* ---- Models ---------------------------------------------------------------------------------- */

/* A trained model that is ready to be used: weights, catalogue, device and working memory. */
typedef struct souk_model souk_model;

typedef struct souk_model_options {
    size_t size;
    const char *checkpoint; /* the folder of a training, or a checkpoint in it. Required */
    const char *data;       /* the behaviour file that the model was trained on. Required */
    const char *device;     /* "cpu", "cuda" or "cuda:N"; NULL: "cpu" */
    int64_t threads;        /* on the CPU; 0: all processors */
} souk_model_options;
#define SOUK_MODEL_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(souk_model_options), NULL, NULL, NULL, 0                                            \
    }

/* Opens a model, which the caller must close. On failure *model is NULL. */
souk_status souk_model_open(const souk_model_options *options, souk_model **model,
                            souk_error *error);
/* Frees the model; NULL is allowed. No other call with this model may run or follow. */
void souk_model_close(souk_model *model);

/* The catalogue. Items are numbers from 0 to souk_model_items() - 1 and have keys, the item ids of
 * the shop's log. Actions are what shoppers do to items ("view", "purchase", …), numbers from 0 to
 * souk_model_actions() - 1. Users are those of the behaviour file. */
int64_t souk_model_items(const souk_model *model);
int64_t souk_model_users(const souk_model *model);
int souk_model_actions(const souk_model *model);
/* The key of an item, the name of an action; NULL where there is no such number. */
const char *souk_model_item_key(const souk_model *model, int32_t item);
const char *souk_model_action_name(const souk_model *model, int action);
/* The item of a key, the action of a name; -1 where there is none. */
int32_t souk_model_find_item(const souk_model *model, const char *key);
int souk_model_find_action(const souk_model *model, const char *name);

/* ---- Recommendations ------------------------------------------------------------------------- */

/* What a shopper did, oldest event first: `count` events that are given here, or, where count is 0,
 * the events of a user of the behaviour file. A model reads the last model.length of them.
 *
 * Items are given by number or by key, actions by number or by name; without actions each event is
 * of action 0. Without times the events are a minute apart: a model reads how long apart two events
 * are, and not when they were. This struct does not grow. */
typedef struct souk_history {
    int64_t count;
    const int32_t *item;            /* [count], or NULL */
    const char *const *item_key;    /* [count], where `item` is NULL */
    const int32_t *action;          /* [count], or NULL */
    const char *const *action_name; /* [count], where `action` is NULL; or NULL */
    const int64_t *time_ms;         /* [count], not falling; or NULL */
    /* A user of the file, whose profile (if the file has profiles) the model reads. By key: as the
     * log has it, or its pseudonym, 16 hexadecimal digits. By number: from 0 to
     * souk_model_users() - 1, with has_user = 1. */
    const char *user_key; /* or NULL */
    int has_user;         /* 1: `user` is set */
    int64_t user;
} souk_history;
#define SOUK_HISTORY_INIT                                                                          \
    {                                                                                              \
        0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0                                                \
    }

/* What a model says of an item after a history. This struct does not grow. */
typedef struct souk_recommendation {
    int32_t item;      /* -1: no item could be recommended any more */
    const char *key;   /* of the item; lives as long as the model */
    float score;       /* what items are ranked by: the policy's logit, or without a policy Q */
    float probability; /* that the policy shows the item, among all items; NaN without a policy */
    float q;           /* expected return, in the unit of rewards; NaN without a Q head */
} souk_recommendation;

typedef struct souk_recommend_options {
    size_t size;
    int64_t k;            /* how many items for each history, 1 to souk_model_items() */
    int include_seen;     /* 1: items of the history may be recommended too */
    const int32_t *allow; /* [allow_count] only these items; NULL: every item */
    int64_t allow_count;
    const int32_t *block; /* [block_count] none of these items; NULL: none is blocked */
    int64_t block_count;
} souk_recommend_options;
#define SOUK_RECOMMEND_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(souk_recommend_options), 10, 0, NULL, 0, NULL, 0                                    \
    }

/* The best k items for each of `count` histories, by falling score; of equal scores the lower item
 * first. Row i of out [count, k] is for history i. found[i], where `found` is not NULL, is how many
 * items were recommended: fewer than k only where no more are left, and then item is -1, key NULL
 * and all else NaN in the rest of the row. On failure the contents of `out` mean nothing.
 *
 * One call for many histories is much faster than many calls. The last bits of the scores of a
 * history may depend on which others are in the call, as sums are made in another order; the same
 * call gives the same bits every time. */
souk_status souk_recommend(souk_model *model, const souk_history *history, int64_t count,
                           const souk_recommend_options *options, souk_recommendation *out,
                           int64_t *found, souk_error *error);

/* What the model says of given items: item [count, k], of each history its own k items in any
 * order, into out [count, k]. */
souk_status souk_score(souk_model *model, const souk_history *history, int64_t count,
                       const int32_t *item, int64_t k, souk_recommendation *out, souk_error *error);

/* ---- Following long calls -------------------------------------------------------------------- */

/* How far a call is. The library owns it, and it lives until the callback returns. */
typedef struct souk_progress {
    size_t size;         /* of this struct, as the library knows it */
    const char *stage;   /* "train"; of an ingest "reading", "cleaning", "writing" */
    int64_t step, total; /* done, of how many: steps, bytes, events; total 0: not known */
    double seconds;      /* since the stage began */
    double loss;         /* of the last step of a training, else NaN */
    double validation;   /* NDCG@10 of the last validation; of a training in a world the mean return
                            of the last round. NaN before the first */
    int ended;           /* 1: the stage is done */
} souk_progress;

/* Called when a stage begins, after each step of it, and at its end. The call goes on while the
 * callback returns 0 and stops soon after it returns anything else. Callbacks of a call are called
 * one at a time; souk_train() does so on the thread that called it, souk_ingest() on others too.
 * A callback may call other functions of this library, and must neither throw nor longjmp. */
typedef int (*souk_progress_callback)(void *context, const souk_progress *progress);
/* What a call remarks, for people, of one or more lines. */
typedef void (*souk_message_callback)(void *context, const char *text);

/* ---- Ingest ---------------------------------------------------------------------------------- */

/* `souk ingest`: cleans a log and writes it as a behaviour file. The options are those of the
 * command (man souk-ingest). */
typedef struct souk_ingest_options {
    size_t size;
    const char *const *inputs; /* [input_count] CSV, TSV, JSON lines or sequences; .gz .zst .xz */
    int input_count;
    const char *output;   /* the behaviour file */
    const char *map;      /* a file that says which column is what, or the name of a map that souk
                              brings, such as "retailrocket"; NULL: found by the columns' names */
    const char *settings; /* lines `section.key=value` that change the map; or NULL */
    const char
        *key_file; /* 32 random bytes for the pseudonyms, made if missing; NULL: OUTPUT.key */
    const char *directory;           /* for temporary files; NULL: that of the output */
    int64_t memory;                  /* bytes to stay within; 0: 2 GiB */
    int threads;                     /* 0: all processors */
    int plain_keys;                  /* 1: keep the keys of users instead of pseudonyms */
    int strict;                      /* 1: fail at the first bad row instead of counting it */
    int force;                       /* 1: replace the output */
    int compress;                    /* 1: a smaller file that is slower to read */
    souk_progress_callback progress; /* or NULL */
    souk_message_callback message;   /* or NULL */
    void *context;                   /* for the callbacks */
} souk_ingest_options;
#define SOUK_INGEST_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(souk_ingest_options), NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0,      \
            NULL, NULL, NULL                                                                       \
    }

/* What an ingest did. The file has the whole report: `souk info`. */
typedef struct souk_ingest_result {
    size_t size;
    int64_t rows;     /* of the inputs, bad ones included */
    int64_t bad_rows; /* that were left out */
    int64_t users, items, events;
    double seconds;
} souk_ingest_result;
#define SOUK_INGEST_RESULT_INIT                                                                    \
    {                                                                                              \
        sizeof(souk_ingest_result), 0, 0, 0, 0, 0, 0.0                                             \
    }

/* `result` may be NULL. The output appears whole or not at all, also when the call is cancelled. */
souk_status souk_ingest(const souk_ingest_options *options, souk_ingest_result *result,
                        souk_error *error);

/* ---- Training -------------------------------------------------------------------------------- */

/* `souk train`: trains a model on a behaviour file, or in a simulated world. */
typedef struct souk_train_options {
    size_t size;
    const char *settings; /* lines `section.key=value`; man souk-train lists all. Empty lines, and
                             lines that begin with #, are left out. data.path and train.out are what
                             every training on a file needs */
    int resume;           /* 1: go on from last.safetensors in train.out, bit for bit */
    int force;            /* 1: start anew in a folder that holds a training */
    souk_progress_callback progress; /* or NULL */
    souk_message_callback message;   /* or NULL */
    void *context;                   /* for the callbacks */
} souk_train_options;
#define SOUK_TRAIN_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(souk_train_options), NULL, 0, 0, NULL, NULL, NULL                                   \
    }

/* How a training ended. */
typedef struct souk_train_result {
    size_t size;
    int64_t steps;     /* of the optimizer, with those before a resume */
    double seconds;    /* of this call */
    double validation; /* the best NDCG@10, in a world the mean return of the last round; or NaN */
} souk_train_result;
#define SOUK_TRAIN_RESULT_INIT                                                                     \
    {                                                                                              \
        sizeof(souk_train_result), 0, 0.0, 0.0                                                     \
    }

/* Trains until the settings say that it is enough. `result` may be NULL. Afterwards the folder
 * train.out is a checkpoint for souk_model_open().
 *
 * Where the callback asks to stop, the step is finished and saved and the call returns
 * SOUK_CANCELLED, with `result` filled: a call with resume = 1 goes on from there, and ends with the
 * same bits as a training that was never stopped. In a world the folder has the last whole round,
 * and the training cannot be resumed. Whatever happens, files in the folder are whole. */
souk_status souk_train(const souk_train_options *options, souk_train_result *result,
                       souk_error *error);

#ifdef __cplusplus
}
#endif
#endif

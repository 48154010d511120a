/* SPDX-License-Identifier: Apache-2.0 */
/* souk as a library: ingest a shop's log, train a model on it, recommend items with the model.
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
 *     if (souk_model_open(&options, &model, &error)) return puts(error.message), 1;
 *     history.count = 2;
 *     history.item_key = seen;
 *     how.k = 5;
 *     if (souk_recommend(model, &history, 1, &how, best, NULL, &error)) puts(error.message);
 *     souk_model_close(model);
 *
 * `pkg-config --cflags --libs souk` says how to compile and link with libsouk.so. For libsouk.a use
 * `pkg-config --static`; where libsouk.so is installed too, write -l:libsouk.a in place of -lsouk.
 * Both libraries export no names but those of this header, which begin with souk_ or SOUK_.
 *
 * Errors are values. A call that can fail returns a souk_status, which is 0 on success, and writes
 * the reason into the caller's souk_error. There is no global error state. A wrong argument is an
 * error like any other, and so is a lack of memory (SOUK_ERROR_MEMORY). Two things end the program:
 * a broken invariant of the library, which is a bug (it prints the place and aborts), and OpenMP's
 * library where the system refuses to create its threads.
 *
 * Otherwise the library prints nothing. It reads standard input only for an input that is called
 * "-", and it installs no signal handlers. Long calls report through the callbacks in their
 * options.
 *
 * Ownership. The caller owns what it passes in, and may free it when the call returns. Texts that a
 * model returns are valid until the model is closed. The model is the only thing that the library
 * allocates for the caller; souk_model_close() frees it.
 *
 * Threads. Any number of threads may call any functions at the same time, also with the same model;
 * but souk_model_close() must be the last call with its model. Requests to one model run one after
 * the other, each on all of the model's threads: to share a model needs no lock, and to ask it from
 * several threads makes it no faster. Requests to different models run at the same time. The
 * results are the same for any number of threads. OpenMP's threads wait actively for some time
 * after each request: set OMP_WAIT_POLICY=passive in the environment of a program that has other
 * work for its processors. HDF5 must be built thread-safe, as Debian's is; souk turns off the error
 * messages that HDF5 would print, for each thread that calls souk. Signals: while some of oneDNN's
 * products run, the stack pointer of a thread is inside a block of the heap, and the handler of a
 * signal that comes then overwrites the heap. A program with handlers should block their signals in
 * the threads that call souk, before the first call, and take them in another thread (sigwait).
 *
 * Texts are UTF-8. Times are milliseconds since 1970-01-01 UTC. Structs that may grow begin with
 * their size: initialise them with their ..._INIT value, which sets the size and the defaults, and
 * change what you need.
 *
 * Versions follow semver.org. While MAJOR is 0, a new MINOR may change what programs were compiled
 * against, and a new PATCH may not; from 1.0 on only a new MAJOR may. The SONAME, by which a
 * program loads the shared library, has the numbers that must agree: libsouk.so.0.2 for all of
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

/* "MAJOR.MINOR.PATCH" of the library that is loaded; a constant. */
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

/* The name of a status, such as "SOUK_ERROR_IO"; "unknown status" for any other number. A
 * constant. */
const char *souk_status_name(souk_status status);

enum { SOUK_MESSAGE_MAX = 1024 };

/* Where a call says why it failed. Each call fills it, on success with SOUK_OK and "". A caller
 * that does not want it passes NULL. This struct does not grow. */
typedef struct souk_error {
    souk_status status;             /* what the call returned */
    char message[SOUK_MESSAGE_MAX]; /* what was found and what was wanted; cut if too long */
} souk_error;

/* ---- Models ---------------------------------------------------------------------------------- */

/* An open model: weights, catalogue, device and working memory. The folder of a training has all
 * that a model needs; the behaviour file is wanted only to ask for users of that file. */
typedef struct souk_model souk_model;

typedef struct souk_model_options {
    size_t size;
    const char *checkpoint; /* the folder of a training, or a checkpoint in it. Required */
    /* A behaviour file with the catalogue that the model was trained on, which says who its users
     * are; NULL: none, and the model has no users. The folder of a run of an earlier version has no
     * catalogue.h5: its model needs the file. */
    const char *data;
    const char *device; /* "cpu", "cuda" or "cuda:N"; NULL: "cpu" */
    int64_t threads;    /* on the CPU; 0: all processors */
    /* How the model acts: "policy", "q", "mixed", "mixed:BETA", "candidates:N" or
     * "allowed:SHARE", as the option --acting of the program; NULL: by its own rule, which its
     * training found. */
    const char *acting;
    /* The items of so many last events are not recommended, also with include_seen; below 0: as
     * many as the model's rule says. */
    int64_t exclude_last;
} souk_model_options;
#define SOUK_MODEL_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(souk_model_options), NULL, NULL, NULL, 0, NULL, -1                                  \
    }

/* Opens a model, which the caller must close. On failure sets *model to NULL. */
souk_status souk_model_open(const souk_model_options *options, souk_model **model,
                            souk_error *error);
/* Frees the model; NULL is allowed. No other call with this model may run meanwhile or follow. */
void souk_model_close(souk_model *model);

/* The catalogue. Items are numbers from 0 to souk_model_items() - 1 and have keys, the item ids of
 * the shop's log. Actions are what shoppers do to items ("view", "purchase", …), numbers from 0 to
 * souk_model_actions() - 1. Users are those of the behaviour file; without one there are none. Of a
 * model that is NULL there are 0 of each. */
int64_t souk_model_items(const souk_model *model);
int64_t souk_model_users(const souk_model *model);
int souk_model_actions(const souk_model *model);
/* The key of an item and the name of an action; NULL for a number that does not exist. */
const char *souk_model_item_key(const souk_model *model, int32_t item);
const char *souk_model_action_name(const souk_model *model, int action);
/* The item that has a key and the action that has a name; -1 where there is none. */
int32_t souk_model_find_item(const souk_model *model, const char *key);
int souk_model_find_action(const souk_model *model, const char *name);
/* 1: the item is on the list of those that are no longer sold, retired.txt in the run's folder: it
 * is never recommended. 0: it is not, or does not exist. */
int souk_model_retired(const souk_model *model, int32_t item);

/* ---- Recommendations ------------------------------------------------------------------------- */

/* What a shopper did, oldest event first: `count` events that are given here or, where count is 0,
 * the events of a user of the behaviour file. A model reads the last events, as many as the setting
 * model.length of its training.
 *
 * Items are given by number or by key, actions by number or by name; without actions each event has
 * action 0. An event whose key no item of the catalogue has, or whose number is -1, is one of an
 * unknown item: it counts by its action and its time alone. souk_model_find_item() tells which keys
 * are unknown. An unknown action is an error. Without times the events are a minute apart: a model
 * reads the time between two events, and not the date. This struct does not grow. */
typedef struct souk_history {
    int64_t count;
    const int32_t *item;            /* [count], or NULL */
    const char *const *item_key;    /* [count], where `item` is NULL */
    const int32_t *action;          /* [count], or NULL */
    const char *const *action_name; /* [count], where `action` is NULL; or NULL */
    const int64_t *time_ms;         /* [count], in rising order, equal times allowed; or NULL */
    /* A user of the file, whose profile the model reads if the file has profiles. The user is given
     * by key, which is the user id of the log or its pseudonym of 16 hexadecimal digits, or by
     * number, 0 to souk_model_users() - 1, with has_user = 1. */
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
    int32_t item;    /* -1: no item was left to recommend */
    const char *key; /* of the item; valid until the model is closed */
    float score;     /* the rank's criterion: that of the rule by which the model acts */
    float
        probability; /* softmax of the score over all items; NaN where the rule ranks by Q alone */
    float q;         /* expected return, in the unit of rewards; NaN without a Q head */
} souk_recommendation;

typedef struct souk_recommend_options {
    size_t size;
    int64_t k;            /* how many items for each history, 1 to souk_model_items() */
    int include_seen;     /* 1: items of the history may be recommended too */
    const int32_t *allow; /* [allow_count] only these items; NULL: every item */
    int64_t allow_count;
    const int32_t *block; /* [block_count] none of these items; NULL: none is blocked */
    int64_t block_count;
    /* Only items of some rows of a category of the items, by its name: category_row
     * [category_rows], of which row 0 is "unknown"; NULL: of any. The catalogue does not have the
     * names of rows; `souk info` shows how many there are. */
    const char *category;
    const int32_t *category_row;
    int64_t category_rows;
    /* At most `cap` items of each row of the category `cap_category` in a list, which the next best
     * items fill; NULL: no cap. */
    const char *cap_category;
    int64_t cap;
} souk_recommend_options;
#define SOUK_RECOMMEND_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(souk_recommend_options), 10, 0, NULL, 0, NULL, 0, NULL, NULL, 0, NULL, 0            \
    }

/* The best k items for each of `count` histories, in order of falling score; of equal scores the
 * lower item comes first. Row i of out [count, k] is for history i. found[i] is the number of items
 * in row i (`found` may be NULL). It is below k only where fewer than k items are left to
 * recommend; in the rest of the row item is -1, key is NULL and the numbers are NaN. On failure the
 * contents of `out` mean nothing.
 *
 * One call for many histories is much faster than many calls. The last bits of a history's scores
 * may depend on the other histories of the call, because sums are then made in another order. The
 * same call gives the same bits every time. */
souk_status souk_recommend(souk_model *model, const souk_history *history, int64_t count,
                           const souk_recommend_options *options, souk_recommendation *out,
                           int64_t *found, souk_error *error);

/* Scores given items: item [count, k] has k items for each history, in any order; out [count, k]
 * gets what the model says of them, in the same order. */
souk_status souk_score(souk_model *model, const souk_history *history, int64_t count,
                       const int32_t *item, int64_t k, souk_recommendation *out, souk_error *error);

/* ---- Explanations ---------------------------------------------------------------------------- */

/* How events of a history change what the model says of an item: the number after the whole
 * history less the number after the history without the events, as souk_score() would have it; the
 * other events keep their times. NaN where the model does not have the number. This struct does not
 * grow. */
typedef struct souk_effect {
    double score;           /* the natural logarithm of souk_recommendation's probability or, where
                               that is NaN because the model acts by Q alone, its q */
    double log_probability; /* the logarithm of the item's probability by the policy, which is the
                               same where the model acts by its policy */
    double q;               /* in the unit of rewards */
} souk_effect;

/* What the log of the training has of the explained item and an item of the history, with the
 * user's own events left out where the history is one of the file. This struct does not grow. */
typedef struct souk_evidence {
    int64_t before; /* the event of the history, so many before its last: 0 is the last event */
    int32_t item;   /* its item, */
    int64_t times;  /*    which has so many events in the log; */
    int64_t next;   /*    after how many of them the explained item came next */
} souk_evidence;

/* The terms of the score by which counts propose an item, each in the unit of a log probability. */
typedef enum souk_term {
    SOUK_TERM_STATE = 0,      /* how much is left to counts in this state, for all items alike */
    SOUK_TERM_TASTE = 1,      /* what learned taste says of the item */
    SOUK_TERM_TOGETHER = 2,   /* what other histories have around the items of this one */
    SOUK_TERM_POPULARITY = 3, /* how often the item is in the log */
    SOUK_TERM_SEEN = 4,       /* the item is in the history */
    SOUK_TERM_NETWORK = 5,    /* all of these together */
    SOUK_TERM_POINTER = 6     /* attention to the events of the item in the history */
} souk_term;
enum { SOUK_TERMS = 7, SOUK_EVIDENCE_MAX = 3 };

/* Why a model says of an item what it says. The policy's probability has two parts, the masses of
 * its halves: learned taste scores every item by its vector, and counts score some items by what
 * followed what in the log. Up to rounding,
 *
 *   exp(log_probability) = taste + counts
 *   taste_score  = taste_history + taste_item
 *   counts_score = the sum of counts_term
 *
 * Without a policy these numbers are NaN; those of counts also where counts do not propose the
 * item, but for `counts`, which is 0 then. This struct does not grow. */
typedef struct souk_explanation {
    int32_t item;
    const char *key;                  /* of the item; valid until the model is closed */
    double score, log_probability, q; /* as of souk_effect, after the whole history */
    double taste, counts;             /* probabilities */
    double taste_score;               /* a logit, */
    double taste_history, taste_item; /*    of the item after this history, and after any */
    double counts_score;              /* a logit */
    double counts_term[SOUK_TERMS];   /* by souk_term */
    int seen;                         /* 1: counts know it as an item of the history */
    int evidence_count;               /* the strongest evidence first: */
    souk_evidence evidence[SOUK_EVIDENCE_MAX];
} souk_explanation;

typedef struct souk_explain_options {
    size_t size;
    const int32_t *item; /* [k] the items to explain, such as those that were recommended */
    int64_t k;           /* 1 or more */
    int64_t events;      /* the effects of so many last events are wanted, 0 or more */
} souk_explain_options;
#define SOUK_EXPLAIN_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(souk_explain_options), NULL, 0, 50                                                  \
    }

/* Explains items after one history, into out [k].
 *
 * effect [k, events]: effect[i * events + j] is what the event j before the last one does to item
 * i. NaN where the history has no such event, or the model does not read it (model.length of its
 * training), and where the history has no other event. NULL with events = 0.
 *
 * together [k, events], or NULL: the same for all events that have the item of the event, together.
 * Where an item is in the history several times, its events one by one may have no effect.
 *
 * answer [k, souk_model_actions()], or NULL: the probability that showing item i after the history
 * is answered by an event of the action. NaN without an outcome head.
 *
 * Fails with SOUK_ERROR_USAGE where an item, the history or a number of the options is wrong. The
 * work is that of recommending for as many histories as effects are wanted. It is done in parts,
 * between which other threads may use the model. On failure the contents of the arrays mean
 * nothing. */
souk_status souk_explain(souk_model *model, const souk_history *history,
                         const souk_explain_options *options, souk_explanation *out,
                         souk_effect *effect, souk_effect *together, float *answer,
                         souk_error *error);

/* ---- Following long calls -------------------------------------------------------------------- */

/* How far a call is. The library owns it, and it lives until the callback returns. */
typedef struct souk_progress {
    size_t size;         /* of this struct, as the library knows it */
    const char *stage;   /* "train"; during an ingest "reading", "cleaning", "writing";
                            during an evaluation what is being done, in words */
    int64_t step, total; /* how many steps, bytes or events are done, and of how many; 0: unknown */
    double seconds;      /* since the stage began */
    double loss;         /* of the last step of a training, else NaN */
    double validation;   /* NDCG@10 of the last validation, or in a world the mean return of the
                          last round; NaN before the first */
    int ended;           /* 1: the stage is done */
} souk_progress;

/* Called when a stage begins, after each of its steps, and at its end. A callback that returns 0
 * lets the call continue; any other value stops it soon. The callbacks of one call never run at the
 * same time. souk_train() runs them on the thread that called it, souk_ingest() on other threads
 * too. A callback may call other functions of this library. It must neither throw nor longjmp. */
typedef int (*souk_progress_callback)(void *context, const souk_progress *progress);
/* Receives a remark for people, such as how a column was understood: one or more lines. */
typedef void (*souk_message_callback)(void *context, const char *text);

/* ---- Ingest ---------------------------------------------------------------------------------- */

/* `souk ingest`: cleans a log and writes it as a behaviour file. The options are those of the
 * command (man souk-ingest). */
struct ArrowArrayStream;
typedef struct souk_ingest_options {
    size_t size;
    const char *const *inputs; /* [input_count] CSV, TSV, JSON lines, sequences; .gz .zst .xz */
    int input_count;
    const char *output;    /* the behaviour file */
    const char *map;       /* a file that says which column is what, or the name of a preset,
                              such as "retailrocket"; NULL: by the columns' names */
    const char *settings;  /* lines `section.key=value` that change the map; or NULL */
    const char *key_file;  /* 32 random bytes for pseudonyms, made if missing; NULL: OUTPUT.key */
    const char *directory; /* for temporary files; NULL: that of the output */
    int64_t memory;        /* bytes to stay within; 0: 2 GiB */
    int threads;           /* 0: all processors */
    int plain_keys;        /* 1: keep the keys of users instead of pseudonyms */
    int strict;            /* 1: fail at the first bad row instead of counting it */
    int force;             /* 1: replace the output */
    int compress;          /* 1: a smaller file that is slower to read */
    souk_progress_callback progress; /* or NULL */
    souk_message_callback message;   /* or NULL */
    void *context;                   /* for the callbacks */
    /* [input_count] Arrow streams in place of files, or NULL. Then `inputs` has their names, for
     * messages. A stream is read as the CSV file with the same contents, a row a line behind a
     * header of the columns' names: the same columns are found, and the same rows are bad, so that
     * the behaviour file is the same. Values may be texts, whole and real numbers, decimals of 128
     * bits, booleans (1 and 0), timestamps, dates, and dictionaries of these; nulls are missing
     * values. Columns of other types may be there, and are refused where the map needs them. souk
     * reads a stream from several threads, one at a time, and releases what it got from it; the
     * stream itself is the caller's to release, after the call. The structs are those of the Arrow
     * C stream interface. */
    struct ArrowArrayStream *const *streams;
    /* A run's folder or a behaviour file, whose catalogue the log grows, as --catalogue of
     * `souk ingest`; NULL: a catalogue of its own. */
    const char *catalogue;
} souk_ingest_options;
#define SOUK_INGEST_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(souk_ingest_options), NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0,      \
            NULL, NULL, NULL, NULL, NULL                                                           \
    }

/* What an ingest did. The file has the whole report: `souk info`. */
typedef struct souk_ingest_result {
    size_t size;
    int64_t rows;     /* of all inputs, with the bad rows */
    int64_t bad_rows; /* rows that were left out */
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
    /* Lines `section.key=value`; man souk-train lists the settings. Empty lines and lines that
     * begin with # are ignored. A training on a file needs data.path and train.out. */
    const char *settings;
    int resume; /* 1: continue from last.safetensors in train.out, bit for bit */
    int force;  /* 1: replace a training that train.out holds */
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

/* Trains for as long as the settings say (train.steps, train.seconds). `result` may be NULL. Then
 * the folder train.out is a checkpoint for souk_model_open().
 *
 * When the callback asks to stop, souk finishes and saves the step and returns SOUK_CANCELLED, with
 * `result` filled. A call with resume = 1 continues from there and ends with the same bits as a
 * training that was never stopped. In a world the folder has the last whole round, and the training
 * cannot be resumed. Whatever happens, each file in the folder is whole. */
souk_status souk_train(const souk_train_options *options, souk_train_result *result,
                       souk_error *error);

/* ---- Evaluation ------------------------------------------------------------------------------ */

/* `souk eval`: how well a model, and simple scorers beside it, rank what users did next. The
 * options are those of the command (man souk-eval). */
typedef struct souk_evaluate_options {
    size_t size;
    const char *data;       /* the behaviour file. Required */
    const char *checkpoint; /* as of souk_model_options; NULL: the simple scorers alone */
    const char *device;     /* as of souk_model_options, */
    int64_t threads;        /* as this, */
    const char *acting;     /* this */
    int64_t exclude_last;   /* and this */
    const char *split;      /* "valid" or "test" */
    const char *purchase;   /* the action that counts as a purchase; NULL: "purchase", if any */
    int64_t users;          /* a random sample of so many users; 0: all */
    int64_t seed;           /* of the sample */
    /* Whether items of the history are candidates: 1 yes, -1 no, 0 by how often users of the
     * validation split return to items. */
    int seen;
    int force;                       /* 1: rank events that the model counts or has learned */
    souk_progress_callback progress; /* or NULL */
    souk_message_callback message;   /* or NULL */
    /* Receives the report, once: what the option --json of the command writes. Required. */
    souk_message_callback report;
    void *context; /* for the callbacks */
    /* A model that `checkpoint` is compared with, event by event, such as yesterday's; NULL: none.
     * In the report it is model A, and `checkpoint` B. */
    const char *against;
} souk_evaluate_options;
#define SOUK_EVALUATE_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(souk_evaluate_options), NULL, NULL, NULL, 0, NULL, -1, "test", NULL, 0, 1, 0, 0,    \
            NULL, NULL, NULL, NULL, NULL                                                           \
    }

souk_status souk_evaluate(const souk_evaluate_options *options, souk_error *error);

/* `souk ope`: what a policy would have earned, from the log of another that has propensities. The
 * options are those of the command (man souk-ope). Where the log overlaps too little with the
 * policy, nothing is estimated: SOUK_ERROR_FORMAT, whose message says so. */
typedef struct souk_ope_options {
    size_t size;
    const char *data;          /* the behaviour file. Required */
    const char *policy;        /* "uniform", "popularity" or "logged"; or one of the next two; all
                                  NULL: uniform */
    const char *checkpoint;    /* a model, as of souk_model_options */
    const char *probabilities; /* a file with a probability for each event */
    const char *device;        /* as of souk_model_options, */
    int64_t threads;           /* as this, */
    const char *acting;        /* this */
    int64_t exclude_last;      /* and this */
    double temperature;        /* a model draws from softmax(score / temperature); */
    double epsilon;            /* or, from 0 on, any item with this probability, else the best;
                                  below 0: softmax */
    const char *split;         /* "train", "valid", "test" or "all"; NULL: by the policy */
    const char *log;           /* "bandit" or "sequential"; NULL: by the log */
    const char *catalogue;     /* how many items could be shown, or a file with their keys */
    const char *position;      /* the event feature that is the slot; "none"; NULL: "position" */
    double gamma;              /* discount of a sequential log */
    double clip;               /* where weights are cut; 0: the root of the sample size */
    double ridge;              /* penalty of the reward model and of the fitted Q, in events */
    double min_ess;            /* the least effective sample size */
    int64_t fqe_steps;         /* bound of the work of each fit of Q */
    int64_t replicates;        /* of the bootstrap, 40 or more */
    int64_t seed;              /* of the bootstrap */
    int channels;              /* 1: split the value of the fitted Q by the rewarded actions */
    int force;                 /* 1: estimate all the same */
    souk_progress_callback progress; /* or NULL */
    souk_message_callback message;   /* or NULL */
    /* Receives the report, once: what the option --json of the command writes. Required. */
    souk_message_callback report;
    void *context; /* for the callbacks */
} souk_ope_options;
#define SOUK_OPE_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(souk_ope_options), NULL, NULL, NULL, NULL, NULL, 0, NULL, -1, 1.0, -1.0, NULL,      \
            NULL, NULL, NULL, 1.0, 0.0, 10.0, 100.0, 6000, 1000, 1, 0, 0, NULL, NULL, NULL, NULL   \
    }

souk_status souk_ope(const souk_ope_options *options, souk_error *error);

#ifdef __cplusplus
}
#endif
#endif

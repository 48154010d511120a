/* Errors: two kinds, two treatments.
 *
 *   - A broken contract (wrong shape, NULL, wrong dtype) is a bug: REQUIRE() prints both values and
 *     aborts, in release builds too.
 *   - A failing world (file, memory, driver, user input) is a Status: FAIL() records the cause
 * once, where it is known; TRY() hands it up; main() prints it.
 */
#ifndef SOUK_STATUS_H
#define SOUK_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    OK = 0,
    ERR_IO,        /* the operating system refused: open, read, write, full disk */
    ERR_FORMAT,    /* input is not what its format promises */
    ERR_MEMORY,    /* an allocation failed or a plan does not fit */
    ERR_DEVICE,    /* GPU, driver or library */
    ERR_COMM,      /* another rank is gone or does not agree: base/comm.h */
    ERR_USAGE,     /* a bad argument, setting or request */
    ERR_CANCELLED, /* the caller asked to stop: base/listener.h */
} Status;

/* Record a formatted message and where it was recorded. The first message of a thread is kept until
 * status_clear(): it is the cause, and later ones only repeat it. */
void status_record(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The recorded message, one line; "" if none. */
const char *status_message(void);
/* "file.c:123", the place that recorded it; "" if none. */
const char *status_place(void);
void status_clear(void);
/* Carry a failure from a worker thread to the thread that waits for it. */
void status_adopt(const char *message, const char *place);

void status_abort(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* Record the message; the value is `code`, which a reader of one file and the analyser of the compiler can
 * see: `return FAIL(ERR_IO, "…")` does not return OK. */
static inline Status status_code(Status code) { return code; }
#define FAIL(code, ...) (status_record(__FILE__, __LINE__, __VA_ARGS__), status_code(code))
#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition)) status_abort(__FILE__, __LINE__, __VA_ARGS__);                           \
    } while (0)
#define TRY(call)                                                                                  \
    do {                                                                                           \
        Status try_ = (call);                                                                      \
        if (try_ != OK) return try_;                                                               \
    } while (0)
/* As TRY, but leaves through the one clean-up label `fail`, with the code in `st`. */
#define TRY_OR_FAIL(st, call)                                                                      \
    do {                                                                                           \
        (st) = (call);                                                                             \
        if ((st) != OK) goto fail;                                                                 \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif

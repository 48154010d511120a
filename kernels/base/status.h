/* SPDX-License-Identifier: Apache-2.0 */
/* Errors. There are two kinds, which are treated differently.
 *
 *   - A broken contract (wrong shape, NULL, wrong dtype) is a bug in the program. REQUIRE() prints
 *     the value found and the value wanted, and aborts, in release builds too.
 *   - A failure outside the program (file, memory, driver, user input) is a Status. FAIL() records
 *     its message once, where the cause is known; TRY() returns it to the caller; main() prints the
 *     message.
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
    ERR_COMM,      /* another rank has ended or calls other operations: base/comm.h */
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

/* FAIL records the message and has the value `code`. The value is written in the macro, so that a
 * compiler that analyses one file sees that `return FAIL(ERR_IO, "…")` does not return OK. */
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
/* Like TRY, but stores the code in `st` and jumps to the function's clean-up label `fail`. */
#define TRY_OR_FAIL(st, call)                                                                      \
    do {                                                                                           \
        (st) = (call);                                                                             \
        if ((st) != OK) goto fail;                                                                 \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif

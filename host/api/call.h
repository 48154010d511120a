/* SPDX-License-Identifier: Apache-2.0 */
/* What every call of the public API (souk.h) does first and last. The functions of souk.h stand in
 * host/api/, and their contract is souk.h; what this folder's files share is in their headers.
 *
 * Inside the library a failure is a Status, and its message belongs to the thread (base/status.h).
 * At the border the message moves into the caller's souk_error:
 *
 *     call_begin();
 *     return call_end(open(options, model), error);
 */
#ifndef SOUK_CALL_H
#define SOUK_CALL_H

#include "base/status.h"
#include "souk.h"

/* Forgets what the thread may still have recorded. */
void call_begin(void);
/* The status of the call; `error` (may be NULL) gets it with the recorded message. */
souk_status call_end(Status st, souk_error *error);

/* Fails where an argument that must be there is NULL. */
Status call_needs(const void *argument, const char *name);

/* Bytes of a struct up to its field `last`: what the first release of the struct had. Structs that
 * grow have no padding behind it (call.c checks), or what stands there would be read as a new
 * field. */
#define CALL_LEAST(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* Copies options, which begin with their size, from the caller's header into the library's struct
 * of `size` bytes. The caller's may be shorter (of an older header; the rest keeps its defaults),
 * but not shorter than `least`, and not longer (of a newer header: the library would pass over what
 * it does not know). */
Status call_options(void *options, size_t size, size_t least, const void *given, const char *name);

/* The other way: fills the caller's result, as far as the caller's header knows it. Its size must
 * be `least` or more. */
Status call_result(void *given, const void *result, size_t size, size_t least, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Recommendations over HTTP/1.1, on libmicrohttpd. host/serve/openapi.json says what each path
 * takes and answers.
 *
 * Threads: libmicrohttpd's read and parse requests and write answers; one thread answers all
 * histories in batches (batcher.h) on all threads of the models. The caller's thread waits for
 * signals.
 *
 * Limits: a body above `body` bytes is refused with 413, or its connection is closed where its
 * length was not said; a connection that sends nothing for `seconds` is closed; those above
 * `connections` are not accepted.
 */
#ifndef SOUK_SERVE_SERVER_H
#define SOUK_SERVE_SERVER_H

#include "serve/options.h"

/* Serves until SIGINT or SIGTERM; answers what was asked before, then returns. SIGHUP opens the
 * models and the log anew: requests that are under way are answered by the models before, and where
 * the new ones do not open, those before stay. Says on standard error where it listens, and each
 * reload. */
Status server_run(const ServerOptions *options);

#endif

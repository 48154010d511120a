/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of the server: libmicrohttpd is known here only. */
#ifndef SOUK_SERVE_HTTP_H
#define SOUK_SERVE_HTTP_H

#include "serve/batcher.h"
#include "serve/journal.h"
#include "serve/options.h"

typedef struct {
    const ServerOptions *options;
    ModelsPlace models;
    Journal journal;
    Batcher batcher;
    Metrics metrics;
    struct MHD_Daemon *daemon;
    atomic_bool ending; /* after http_refuse */
} Http;

/* Listens; the other fields are open. */
Status http_open(Http *h);
int http_port(const Http *h);
void http_refuse(Http *h); /* refuses, with code 503, what a model would answer from now on */
void http_close(Http *h);  /* nothing may wait for an answer */

#endif

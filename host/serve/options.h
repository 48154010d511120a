/* SPDX-License-Identifier: Apache-2.0 */
/* What the user of a server chose. */
#ifndef SOUK_SERVE_OPTIONS_H
#define SOUK_SERVE_OPTIONS_H

#include "serve/asks.h"

typedef struct {
    const ModelWanted *model; /* [models] */
    int models;
    const char *device;
    int64_t threads;
    const char *address; /* IPv4 or IPv6 */
    int64_t port;        /* 0: one that is free */
    const char *token;   /* what clients have to send as a bearer token; NULL: nothing */
    const char *log;     /* NULL: none */
    double epsilon;
    AskLimits limits;
    int64_t body, connections, seconds, batch;
} ServerOptions;

#endif

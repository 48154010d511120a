/* SPDX-License-Identifier: Apache-2.0 */
/* Recommendations for many histories, in batches, as they are read. */
#ifndef SOUK_CLI_RECOMMEND_BATCH_H
#define SOUK_CLI_RECOMMEND_BATCH_H

#include "base/listener.h"
#include "cli/recommend/items.h"
#include "cli/recommend/output.h"

typedef struct {
    /* Where the histories come from: one of these, else all users of the session's file. */
    const char *histories; /* a file of JSON lines (cli/recommend/history.h) */
    const char *users;     /* a file of users' keys, one a line */
    RecommendOptions how;  /* k and include_seen */
    bool explain;          /* say why, too */
    const RecommendItems *items;
    Listener *listener;
} RecommendBatch;

/* Writes the list of each history, in their order, to `out`. */
Status recommend_batch_run(const RecommendBatch *b, Session *session, RecommendOutput *out);

#endif

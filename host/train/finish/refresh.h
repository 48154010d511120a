/* SPDX-License-Identifier: Apache-2.0 */
/* Refreshing a checkpoint: its count table counts more events, the weights stay.
 *
 * The table is counted anew from a file, over its first `counted` splits (data/counts/tables.h).
 * The bias of the policy started as the logarithm of popularity, so it moves with the share that
 * an item has of all counted events:
 *
 *     policy.bias[a] += log((new[a] + 1/2) / (old[a] + 1/2)) - log(sum_a (new[a] + 1/2) /
 *                                                                  sum_a (old[a] + 1/2))
 *
 * The last term leaves the mass of the dense half as a whole where training and calibration have
 * put it beside that of the candidates. Metadata `counted` says what is counted; nothing else
 * changes. To refresh twice is to refresh once. The same bits for any number of threads.
 */
#ifndef SOUK_REFRESH_H
#define SOUK_REFRESH_H

#include "base/listener.h"
#include "data/behaviour/behaviour.h"

typedef struct {
    int counted; /* COUNTED_TRAIN, COUNTED_VALID or COUNTED_ALL */
    int threads;
    Listener *listener;
} RefreshOptions;

/* Rewrite the checkpoint `path`, whole or not at all, by the events of `b`, which must have its
 * catalogue or one that has grown since: then the pairs of new items are left out, and the listener
 * is warned. Fails where the checkpoint has no count table. */
Status refresh(const char *path, const Behaviour *b, const RefreshOptions *options);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a world: a behaviour file (datasets/README.md) with one history for each episode and
 * the propensity of every choice. The opening event is not a choice: its propensity is 1, and as
 * the first event of its history it is never a target of training or evaluation.
 *
 * The keys of users are the numbers of the episodes; the keys of items are item-0, item-1, ….
 * Numbers are normalised by the constants of the spec. Times count from 2024-06-01, 00:00 UTC. Of
 * every twenty episodes in a row the last `valid` are for validation, the others for training.
 */
#ifndef SOUK_WORLD_LOG_H
#define SOUK_WORLD_LOG_H

#include "world/play.h"

typedef struct WorldLog WorldLog;
/* `valid` is 0 .. 19. `report` is a text that says which policy acted; the file stores it as its
 * cleaning report. */
Status world_log_open(WorldLog **log, const char *path, const World *w, int valid,
                      const char *report);
PlaySink world_log_sink(WorldLog *log);
/* Completes the file. It appears under its path only now. */
Status world_log_finish(WorldLog *log);
/* Safe on NULL. A log that was not finished leaves no file. */
void world_log_close(WorldLog *log);

#endif

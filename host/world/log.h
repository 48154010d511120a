/* The log of a world: a behaviour file (datasets/README.md) with one history an episode and the
 * propensity of every choice. The opening event was nobody's choice: its propensity is 1, and as the
 * first of its history it is never a target.
 *
 * Users' keys are the episodes' numbers, items' keys item-0, item-1, …; numbers are normalised by the
 * spec's constants; times count from 2024-06-01. Of twenty episodes in a row `valid` are for validation
 * (the last ones), the others for training.
 */
#ifndef SOUK_WORLD_LOG_H
#define SOUK_WORLD_LOG_H

#include "world/play.h"

typedef struct WorldLog WorldLog;
/* `valid` 0 .. 19; `report` is kept as the file's cleaning report: what acted. */
Status world_log_open(WorldLog **log, const char *path, const World *w, int valid,
                      const char *report);
PlaySink world_log_sink(WorldLog *log);
/* The file appears. */
Status world_log_finish(WorldLog *log);
void world_log_close(WorldLog *log); /* safe on NULL; unless finished, nothing appears */

#endif

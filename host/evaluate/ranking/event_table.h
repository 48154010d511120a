/* SPDX-License-Identifier: Apache-2.0 */
/* The places of all targets as a table, one line for each scored event, for comparisons that a
 * report does not have: between two models, or of some events only.
 *
 * The file is text. Its columns are separated by tabs, and the first line names them:
 *
 *   user     row of the user
 *   history  how many events the user has before the time of the event; impressions do not count
 *   target   row of the event's item
 *
 * and for each scorer that ranks, under its name, the candidates above the target and the other
 * candidates with the target's score (ranking.h), as `NAME above` and `NAME ties`; from a model's
 * second seed on, as `NAME seed 2 above`. The lines are in the order of users and events.
 */
#ifndef SOUK_EVENT_TABLE_H
#define SOUK_EVENT_TABLE_H

#include "evaluate/ranking/evaluation.h"

/* Writes the table of an evaluation. The file appears whole or not at all. */
Status event_table_write(const char *path, const Evaluation *e);

#endif

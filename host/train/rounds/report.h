/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rounds as files, and its plot. */
#ifndef SOUK_ROUNDS_REPORT_H
#define SOUK_ROUNDS_REPORT_H

#include "base/status.h"
#include "train/rounds/table.h"

/* Writes rounds.json, rounds.dat and rounds.gp into the folder of the table and, where gnuplot is
 * installed, the plot rounds.svg. */
Status rounds_report_write(const RoundsTable *table);

#endif

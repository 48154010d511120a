/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest: a raw behaviour log -> a behaviour file (data/behaviour/behaviour.h). datasets/README.md
 * describes what happens to every row, in this order:
 *
 *   input     bytes of the files, decompressed                                      data/rawlog/
 *   pieces    pieces of whole records                                               data/rawlog/
 *   pipe      rows, parsed by several threads                                       data/rawlog/
 *   keys      ids of users, items and categories                                    data/rawlog/
 *   sort      records grouped by user, within bounded memory
 *   clean     order by time; duplicates and bots dropped; then the k-core (core)
 *   split     times of the cuts; the split of each user's events
 *   features  one value of each feature of an item and user; means and medians
 *   write     columns and pseudonyms, into the file
 *
 * The last three read a table of all events that stay, once or several times (pass).
 *
 * Deterministic: the same input, mapping and key file give the same bytes, for any memory and
 * number of threads. */
#ifndef SOUK_INGEST_H
#define SOUK_INGEST_H

#include "data/ingest/options.h"
#include "data/ingest/report.h"

/* Completes `m` from the first file (data/rawlog/detect.h). */
Status ingest_run(const IngestOptions *options, Mapping *m, IngestReport *report);

#endif

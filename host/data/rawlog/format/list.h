/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in a record: [list] of the mapping says which columns are lists, and then a record becomes
 * one event for each element. All else in the record is the same for each of these events.
 *
 * The fields of an element follow those of the record in LogRows.field, from LogLayout.fields on:
 * first all of the first list, then all of the second. The report counts each element as a row.
 *
 * A column may have the items of a list that were taken, one or a list of its own ([impressions]
 * taken). Its format reads them into LogRows.taken before the elements; the other elements are
 * impressions. One that is no element is a bad row. */
#ifndef SOUK_RAWLOG_LIST_H
#define SOUK_RAWLOG_LIST_H

#include "data/rawlog/rows.h"

/* The list that a column's name belongs to, or -1. "impressions.news" is `news` inside each element
 * of impressions; "items" alone is the element itself, *inside "". */
int list_of(const ListSpec *list, const char *name, const char **inside);

/* ---- Lists in text, such as "N1-1 N2-0" or "[1, 2]" ---- */

/* The number of the field that a name means, counted from the first field of the elements; -1 where
 * the name belongs to no list. */
int list_text_field(const ListSpec *list, const char *name);
/* Adds an event for each element of the lists in rows->field. A list that is empty, and lists of
 * different lengths, are a bad row. */
Status list_add_texts(LogRows *rows, const Mapping *m, const LogLayout *layout,
                      const LogPiece *piece, uint32_t hash, int64_t line);

/* ---- For every format ---- */

/* Forget what the record before has taken, and add an item; false where there are too many. */
void list_begin_taken(LogRows *rows);
bool list_add_taken(LogRows *rows, const Mapping *m, Text item, int64_t line);
/* After the last event of a record: counts the items as bad rows that no element has. */
void list_end_taken(LogRows *rows, const Mapping *m, int64_t line);

/* Adds event `n` of a record, whose fields are complete. */
Status list_add_event(LogRows *rows, const Mapping *m, const LogLayout *layout,
                      const LogPiece *piece, uint32_t hash, int n, int64_t line);
/* Counts a record whose lists have these lengths as bad; true where they can be read. */
bool list_check(LogRows *rows, const ListSpec *list, const int *length, int64_t line);

#endif

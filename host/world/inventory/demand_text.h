/* SPDX-License-Identifier: Apache-2.0 */
/* Demand from a text, which is an option of the world "inventory":
 *
 *   poisson:MEAN
 *   negative_binomial:MEAN:COV
 *   gamma:MEAN:COV                   COV is the coefficient of variation; :max=N may follow each of
 *                                    these
 *   history:FILE.csv:column=NAME[:unit=U][:KEY=VALUE]...
 *                                    the numbers down a column, in the rows whose column KEY is
 *                                    VALUE
 *   history:FILE.csv:row=KEY[:unit=U]
 *                                    the numbers of the row whose first field is KEY, after that
 *                                    field
 *   history:FILE.h5:item=KEY[:unit=U]
 *                                    purchases per day of an item of a behaviour file, from the
 *                                    first to the last day of the file
 *
 * A CSV file has a header and may be compressed; empty fields are missing observations. Numbers are
 * divided by U (1 without it) and rounded to whole units.
 */
#ifndef SOUK_DEMAND_TEXT_H
#define SOUK_DEMAND_TEXT_H

#include "world/inventory/demand.h"

Status demand_text_parse(Demand *d, const char *text);

#endif

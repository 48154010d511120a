/* SPDX-License-Identifier: Apache-2.0 */
/* The cleaning report: counts of what was dropped and kept, for people. The behaviour file stores
 * it. */
#ifndef SOUK_INGEST_REPORT_TEXT_H
#define SOUK_INGEST_REPORT_TEXT_H

#include "data/ingest/stage.h"

/* Fills report->text, after all other counts are known. */
Status report_text(Stage *stage);

#endif

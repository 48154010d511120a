/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are no log that souk reads, by their first bytes. */
#ifndef SOUK_DETECT_FOREIGN_H
#define SOUK_DETECT_FOREIGN_H

#include "data/rawlog/format/format.h"

/* Fails where a file that begins with this text is Parquet, a zip, UTF-16, a JSON array or another
 * well-known format, and says which and how it becomes one that souk reads. */
Status foreign_refuse(const LogHead *head);

#endif

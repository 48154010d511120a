/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as text, one line `section.key=value` for each. */
#ifndef SOUK_LINES_H
#define SOUK_LINES_H

#include "base/status.h"

/* Calls assign(context, "section.key=value") for each line of `text`, without the spaces around the
 * line and around its first =. Empty lines and lines that begin with # are ignored. NULL is a text
 * without lines. Stops at the first failure, whose message then begins with the line's number. */
Status lines_each(const char *text, Status (*assign)(void *context, const char *line),
                  void *context);

#endif

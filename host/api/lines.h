/* Settings as text: a line `section.key=value` each. */
#ifndef SOUK_LINES_H
#define SOUK_LINES_H

#include "base/status.h"

/* Calls assign(context, "section.key=value") for each line of `text`, without the space around it
 * and around the first =; empty lines, and lines that begin with #, are left out. NULL is a text without lines. Stops at
 * the first failure, whose message then begins with the number of the line. */
Status lines_each(const char *text, Status (*assign)(void *context, const char *line),
                  void *context);

#endif

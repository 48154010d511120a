/* SPDX-License-Identifier: Apache-2.0 */
/* What `souk info` prints: text for people, JSON for programs. */
#ifndef SOUK_CLI_INFO_PRINT_H
#define SOUK_CLI_INFO_PRINT_H

#include "data/behaviour/summary.h"

/* Keys of the top items are read from `b`. */
Status info_print(Behaviour *b, const Summary *s);
Status info_print_json(Behaviour *b, const Summary *s);

#endif

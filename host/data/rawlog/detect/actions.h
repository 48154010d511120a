/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of a mapping that lists none, and the texts that public logs have for them. */
#ifndef SOUK_DETECT_ACTIONS_H
#define SOUK_DETECT_ACTIONS_H

#include "data/rawlog/text.h"

typedef struct {
    const char *name;
    float reward; /* of view and purchase: those of SQN (Xin et al., SIGIR 2020) */
    const char *values[16];
} CommonAction;

/* NULL after the last, which is ACTIONS_IMPRESSION. */
const CommonAction *actions_common(int index);
bool actions_known(Text value); /* whether it is one of these texts */

/* The action of items that were shown and not taken. Only logs with its texts have it. */
#define ACTIONS_IMPRESSION "impression"
bool actions_impression(Text value); /* whether it is one of its texts */

#endif

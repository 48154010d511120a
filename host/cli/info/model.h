/* SPDX-License-Identifier: Apache-2.0 */
/* What `souk info` prints of a model on disk: its sizes, its heads, and what its policy knows from
 * counting. */
#ifndef SOUK_CLI_INFO_MODEL_H
#define SOUK_CLI_INFO_MODEL_H

#include <stdbool.h>

#include "base/status.h"

/* Whether `path` is a folder, which is that of a run, or is called *.safetensors. */
bool info_model_is(const char *path);
/* As text, or as one JSON object. */
Status info_model_print(const char *path, bool json);

#endif

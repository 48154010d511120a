/* SPDX-License-Identifier: Apache-2.0 */
/* What `souk info` prints of the catalogue that a model keeps, and of the data that it was trained
 * on. */
#ifndef SOUK_CLI_INFO_CATALOGUE_H
#define SOUK_CLI_INFO_CATALOGUE_H

#include <jansson.h>

#include "model/safetensors.h"

/* `path` is a model or the folder of a run, `file` its checkpoint. A model without a catalogue, of
 * an earlier version, has only its hash. Fails where the catalogue is not that of the model. */
Status info_catalogue_print(const Safetensors *file, const char *path);
/* The same as entries of `root`. */
Status info_catalogue_json(const Safetensors *file, const char *path, json_t *root);

#endif

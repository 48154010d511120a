/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors file format: 8 bytes little-endian header length, a JSON header
 * {"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__": {text: text}}, raw data.
 * Specification: the README of huggingface/safetensors.
 */
#ifndef SOUK_SAFETENSORS_H
#define SOUK_SAFETENSORS_H

#include "base/tensor.h"

typedef struct {
    const char *name;
    Tensor tensor; /* on the host */
} NamedTensor;

typedef struct {
    const char *key, *value;
} Metadata;

/* Write the whole file, or on failure leave an existing file as it was (base/files.h). */
Status safetensors_write(const char *path, const NamedTensor *tensors, int count,
                         const Metadata *metadata, int metadata_count);

typedef struct {
    char *path;
    void *map; /* the whole file, read-only */
    size_t bytes;
    int count, metadata_count;
    NamedTensor *tensors; /* views into the map */
    Metadata *metadata;
    struct json_t *header;
} Safetensors;

/* Map the file and check its whole header: its dtypes are known, and its offsets are inside the
 * file and match the shapes. */
Status safetensors_open(Safetensors *s, const char *path);
void safetensors_close(Safetensors *s); /* safe on {0} */

/* The tensor called `name`; an error unless it has this dtype and shape. */
Status safetensors_get(const Safetensors *s, const char *name, Dtype dtype, int rank,
                       const int64_t *dim, Tensor *out);
/* The tensor or the text of this name; NULL when there is none. */
const Tensor *safetensors_find(const Safetensors *s, const char *name);
const char *safetensors_metadata(const Safetensors *s, const char *key);

#endif

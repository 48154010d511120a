/* SPDX-License-Identifier: Apache-2.0 */
/* Files of this folder that are part of the program: cmake/embed.cmake writes them as bytes. */
#ifndef SOUK_SERVE_ASSETS_H
#define SOUK_SERVE_ASSETS_H

#include <stddef.h>

typedef struct {
    const char *type; /* of its contents, as HTTP calls it */
    const unsigned char *text;
    size_t bytes;
} Asset;

extern const Asset asset_page, asset_openapi;

#endif

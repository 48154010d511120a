/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a request for similar items (serve/asks.h). */
#ifndef SOUK_SERVE_SIMILAR_H
#define SOUK_SERVE_SIMILAR_H

#include "serve/asks.h"

/* "item", the key; "vectors": [{"item", "cosine"}, ...], the nearest by learned vectors; "times",
 * the counted events of the item; "counts": [{"item", "next", "after", "before"}, ...], its
 * strongest neighbours in the log (infer/similar.h). */
void serve_similar(Ask *ask);

#endif

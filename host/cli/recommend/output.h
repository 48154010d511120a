/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of recommendations as text: of one history for people or as a JSON object, of many as JSON
 * lines or CSV, on standard output or in a file that appears whole or not at all. */
#ifndef SOUK_CLI_RECOMMEND_OUTPUT_H
#define SOUK_CLI_RECOMMEND_OUTPUT_H

#include <jansson.h>

#include "base/files.h"
#include "infer/explain/explain.h"
#include "infer/recommend.h"

/* One list, to standard output. `why` explains its items; NULL: not wanted. */
Status recommend_output_table(Behaviour *catalogue, const Recommendation *r, int64_t found,
                              const Explanation *why);
Status recommend_output_json(Behaviour *catalogue, const Recommendation *r, int64_t found,
                             const Explanation *why);

/* JSON lines: {"id": …, "recommendations": [{"item": …, "score": …, "probability": …, "q": …}, …]}
 * with null for numbers that there are not, and "why" (infer/explain/json.h) behind "q" where that
 * is wanted. CSV, which has no place for it: a head, then a row for each item, with empty
 * fields for such numbers: id,rank,item,score,probability,q. Numbers have the 9 digits that give an
 * f32 back. */
typedef enum { RECOMMEND_JSONL, RECOMMEND_CSV } RecommendFormat;
extern const char *const recommend_output_formats[]; /* their names; ends with NULL */

typedef struct {
    Behaviour *catalogue;
    RecommendFormat format;
    FILE *to;
    AtomicFile file; /* {0}: to standard output */
} RecommendOutput;

/* `path` NULL: to standard output. */
Status recommend_output_open(RecommendOutput *o, Behaviour *catalogue, RecommendFormat format,
                             const char *path);
/* The list of `id`, a text or a number. */
Status recommend_output_add(RecommendOutput *o, const json_t *id, const Recommendation *r,
                            int64_t found, const Explanation *why);
Status recommend_output_commit(RecommendOutput *o);
void recommend_output_close(RecommendOutput *o); /* safe on {0}; without a commit no file appears */

#endif

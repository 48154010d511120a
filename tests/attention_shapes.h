/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of attention in souk's own settings (defaults, quickstart.sh, bench/, datasets/), and
 * longer histories, which cuDNN serves. tests/cuda/plans.sh builds cuDNN's plans for all of
 * them. */
#ifndef SOUK_TEST_ATTENTION_SHAPES_H
#define SOUK_TEST_ATTENTION_SHAPES_H

#include <stdint.h>

typedef struct {
    int64_t heads, head_dim, longest, sequences;
    const char *of;
} NamedShape;

static const NamedShape attention_shapes[] = {
    {2, 32, 50, 82, "the defaults, quickstart.sh, bench/quality.sh"},
    {4, 64, 50, 21, "bench/multi_action.ini"},
    {4, 64, 50, 256, "bench/train.sh, real lengths"},
    {4, 64, 128, 32, "bench/train.sh, full windows"},
    {4, 16, 128, 32, "bench/train.sh, a million items"},
    {4, 64, 512, 32, "16,384 tokens"},
    {8, 64, 1024, 32, "32,768 tokens"},
    {8, 128, 2048, 8, "16,384 tokens"},
    {12, 80, 384, 24, "a width between two powers of two"},
};
enum { ATTENTION_SHAPES = sizeof attention_shapes / sizeof *attention_shapes };

#endif

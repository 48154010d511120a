/* SPDX-License-Identifier: Apache-2.0 */
#include "attention/choice.h"

enum { SEQUENCES_MIN = 8, TILE = 128, NARROW = 64, MEAN_MIN = 96, SPARE = 1 << 20 };

/* The smallest `longest` that cuDNN serves. The names with WIDE_ are for heads of more than NARROW
 * columns. */
enum { LONGEST_MIN = 129, WIDE_LONGEST_MIN = 65 };

AttentionShape attention_choice_shape(const AttentionCall *call)
{
    int64_t sequences = SEQUENCES_MIN;
    while (sequences < call->sequences) sequences *= 2;
    const int64_t longest = call->longest > 0 ? call->longest : 1;
    return (AttentionShape){call->backward, sequences, (longest + TILE - 1) / TILE * TILE,
                            call->heads, call->head_dim};
}

int64_t attention_choice_workspace(const AttentionShape *s)
{
    return 2 * s->sequences * s->heads * s->longest * s->longest;
}

int64_t attention_choice_scratch(const AttentionShape *s)
{
    return (s->backward ? attention_choice_workspace(s) : 0) + SPARE;
}

static bool cudnn_serves(const AttentionCall *c)
{
    if (!c->cudnn || c->head_dim % 16 != 0) return false;
    const int longest_min = c->head_dim > NARROW ? WIDE_LONGEST_MIN : LONGEST_MIN;
    if (c->longest < longest_min || c->tokens < MEAN_MIN * c->sequences) return false;
    if (!c->backward) return c->capability == 90 || c->capability / 10 == 10;
    const AttentionShape shape = attention_choice_shape(c);
    return c->capability == 90 && attention_choice_workspace(&shape) <= ATTENTION_WORKSPACE;
}

AttentionKernel attention_choice(const AttentionCall *c)
{
    if (c->dtype != BF16 || !c->aligned || c->head_dim % 8 != 0) return ATTENTION_PLAIN;
    return cudnn_serves(c) ? ATTENTION_CUDNN : ATTENTION_MMA;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "shards.h"

int main(void)
{
    on = &gpu;
    return RUN_PAIR_TESTS(shard_tests);
}

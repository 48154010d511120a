/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/half.h"

#include <inttypes.h>

#include "base/rng.h"

void half_of_users(Device *dev, Tensor weight, Tensor cu_seqlens, Tensor user, uint64_t seed)
{
    const int64_t tokens = weight.dim[0], windows = cu_seqlens.dim[0] - 1;
    EXPECT(weight, F32, tokens);
    EXPECT(cu_seqlens, I32, windows + 1);
    EXPECT(user, I64, windows);
    if (ON_CUDA(dev)) {
        half_of_users_cuda(dev, weight, cu_seqlens, user, seed);
        return;
    }
    if (!device_runs(dev)) return;
    const int32_t *at = i32(cu_seqlens);
    const int64_t *of = user.data;
    REQUIRE(at[0] == 0 && at[windows] <= tokens,
            "half of users: cu_seqlens from %d to %d, want from 0 to at most %" PRId64, at[0],
            at[windows], tokens);
    for (int64_t w = 0; w < windows; w++) {
        const float factor = philox(seed, 2, (uint64_t)of[w]).word[0] & 1 ? 2.0f : 0.0f;
        for (int64_t t = at[w]; t < at[w + 1]; t++) f32(weight)[t] *= factor;
    }
    for (int64_t t = at[windows]; t < tokens; t++) f32(weight)[t] = 0.0f;
}

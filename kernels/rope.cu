/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions on CUDA: a block takes a few tokens. It computes their sines and cosines once,
 * into shared memory, since all heads need the same. Then its threads rotate the heads of q and k,
 * in steps of 16 bytes where the width of a head and the alignment allow. Bound by memory: q and k
 * are read and written.
 *
 * The angle is computed and reduced to [-pi, pi] in double: an f32 product of a large position
 * would have lost the digits that matter.
 */
#include "rope.h"

#include "base/cuda/cuda.cuh"
#include <math.h>

enum { THREADS = 256, HALF_MAX = 256, TOKENS = 4 };

/* Computed on the host, so that they are the same doubles as on the CPU, and passed by value. */
typedef struct {
    double at[HALF_MAX];
} Frequencies;

static __device__ __forceinline__ void turn_of(float *cosine, float *sine, int32_t position,
                                               double frequency, float direction)
{
    const double turn = 6.283185307179586476925, angle = (double)position * frequency;
    sincosf((float)(angle - turn * rint(angle / turn)), sine, cosine);
    *sine *= direction;
}

/* Each step rotates N pairs of columns of one head. A token has `heads` heads of q, and the same
 * number of heads of k. */
template <class T, int N>
static __global__ void rope_kernel(T *qkv, const int32_t *position, Frequencies frequency,
                                   int64_t tokens, int half, int heads, float direction)
{
    alignas(32) __shared__ float cosine[TOKENS * HALF_MAX], sine[TOKENS * HALF_MAX];
    const int64_t first = (int64_t)blockIdx.x * TOKENS;
    const int count = tokens - first < TOKENS ? (int)(tokens - first) : (int)TOKENS;
    for (int k = (int)threadIdx.x; k < count * half; k += THREADS) {
        const int32_t p = position[first + k / half];
        device_require(p >= 0);
        turn_of(&cosine[k], &sine[k], p, frequency.at[k % half], direction);
    }
    __syncthreads();

    const int steps = half / N, each = 2 * heads * steps; /* steps of a head, of a token */
    for (int k = (int)threadIdx.x; k < count * each; k += THREADS) {
        const int token = k / each, head = k % each / steps, i = k % steps * N;
        T *x = qkv + ((first + token) * 3 * heads + head) * 2 * half + i;
        float a[N], b[N], c[N], s[N];
        load(a, x);
        load(b, x + half);
        load(c, cosine + token * half + i);
        load(s, sine + token * half + i);
#pragma unroll
        for (int j = 0; j < N; j++) {
            const float from = a[j];
            a[j] = from * c[j] - b[j] * s[j];
            b[j] = b[j] * c[j] + from * s[j];
        }
        store(x, a);
        store(x + half, b);
    }
}

template <class T>
static void turn(Device *dev, Tensor qkv, Tensor position, int64_t heads, double theta,
                 int direction)
{
    const int64_t tokens = qkv.dim[0], half = qkv.dim[1] / (6 * heads);
    REQUIRE(half <= HALF_MAX, "rope: head_dim %d, want at most %d on CUDA", (int)half * 2,
            2 * HALF_MAX);
    Frequencies frequency = {};
    for (int64_t i = 0; i < half; i++) frequency.at[i] = pow(theta, -(double)i / (double)half);
    const bool wide = half % Wide<T>::N == 0 && aligned16(qkv.data);
    auto kernel = wide ? rope_kernel<T, Wide<T>::N> : rope_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_for(tokens, TOKENS), THREADS, 0, (T *)qkv.data, i32(position),
           frequency, tokens, (int)half, (int)heads, (float)direction);
}

void rope_cuda(Device *dev, Tensor qkv, Tensor position, int64_t heads, double theta, int direction)
{
    BY_DTYPE(qkv.dtype, turn, dev, qkv, position, heads, theta, direction);
}

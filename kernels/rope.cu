/* Rotary positions on CUDA: one thread for a token and a pair of columns, which it turns in every
 * head of q and k, so that cos and sin are computed once. Bound by memory: q and k read and written.
 *
 * The angle is reduced in double, which leaves at most pi for the f32 functions.
 */
#include "rope.h"

#include "base/cuda.cuh"
#include <math.h>

enum { THREADS = 256, HALF_MAX = 256 };

/* By value: the same doubles as on the CPU. */
typedef struct {
    double at[HALF_MAX];
} Frequencies;

template <class T>
static __global__ void rope_kernel(T *qkv, const int32_t *position, Frequencies frequency,
                                   int64_t tokens, int half, int64_t heads, float direction)
{
    const int64_t thread = (int64_t)blockIdx.x * THREADS + threadIdx.x, token = thread / half;
    const int i = (int)(thread % half);
    if (token >= tokens) return;
    const int32_t p = position[token];
    device_require(p >= 0);
    const double turn = 6.283185307179586476925, angle = (double)p * frequency.at[i];
    float sine, cosine;
    sincosf((float)(angle - turn * rint(angle / turn)), &sine, &cosine);
    sine *= direction;

    T *x = qkv + token * 6 * heads * half + i;
    for (int64_t h = 0; h < 2 * heads; h++, x += 2 * half) {
        const float a = to_float(x[0]), b = to_float(x[half]);
        from_float(x[0], a * cosine - b * sine);
        from_float(x[half], b * cosine + a * sine);
    }
}

template <class T>
static void turn(Device *dev, Tensor qkv, Tensor position, int64_t heads, double theta,
                 int direction)
{
    const int64_t tokens = qkv.dim[0], half = qkv.dim[1] / (6 * heads);
    REQUIRE(half <= HALF_MAX, "rope: head_dim %d, CUDA takes up to %d", (int)half * 2,
            2 * HALF_MAX);
    Frequencies frequency = {};
    for (int64_t i = 0; i < half; i++) frequency.at[i] = pow(theta, -(double)i / (double)half);
    LAUNCH(dev, rope_kernel<T>, blocks_for(tokens * half, THREADS), THREADS, 0, (T *)qkv.data,
           i32(position), frequency, tokens, (int)half, heads, (float)direction);
}

void rope_cuda(Device *dev, Tensor qkv, Tensor position, int64_t heads, double theta, int direction)
{
    BY_DTYPE(qkv.dtype, turn, dev, qkv, position, heads, theta, direction);
}

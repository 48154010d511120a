/* Temporary memory of ops: a stack, of which an op takes tensors and gives them back when it ends.
 *
 *     const size_t mark = scratch_mark(dev);
 *     const Tensor x = SCRATCH(dev, F32, rows, dim);    // contents undefined
 *     if (device_runs(dev)) compute(x);
 *     scratch_release(dev, mark);
 *
 * The memory stays between steps, so that a step allocates nothing once one like it has run, and
 * nothing at all after scratch_reserve has been told how much it takes. Where there is no memory
 * the device fails (base/device.h), the tensor has an address that must not be read, and the op does
 * nothing, like all that follow.
 */
#ifndef SOUK_SCRATCH_H
#define SOUK_SCRATCH_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

size_t scratch_mark(Device *dev);
Tensor scratch_tensor(Device *dev, Dtype dtype, int rank, const int64_t *dim);
void scratch_release(Device *dev, size_t mark);
#define SCRATCH(dev, dtype, ...) scratch_tensor((dev), (dtype), TENSOR_DIMS(__VA_ARGS__))

/* `count` elements of the host's `from` in scratch; waits until they have been copied. */
Tensor scratch_copy(Device *dev, const void *from, Dtype dtype, int64_t count);

/* Take `bytes` now, in one block. The scratch of a step that takes no more, measured by a device that
 * measures, then neither allocates nor moves. No scratch may be in use. On a measuring device it
 * does nothing: there scratch is counted, by dev->scratch.high_water. */
Status scratch_reserve(Device *dev, size_t bytes);
/* Make the memory one block of the largest size ever needed, unless it is in use or is one already.
 * What is taken from an empty stack does so too; called where work ends, it spares the work that
 * comes next the allocation. */
void scratch_settle(Device *dev);
/* True where no scratch is in use and a step that takes no more than any before finds its scratch at
 * the addresses of the last. */
bool scratch_stays(const Device *dev);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch: temporary memory of ops. It is a stack: an op takes tensors from it, and gives them back
 * when it ends.
 *
 *     const size_t mark = scratch_mark(dev);
 *     const Tensor x = SCRATCH(dev, F32, rows, dim);    // contents undefined
 *     if (!scratch_ready(dev, mark)) return;            // the device has failed, or it measures
 *     ...
 *     scratch_release(dev, mark);
 *
 * The device keeps the memory between steps, so a step allocates nothing after another step of the
 * same shapes, and nothing at all after scratch_reserve(dev, its bytes). Where there is no memory,
 * the device fails (base/device.h) and scratch_tensor returns a tensor whose address must not be
 * read; this op and all later ones then do nothing.
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
/* An op asks this when it has taken all of its scratch. True: it may read and write. False: the
 * device does not run; the scratch above `mark` is released, and the op must return. */
static inline bool scratch_ready(Device *dev, size_t mark)
{
    if (device_runs(dev)) return true;
    scratch_release(dev, mark);
    return false;
}
#define SCRATCH(dev, dtype, ...) scratch_tensor((dev), (dtype), TENSOR_DIMS(__VA_ARGS__))

/* Scratch with a copy of `count` elements of the host's array `from`; waits for the copy. */
Tensor scratch_copy(Device *dev, const void *from, Dtype dtype, int64_t count);

/* Allocate `bytes` now, in one block. A step that needs no more scratch then allocates nothing, and
 * finds its scratch at the same addresses each time. How much a step needs is measured: it is
 * dev->scratch.high_water of a measuring device after the step. No scratch may be in use. On a
 * measuring device the function does nothing. */
Status scratch_reserve(Device *dev, size_t bytes);
/* Replace all blocks by one of the largest size ever needed. Does nothing while scratch is in use,
 * and where there is such a block already. scratch_tensor does the same when no scratch is in use;
 * calling this function at the end of some work allocates there and not in the work that
 * follows. */
void scratch_settle(Device *dev);
/* True where no scratch is in use, and a step that needs no more scratch than the steps so far will
 * find it at the same addresses as the last one. */
bool scratch_stays(const Device *dev);

#ifdef __cplusplus
}
#endif
#endif

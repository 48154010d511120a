/* SPDX-License-Identifier: Apache-2.0 */
/* A device runs ops: the CPU or a GPU. Every op takes a Device as its first argument. A process may
 * have several devices; they share nothing, and each is used by one thread at a time.
 *
 * The CPU device runs an op before the call returns, on `threads` OpenMP threads of its own; the
 * bits of a result never depend on their number. A CUDA device enqueues the op on its compute
 * stream, and the call returns at once. An error in the data that a kernel finds (an id out of
 * range) stops the device.
 *
 * Failure. A device keeps its first failure, such as an op's scratch for which there is no memory.
 * From then on ops check their shapes and return; they read and write nothing. device_sync()
 * reports the failure.
 *
 * Measuring. A device opened by device_open_measuring allocates nothing; it adds up the bytes that
 * a program asks for. Ops check their shapes and return, as on a device that has failed.
 * Allocations and scratch have addresses that are not NULL and must not be read. A step on a
 * measuring device asks for the same memory as on a real one, because the same code asks.
 *
 * Both depend on one rule for ops: an op takes all of its scratch, then asks device_runs(), and
 * only then reads or writes. The bytes of its scratch depend on shapes, never on data.
 */
#ifndef SOUK_DEVICE_H
#define SOUK_DEVICE_H

#include "base/device/types.h"
#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `name` is "cpu", "cuda" (the first GPU) or "cuda:N". `threads` <= 0: as many as the process has
 * processors at this moment. */
Status device_open(Device *dev, const char *name, int threads);
/* A device that measures the memory that work on `like` would take. `like` must stay open until it
 * is closed, and may be used meanwhile. */
void device_open_measuring(Device *dev, const Device *like);
/* Wait for all enqueued work. Returns the first failure, which the device keeps until it is
 * closed. */
Status device_sync(Device *dev);
/* Frees scratch and workspaces; the caller has freed everything else. Safe on {0} and twice. */
void device_close(Device *dev);

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Memory of the device, zeroed, aligned to 256 bytes. `use` says what it is for: a string constant,
 * which messages print and device_held takes. NULL: there is none, and the recorded message says
 * what was wanted and what the device has; the device itself does not fail. */
void *device_alloc(Device *dev, size_t bytes, const char *use);
/* The same, not zeroed. `detail` (NULL: none) follows `use` in the message. */
void *device_alloc_undefined(Device *dev, size_t bytes, const char *use, const char *detail);
/* Memory of the host; contents undefined. On CUDA it is pinned: copies to and from the GPU run
 * beside the host. */
void *device_alloc_host(Device *dev, size_t bytes, const char *use);
/* Free memory that one of the three returned; NULL: does nothing. */
void device_free(Device *dev, void *memory);

/* Bytes that the device holds for `use`, with memory of the host; NULL: for all uses. */
size_t device_held(const Device *dev, const char *use);
/* Bytes that a plan may take: on the CPU those of the machine, on CUDA those that the GPU has free
 * now. */
size_t device_available(Device *dev);

/* ---- Copies ---------------------------------------------------------------------------------- */

/* Copies in the order of the ops. device_copy_in and device_copy_out wait for the copy: on return
 * `from` of the first may be changed and `to` of the second may be read. So a step does not use
 * them. device_copy, from device memory to device memory, only enqueues. Where the device does not
 * run, `to` stays as it is. */
void device_copy_in(Device *dev, void *to, const void *from, size_t bytes);
void device_copy_out(Device *dev, void *to, const void *from, size_t bytes);
void device_copy(Device *dev, void *to, const void *from, size_t bytes);

/* Copies beside the ops, on the copy stream. device_feed enqueues a copy; `from` must stay until
 * the next device_feed_done, and should come from device_alloc_host, because a copy from other
 * memory makes the host wait. device_feed_join: ops enqueued later wait for the copies enqueued so
 * far. device_feed_follow: copies enqueued later wait for the ops enqueued so far. On the CPU
 * device_feed copies at once and the others do nothing. */
void device_feed(Device *dev, void *to, const void *from, size_t bytes);
void device_feed_join(Device *dev);
void device_feed_follow(Device *dev);
void device_feed_done(Device *dev); /* the host waits for the copy stream */

/* Enqueue a copy to the host, in the order of the ops. `to` comes from device_alloc_host; read it
 * after waiting for an event that was marked later. On the CPU it copies at once. */
void device_fetch(Device *dev, void *to, const void *from, size_t bytes);

/* A staging buffer: device memory into which arrays of the host are fed, so that ops can read them.
 * On the CPU ops read the arrays themselves, and *staging is NULL. */
Status device_alloc_staging(Device *dev, void **staging, size_t bytes, const char *use);
/* The address at which ops read the array `from`: on the CPU `from` itself; on CUDA `staging`, into
 * which the array is fed. */
void *device_stage(Device *dev, void *staging, void *from, size_t bytes);
/* The address at which the host reads `memory` of the device: on the CPU `memory` itself; on CUDA a
 * copy, made in the order of the ops, which device_read_done frees. NULL: the device has failed,
 * also because the host had no memory for the copy, or it measures. */
void *device_read(Device *dev, void *memory, size_t bytes);
void device_read_done(Device *dev, void *copy); /* NULL: does nothing */

/* ---- Events and ranges ----------------------------------------------------------------------- */

/* An event: a point between the ops of a device that the host can wait for. Marking it again moves
 * it to the later point. On the CPU ops have run when the call returns: there an event is NULL and
 * the functions do nothing. */
Status device_event_open(Device *dev, DeviceEvent **event);
void device_event_close(Device *dev, DeviceEvent *event);     /* NULL: does nothing */
void device_event_mark(Device *dev, DeviceEvent *event);      /* behind the ops enqueued so far */
void device_event_mark_feed(Device *dev, DeviceEvent *event); /* behind the copies fed so far */
void device_event_wait(Device *dev, DeviceEvent *event); /* at once where it was never marked */

/* A range of the host's time, such as a step, that profilers show under `name` (NVTX). Ranges may
 * nest. They cost nothing without a profiler, and nothing on the CPU. */
void device_range_begin(Device *dev, const char *name);
void device_range_end(Device *dev);

/* The dtype of activations in a call of an op: f32 or bf16, as `like` is. */
static inline Dtype activation_dtype(Tensor like) { return like.dtype == BF16 ? BF16 : F32; }

#ifdef __cplusplus
}
#endif
#endif

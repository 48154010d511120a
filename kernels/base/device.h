/* Where work runs. Every op takes a Device first. A process may have several, each used by one
 * thread at a time; they share nothing.
 *
 * The CPU device runs ops at once, on `threads` OpenMP threads of its own; the bits of a result
 * never depend on their number. A CUDA device enqueues on its compute stream and returns; what an
 * op finds wrong only then (an id out of range) stops the device.
 *
 * Failure. A device keeps its first failure, and from then on it touches no data: ops check their
 * shapes and return. device_sync() reports the failure.
 *
 * Measuring. A device opened by device_open_measuring allocates nothing and touches no data; it
 * adds up what a program takes. Allocations and scratch have addresses that are not NULL and must
 * not be read. So a step that runs on a measuring device and the same step on a real one take the
 * same memory, because they are the same code.
 *
 * Both rest on one rule: an op takes all of its scratch, then asks device_runs(), and only then
 * reads or writes. How much scratch an op takes depends on shapes, never on data.
 */
#ifndef SOUK_DEVICE_H
#define SOUK_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { DEVICE_CPU, DEVICE_CUDA } DeviceKind;

/* One allocation. `use` says what it is for, in words that a message can print; a string constant,
 * since the device keeps the pointer. */
typedef struct {
    void *memory;
    size_t bytes;
    const char *use;
    bool host; /* memory of the host that a GPU reads, not of the GPU */
} DeviceMemory;

/* The state of base/scratch.h. Its functions alone change it; device_close frees it. */
typedef struct ScratchBlock {
    struct ScratchBlock *below;
    size_t start; /* in_use at which this block begins */
    size_t size;
    char *memory;
} ScratchBlock;
typedef struct {
    ScratchBlock *top;
    size_t in_use;     /* bytes handed out now */
    size_t high_water; /* most bytes ever handed out at once */
    int64_t bottoms;   /* lowest blocks so far: while this stays, scratch has the same addresses */
} Scratch;

typedef struct {
    DeviceKind kind;
    int index;   /* of the GPU */
    int threads; /* of the CPU */
    bool measures;
    bool recording; /* a graph: base/device_graph.h */
    Status status;  /* the first failure, with its message and where it was recorded: */
    char message[512], place[64];
    DeviceMemory *memory; /* [allocations] what it holds */
    int allocations, capacity;
    Scratch scratch;
    struct DeviceCuda *cuda; /* base/cuda/device.h; NULL on the CPU */
} Device;

/* `name` is "cpu", "cuda" (the first GPU) or "cuda:N". `threads` <= 0: as many as the process has
 * processors at this moment. */
Status device_open(Device *dev, const char *name, int threads);
/* A device that measures what `like` would take. `like` must outlive it, and may be used
 * meanwhile. */
void device_open_measuring(Device *dev, const Device *like);
/* Wait for all work; the first failure, which stays until the device is closed. */
Status device_sync(Device *dev);
/* Frees scratch and workspaces; everything else must have been freed. Safe on a zeroed and on a
 * closed device. */
void device_close(Device *dev);

/* True where ops read and write: `dev` has not failed and does not measure. */
static inline bool device_runs(const Device *dev) { return dev->status == OK && !dev->measures; }
/* Keep a failure, whose message FAIL has recorded: device_fail(dev, FAIL(ERR_DEVICE, ...)). Only
 * the first one of a device is kept. */
static inline void device_fail(Device *dev, Status code)
{
    if (dev->status != OK || code == OK) return;
    dev->status = code;
    snprintf(dev->message, sizeof dev->message, "%s", status_message());
    snprintf(dev->place, sizeof dev->place, "%s", status_place());
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Memory of the device for `use`, zeroed, aligned to 256 bytes. NULL where there is none; the
 * message says what was wanted and what the device has. The device itself does not fail. */
void *device_alloc(Device *dev, size_t bytes, const char *use);
/* The same not zeroed, and with `detail` (NULL: none) behind `use` in the message. */
void *device_alloc_undefined(Device *dev, size_t bytes, const char *use, const char *detail);
/* Memory of the host that the copy stream reads at full speed; contents undefined. */
void *device_alloc_host(Device *dev, size_t bytes, const char *use);
/* Of any of the three; NULL: does nothing. */
void device_free(Device *dev, void *memory);

/* Bytes that the device holds for `use`; NULL: for everything, also memory of the host. */
size_t device_held(const Device *dev, const char *use);
/* Bytes that a plan may count on: the machine's, or those that the GPU has free now. */
size_t device_available(Device *dev);

/* ---- Copies ---------------------------------------------------------------------------------- */

/* Copies in the order of the ops: after those enqueued before, before those enqueued later. On
 * return `from` of device_copy_in may be changed and `to` of device_copy_out may be read (so both
 * wait: not for the inside of a step); device_copy, from device memory to device memory, only
 * enqueues. Where the device does not run, `to` stays as it is. */
void device_copy_in(Device *dev, void *to, const void *from, size_t bytes);
void device_copy_out(Device *dev, void *to, const void *from, size_t bytes);
void device_copy(Device *dev, void *to, const void *from, size_t bytes);

/* Copies beside the ops, on the copy stream. device_feed enqueues; `from` (of device_alloc_host, or
 * the copy waits) must stay until the device_feed_done that follows. Ops enqueued later see what
 * was fed before device_feed_join; what is fed after device_feed_follow waits for the ops enqueued
 * before it. On the CPU feeding copies at once and the others do nothing. */
void device_feed(Device *dev, void *to, const void *from, size_t bytes);
void device_feed_join(Device *dev);
void device_feed_follow(Device *dev);
void device_feed_done(Device *dev); /* waits for the copy stream */

/* Enqueues, in the order of the ops; `to` (of device_alloc_host) may be read when an event marked
 * later has been waited for. On the CPU it copies at once. */
void device_fetch(Device *dev, void *to, const void *from, size_t bytes);

/* A staging buffer is device memory into which arrays of the host are fed, so that ops can read
 * them. On the CPU ops read the arrays themselves: there *staging is NULL. */
Status device_alloc_staging(Device *dev, void **staging, size_t bytes, const char *use);
/* The array `from` as ops read it: on the CPU `from` itself, on CUDA `staging`, into which it is
 * fed. */
void *device_stage(Device *dev, void *staging, void *from, size_t bytes);
/* Device memory as the host reads it: on the CPU `memory` itself; on CUDA a copy, made in the order
 * of the ops, which device_read_done frees. NULL where the device does not run or the host has no
 * memory; then the device has failed, or it measures. */
void *device_read(Device *dev, void *memory, size_t bytes);
void device_read_done(Device *dev, void *copy); /* NULL: does nothing */

/* ---- Events and ranges ----------------------------------------------------------------------- */

/* A point in the work of a device that the host waits for; marked again, it is the later point. On
 * the CPU all work is done when it is enqueued: there the functions do nothing, the event is
 * NULL. */
typedef struct DeviceEvent DeviceEvent;
Status device_event_open(Device *dev, DeviceEvent **event);
void device_event_close(Device *dev, DeviceEvent *event);     /* NULL: does nothing */
void device_event_mark(Device *dev, DeviceEvent *event);      /* behind the ops so far */
void device_event_mark_feed(Device *dev, DeviceEvent *event); /* behind what was fed so far */
void device_event_wait(Device *dev, DeviceEvent *event); /* at once where it was never marked */

/* A range of the host's time that profilers show by name (NVTX), e.g. a step; ranges nest. Costs
 * nothing without a profiler, and on the CPU. */
void device_range_begin(Device *dev, const char *name);
void device_range_end(Device *dev);

/* True when `dev` is a CUDA device. HAVE_CUDA is a constant 0 or 1 from the build, so in a CPU-only
 * build the branch and every call inside it vanish: no #ifdef, no stubs. */
#define ON_CUDA(dev) (HAVE_CUDA && (dev)->kind == DEVICE_CUDA)

/* The dtype of activations in a call of an op: f32 or bf16, as `like` is. */
static inline Dtype activation_dtype(Tensor like) { return like.dtype == BF16 ? BF16 : F32; }

#ifdef __cplusplus
}
#endif
#endif

/* Where work runs. Every op takes a Device first. A process may have several, each used by one thread
 * at a time; they share nothing.
 *
 * The CPU device runs ops at once, on `threads` OpenMP threads of its own; the bits of a result never
 * depend on their number. A CUDA device enqueues on its compute stream and returns; what an op finds wrong
 * only then (an id out of range) stops the device. A failure on a device is sticky: later ops do
 * nothing and device_sync() reports the first one.
 */
#ifndef SOUK_DEVICE_H
#define SOUK_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { DEVICE_CPU, DEVICE_CUDA } DeviceKind;

/* Temporary memory of ops: a stack of blocks, kept between steps, so that after the first step
 * nothing is allocated. */
typedef struct ScratchBlock ScratchBlock;
typedef struct {
    ScratchBlock *top;
    size_t in_use;     /* bytes handed out now */
    size_t high_water; /* most bytes ever handed out at once */
    int64_t bottoms;   /* lowest blocks so far: while it stays, what is taken lies where it lay */
} Scratch;

typedef struct {
    DeviceKind kind;
    int index;
    int threads;
    Status status;
    Scratch scratch;
    bool recording;          /* a graph */
    struct DeviceCuda *cuda; /* base/cuda/device.h; NULL on the CPU */
} Device;

/* `name` is "cpu", "cuda" (the first GPU) or "cuda:N". `threads` <= 0: as many as
 * the process has processors at this moment. */
Status device_open(Device *dev, const char *name, int threads);
/* Wait for all work; the first failure, which stays until the device is closed. */
Status device_sync(Device *dev);
/* Safe on a zeroed and on a closed device. */
void device_close(Device *dev);

/* Memory of the device, zeroed, aligned to 256 bytes. On failure returns NULL and records it. */
void *device_alloc(Device *dev, size_t bytes);
void device_free(Device *dev, void *memory); /* NULL: nothing */

/* Copies in the order of the ops: after those enqueued before, before those enqueued later. On
 * return `from` of device_copy_in may be changed and `to` of device_copy_out may be read (so both
 * wait: not for the inside of a step); device_copy, from device memory to device memory, only
 * enqueues. */
void device_copy_in(Device *dev, void *to, const void *from, size_t bytes);
void device_copy_out(Device *dev, void *to, const void *from, size_t bytes);
void device_copy(Device *dev, void *to, const void *from, size_t bytes);

/* Copies beside the ops, on the copy stream. device_feed enqueues; `from` (of device_alloc_host, or
 * the copy waits) must stay until the device_feed_done that follows. Later ops see what was fed
 * before device_feed_join; what is fed after device_feed_follow waits for the ops enqueued before
 * it. On the CPU feeding copies at once and the others do nothing. */
void device_feed(Device *dev, void *to, const void *from, size_t bytes);
void device_feed_join(Device *dev);
void device_feed_follow(Device *dev);
void device_feed_done(Device *dev); /* waits for the copy stream */

/* Enqueues, in the order of the ops; `to` (of device_alloc_host) may be read when an event marked
 * later has been waited for. On the CPU it copies at once. */
void device_fetch(Device *dev, void *to, const void *from, size_t bytes);

/* A point in the work of a device that the host waits for; marked again, it is the later point. On
 * the CPU all work is done when it is enqueued: there the functions do nothing, the event is
 * NULL. */
typedef struct DeviceEvent DeviceEvent;
Status device_event_open(Device *dev, DeviceEvent **event);
void device_event_close(Device *dev, DeviceEvent *event);     /* NULL: nothing */
void device_event_mark(Device *dev, DeviceEvent *event);      /* behind the ops so far */
void device_event_mark_feed(Device *dev, DeviceEvent *event); /* behind what was fed so far */
void device_event_wait(Device *dev, DeviceEvent *event); /* at once where it was never marked */

/* Marks in the work of a device, and the time that it took between them, by the device's own clock:
 * the host may run ahead. On the CPU, where work is done when it is enqueued, the machine's clock.
 * `i` is below `marks`. */
typedef struct DeviceClock DeviceClock;
Status device_clock_open(Device *dev, int marks, DeviceClock **clock);
void device_clock_close(Device *dev, DeviceClock *clock);       /* NULL: nothing */
void device_clock_mark(Device *dev, DeviceClock *clock, int i); /* behind the ops so far */
/* Seconds from mark `from` to mark `to`, which it waits for; 0 on a device that has failed. */
double device_clock_seconds(Device *dev, DeviceClock *clock, int from, int to);

/* What a device is, for reports. */
typedef struct {
    char processor[256]; /* of the host */
    char name[256];      /* of the GPU, or the processor's */
    char driver[64];     /* of the GPU, with the CUDA version that it serves; "" on the CPU */
    int units;           /* multiprocessors; threads */
    int capability;      /* of the GPU, 90 for sm_90; 0 on the CPU */
    size_t cache;        /* bytes of the last level */
    size_t memory;       /* bytes, used and free */
} DeviceInfo;
void device_info(Device *dev, DeviceInfo *info);

/* Ops recorded once, to be run again in one call, with the arguments and on the memory they were
 * recorded with (a CUDA graph): what is to change must lie in that memory. Between begin and end
 * ops are not run, and nothing may allocate or wait; so record what has run before, when
 * device_settled says that its scratch will not move. A failure is the device's. */
typedef struct DeviceGraph DeviceGraph;
bool device_settled(const Device *dev); /* false on the CPU, where graphs are not */
void device_graph_begin(Device *dev);
DeviceGraph *device_graph_end(Device *dev); /* NULL where recording failed */
/* The scratch that it was recorded with is still there: else it must not run. */
bool device_graph_holds(const Device *dev, const DeviceGraph *graph);
void device_graph_run(Device *dev, DeviceGraph *graph);
void device_graph_close(Device *dev, DeviceGraph *graph); /* NULL: nothing */

/* A range of the host's time that profilers show by name (NVTX), e.g. a step; ranges nest. Costs
 * nothing without a profiler, and on the CPU. */
void device_range_begin(Device *dev, const char *name);
void device_range_end(Device *dev);

/* Host memory as ops read it: on the CPU `from` itself; on CUDA `room`, into which it is fed.
 * `room` is of device_room: NULL on the CPU, where none is needed. */
Status device_room(Device *dev, void **room, size_t bytes);
void *device_place(Device *dev, void *room, void *from, size_t bytes);
/* Device memory as the host reads it: on the CPU `memory` itself; on CUDA a copy, made in the order
 * of the ops, which device_read_done frees. On failure returns NULL and records it. */
void *device_read(Device *dev, void *memory, size_t bytes);
void device_read_done(Device *dev, void *copy);
/* Bytes that a plan may count on: the machine's, or the GPU's free ones. */
size_t device_memory(Device *dev);

/* Memory of the host that the copy stream reads at full speed; contents undefined. On failure
 * returns NULL and records it. */
void *device_alloc_host(Device *dev, size_t bytes);
void device_free_host(Device *dev, void *memory);

/* Scratch of one op: mark, take tensors, release to the mark. Contents are undefined. Aborts when
 * the machine has no memory left (a plan is checked before training starts). */
size_t scratch_mark(Device *dev);
Tensor scratch_tensor(Device *dev, Dtype dtype, int rank, const int64_t *dim);
void scratch_release(Device *dev, size_t mark);
/* An array of the host in scratch; `from` may change on return. */
Tensor scratch_copy(Device *dev, const void *from, Dtype dtype, int64_t count);
/* Make an empty scratch one block of the most bytes ever handed out at once. The first tensor that
 * is taken does so too; whoever does it before allocates nothing later. Nothing happens while
 * tensors are in use. */
void scratch_settle(Device *dev);
#define SCRATCH(dev, dtype, ...) scratch_tensor((dev), (dtype), TENSOR_DIMS(__VA_ARGS__))

/* True when `dev` is a CUDA device. HAVE_CUDA is a constant 0 or 1 from the build, so in a CPU-only
 * build the branch and every call inside it vanish: no #ifdef, no stubs. */
#define ON_CUDA(dev) (HAVE_CUDA && (dev)->kind == DEVICE_CUDA)

/* The dtype of activations in a call of an op: f32 or bf16, as `like` is. */
static inline Dtype activation_dtype(Tensor like) { return like.dtype == BF16 ? BF16 : F32; }

#ifdef __cplusplus
}
#endif
#endif

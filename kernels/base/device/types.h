/* SPDX-License-Identifier: Apache-2.0 */
/* The types of base/device*.h and the state of a device. Programs include base/device.h, which says
 * what a device is. The types have a file of their own because the CUDA side (base/cuda/device.h)
 * needs them and base/device.c calls the CUDA side: without this file the two would include each
 * other.
 */
#ifndef SOUK_DEVICE_TYPES_H
#define SOUK_DEVICE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

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
    bool recording;               /* a graph: base/device/graph.h */
    Status status;                /* the first failure; OK: none */
    char message[512], place[64]; /* its message, and the "file.c:123" that recorded it */
    DeviceMemory *memory;         /* [allocations] the memory that the device holds */
    int allocations, capacity;
    Scratch scratch;
    struct DeviceCuda *cuda; /* base/cuda/device.h; NULL on the CPU */
} Device;

/* True when `dev` is a CUDA device. HAVE_CUDA is a constant 0 or 1 from the build, so in a CPU-only
 * build the branch and every call inside it vanish: no #ifdef, no stubs. */
#define ON_CUDA(dev) (HAVE_CUDA && (dev)->kind == DEVICE_CUDA)

/* True where ops read and write: the device has not failed and does not measure. */
static inline bool device_runs(const Device *dev) { return dev->status == OK && !dev->measures; }
/* Keep a failure whose message FAIL has recorded: device_fail(dev, FAIL(ERR_DEVICE, ...)). A device
 * keeps its first failure only. */
static inline void device_fail(Device *dev, Status code)
{
    if (dev->status != OK || code == OK) return;
    dev->status = code;
    snprintf(dev->message, sizeof dev->message, "%s", status_message());
    snprintf(dev->place, sizeof dev->place, "%s", status_place());
}

/* A point between the ops of a device: device_event_open. */
typedef struct DeviceEvent DeviceEvent;

/* A description of a device, for reports: device_info. */
typedef struct {
    char processor[256]; /* of the host */
    char name[256];      /* of the GPU, or the processor's */
    char driver[64];     /* of the GPU, with the CUDA version that it supports; "" on the CPU */
    int units;           /* multiprocessors of the GPU; threads of the CPU */
    int capability;      /* of the GPU, 90 for sm_90; 0 on the CPU */
    size_t cache;        /* bytes of the last level */
    size_t memory;       /* bytes, used and free */
} DeviceInfo;

#ifdef __cplusplus
}
#endif
#endif

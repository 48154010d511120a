/* SPDX-License-Identifier: Apache-2.0 */
/* The CUDA side of base/device.h, in plain C. For kernels/ only: the rest of souk calls
 * base/device.h. */
#ifndef SOUK_DEVICE_CUDA_H
#define SOUK_DEVICE_CUDA_H

#include "base/device/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a CUDA library (cuBLASLt, cuDNN) keeps for a device. The library's own file fills both
 * fields at its first call; before that both are NULL. device_close_cuda() calls close(state). */
typedef struct {
    void *state;
    void (*close)(void *state);
} DeviceLibrary;

struct DeviceCuda {
    void *compute, *feed;            /* cudaStream_t: ops; copies beside them */
    void *compute_done, *fed;        /* cudaEvent_t */
    DeviceLibrary blas, cudnn;       /* of blas.c and cudnn.c */
    int multiprocessors, capability; /* capability: 10 major + minor, 90 for sm_90 */
    int shared;                      /* bytes of shared memory that a block may have */
};

/* Record a failed CUDA call on the device. The first failure stays; later ones are ignored. */
void device_failed_cuda(Device *dev, const char *call, const char *cause);

/* The CUDA halves of the functions of base/device*.h, which say what they do. Where the device does
 * not run, those that enqueue do nothing. */
Status device_open_cuda(Device *dev); /* opens GPU number dev->index */
void device_close_cuda(Device *dev);
void device_sync_cuda(Device *dev);
void *device_alloc_cuda(Device *dev, size_t bytes); /* not zeroed */
void device_free_cuda(Device *dev, void *memory);
void device_zero_cuda(Device *dev, void *memory, size_t bytes);
void *device_alloc_host_cuda(size_t bytes);
void device_free_host_cuda(void *memory);
size_t device_available_cuda(Device *dev);
void device_copy_in_cuda(Device *dev, void *to, const void *from, size_t bytes);
void device_copy_out_cuda(Device *dev, void *to, const void *from, size_t bytes);
void device_copy_cuda(Device *dev, void *to, const void *from, size_t bytes);
void device_feed_cuda(Device *dev, void *to, const void *from, size_t bytes);
void device_feed_join_cuda(Device *dev);
void device_feed_follow_cuda(Device *dev);
void device_feed_done_cuda(Device *dev);
void device_fetch_cuda(Device *dev, void *to, const void *from, size_t bytes);
DeviceEvent *device_event_open_cuda(Device *dev);
void device_event_close_cuda(DeviceEvent *event);
void device_event_mark_cuda(Device *dev, DeviceEvent *event, void *stream);
void device_event_wait_cuda(Device *dev, DeviceEvent *event);
void *device_mark_open_cuda(Device *dev); /* an event that records its time; NULL: failed */
float device_milliseconds_cuda(Device *dev, void *from, void *to);
void device_info_cuda(Device *dev, DeviceInfo *info);
void device_graph_begin_cuda(Device *dev);
/* The recorded graph, for device_graph_run_cuda and device_graph_close_cuda; NULL: failed. */
void *device_graph_end_cuda(Device *dev);
void device_graph_run_cuda(Device *dev, void *executable);
void device_graph_close_cuda(void *executable);
void device_range_begin_cuda(const char *name);
void device_range_end_cuda(void);

#ifdef __cplusplus
}
#endif
#endif

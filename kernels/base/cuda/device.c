/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cuda/device.h"

#include <cuda_runtime_api.h>
#include <nvtx3/nvToolsExt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void device_failed_cuda(Device *dev, const char *call, const char *cause)
{
    device_fail(dev, FAIL(ERR_DEVICE, "cuda:%d: %s: %s", dev->index, call, cause));
}

/* Record a failed call; true when it went well. */
static int went_well(Device *dev, cudaError_t error, const char *call)
{
    if (error != cudaSuccess) device_failed_cuda(dev, call, cudaGetErrorString(error));
    return error == cudaSuccess;
}
#define CALL(dev, call) went_well((dev), (call), #call)

static Status check_index(const Device *dev)
{
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0)
        return FAIL(ERR_DEVICE, "device \"cuda\": no GPU can be used here (%s)",
                    error == cudaSuccess ? "none is installed" : cudaGetErrorString(error));
    if (dev->index >= count)
        return FAIL(ERR_USAGE, "device \"cuda:%d\": this machine has %d, from cuda:0", dev->index,
                    count);
    return OK;
}

Status device_open_cuda(Device *dev)
{
    TRY(check_index(dev));
    struct DeviceCuda *c = dev->cuda = calloc(1, sizeof *c);
    if (!c) return FAIL(ERR_MEMORY, "no memory for a device");
    int major = 0, minor = 0;
    CALL(dev, cudaSetDevice(dev->index));
    CALL(dev,
         cudaDeviceGetAttribute(&c->multiprocessors, cudaDevAttrMultiProcessorCount, dev->index));
    CALL(dev, cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, dev->index));
    CALL(dev, cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, dev->index));
    c->capability = 10 * major + minor;
    CALL(dev,
         cudaDeviceGetAttribute(&c->shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, dev->index));
    CALL(dev, cudaStreamCreateWithFlags((cudaStream_t *)&c->compute, cudaStreamNonBlocking));
    CALL(dev, cudaStreamCreateWithFlags((cudaStream_t *)&c->feed, cudaStreamNonBlocking));
    CALL(dev, cudaEventCreateWithFlags((cudaEvent_t *)&c->compute_done, cudaEventDisableTiming));
    CALL(dev, cudaEventCreateWithFlags((cudaEvent_t *)&c->fed, cudaEventDisableTiming));
    const Status status = dev->status;
    if (status != OK) device_close_cuda(dev);
    return status;
}

static void close_library(const DeviceLibrary *library)
{
    if (library->close) library->close(library->state);
}

void device_close_cuda(Device *dev)
{
    struct DeviceCuda *c = dev->cuda;
    if (!c) return;
    close_library(&c->blas);
    close_library(&c->cudnn);
    if (c->compute_done) cudaEventDestroy(c->compute_done);
    if (c->fed) cudaEventDestroy(c->fed);
    if (c->compute) cudaStreamDestroy(c->compute);
    if (c->feed) cudaStreamDestroy(c->feed);
    free(c);
    dev->cuda = NULL;
}

void device_sync_cuda(Device *dev)
{
    CALL(dev, cudaStreamSynchronize(dev->cuda->compute));
    CALL(dev, cudaStreamSynchronize(dev->cuda->feed));
}

/* ---- Memory ---------------------------------------------------------------------------------- */

void *device_alloc_cuda(Device *dev, size_t bytes)
{
    (void)dev;
    void *memory = NULL;
    if (cudaMalloc(&memory, bytes) == cudaSuccess) return memory;
    cudaGetLastError(); /* cleared, or the next launch would report it; the caller reports it */
    return NULL;
}

void device_free_cuda(Device *dev, void *memory) { CALL(dev, cudaFree(memory)); }

void device_zero_cuda(Device *dev, void *memory, size_t bytes)
{
    CALL(dev, cudaMemsetAsync(memory, 0, bytes, dev->cuda->compute));
    CALL(dev, cudaStreamSynchronize(dev->cuda->compute)); /* the copy stream may write it next */
}

void *device_alloc_host_cuda(size_t bytes)
{
    void *memory = NULL;
    if (cudaMallocHost(&memory, bytes ? bytes : 1) == cudaSuccess) return memory;
    cudaGetLastError();
    return NULL;
}

void device_free_host_cuda(void *memory) { cudaFreeHost(memory); }

size_t device_available_cuda(Device *dev)
{
    size_t unused = 0, all = 0;
    CALL(dev, cudaMemGetInfo(&unused, &all));
    return unused;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static int copy(Device *dev, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                void *stream)
{
    return device_runs(dev) && CALL(dev, cudaMemcpyAsync(to, from, bytes, kind, stream));
}

void device_copy_in_cuda(Device *dev, void *to, const void *from, size_t bytes)
{
    if (copy(dev, to, from, bytes, cudaMemcpyHostToDevice, dev->cuda->compute))
        CALL(dev, cudaStreamSynchronize(dev->cuda->compute));
}

void device_copy_out_cuda(Device *dev, void *to, const void *from, size_t bytes)
{
    if (copy(dev, to, from, bytes, cudaMemcpyDeviceToHost, dev->cuda->compute))
        CALL(dev, cudaStreamSynchronize(dev->cuda->compute));
}

void device_copy_cuda(Device *dev, void *to, const void *from, size_t bytes)
{
    copy(dev, to, from, bytes, cudaMemcpyDeviceToDevice, dev->cuda->compute);
}

void device_feed_cuda(Device *dev, void *to, const void *from, size_t bytes)
{
    copy(dev, to, from, bytes, cudaMemcpyHostToDevice, dev->cuda->feed);
}

/* Stream `later` waits for the work that stream `earlier` has been given so far. */
static void order(Device *dev, void *later, void *earlier, void *event)
{
    if (!device_runs(dev) || !CALL(dev, cudaEventRecord(event, earlier))) return;
    CALL(dev, cudaStreamWaitEvent(later, event, 0));
}

void device_feed_join_cuda(Device *dev)
{
    order(dev, dev->cuda->compute, dev->cuda->feed, dev->cuda->fed);
}

void device_feed_follow_cuda(Device *dev)
{
    order(dev, dev->cuda->feed, dev->cuda->compute, dev->cuda->compute_done);
}

void device_feed_done_cuda(Device *dev)
{
    if (device_runs(dev)) CALL(dev, cudaStreamSynchronize(dev->cuda->feed));
}

void device_fetch_cuda(Device *dev, void *to, const void *from, size_t bytes)
{
    copy(dev, to, from, bytes, cudaMemcpyDeviceToHost, dev->cuda->compute);
}

/* ---- Events, graphs, ranges ------------------------------------------------------------------ */

DeviceEvent *device_event_open_cuda(Device *dev)
{
    cudaEvent_t event = NULL;
    CALL(dev, cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return (DeviceEvent *)event;
}

void device_event_close_cuda(DeviceEvent *event) { cudaEventDestroy((cudaEvent_t)event); }

void device_event_mark_cuda(Device *dev, DeviceEvent *event, void *stream)
{
    if (device_runs(dev)) CALL(dev, cudaEventRecord((cudaEvent_t)event, stream));
}

void device_event_wait_cuda(Device *dev, DeviceEvent *event)
{
    if (device_runs(dev)) CALL(dev, cudaEventSynchronize((cudaEvent_t)event));
}

void *device_mark_open_cuda(Device *dev)
{
    cudaEvent_t event = NULL;
    CALL(dev, cudaEventCreateWithFlags(&event, cudaEventDefault));
    return event;
}

float device_milliseconds_cuda(Device *dev, void *from, void *to)
{
    float milliseconds = 0.0f;
    if (device_runs(dev) && CALL(dev, cudaEventSynchronize(to)))
        CALL(dev, cudaEventElapsedTime(&milliseconds, from, to));
    return milliseconds;
}

/* CUDA's interface does not give the driver's own version; the Linux kernel does. */
static void find_driver(char *version, size_t size)
{
    char line[256] = "";
    FILE *f = fopen("/proc/driver/nvidia/version", "r");
    if (f && !fgets(line, sizeof line, f)) line[0] = '\0';
    if (f) fclose(f);
    /* The line is "NVRM version: ... Module  580.95.05  Release Build ...". */
    const char *word = strstr(line, "  ");
    while (word && (*word < '0' || *word > '9')) word = *word ? word + 1 : NULL;
    snprintf(version, size, "%.*s", word ? (int)strcspn(word, " \n") : 0, word ? word : "");
}

void device_info_cuda(Device *dev, DeviceInfo *info)
{
    struct cudaDeviceProp properties = {0};
    int served = 0;
    char driver[32];
    CALL(dev, cudaGetDeviceProperties(&properties, dev->index));
    CALL(dev, cudaDriverGetVersion(&served));
    find_driver(driver, sizeof driver);
    snprintf(info->name, sizeof info->name, "%s", properties.name);
    snprintf(info->driver, sizeof info->driver, "%s%sCUDA %d.%d", driver, driver[0] ? ", " : "",
             served / 1000, served % 1000 / 10);
    info->units = properties.multiProcessorCount;
    info->capability = dev->cuda->capability;
    info->cache = (size_t)properties.l2CacheSize;
    info->memory = properties.totalGlobalMem;
}

void device_graph_begin_cuda(Device *dev)
{
    if (device_runs(dev))
        CALL(dev, cudaStreamBeginCapture(dev->cuda->compute, cudaStreamCaptureModeThreadLocal));
}

/* The capture has to end even where an op in it has failed the device. */
void *device_graph_end_cuda(Device *dev)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t executable = NULL;
    if (CALL(dev, cudaStreamEndCapture(dev->cuda->compute, &graph)) && dev->status == OK)
        CALL(dev, cudaGraphInstantiateWithFlags(&executable, graph, 0));
    if (graph) cudaGraphDestroy(graph);
    return executable;
}

void device_graph_run_cuda(Device *dev, void *executable)
{
    if (device_runs(dev)) CALL(dev, cudaGraphLaunch(executable, dev->cuda->compute));
}

void device_graph_close_cuda(void *executable) { cudaGraphExecDestroy(executable); }

void device_range_begin_cuda(const char *name) { nvtxRangePushA(name); }
void device_range_end_cuda(void) { nvtxRangePop(); }

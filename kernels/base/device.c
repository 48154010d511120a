/* SPDX-License-Identifier: Apache-2.0 */
#include "base/device.h"

#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cuda/device.h"

enum { ALIGN = 256 };

/* ---- Opening --------------------------------------------------------------------------------- */

/* The N of "cuda:N", 0 of "cuda"; -1 for any other name. */
static int cuda_index(const char *name)
{
    if (strncmp(name, "cuda", 4) != 0) return -1;
    if (name[4] == '\0') return 0;
    char *end;
    const long index = name[4] == ':' && name[5] ? strtol(name + 5, &end, 10) : -1;
    return index >= 0 && index < 1 << 16 && *end == '\0' ? (int)index : -1;
}

static Status open_cuda(Device *dev, const char *name)
{
    dev->index = cuda_index(name);
    if (dev->index < 0)
        return FAIL(ERR_USAGE, "device \"%s\" is unknown: want cpu, cuda or cuda:N", name);
    if (!HAVE_CUDA)
        return FAIL(ERR_USAGE, "device \"%s\": this souk was built for the CPU only", name);
    dev->kind = DEVICE_CUDA;
    return device_open_cuda(dev);
}

Status device_open(Device *dev, const char *name, int threads)
{
    *dev = (Device){.kind = DEVICE_CPU};
    if (strcmp(name, "cpu") != 0) TRY(open_cuda(dev, name));
    dev->threads = threads > 0 ? threads : omp_get_num_procs();
    return OK;
}

void device_open_measuring(Device *dev, const Device *like)
{
    *dev = (Device){.kind = like->kind,
                    .index = like->index,
                    .threads = like->threads,
                    .measures = true,
                    .cuda = like->cuda};
}

Status device_sync(Device *dev)
{
    if (ON_CUDA(dev) && !dev->measures) device_sync_cuda(dev);
    if (dev->status != OK) status_adopt(dev->message, dev->place);
    return dev->status;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static size_t round_up(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

static void *take(Device *dev, size_t bytes, bool host)
{
    if (ON_CUDA(dev)) return host ? device_alloc_host_cuda(bytes) : device_alloc_cuda(dev, bytes);
    return host ? malloc(bytes) : aligned_alloc(ALIGN, bytes);
}

static void give_back(Device *dev, const DeviceMemory *m)
{
    if (dev->measures) return;
    if (ON_CUDA(dev) && m->host)
        device_free_host_cuda(m->memory);
    else if (ON_CUDA(dev))
        device_free_cuda(dev, m->memory);
    else
        free(m->memory);
}

static void close_scratch(Device *dev)
{
    for (ScratchBlock *block = dev->scratch.top, *below; block; block = below) {
        below = block->below;
        free(block);
    }
}

void device_close(Device *dev)
{
    while (dev->allocations > 0) give_back(dev, &dev->memory[--dev->allocations]);
    free(dev->memory);
    close_scratch(dev);
    if (ON_CUDA(dev) && !dev->measures) device_close_cuda(dev);
    *dev = (Device){0};
}

/* The address of the next allocation of a measuring device, behind all that it holds. There is no
 * memory at it. */
static void *address_of_nothing(const Device *dev)
{
    const DeviceMemory *last = dev->allocations ? &dev->memory[dev->allocations - 1] : NULL;
    return last ? (char *)last->memory + round_up(last->bytes) : (char *)(uintptr_t)ALIGN;
}

static bool reserve_record(Device *dev)
{
    if (dev->allocations < dev->capacity) return true;
    const int capacity = dev->capacity ? 2 * dev->capacity : 16;
    DeviceMemory *more = realloc(dev->memory, (size_t)capacity * sizeof *more);
    if (!more) return false;
    dev->memory = more;
    dev->capacity = capacity;
    return true;
}

static void refuse(Device *dev, size_t bytes, bool host, const char *use, const char *detail)
{
    char name[32] = "the machine";
    if (ON_CUDA(dev) && !host) snprintf(name, sizeof name, "cuda:%d", dev->index);
    const size_t available = host ? device_available(&(Device){0}) : device_available(dev);
    FAIL(ERR_MEMORY,
         "no memory for %s%s: want %zu bytes; %s has %zu%s, of which souk holds %zu on this device",
         use, detail ? detail : "", bytes, name, available,
         ON_CUDA(dev) && !host ? " free bytes" : " bytes", device_held(dev, NULL));
}

static void *alloc(Device *dev, size_t bytes, bool host, const char *use, const char *detail)
{
    const size_t size = round_up(bytes ? bytes : 1);
    void *memory = NULL;
    if (reserve_record(dev))
        memory = dev->measures ? address_of_nothing(dev) : take(dev, size, host);
    if (memory)
        dev->memory[dev->allocations++] = (DeviceMemory){memory, size, use, host};
    else
        refuse(dev, bytes, host, use, detail);
    return memory;
}

void *device_alloc_undefined(Device *dev, size_t bytes, const char *use, const char *detail)
{
    return alloc(dev, bytes, false, use, detail);
}

void *device_alloc_host(Device *dev, size_t bytes, const char *use)
{
    return alloc(dev, bytes, true, use, NULL);
}

void *device_alloc(Device *dev, size_t bytes, const char *use)
{
    void *memory = alloc(dev, bytes, false, use, NULL);
    const size_t size = round_up(bytes ? bytes : 1);
    if (!memory || dev->measures) return memory;
    if (ON_CUDA(dev))
        device_zero_cuda(dev, memory, size);
    else
        memset(memory, 0, size);
    return memory;
}

void device_free(Device *dev, void *memory)
{
    int i = memory ? dev->allocations - 1 : 0;
    if (!memory) return;
    while (i >= 0 && dev->memory[i].memory != memory) i--;
    REQUIRE(i >= 0, "memory at %p is freed, want an address that the device holds", memory);
    give_back(dev, &dev->memory[i]);
    memmove(&dev->memory[i], &dev->memory[i + 1],
            (size_t)(--dev->allocations - i) * sizeof *dev->memory);
}

size_t device_held(const Device *dev, const char *use)
{
    size_t bytes = 0;
    for (int i = 0; i < dev->allocations; i++)
        if (!use || strcmp(dev->memory[i].use, use) == 0) bytes += dev->memory[i].bytes;
    return bytes;
}

size_t device_available(Device *dev)
{
    if (ON_CUDA(dev)) return device_available_cuda(dev);
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static void copy(Device *dev, void *to, const void *from, size_t bytes)
{
    if (bytes && device_runs(dev)) memcpy(to, from, bytes);
}

void device_copy_in(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_copy_in_cuda(dev, to, from, bytes);
    else
        copy(dev, to, from, bytes);
}

void device_copy_out(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_copy_out_cuda(dev, to, from, bytes);
    else
        copy(dev, to, from, bytes);
}

void device_copy(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_copy_cuda(dev, to, from, bytes);
    else
        copy(dev, to, from, bytes);
}

void device_feed(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_feed_cuda(dev, to, from, bytes);
    else
        copy(dev, to, from, bytes);
}

void device_feed_join(Device *dev)
{
    if (ON_CUDA(dev)) device_feed_join_cuda(dev);
}

void device_feed_follow(Device *dev)
{
    if (ON_CUDA(dev)) device_feed_follow_cuda(dev);
}

void device_feed_done(Device *dev)
{
    if (ON_CUDA(dev)) device_feed_done_cuda(dev);
}

void device_fetch(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_fetch_cuda(dev, to, from, bytes);
    else
        copy(dev, to, from, bytes);
}

Status device_alloc_staging(Device *dev, void **staging, size_t bytes, const char *use)
{
    *staging = ON_CUDA(dev) ? device_alloc(dev, bytes, use) : NULL;
    return ON_CUDA(dev) && !*staging ? ERR_MEMORY : OK;
}

void *device_stage(Device *dev, void *staging, void *from, size_t bytes)
{
    if (!ON_CUDA(dev)) return from;
    device_feed_cuda(dev, staging, from, bytes);
    return staging;
}

void *device_read(Device *dev, void *memory, size_t bytes)
{
    if (!device_runs(dev)) return NULL;
    if (!ON_CUDA(dev)) return memory;
    void *on_host = malloc(bytes ? bytes : 1);
    if (on_host)
        device_copy_out_cuda(dev, on_host, memory, bytes);
    else
        device_fail(dev, FAIL(ERR_MEMORY, "no memory to read %zu bytes from the device", bytes));
    return on_host;
}

void device_read_done(Device *dev, void *on_host)
{
    if (ON_CUDA(dev)) free(on_host);
}

/* ---- Events and ranges ----------------------------------------------------------------------- */

Status device_event_open(Device *dev, DeviceEvent **event)
{
    *event = NULL;
    if (ON_CUDA(dev) && device_runs(dev)) *event = device_event_open_cuda(dev);
    return dev->status;
}

void device_event_close(Device *dev, DeviceEvent *event)
{
    if (ON_CUDA(dev) && event) device_event_close_cuda(event);
}

void device_event_mark(Device *dev, DeviceEvent *event)
{
    if (ON_CUDA(dev)) device_event_mark_cuda(dev, event, dev->cuda->compute);
}

void device_event_mark_feed(Device *dev, DeviceEvent *event)
{
    if (ON_CUDA(dev)) device_event_mark_cuda(dev, event, dev->cuda->feed);
}

void device_event_wait(Device *dev, DeviceEvent *event)
{
    if (ON_CUDA(dev)) device_event_wait_cuda(dev, event);
}

void device_range_begin(Device *dev, const char *name)
{
    if (ON_CUDA(dev)) device_range_begin_cuda(name);
}

void device_range_end(Device *dev)
{
    if (ON_CUDA(dev)) device_range_end_cuda();
}

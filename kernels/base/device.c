#include "base/device.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cuda/device.h"

enum { ALIGN = 256, BLOCK_MIN = 1 << 20 };

struct ScratchBlock {
    ScratchBlock *below;
    size_t start; /* in_use at which this block begins */
    size_t size;
    char *memory;
};

static size_t round_up(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

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

Status device_sync(Device *dev)
{
    if (ON_CUDA(dev)) device_sync_cuda(dev);
    return dev->status;
}

/* Not zeroed. */
static void *take(Device *dev, size_t size)
{
    return ON_CUDA(dev) ? device_alloc_cuda(dev, size) : aligned_alloc(ALIGN, size);
}

void device_free(Device *dev, void *memory)
{
    if (!memory) return;
    if (ON_CUDA(dev))
        device_free_cuda(dev, memory);
    else
        free(memory);
}

static void pop_block(Device *dev)
{
    ScratchBlock *block = dev->scratch.top;
    dev->scratch.top = block->below;
    device_free(dev, block->memory);
    free(block);
}

void device_close(Device *dev)
{
    while (dev->scratch.top) pop_block(dev);
    if (ON_CUDA(dev)) device_close_cuda(dev);
    *dev = (Device){0};
}

void *device_alloc(Device *dev, size_t bytes)
{
    const size_t size = round_up(bytes ? bytes : 1);
    void *memory = take(dev, size);
    if (!memory)
        FAIL(ERR_MEMORY, "cannot allocate %zu bytes", bytes);
    else if (ON_CUDA(dev))
        device_zero_cuda(dev, memory, size);
    else
        memset(memory, 0, size);
    return memory;
}

/* ---- Copies ------------------------------------------------------------------------------------- */

static void copy(void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
}

void device_copy_in(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_copy_in_cuda(dev, to, from, bytes);
    else
        copy(to, from, bytes);
}

void device_copy_out(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_copy_out_cuda(dev, to, from, bytes);
    else
        copy(to, from, bytes);
}

void device_copy(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_copy_cuda(dev, to, from, bytes);
    else
        copy(to, from, bytes);
}

void device_feed(Device *dev, void *to, const void *from, size_t bytes)
{
    if (ON_CUDA(dev))
        device_feed_cuda(dev, to, from, bytes);
    else
        copy(to, from, bytes);
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
        copy(to, from, bytes);
}

void *device_alloc_host(Device *dev, size_t bytes)
{
    void *memory = ON_CUDA(dev) ? device_alloc_host_cuda(bytes) : malloc(bytes ? bytes : 1);
    if (!memory) FAIL(ERR_MEMORY, "cannot allocate %zu bytes of host memory", bytes);
    return memory;
}

void device_free_host(Device *dev, void *memory)
{
    if (!memory) return;
    if (ON_CUDA(dev))
        device_free_host_cuda(memory);
    else
        free(memory);
}

Status device_room(Device *dev, void **room, size_t bytes)
{
    *room = ON_CUDA(dev) ? device_alloc(dev, bytes) : NULL;
    return ON_CUDA(dev) && !*room ? ERR_MEMORY : OK;
}

void *device_place(Device *dev, void *room, void *from, size_t bytes)
{
    if (!ON_CUDA(dev)) return from;
    device_feed_cuda(dev, room, from, bytes);
    return room;
}

void *device_read(Device *dev, void *memory, size_t bytes)
{
    if (!ON_CUDA(dev)) return memory;
    void *copy_of_it = malloc(bytes ? bytes : 1);
    if (copy_of_it)
        device_copy_out_cuda(dev, copy_of_it, memory, bytes);
    else
        FAIL(ERR_MEMORY, "cannot allocate %zu bytes to read from the device", bytes);
    return copy_of_it;
}

void device_read_done(Device *dev, void *copy_of_it)
{
    if (ON_CUDA(dev)) free(copy_of_it);
}

size_t device_memory(Device *dev)
{
    if (ON_CUDA(dev)) return device_memory_cuda(dev);
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- Events, graphs, ranges --------------------------------------------------------------------- */

Status device_event_open(Device *dev, DeviceEvent **event)
{
    *event = NULL;
    if (ON_CUDA(dev)) *event = device_event_open_cuda(dev);
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

struct DeviceGraph {
    void *executable;
    int64_t bottoms; /* of the scratch */
};

static bool scratch_stays(const Scratch *s)
{
    return !s->top || (s->in_use == 0 && !s->top->below && s->top->size >= s->high_water);
}

bool device_settled(const Device *dev) { return ON_CUDA(dev) && scratch_stays(&dev->scratch); }

void device_graph_begin(Device *dev)
{
    REQUIRE(device_settled(dev) && !dev->recording, "a graph of a device that is not settled");
    dev->recording = true;
    if (ON_CUDA(dev)) device_graph_begin_cuda(dev);
}

DeviceGraph *device_graph_end(Device *dev)
{
    DeviceGraph *graph = malloc(sizeof *graph);
    REQUIRE(graph && dev->recording, "the end of a graph that was not begun, or no memory");
    dev->recording = false;
    *graph = (DeviceGraph){NULL, dev->scratch.bottoms};
    if (ON_CUDA(dev)) graph->executable = device_graph_end_cuda(dev);
    if (graph->executable) return graph;
    free(graph);
    return NULL;
}

bool device_graph_holds(const Device *dev, const DeviceGraph *graph)
{
    return graph->bottoms == dev->scratch.bottoms;
}

void device_graph_run(Device *dev, DeviceGraph *graph)
{
    REQUIRE(device_graph_holds(dev, graph), "a graph whose scratch is gone");
    if (ON_CUDA(dev)) device_graph_run_cuda(dev, graph->executable);
}

void device_graph_close(Device *dev, DeviceGraph *graph)
{
    if (ON_CUDA(dev) && graph) device_graph_close_cuda(graph->executable);
    free(graph);
}

void device_range_begin(Device *dev, const char *name)
{
    if (ON_CUDA(dev)) device_range_begin_cuda(name);
}

void device_range_end(Device *dev)
{
    if (ON_CUDA(dev)) device_range_end_cuda();
}

/* ---- Scratch ------------------------------------------------------------------------------------ */

size_t scratch_mark(Device *dev) { return dev->scratch.in_use; }

static void push_block(Device *dev, size_t size)
{
    ScratchBlock *block = malloc(sizeof *block);
    if (size < BLOCK_MIN) size = BLOCK_MIN;
    REQUIRE(!dev->recording, "scratch grows by %zu bytes while a graph is recorded", size);
    char *memory = block ? take(dev, size) : NULL;
    REQUIRE(memory, "scratch: cannot allocate %zu bytes", size);
    *block = (ScratchBlock){dev->scratch.top, dev->scratch.in_use, size, memory};
    if (!dev->scratch.top) dev->scratch.bottoms++;
    dev->scratch.top = block;
}

void scratch_settle(Device *dev)
{
    const Scratch *s = &dev->scratch;
    if (s->in_use > 0 || !s->top || s->top->size >= s->high_water) return;
    while (s->top) pop_block(dev);
    push_block(dev, s->high_water);
}

Tensor scratch_tensor(Device *dev, Dtype dtype, int rank, const int64_t *dim)
{
    Scratch *s = &dev->scratch;
    Tensor t = tensor_view(NULL, dtype, rank, dim);
    const size_t size = round_up(tensor_bytes(t));
    scratch_settle(dev);
    if (!s->top || s->in_use - s->top->start + size > s->top->size) push_block(dev, size);
    t.data = s->top->memory + (s->in_use - s->top->start);
    s->in_use += size;
    if (s->in_use > s->high_water) s->high_water = s->in_use;
    return t;
}

Tensor scratch_copy(Device *dev, const void *from, Dtype dtype, int64_t count)
{
    Tensor t = SCRATCH(dev, dtype, count);
    device_copy_in(dev, t.data, from, tensor_bytes(t));
    return t;
}

void scratch_release(Device *dev, size_t mark)
{
    Scratch *s = &dev->scratch;
    REQUIRE(mark <= s->in_use, "scratch released to %zu, only %zu in use", mark, s->in_use);
    while (s->top && s->top->below && s->top->start >= mark) pop_block(dev);
    s->in_use = mark;
}

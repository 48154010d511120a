#include "base/device.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256, BLOCK_MIN = 1 << 20 };

struct ScratchBlock {
    ScratchBlock *below;
    size_t start; /* in_use at which this block begins */
    size_t size;
    char *memory;
};

static size_t round_up(size_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

Status device_open(Device *dev, const char *name, int threads)
{
    *dev = (Device){.kind = DEVICE_CPU};
    if (strcmp(name, "cpu") != 0)
        return FAIL(ERR_USAGE, "device \"%s\": this souk was built for \"cpu\" only", name);
    dev->threads = threads > 0 ? threads : omp_get_num_procs();
    omp_set_dynamic(0);
    omp_set_num_threads(dev->threads);
    return OK;
}

Status device_sync(Device *dev) { return dev->status; }

static void pop_block(Device *dev)
{
    ScratchBlock *block = dev->scratch.top;
    dev->scratch.top = block->below;
    free(block->memory);
    free(block);
}

void device_close(Device *dev)
{
    while (dev->scratch.top) pop_block(dev);
    *dev = (Device){0};
}

void *device_alloc(Device *dev, size_t bytes)
{
    (void)dev;
    const size_t size = round_up(bytes ? bytes : 1);
    void *memory = aligned_alloc(ALIGN, size);
    if (memory)
        memset(memory, 0, size);
    else
        FAIL(ERR_MEMORY, "cannot allocate %zu bytes", bytes);
    return memory;
}

void device_free(Device *dev, void *memory)
{
    (void)dev;
    free(memory);
}

size_t scratch_mark(Device *dev) { return dev->scratch.in_use; }

static void push_block(Device *dev, size_t size)
{
    ScratchBlock *block = malloc(sizeof *block);
    if (size < BLOCK_MIN) size = BLOCK_MIN;
    char *memory = block ? aligned_alloc(ALIGN, size) : NULL;
    REQUIRE(memory, "scratch: cannot allocate %zu bytes", size);
    *block = (ScratchBlock){dev->scratch.top, dev->scratch.in_use, size, memory};
    dev->scratch.top = block;
}

Tensor scratch_tensor(Device *dev, Dtype dtype, int rank, const int64_t *dim)
{
    Scratch *s = &dev->scratch;
    Tensor t = tensor_view(NULL, dtype, rank, dim);
    const size_t size = round_up(tensor_bytes(t));
    /* An empty stack becomes one block of the largest size ever needed. */
    if (s->in_use == 0 && s->top && s->top->size < s->high_water) {
        while (s->top) pop_block(dev);
        push_block(dev, s->high_water);
    }
    if (!s->top || s->in_use - s->top->start + size > s->top->size) push_block(dev, size);
    t.data = s->top->memory + (s->in_use - s->top->start);
    s->in_use += size;
    if (s->in_use > s->high_water) s->high_water = s->in_use;
    return t;
}

void scratch_release(Device *dev, size_t mark)
{
    Scratch *s = &dev->scratch;
    REQUIRE(mark <= s->in_use, "scratch released to %zu, only %zu in use", mark, s->in_use);
    while (s->top && s->top->below && s->top->start >= mark) pop_block(dev);
    s->in_use = mark;
}

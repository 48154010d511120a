/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scratch.h"

#include <stdlib.h>

enum { ALIGN = 256, BLOCK_MIN = 1 << 20 };
static const char USE[] = "scratch";

static void pop_block(Device *dev)
{
    ScratchBlock *block = dev->scratch.top;
    dev->scratch.top = block->below;
    device_free(dev, block->memory);
    free(block);
}

/* Returns false where there is no memory: then the device has failed. `detail` (NULL: none) says in
 * the message which tensor needs the block. */
static bool push_block(Device *dev, size_t size, const char *detail)
{
    Scratch *s = &dev->scratch;
    REQUIRE(!dev->recording, "scratch grows by %zu bytes while a graph is recorded", size);
    ScratchBlock *block = malloc(sizeof *block);
    char *memory = block ? device_alloc_undefined(dev, size, USE, detail) : NULL;
    if (!memory) { /* where device_alloc_undefined has failed, its message is recorded and stays */
        free(block);
        device_fail(dev, FAIL(ERR_MEMORY, "no memory for scratch%s: want %zu bytes",
                              detail ? detail : "", size));
        return false;
    }
    *block = (ScratchBlock){s->top, s->in_use, size, memory};
    if (!s->top) s->bottoms++;
    s->top = block;
    return true;
}

bool scratch_stays(const Device *dev)
{
    const Scratch *s = &dev->scratch;
    return !s->top || (s->in_use == 0 && !s->top->below && s->top->size >= s->high_water);
}

void scratch_settle(Device *dev)
{
    Scratch *s = &dev->scratch;
    if (s->in_use > 0 || !device_runs(dev) || scratch_stays(dev)) return;
    while (s->top) pop_block(dev);
    push_block(dev, s->high_water, NULL);
}

Status scratch_reserve(Device *dev, size_t bytes)
{
    Scratch *s = &dev->scratch;
    REQUIRE(s->in_use == 0, "scratch is reserved while %zu bytes are in use", s->in_use);
    if (!device_runs(dev) || bytes == 0 || (s->top && !s->top->below && s->top->size >= bytes))
        return dev->status;
    while (s->top) pop_block(dev);
    push_block(dev, bytes, NULL);
    return dev->status;
}

size_t scratch_mark(Device *dev) { return dev->scratch.in_use; }

static bool grow(Device *dev, size_t size, Tensor t)
{
    char shape[128], detail[160];
    tensor_describe(shape, sizeof shape, t);
    snprintf(detail, sizeof detail, " (a tensor %s)", shape);
    return push_block(dev, size > BLOCK_MIN ? size : BLOCK_MIN, detail);
}

/* The next `size` bytes of the stack, for tensor t; NULL: the device does not run. */
static char *next_bytes(Device *dev, size_t size, Tensor t)
{
    Scratch *s = &dev->scratch;
    scratch_settle(dev);
    if (!device_runs(dev)) return NULL;
    const bool fits = s->top && s->in_use - s->top->start + size <= s->top->size;
    return fits || grow(dev, size, t) ? s->top->memory + (s->in_use - s->top->start) : NULL;
}

Tensor scratch_tensor(Device *dev, Dtype dtype, int rank, const int64_t *dim)
{
    Scratch *s = &dev->scratch;
    Tensor t = tensor_view(NULL, dtype, rank, dim);
    const size_t size = (tensor_bytes(t) + ALIGN - 1) / ALIGN * ALIGN;
    t.data = next_bytes(dev, size, t);
    /* Where the device does not run: an address that holds no data. It is not NULL, because NULL
     * means an absent tensor. */
    if (!t.data) t.data = (char *)(uintptr_t)ALIGN + s->in_use;
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
    REQUIRE(mark <= s->in_use,
            "scratch is released to %zu bytes, want at most the %zu bytes in use", mark, s->in_use);
    while (s->top && s->top->below && s->top->start >= mark) pop_block(dev);
    s->in_use = mark;
}

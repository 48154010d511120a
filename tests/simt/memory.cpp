/* SPDX-License-Identifier: Apache-2.0 */
/* Device memory and the runtime's other calls. Device memory is one reserved range of addresses.
 * Allocations have gaps between them, are filled with junk (NaN, -1), and are never handed out
 * again once freed, so that a use after free is seen. SIMT_STRICT_HOST=1 makes the range
 * inaccessible except in kernels and copies, so that host code that follows a device pointer
 * crashes there.
 */
#include "internal.h"

#include <cstdlib>
#include <map>
#include <sys/mman.h>

extern "C" {
void __asan_poison_memory_region(const volatile void *memory, size_t bytes);
void __asan_unpoison_memory_region(const volatile void *memory, size_t bytes);
}

namespace simt
{

enum : size_t { APART = 256, GROW = (size_t)16 << 20 };

char *arena, *dynamic_base;
size_t dynamic_bytes;
static char *arena_top;      /* the next allocation begins here */
static char *arena_open_end; /* the end of the accessible part */
static bool strict_host;
static std::map<char *, size_t> &allocations = *new std::map<char *, size_t>;
static std::map<char *, size_t> &pinned = *new std::map<char *, size_t>; /* on the host */

static void poison(const void *memory, size_t bytes)
{
    if (SIMT_ASAN) __asan_poison_memory_region(memory, bytes);
}
static void unpoison(const void *memory, size_t bytes)
{
    if (SIMT_ASAN) __asan_unpoison_memory_region(memory, bytes);
}

static char *reserve(size_t bytes, int protection)
{
    void *memory =
        mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("no memory", "cannot reserve %zu bytes of addresses", bytes);
    return (char *)memory;
}

void memory_open()
{
    if (arena) return;
    arena = arena_top = arena_open_end = reserve(ARENA_BYTES, PROT_NONE);
    dynamic_base = reserve(DYNAMIC_SPACE, PROT_READ | PROT_WRITE);
    const char *strict = getenv("SIMT_STRICT_HOST");
    strict_host = strict && *strict == '1';
}

void memory_unlock(bool unlock)
{
    if (strict_host && arena_open_end > arena)
        mprotect(arena, (size_t)(arena_open_end - arena),
                 unlock ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void dynamic_begin(size_t bytes)
{
    unpoison(dynamic_base, DYNAMIC_SPACE);
    memset(dynamic_base, 0xff, bytes);
    poison(dynamic_base + bytes, DYNAMIC_SPACE - bytes);
}

void *dynamic_shared() { return dynamic_base; }

bool is_device(const void *memory)
{
    return arena && (const char *)memory >= arena && (const char *)memory < arena + ARENA_BYTES;
}

bool is_dynamic(const void *memory)
{
    return dynamic_base && (const char *)memory >= dynamic_base &&
           (const char *)memory < dynamic_base + DYNAMIC_SPACE;
}

void check_range(const void *memory, size_t bytes, const char *what)
{
    auto next = allocations.upper_bound((char *)memory);
    if (next == allocations.begin())
        fail("bad device pointer", "%s: %p is no device memory", what, memory);
    const auto &found = *--next;
    if ((char *)memory + bytes > found.first + found.second)
        fail("device range out of bounds", "%s: %p + %zu, the allocation is %p + %zu", what, memory,
             bytes, (void *)found.first, found.second);
}

static bool is_pinned(const void *memory, size_t bytes)
{
    auto next = pinned.upper_bound((char *)memory);
    if (next == pinned.begin()) return false;
    const auto &found = *--next;
    return (char *)memory + bytes <= found.first + found.second;
}

static void *take(size_t bytes)
{
    char *memory = arena_top + APART;
    char *top = memory + (bytes + APART - 1) / APART * APART + APART;
    if (top > arena + ARENA_BYTES) return nullptr;
    arena_top = top;
    if (arena_top > arena_open_end) {
        const size_t more = ((size_t)(arena_top - arena_open_end) + GROW - 1) / GROW * GROW;
        mprotect(arena_open_end, more, strict_host ? PROT_NONE : PROT_READ | PROT_WRITE);
        arena_open_end += more;
    }
    memory_unlock(true);
    poison(memory - APART, APART);
    poison(memory + bytes, (size_t)(arena_top - memory) - bytes);
    unpoison(memory, bytes);
    memset(memory, 0xff, bytes);
    memory_unlock(false);
    allocations[memory] = bytes;
    if (SIMT_CHECK) check_allocated(memory, bytes);
    return memory;
}

static void give_back(char *memory)
{
    const auto found = allocations.find(memory);
    if (found == allocations.end()) fail("cudaFree of something else", "%p", (void *)memory);
    const size_t bytes = found->second;
    poison(memory, bytes);
    if (SIMT_CHECK) check_freed(memory, bytes);
    char *first = (char *)(((uintptr_t)memory + 4095) & ~(uintptr_t)4095);
    char *last = (char *)(((uintptr_t)memory + bytes) & ~(uintptr_t)4095);
    if (last > first) madvise(first, (size_t)(last - first), MADV_DONTNEED);
    allocations.erase(found);
}

} // namespace simt

using namespace simt;

static void copy(void *to, const void *from, size_t bytes, bool out)
{
    if (!out) check_range(to, bytes, "copy to the device");
    memory_unlock(true);
    memmove(to, from, bytes);
    memory_unlock(false);
    if (!out && SIMT_CHECK) check_written(to, bytes);
}

extern "C" {

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device ? cudaErrorInvalidDevice : cudaSuccess; }
/* An sm_80, or an sm_90 with SIMT_CAPABILITY=90. */
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int)
{
    const char *text = getenv("SIMT_CAPABILITY");
    const int capability = text ? (int)strtol(text, nullptr, 10) : 80;
    switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
        *value = 4;
        break; /* few, so that loops over the grid repeat */
    case cudaDevAttrComputeCapabilityMajor: *value = capability / 10; break;
    case cudaDevAttrComputeCapabilityMinor: *value = capability % 10; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = capability >= 90 ? (int)DYNAMIC_MAX : 163 << 10;
        break;
    }
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
    *properties = {"emulated GPU", ARENA_BYTES, 1 << 20, 0};
    return cudaDeviceGetAttribute(&properties->multiProcessorCount, cudaDevAttrMultiProcessorCount,
                                  device);
}
cudaError_t cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    memory_open();
    *free_bytes = ARENA_BYTES - (size_t)(arena_top - arena);
    *total_bytes = ARENA_BYTES;
    return cudaSuccess;
}
const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
        return "operation failed due to a previous error during capture";
    default: return "invalid argument";
    }
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    memory_open();
    *memory = bytes ? take(bytes) : nullptr;
    return bytes && !*memory ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFree(void *memory)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    run_all(); /* freeing waits for the device */
    if (memory) give_back((char *)memory);
    return cudaSuccess;
}
cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    *memory = malloc(bytes);
    if (!*memory) return cudaErrorMemoryAllocation;
    memset(*memory, 0xff, bytes);
    pinned[(char *)*memory] = bytes;
    return cudaSuccess;
}
cudaError_t cudaFreeHost(void *memory)
{
    if (capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    run_all();
    pinned.erase((char *)memory);
    free(memory);
    return cudaSuccess;
}

/* Pinned host memory is read and written when the copy runs. Other host memory is read at once;
 * where it is written, the copy runs before the call returns. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    if (bytes == 0) return cudaSuccess;
    const bool in = kind == cudaMemcpyHostToDevice, out = kind == cudaMemcpyDeviceToHost;
    if (!out) check_range(to, bytes, "copy to the device");
    if (!in) check_range(from, bytes, "copy from the device");
    const bool pageable = (in && !is_pinned(from, bytes)) || (out && !is_pinned(to, bytes));
    if (pageable && capture_refuses()) return cudaErrorStreamCaptureUnsupported;
    if (pageable && in) {
        const std::string staged((const char *)from, bytes);
        enqueue(stream, [=] { copy(to, staged.data(), bytes, false); });
        return cudaSuccess;
    }
    enqueue(stream, [=] {
        if (!in) check_range(from, bytes, "copy from the device");
        copy(to, from, bytes, out);
    });
    return pageable ? cudaStreamSynchronize(stream) : cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    if (bytes == 0) return cudaSuccess;
    check_range(memory, bytes, "memset");
    enqueue(stream, [=] {
        check_range(memory, bytes, "memset");
        memory_unlock(true);
        memset(memory, value, bytes);
        memory_unlock(false);
        if (SIMT_CHECK) check_written(memory, bytes);
    });
    return cudaSuccess;
}
}

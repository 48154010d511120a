/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the emulation. SIMT_CHECK and SIMT_ASAN are 0 or 1 from the build. */
#ifndef SIMT_INTERNAL_H
#define SIMT_INTERNAL_H

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "include/cuda_runtime.h"

namespace simt
{

/* ---- Threads and fibers ---------------------------------------------------------------------- */

struct Fiber {
    void *stack_pointer;
    char *low; /* the lowest address of its stack */
    size_t size;
    void *fake_stack; /* AddressSanitizer's */
};

/* An asynchronous copy of one thread. It runs when the thread waits for it. */
struct Copy {
    char *to;
    const char *from;
    int bytes, from_bytes; /* the rest is zeros */
    Where where;
    bool done;
};

/* This thread's part of a product of a warpgroup. It runs when the thread waits for it. */
struct SlabProduct {
    float *d;
    int wide;
    const void *a, *b;
    int column;
    bool first;
};

enum State { READY, WAITS_BLOCK, WAITS_WARP, DONE };

struct Thread {
    uint3 index;
    int linear, lane, warp;
    State state;
    Fiber *fiber;
    const char *what; /* what it waits for */
    Where where;
    int result;                 /* the result of the barrier */
    uint32_t clock, known[32];  /* own time, and that of each lane at the last common __syncwarp */
    std::vector<Copy> copies;   /* not waited for yet */
    std::vector<size_t> groups; /* ends of the committed groups in copies */
    std::vector<SlabProduct> products; /* not waited for yet */
    std::vector<size_t> product_groups;
};

extern Thread *current; /* NULL in the scheduler and outside kernels */
extern bool in_kernel;

/* fiber.cpp */
Fiber *fiber_take(void (*body)());
void fiber_give_back(Fiber *fiber);
void fiber_resume(Fiber *fiber); /* from the scheduler, until it yields */
void fiber_yield(Fiber *fiber);  /* back to the scheduler */

/* block.cpp */
enum Order { ASCENDING, DESCENDING, RANDOM }; /* of threads and blocks, from the seed */
Order order();
uint32_t random_bits();
void make_ready(Thread *thread);
void wait_here(State state, const char *what, Where where); /* the current thread */
[[noreturn]] void fail(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct Block {
    int threads, live;
    std::vector<Thread> &thread;
};
extern Block block;

/* warp.cpp */
void warps_begin(int threads); /* a launch */
void warps_reset();            /* a block */
void warp_exit(const Thread *thread);
uint32_t warp_mask(const Thread *thread); /* lanes of the collective that it waits for */

/* sm90.cpp */
void async_begin();    /* a block */
bool async_progress(); /* when no thread can run: one bulk copy; false when none is left */
void async_end();

/* stream.cpp: the tasks of a stream run in its order, at a time that the seed chooses. */
using Task = std::function<void()>;
void enqueue(cudaStream_t stream, Task task);
void run_all(); /* runs the work of all streams */
/* For calls that are not allowed during a capture: whether a stream is capturing. If so, its
 * capture fails. */
bool capture_refuses();

/* ---- Memory ---------------------------------------------------------------------------------- */

enum : size_t { DYNAMIC_MAX = 227 << 10, DYNAMIC_SPACE = (228 << 10) + 4096 };
enum : size_t { ARENA_BYTES = (size_t)4 << 30 };

/* memory.cpp: device memory is one reserved range of addresses, each handed out only once. */
extern char *arena;
extern char *dynamic_base;
extern size_t dynamic_bytes; /* the dynamic shared memory of this launch */
void memory_open();
void dynamic_begin(size_t bytes); /* a block begins: fill it with junk, poison what follows it */
void memory_unlock(bool kernel_runs);
bool is_device(const void *memory);
/* Ends the program unless the range is inside of one allocation. */
void check_range(const void *memory, size_t bytes, const char *what);
bool is_dynamic(const void *memory);

/* symbols.cpp: the program's own symbol table. */
struct Variable {
    char *begin;
    size_t bytes;
    std::string name;
};
const std::vector<Variable> &shared_variables();
const Variable *shared_variable(const void *memory); /* NULL: none there */
bool in_shared_segment(const void *memory);
void fill_shared(); /* with junk */
std::string function_name(const void *code);
std::string place_of(const void *code); /* file:line and function */

/* ---- check.cpp: what orders what ------------------------------------------------------------- */

void check_launch();
void check_block();
void check_barrier();
void check_syncwarp(Thread *const *lane, uint32_t mask);
void check_fence();
void check_access(Thread *thread, const void *memory, size_t bytes, bool write, bool atomic,
                  Where where, const void *code);
void check_pending(const void *memory, size_t bytes, bool pending);
void check_allocated(const void *memory, size_t bytes);
void check_freed(const void *memory, size_t bytes);
void check_written(const void *memory, size_t bytes); /* by the host */
bool check_initialised(const void *memory, size_t bytes);

} // namespace simt
#endif

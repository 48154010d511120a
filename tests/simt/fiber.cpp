/* SPDX-License-Identifier: Apache-2.0 */
/* Fibers: each CUDA thread runs on a stack of its own, all on one thread of the system.
 *
 * A fiber is a loop that runs the body and yields when the thread is done. The next thread that
 * needs a stack resumes it, and the body runs again. Below each stack is a page that cannot be
 * accessed.
 */
#include "internal.h"

#include <sys/mman.h>

extern "C" {
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size);
/* Push the callee-saved registers, store the stack pointer in *from, and continue on the stack
 * `to`. */
__attribute__((visibility("hidden"))) void simt_switch(void **from, void *to);
}

asm(R"(
.text
.globl simt_switch
.hidden simt_switch
.type simt_switch, @function
simt_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size simt_switch, .-simt_switch
)");

namespace simt
{

enum : size_t { PAGE = 4096, STACK = (SIMT_ASAN ? 256 : 128) << 10 };

static std::vector<Fiber *> &pool = *new std::vector<Fiber *>; /* never destroyed: no leak report */
static void *scheduler;
static const void *scheduler_bottom;
static size_t scheduler_size;
static void (*body_of_thread)();

static void run_threads()
{
    if (SIMT_ASAN) __sanitizer_finish_switch_fiber(nullptr, &scheduler_bottom, &scheduler_size);
    for (;;) body_of_thread();
}

/* Lay the stack out as if run_threads had been called: six registers to pop and its address to
 * return to. After these the stack pointer must be 8 above a multiple of 16, as after any call. */
static void *first_stack_pointer(char *low, size_t size)
{
    void **top = (void **)(low + size) - 3;
    top[0] = nullptr;
    top[-1] = (void *)run_threads;
    for (int i = 2; i <= 7; i++) top[-i] = nullptr;
    return top - 7;
}

Fiber *fiber_take(void (*body)())
{
    body_of_thread = body;
    if (!pool.empty()) {
        Fiber *fiber = pool.back();
        pool.pop_back();
        return fiber;
    }
    char *memory = (char *)mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, PAGE, PROT_NONE))
        fail("no memory", "for the stack of a thread");
    /* Stacks that all begin at a page would compete for the same few cache lines. */
    static size_t colour;
    const size_t size = STACK - colour++ % 29 * 576;
    return new Fiber{first_stack_pointer(memory + PAGE, size), memory + PAGE, size, nullptr};
}

void fiber_give_back(Fiber *fiber) { pool.push_back(fiber); }

void fiber_resume(Fiber *fiber)
{
    void *fake_stack;
    if (SIMT_ASAN) __sanitizer_start_switch_fiber(&fake_stack, fiber->low, fiber->size);
    simt_switch(&scheduler, fiber->stack_pointer);
    if (SIMT_ASAN) __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

void fiber_yield(Fiber *fiber)
{
    if (SIMT_ASAN)
        __sanitizer_start_switch_fiber(&fiber->fake_stack, scheduler_bottom, scheduler_size);
    simt_switch(&fiber->stack_pointer, scheduler);
    if (SIMT_ASAN)
        __sanitizer_finish_switch_fiber(fiber->fake_stack, &scheduler_bottom, &scheduler_size);
}

} // namespace simt

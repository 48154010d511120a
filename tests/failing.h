/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations of the library that fail on demand. A program that includes this file is linked so
 * that calls of malloc and its kin in the library and in the test come here (tests/CMakeLists.txt);
 * those of other libraries do not. */
#ifndef SOUK_FAILING_H
#define SOUK_FAILING_H

#include <stdatomic.h>
#include <stddef.h>

/* The number of allocations so far, and the one that fails: 1 is the first; 0: none fails. */
static atomic_long allocations, failing;

static bool allocation_fails(void) { return ++allocations == failing; }

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t bytes) { return allocation_fails() ? NULL : __real_malloc(bytes); }

void *__wrap_calloc(size_t count, size_t bytes)
{
    return allocation_fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return allocation_fails() ? NULL : __real_realloc(memory, bytes);
}

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
    return allocation_fails() ? NULL : __real_aligned_alloc(align, bytes);
}

char *__wrap_strdup(const char *text) { return allocation_fails() ? NULL : __real_strdup(text); }

#endif

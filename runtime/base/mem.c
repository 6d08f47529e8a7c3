#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of jemalloc(3), which is in the program but neither in the modules of the
 * specs nor beside a sanitizer. */
extern int mallctl(const char *name, void *old, size_t *old_n, void *new,
                   size_t new_n) __attribute__((weak));

/* Not inlined: the compiler would make malloc and memset calloc again. */
__attribute__((noinline)) static void *check(void *p, size_t size)
{
    if (p == NULL && size != 0) {
        fprintf(stderr, "moonkeep: out of memory (%zu bytes)\n", size);
        abort();
    }
    return p;
}

void *mem_zalloc(size_t size)
{
    /* Not calloc: the C library serves small blocks fastest from malloc. */
    void *p = check(malloc(size), size);

    return memset(p, 0, size);
}

void *mem_alloc(size_t size)
{
    return check(malloc(size), size);
}

void *mem_realloc(void *p, size_t size)
{
    return check(realloc(p, size), size);
}

char *mem_dup(const void *p, size_t n)
{
    char *copy = mem_alloc(n + 1);

    if (n != 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void *mem_try(size_t size)
{
    return malloc(size);
}

void mem_trim(void)
{
    /* Some of a slab that a thread keeps at hand hold all of it. */
    if (mallctl != NULL)
        mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
}

static bool is_zero(const char *p, size_t n)
{
    return *p == 0 && memcmp(p, p + 1, n - 1) == 0;
}

void mem_trim_zeros(void *p, size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)p + n) / page * page;

    while (from < end) {
        uintptr_t to = from;

        while (to < end && is_zero((const char *)to, page))
            to += page;
        if (to != from)
            madvise((void *)from, to - from, MADV_DONTNEED);
        from = to + page;
    }
}

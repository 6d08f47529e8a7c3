#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

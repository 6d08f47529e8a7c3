/*
 * mem.h - allocation in the host.
 *
 * mem_* never return NULL: without memory the process ends with a message and
 * the commit log brings it back (DESIGN.md, Errors).  Sizes chosen by a peer
 * or a script are capped first and allocated with mem_try.  Free with free().
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* `size` zeroed bytes. */
void *mem_zalloc(size_t size);
/* `size` bytes, not cleared. */
void *mem_alloc(size_t size);
/* As realloc(3). */
void *mem_realloc(void *p, size_t size);
/* A copy of `p[0..n)` with a NUL after it. */
char *mem_dup(const void *p, size_t n);
/* `size` bytes, or NULL when there are none. */
void *mem_try(size_t size);

/* Give back what the allocator keeps at hand for the calling thread, once it
 * will allocate little for a while.  Some 10 us. */
void mem_trim(void);
/* Give the pages of `p[0..n)` (private memory, as malloc's) that hold nothing
 * but zeros back to the system.  What they hold stays so. */
void mem_trim_zeros(void *p, size_t n);

#endif

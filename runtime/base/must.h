/*
 * must.h - broken invariants of ours end the process, in every build.
 *
 * Never for peer input, scripts or what is read from disk.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#include <stddef.h>

/* Abort with file, line and the condition's text unless `cond` holds. */
#define MUST(cond) ((cond) ? (void)0 : must_fail(__FILE__, __LINE__, #cond))

_Noreturn void must_fail(const char *file, int line, const char *cond);

/* The struct of `type` whose field `member` is at `ptr`. */
#define container_of(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif

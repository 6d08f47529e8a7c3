/*
 * tsan_longjmp.c - linked into the program that `make tsan` builds.
 *
 * Debian's Lua leaves functions by the checked longjmp of the C library, which
 * ThreadSanitizer does not see: to it they would still be under way, thousands
 * after a while.
 */
#include <setjmp.h>

void __longjmp_chk(jmp_buf env, int value) __attribute__((noreturn));

void __longjmp_chk(jmp_buf env, int value)
{
    longjmp(env, value);
}

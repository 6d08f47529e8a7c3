/*
 * preload_once.c - loaded behind a sanitizer into the Lua that runs the specs:
 * what that starts (curl, nginx, browsers) is to be without one, or has its
 * own.
 */
#include <stdlib.h>

__attribute__((constructor)) static void forget(void)
{
    unsetenv("LD_PRELOAD");
}

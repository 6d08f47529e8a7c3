/* store_faults.h - SQLite's allocator for a test module, which can fail. */
#ifndef SPEC_STORE_FAULTS_H
#define SPEC_STORE_FAULTS_H

#include <lauxlib.h>
#include <lua.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/sqlmem.h"

/* SQLite's allocator with a countdown: the n-th allocation from now fails, and
 * every one after it when `is_lasting`. */
static struct {
    sqlite3_mem_methods real;
    int64_t left; /* -1: off */
    bool is_lasting, has_failed;
} fault = {.left = -1};

static bool must_fail_now(void)
{
    if (fault.left < 0)
        return false;
    if (fault.left > 0)
        fault.left--;
    if (fault.left != 0)
        return false;
    if (!fault.is_lasting)
        fault.left = -1;
    fault.has_failed = true;
    return true;
}

static void *faulty_malloc(int n)
{
    return must_fail_now() ? NULL : fault.real.xMalloc(n);
}

static void *faulty_realloc(void *p, int n)
{
    return must_fail_now() ? NULL : fault.real.xRealloc(p, n);
}

/* T.fail_alloc(n [, lasting]): SQLite's n-th allocation from now fails; 0 ends
 * that.  Returns whether one has failed since the last call. */
static int fail_alloc(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);

    lua_pushboolean(L, fault.has_failed);
    fault.left = n == 0 ? -1 : n;
    fault.is_lasting = lua_toboolean(L, 2);
    fault.has_failed = false;
    return 1;
}

/* Before SQLite's first use, which fixes its allocator. */
static void install_faults(void)
{
    sqlite3_mem_methods faulty;

    sqlmem_install();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &fault.real);
    faulty = fault.real;
    faulty.xMalloc = faulty_malloc;
    faulty.xRealloc = faulty_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_initialize();
}

#endif

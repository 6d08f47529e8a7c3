#include "store/sqlmem.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/err.h"

/* What this thread's SQLite connections hold, and how far it may go. */
struct meter {
    int64_t used;
    int64_t ceiling;
};

static _Thread_local struct meter meter = {0, INT64_MAX};

static int size_of(void *p)
{
    return p == NULL ? 0 : (int)malloc_usable_size(p);
}

static void *take(int n)
{
    if (meter.used + n > meter.ceiling)
        return NULL;
    void *p = malloc((size_t)n);
    meter.used += size_of(p);
    return p;
}

static void give(void *p)
{
    meter.used -= size_of(p);
    free(p);
}

static void *retake(void *p, int n)
{
    int before = size_of(p);

    if (meter.used - before + n > meter.ceiling)
        return NULL;
    void *q = realloc(p, (size_t)n);
    if (q != NULL)
        meter.used += size_of(q) - before;
    return q;
}

static int round_up(int n)
{
    return (n + 7) & ~7;
}

static int nothing_to_init(void *arg)
{
    (void)arg;
    return SQLITE_OK;
}

static void nothing_to_shut(void *arg)
{
    (void)arg;
}

int sqlmem_install(void)
{
    const sqlite3_mem_methods methods = {
        .xMalloc = take,
        .xFree = give,
        .xRealloc = retake,
        .xSize = size_of,
        .xRoundup = round_up,
        .xInit = nothing_to_init,
        .xShutdown = nothing_to_shut,
    };

    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK
               ? 0
               : ERR_BUSY;
}

int64_t sqlmem_begin(int64_t allowance)
{
    meter.ceiling = meter.used + (allowance > 0 ? allowance : 0);
    return meter.used;
}

int64_t sqlmem_end(int64_t mark)
{
    meter.ceiling = INT64_MAX;
    return meter.used - mark;
}

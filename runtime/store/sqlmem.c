#include "store/sqlmem.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/err.h"

/* What this thread's SQLite connections hold, and how far it may go. */
struct meter {
    int64_t used;
    int64_t ceiling;
};

static _Thread_local struct meter meter = {0, INT64_MAX};

/* What stands before each block: SQLite asks for the size of every one that it
 * gives back, and the C library takes long to tell. */
struct head {
    int64_t size; /* of the block; SQLite wants eight bytes' alignment */
};

static struct head *head_of(void *p)
{
    return (struct head *)p - 1;
}

static int size_of(void *p)
{
    return p == NULL ? 0 : (int)head_of(p)->size;
}

static void *put_head(struct head *h, int n)
{
    if (h == NULL)
        return NULL;
    h->size = n;
    meter.used += n;
    return h + 1;
}

static void *take(int n)
{
    if (meter.used + n > meter.ceiling)
        return NULL;
    return put_head(malloc(sizeof(struct head) + (size_t)n), n);
}

static void give(void *p)
{
    meter.used -= size_of(p);
    free(head_of(p));
}

static void *retake(void *p, int n)
{
    int before = size_of(p);

    if (meter.used - before + n > meter.ceiling)
        return NULL;
    struct head *h = realloc(head_of(p), sizeof(struct head) + (size_t)n);
    if (h == NULL)
        return NULL;
    meter.used -= before;
    return put_head(h, n);
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

/*
 * hosttest_mem.c - mem.h, table.h and rest.h for busted.
 *
 *   local T = require "hosttest_mem"
 *   T.trim_zeros("0a0z", 0, 0) -> ".#.#", true
 *   T.trim_table(100000, 10) -> buckets before, after, whether all is found
 *   T.rest(30) -> 2
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rest.h"
#include "base/table.h"
#include "spec/support/hosttest.h"

enum { PAGES_MAX = 64 };

int luaopen_hosttest_mem(lua_State *L);

/* A page each: '0' zeros, 'a' not at its first byte, 'z' not at its last. */
static void fill(char *p, size_t page, const char *pages, size_t n)
{
    memset(p, 0, n * page);
    for (size_t i = 0; i < n; i++) {
        if (pages[i] == 'a')
            p[i * page] = 1;
        if (pages[i] == 'z')
            p[(i + 1) * page - 1] = 1;
    }
}

/* T.trim_zeros(pages, skip, cut) -> for each page '#' if it is there, '.' if it
 * was given back; whether all holds what it held.  The first `skip` and the
 * last `cut` bytes are not named to mem_trim_zeros. */
static int trim_zeros(lua_State *L)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n;
    const char *pages = luaL_checklstring(L, 1, &n);
    size_t skip = (size_t)luaL_checkinteger(L, 2);
    size_t cut = (size_t)luaL_checkinteger(L, 3);
    unsigned char there[PAGES_MAX] = {0};
    char marks[PAGES_MAX];

    luaL_argcheck(L, n <= PAGES_MAX, 1, "too many");
    char *p = mmap(NULL, n * page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *copy = malloc(n * page);
    MUST(p != MAP_FAILED && copy != NULL);
    fill(p, page, pages, n);
    memcpy(copy, p, n * page);
    mem_trim_zeros(p + skip, n * page - skip - cut);
    MUST(mincore(p, n * page, there) == 0);
    for (size_t i = 0; i < n; i++)
        marks[i] = there[i] & 1 ? '#' : '.';
    lua_pushlstring(L, marks, n);
    lua_pushboolean(L, memcmp(p, copy, n * page) == 0);
    munmap(p, n * page);
    free(copy);
    return 2;
}

struct member {
    int key;
    UT_hash_handle hh;
};

static void add_member(struct member **head, int key)
{
    struct member *m = mem_zalloc(sizeof(*m));

    m->key = key;
    HASH_ADD_INT(*head, key, m);
}

static void drop_member(struct member **head, int key)
{
    struct member *m;

    HASH_FIND_INT(*head, &key, m);
    MUST(m != NULL);
    HASH_DEL(*head, m);
    free(m);
}

/* Whether `*head` has just the keys from 1 to `n`, in that order; it is empty
 * then. */
static bool is_whole(struct member **head, int n)
{
    const struct member *m = *head;
    bool is_right = true;

    for (int key = 1; key <= n; key++, m = m->hh.next)
        is_right = is_right && m != NULL && m->key == key;
    is_right = is_right && m == NULL;
    for (int key = 1; key <= n; key++)
        drop_member(head, key);
    return is_right && *head == NULL;
}

/* T.trim_table(most, left [, more]) -> buckets of a table that had `most`
 * members and has `left`; the same trimmed; whether all are there, and those
 * that come then as well */
static int trim_table(lua_State *L)
{
    int most = (int)luaL_checkinteger(L, 1),
        left = (int)luaL_checkinteger(L, 2);
    int more = (int)luaL_optinteger(L, 3, 0);
    struct member *head = NULL;

    TABLE_TRIM(hh, head); /* nothing, and no harm */
    for (int key = 1; key <= most; key++)
        add_member(&head, key);
    for (int key = left + 1; key <= most; key++)
        drop_member(&head, key);
    lua_pushinteger(L, head->hh.tbl->num_buckets);
    TABLE_TRIM(hh, head);
    lua_pushinteger(L, head->hh.tbl->num_buckets);
    for (int key = left + 1; key <= left + more; key++)
        add_member(&head, key);
    lua_pushboolean(L, is_whole(&head, left + more));
    return 3;
}

/* ---- a thread that rests ---- */

struct resting {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool is_over;
};

static atomic_int trims;

/* In the place of jemalloc's. */
int mallctl(const char *name, void *old, size_t *old_n, void *new,
            size_t new_n);

int mallctl(const char *name, void *old, size_t *old_n, void *new, size_t new_n)
{
    (void)name, (void)old, (void)old_n, (void)new, (void)new_n;
    trims++;
    return 0;
}

static void *rest_until_over(void *arg)
{
    struct resting *r = arg;

    pthread_mutex_lock(&r->mutex);
    while (!r->is_over)
        rest_wait(&r->cond, &r->mutex);
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

static void wake(struct resting *r, bool is_over)
{
    pthread_mutex_lock(&r->mutex);
    r->is_over = is_over;
    pthread_mutex_unlock(&r->mutex);
    pthread_cond_signal(&r->cond);
}

/* Wait for so many trims, `seconds` at most. */
static void await_trims(int count, lua_Integer seconds)
{
    for (lua_Integer i = 0; i < seconds * 100 && trims < count; i++)
        usleep(10000);
}

/* T.rest(seconds) -> how often a thread gave memory back that has nothing to
 * do, is woken once, and has nothing to do again; none takes longer than that
 */
static int rest(lua_State *L)
{
    lua_Integer seconds = luaL_checkinteger(L, 1);
    struct resting r = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                        false};
    pthread_t thread;

    trims = 0;
    MUST(pthread_create(&thread, NULL, rest_until_over, &r) == 0);
    await_trims(1, seconds);
    usleep(1200 * 1000); /* longer than that: it is not done again */
    MUST(trims <= 1);
    wake(&r, false);
    await_trims(2, seconds);
    wake(&r, true);
    pthread_join(thread, NULL);
    lua_pushinteger(L, trims);
    return 1;
}

static const luaL_Reg functions[] = {{"trim_zeros", trim_zeros},
                                     {"trim_table", trim_table},
                                     {"rest", rest},
                                     {NULL, NULL}};

int luaopen_hosttest_mem(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}

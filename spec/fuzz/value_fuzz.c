/*
 * value_fuzz - any bytes through value_decode; what it takes must encode, and
 * decode to the same bytes again.
 *
 *   clang -fsanitize=fuzzer,address,undefined -std=c11 -D_GNU_SOURCE \
 *     -Iruntime -I/usr/include/lua5.4 spec/fuzz/value_fuzz.c \
 *     runtime/vm/value*.c runtime/base/{buf,err,mem,must}.c -llua5.4
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/must.h"
#include "vm/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_PER_BYTE = 64, MEMORY_BASE = 64 * 1024 };

struct cap {
    size_t used, max;
};

static void *capped(void *ud, void *p, size_t old, size_t size)
{
    struct cap *cap = ud;

    if (p == NULL)
        old = 0;
    if (size > old && cap->used + size - old > cap->max)
        return NULL;
    cap->used += size - old;
    if (size == 0) {
        free(p);
        return NULL;
    }
    return realloc(p, size);
}

static int pack(lua_State *L, int idx, struct buf *out, void *arg)
{
    (void)L;
    (void)idx;
    (void)arg;
    buf_add_byte(out, 'x');
    return VALUE_EXT_USER;
}

static int unpack(lua_State *L, int ext, struct slice payload, void *arg)
{
    (void)arg;
    if (ext != VALUE_EXT_USER || payload.n > 8)
        return ERR_CORRUPT;
    lua_newuserdatauv(L, 1, 0);
    return 0;
}

static const struct value_hooks hooks = {
    .pack = pack, .unpack = unpack, .verb = "stored", .root = "value"};

/* The order of the members of a map may differ from the input's: the second
 * encoding has the size of the first. */
static int round_trip(lua_State *L)
{
    const struct slice *in = lua_touserdata(L, 1);
    struct buf first = {0};
    struct buf second = {0};
    struct error err;
    size_t used;

    if (value_decode(L, *in, &hooks, &used, &err) != 0)
        return 0;
    MUST(used > 0 && used <= in->n);
    lua_gc(L, LUA_GCSTOP);
    MUST(value_encode(L, -1, &hooks, SIZE_MAX, &first, &err) == 0);
    int rc = value_decode(L, buf_slice(&first), &hooks, &used, &err);
    MUST(rc == 0 && used == first.n);
    MUST(value_encode(L, -1, &hooks, first.n, &second, &err) == 0);
    MUST(second.n == first.n);
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    struct cap cap = {0, MEMORY_BASE + 3 * MEMORY_PER_BYTE * size};
    lua_State *L = lua_newstate(capped, &cap);

    MUST(L != NULL);
    lua_pushcfunction(L, round_trip);
    lua_pushlightuserdata(L, &in);
    MUST(lua_pcall(L, 1, 0, 0) == LUA_OK); /* memory stays in proportion */
    lua_close(L);
    MUST(cap.used == 0);
    return 0;
}

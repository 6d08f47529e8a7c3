/*
 * hosttest_disk.c - disks (disk.h) for busted.
 *
 *   local T = require "hosttest_disk"
 *   local d = T.disk(seed)     -- simulated
 *   local d = T.folder(path)   -- real
 *
 * What fails returns nil, text, name of the error.  d:free() frees.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "spec/support/hosttest.h"

int luaopen_hosttest_disk(lua_State *L);

static int new_disk(lua_State *L)
{
    struct ldisk *u = make(L, sizeof(*u), DISK_MT);

    u->d = disk_sim_new((uint64_t)luaL_optinteger(L, 1, 1));
    return 1;
}

static int new_folder(lua_State *L)
{
    struct error err = {0};
    struct ldisk *u = make(L, sizeof(*u), DISK_MT);
    int rc = disk_real_new(luaL_checkstring(L, 1), &u->d, &err);

    return rc != 0 ? fail(L, rc, err.text) : 1;
}

static int disk_open(lua_State *L, int flags, struct file **out)
{
    struct disk *d = check_disk(L);

    return d->ops->open(d, luaL_checkstring(L, 2), flags, out);
}

/* d:open(path, create, exclusive) -> 0: only whether it can be opened */
static int disk_try_open(lua_State *L)
{
    struct file *f;
    int rc = disk_open(L,
                       DISK_WRITE | (lua_toboolean(L, 3) ? DISK_CREATE : 0) |
                           (lua_toboolean(L, 4) ? DISK_EXCLUSIVE : 0),
                       &f);

    if (rc == 0)
        f->disk->ops->close(f);
    return done(L, rc);
}

/* d:write(path, at, bytes...): in as many parts as there are strings */
static int disk_write(lua_State *L)
{
    struct iovec parts[64];
    int n = lua_gettop(L) - 3;
    struct file *f;

    luaL_argcheck(L, n <= 64, 4, "too many parts");
    for (int i = 0; i < n; i++) {
        size_t size;
        const char *p = luaL_checklstring(L, 4 + i, &size);

        parts[i] = (struct iovec){(void *)(uintptr_t)p, size};
    }
    int rc = disk_open(L, DISK_WRITE | DISK_CREATE, &f);
    if (rc != 0)
        return done(L, rc);
    rc = f->disk->ops->pwritev(f, parts, n, luaL_checkinteger(L, 3));
    f->disk->ops->close(f);
    return done(L, rc);
}

static int disk_read(lua_State *L)
{
    struct file *f;
    int rc = disk_open(L, DISK_READ, &f);

    if (rc != 0)
        return done(L, rc);
    int64_t at = luaL_optinteger(L, 3, 0);
    int64_t n = luaL_optinteger(L, 4, f->disk->ops->size(f) - at);
    char *p = mem_zalloc((size_t)n + 1);
    n = f->disk->ops->pread(f, p, (size_t)n, at);
    f->disk->ops->close(f);
    if (n >= 0)
        lua_pushlstring(L, p, (size_t)n);
    free(p);
    return n < 0 ? done(L, n) : 1;
}

enum file_call { CALL_SYNC, CALL_TRUNCATE, CALL_ALLOCATE, CALL_SIZE };

static int call_file(lua_State *L, enum file_call call)
{
    struct file *f;
    int64_t size = luaL_optinteger(L, 3, 0);
    int rc = disk_open(L, DISK_WRITE, &f);

    if (rc != 0)
        return done(L, rc);
    const struct disk_ops *ops = f->disk->ops;
    int64_t result = call == CALL_SYNC       ? ops->sync(f)
                     : call == CALL_TRUNCATE ? ops->truncate(f, size)
                     : call == CALL_ALLOCATE ? ops->allocate(f, size)
                                             : ops->size(f);
    ops->close(f);
    return done(L, result);
}

static int disk_sync(lua_State *L)
{
    return call_file(L, CALL_SYNC);
}

static int disk_truncate(lua_State *L)
{
    return call_file(L, CALL_TRUNCATE);
}

static int disk_allocate(lua_State *L)
{
    return call_file(L, CALL_ALLOCATE);
}

static int disk_size(lua_State *L)
{
    return call_file(L, CALL_SIZE);
}

static int disk_remove(lua_State *L)
{
    struct disk *d = check_disk(L);

    return done(L, d->ops->remove(d, luaL_checkstring(L, 2)));
}

static int disk_rename(lua_State *L)
{
    struct disk *d = check_disk(L);

    return done(
        L, d->ops->rename(d, luaL_checkstring(L, 2), luaL_checkstring(L, 3)));
}

static int disk_sync_all(lua_State *L)
{
    struct disk *d = check_disk(L);

    return done(L, d->ops->sync_all(d));
}

static int disk_sync_folder(lua_State *L)
{
    struct disk *d = check_disk(L);

    return done(L, d->ops->sync_folder(d, luaL_checkstring(L, 2)));
}

static int disk_lock(lua_State *L)
{
    struct disk *d = check_disk(L);

    return done(L, d->ops->lock(d));
}

static int add_entry(void *arg, const char *name, bool is_folder)
{
    lua_pushboolean(arg, is_folder);
    lua_setfield(arg, -2, name);
    return 0;
}

/* d:list(path) -> { name = is a folder } */
static int disk_list(lua_State *L)
{
    struct disk *d = check_disk(L);
    const char *path = luaL_checkstring(L, 2);

    lua_newtable(L);
    int rc = d->ops->list(d, path, add_entry, L);
    return rc != 0 ? done(L, rc) : 1;
}

static int disk_crash_after(lua_State *L)
{
    disk_sim_crash_after(check_disk(L), luaL_checkinteger(L, 2));
    return 0;
}

static int disk_steps(lua_State *L)
{
    lua_pushinteger(L, disk_sim_steps(check_disk(L)));
    return 1;
}

static int disk_restart(lua_State *L)
{
    disk_sim_restart(check_disk(L));
    return 0;
}

static int disk_capacity(lua_State *L)
{
    disk_sim_capacity(check_disk(L), luaL_checkinteger(L, 2));
    return 0;
}

static int disk_fail_sync(lua_State *L)
{
    disk_sim_fail_sync(check_disk(L));
    return 0;
}

static int disk_free(lua_State *L)
{
    struct disk *d = check_disk(L);

    d->ops->free(d);
    return 0;
}

static const luaL_Reg disk_methods[] = {
    {"open", disk_try_open},
    {"write", disk_write},
    {"read", disk_read},
    {"sync", disk_sync},
    {"truncate", disk_truncate},
    {"allocate", disk_allocate},
    {"size", disk_size},
    {"remove", disk_remove},
    {"rename", disk_rename},
    {"sync_all", disk_sync_all},
    {"sync_folder", disk_sync_folder},
    {"lock", disk_lock},
    {"list", disk_list},
    {"crash_after", disk_crash_after},
    {"steps", disk_steps},
    {"restart", disk_restart},
    {"capacity", disk_capacity},
    {"fail_sync", disk_fail_sync},
    {"free", disk_free},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"disk", new_disk},
    {"folder", new_folder},
    {NULL, NULL},
};

int luaopen_hosttest_disk(lua_State *L)
{
    add_type(L, DISK_MT, disk_methods);
    luaL_newlib(L, functions);
    return 1;
}

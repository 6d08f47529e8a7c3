/*
 * bindings_world.h - part of hosttest_bindings.c: the world, and stand-ins for
 * what bindings/context.c and its neighbours give to the real program.
 */
#ifndef SPEC_BINDINGS_WORLD_H
#define SPEC_BINDINGS_WORLD_H

#include <stdlib.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/http.h"
#include "store/db.h"
#include "store/store.h"
#include "vm/task.h"
#include "vm/value.h"
#include "vm/vm.h"

struct gate_item {
    struct list link;
    void (*release)(void *arg, int status);
    void *arg;
};

struct waiter {
    struct list link;
    struct wait wait;
};

struct spawned {
    struct list link;
    int ref; /* table { fn, args... } in the registry of the vm */
};

struct world {
    struct disk *disk;
    struct clock clock;
    struct random random;
    struct store *store;
    struct store_client *client;
    struct db *db;
    struct vm *vm;
    struct list ready, gate, waiters, spawned;
    struct task *tasks[64];
    int task_count;
    const char *source;
    struct body *fed;     /* the body that test.feed writes to */
    struct response *out; /* of test.respond */
    struct buf log;
    struct buf result; /* of the chunk, see give_results */
    int commits;
};

static struct world *world_of(lua_State *L)
{
    return vm_owner(vm_of(L));
}

/* ---- stand-ins ---- */

const luaL_Reg bind_storage_alarms[] = {{NULL, NULL}};
const luaL_Reg bind_storage_bookmarks[] = {{NULL, NULL}};

static int pack_none(lua_State *L, int idx, struct buf *out, void *arg)
{
    (void)L, (void)idx, (void)out, (void)arg;
    return 0;
}

static int unpack_none(lua_State *L, int ext, struct slice payload, void *arg)
{
    (void)L, (void)ext, (void)payload, (void)arg;
    return ERR_CORRUPT;
}

const struct value_hooks bind_stored_hooks = {.pack = pack_none,
                                              .unpack = unpack_none,
                                              .verb = "stored",
                                              .root = "value"};

struct event *bind_event(lua_State *L)
{
    (void)L;
    return NULL;
}

uint64_t bind_new_mark(lua_State *L)
{
    (void)L;
    return 1;
}

struct db *bind_db(lua_State *L)
{
    struct world *w = world_of(L);
    struct error err = {0};

    if (db_is_broken(w->db, &err))
        bind_db_failed(L, NULL, &err);
    return w->db;
}

int bind_db_failed(lua_State *L, const char *code, const struct error *err)
{
    struct error broken = {0};

    if (!db_is_broken(world_of(L)->db, &broken))
        return bind_raise_error(L, code, err);
    vm_kill(vm_of(L), VM_ABORTED, broken.text);
    return vm_die(L);
}

static void cancel_waiter(struct wait *wait)
{
    struct waiter *one = container_of(wait, struct waiter, wait);

    list_unlink(&one->link);
    free(one);
}

int bind_wait_durable(lua_State *L, lua_KFunction k)
{
    struct world *w = world_of(L);
    struct task *t = task_check(L);
    struct waiter *one = mem_zalloc(sizeof(*one));

    list_push(&w->waiters, &one->link);
    wait_begin(&one->wait, t, cancel_waiter);
    return lua_yieldk(L, 0, 0, k);
}

void bind_spawn_task(lua_State *L, int nargs)
{
    struct world *w = world_of(L);

    lua_createtable(L, nargs + 1, 0);
    lua_insert(L, -nargs - 2);
    for (int i = nargs + 1; i >= 1; i--)
        lua_rawseti(L, -i - 1, i);
    struct spawned *s = mem_zalloc(sizeof(*s));
    s->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    list_push(&w->spawned, &s->link);
}

bool bind_gate_is_open(lua_State *L)
{
    const struct world *w = world_of(L);

    return !db_is_dirty(w->db) && list_empty(&w->gate);
}

void bind_gate(lua_State *L, void (*release)(void *arg, int status), void *arg)
{
    struct world *w = world_of(L);

    if (bind_gate_is_open(L)) {
        release(arg, 0);
        return;
    }
    struct gate_item *item = mem_zalloc(sizeof(*item));
    item->release = release;
    item->arg = arg;
    list_push(&w->gate, &item->link);
}

bool bind_is_socket(lua_State *L, int idx, const char **why)
{
    *why = lua_pushfstring(
        L, "webSocket must be one end of a WebSocketPair, got %s",
        bind_what(L, idx));
    return false;
}

struct ticket *bind_take_socket(lua_State *L, int idx)
{
    (void)L, (void)idx;
    return NULL;
}

void bind_push_socket(lua_State *L, struct ticket *socket)
{
    (void)socket;
    lua_pushnil(L);
}

#endif

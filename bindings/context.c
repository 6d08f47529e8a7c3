/*
 * context.c - the object behind a state, and ctx: blockConcurrencyWhile,
 * waitUntil, abort; waiting for the disk.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/modules.h"
#include "bindings/names.h"
#include "bindings/spawn.h"
#include "bindings/state.h"
#include "bindings/websocket.h"
#include "object/firing.h"
#include "object/object.h"
#include "store/db.h"
#include "vm/task.h"
#include "vm/vm.h"

struct object *bind_object(lua_State *L)
{
    struct object *o = vm_owner(vm_of(L));

    if (o == NULL)
        vm_outside(L); /* the script is loaded for an image: raises */
    return o;
}

struct event *bind_event(lua_State *L)
{
    const struct task *t = task_current(L);

    return t == NULL ? NULL : t->owner;
}

uint64_t bind_new_mark(lua_State *L)
{
    struct object *o = vm_owner(vm_of(L));

    return ++o->realm->order;
}

/* ---- the database ---- */

/* What the object itself has brought about is not the disk's fault. */
static int reset_broken(lua_State *L, const struct error *why)
{
    struct object *o = bind_object(L);

    o->is_disk_failed = !object_is_own_fault(why->code);
    vm_kill(o->vm, VM_ABORTED, why->text);
    return vm_die(L);
}

struct db *bind_db(lua_State *L)
{
    struct object *o = bind_object(L);
    struct error err;
    struct db *db;

    if (object_open_db(o, &db, &err) != 0) {
        if (o->cls == NULL)
            bind_raise_error(L, NULL, &err);
        reset_broken(L, &err);
    }
    if (db_is_broken(db, &err))
        reset_broken(L, &err);
    return db;
}

int bind_db_failed(lua_State *L, const char *code, const struct error *err)
{
    struct object *o = bind_object(L);
    struct error broken;

    if (vm_death(o->vm) != VM_ALIVE)
        return vm_die(L);
    if (o->db != NULL && db_is_broken(o->db, &broken))
        return reset_broken(L, &broken);
    return bind_raise_error(L, code, err);
}

/* ---- waiting for the disk ---- */

struct durable_wait {
    struct wait wait;
    struct gate_item gate;
};

static void on_durable(struct gate_item *item, const struct error *failure)
{
    struct durable_wait *d = container_of(item, struct durable_wait, gate);

    wait_done(&d->wait, failure == NULL ? 0 : failure->code);
    free(d);
}

/* The gate still holds it and frees it later. */
static void on_durable_cancel(struct wait *w)
{
    (void)w;
}

static void describe_durable(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "the disk");
}

int bind_wait_durable(lua_State *L, lua_KFunction k)
{
    struct task *t = task_check(L);
    struct durable_wait *d = mem_zalloc(sizeof(*d));

    d->gate.release = on_durable;
    d->gate.takes_all = true;
    list_init(&d->gate.link);
    d->wait.describe = describe_durable;
    wait_begin(&d->wait, t, on_durable_cancel);
    object_send(bind_object(L), &d->gate);
    return lua_yieldk(L, 0, 0, k);
}

struct held {
    struct gate_item gate;
    void (*release)(void *arg, int status);
    void *arg;
};

static void on_held(struct gate_item *item, const struct error *failure)
{
    struct held *h = container_of(item, struct held, gate);

    h->release(h->arg, failure == NULL ? 0 : failure->code);
    free(h);
}

bool bind_gate_is_open(lua_State *L)
{
    return object_has_nothing_to_wait_for(bind_object(L));
}

void bind_gate(lua_State *L, void (*release)(void *arg, int status), void *arg)
{
    struct object *o = bind_object(L);

    if (bind_gate_is_open(L)) {
        release(arg, 0);
        return;
    }
    struct held *h = mem_zalloc(sizeof(*h));

    h->release = release;
    h->arg = arg;
    h->gate.release = on_held;
    list_init(&h->gate.link);
    object_send(o, &h->gate);
}

/* ---- ctx ---- */

/* Raise unless the first argument is an object's or the router's context. */
static void check_colon(lua_State *L, const char *name)
{
    if (lua_type(L, 1) != LUA_TUSERDATA)
        bind_raise(L, NULL,
                   "ctx:%s() must be called with a colon, got %s before its "
                   "arguments",
                   name, bind_what(L, 1));
}

/*
 * ctx:blockConcurrencyWhile(fn) -> what fn returns
 *
 * Run `fn` and deliver no other event to the object until it returns.  Waits.
 * An error in `fn`, or 30 s, resets the object.  Raises when nested more than
 * 64 deep.
 */
static int ctx_block(lua_State *L)
{
    check_colon(L, "blockConcurrencyWhile");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    return spawn_block(L);
}

/*
 * ctx:waitUntil(fn)
 *
 * Run `fn` as a task of its own from the end of the current turn on; errors in
 * it are logged.
 */
static int ctx_wait_until(lua_State *L)
{
    check_colon(L, "waitUntil");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    bind_spawn_task(L, 0);
    return 0;
}

/* options.retryAlarm of the table at 3. */
static bool check_retry_alarm(lua_State *L)
{
    bool retries = true;

    if (lua_isnoneornil(L, 3))
        return true;
    if (!lua_istable(L, 3))
        bind_raise(L, NULL, "abort: options must be a table, got %s",
                   bind_what(L, 3));
    lua_pushnil(L);
    while (lua_next(L, 3) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING ||
            strcmp(lua_tostring(L, -2), "retryAlarm") != 0)
            bind_raise(L, NULL,
                       "abort: unknown option '%s' (known: retryAlarm)",
                       luaL_tolstring(L, -2, NULL));
        if (!lua_isboolean(L, -1))
            bind_raise(L, NULL, "abort: retryAlarm must be a boolean, got %s",
                       bind_what(L, -1));
        retries = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    return retries;
}

/*
 * ctx:abort([reason [, options]])
 *
 * Reset the object at once; never returns, cannot be caught.  `reason` is what
 * the calls under way fail with; options.retryAlarm = false gives the alarm up
 * that is being handled.
 */
static int ctx_abort(lua_State *L)
{
    const char *text = "Application called abort() to reset Durable Object.";
    struct vm *vm = vm_of(L);

    check_colon(L, "abort");
    bool retries = check_retry_alarm(L);

    if (!lua_isnoneornil(L, 2))
        text = luaL_tolstring(L, 2, NULL);
    if (!retries)
        firing_give_up(bind_object(L));
    vm_kill(vm, VM_ABORTED, text);
    return vm_die(L);
}

static const luaL_Reg object_methods[] = {
    {"blockConcurrencyWhile", ctx_block},
    {"waitUntil", ctx_wait_until},
    {"abort", ctx_abort},
    {"acceptWebSocket", ctx_accept_websocket},
    {"getWebSockets", ctx_get_websockets},
    {"getTags", ctx_get_tags},
    {"broadcast", ctx_broadcast},
    {"setWebSocketAutoResponse", ctx_set_auto_response},
    {"getWebSocketAutoResponse", ctx_get_auto_response},
    {"getWebSocketAutoResponseTimestamp", ctx_get_auto_response_timestamp},
    {NULL, NULL},
};

/* ctx.id -> the object's own id, with its name as soon as that is known. */
static int ctx_id(lua_State *L)
{
    struct object *o = bind_object(L);

    bind_push_id(L, o->cls, &o->id, object_name(o));
    return 1;
}

/* ctx.storage -> the object's storage; always the same value. */
static int ctx_storage(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, state_of(bind_object(L))->storage);
    return 1;
}

static const luaL_Reg object_fields[] = {
    {"id", ctx_id},
    {"storage", ctx_storage},
    {NULL, NULL},
};

static const luaL_Reg router_methods[] = {
    {"waitUntil", ctx_wait_until},
    {NULL, NULL},
};

static const struct bind_class object_ctx = {.name = "DurableObjectState",
                                             .methods = object_methods,
                                             .fields = object_fields};
static const struct bind_class router_ctx = {.name = "ExecutionContext",
                                             .methods = router_methods};

void bind_push_ctx(lua_State *L, enum state_kind kind)
{
    bind_new(L, kind == STATE_ROUTER ? &router_ctx : &object_ctx, 1, 0);
}

/*
 * hosttest_bindings - a world of one object for the specs of bindings: a vm, a
 * database on a simulated disk, and stand-ins for what bindings/context.c and
 * its neighbours give to the real ones.
 *
 *   local w = T.world([seed])
 *   w:run(source) -> what the chunk returns (scalars), or nil, message, code
 *
 * A chunk runs as a task; every wait or end of a task ends its turn: commit,
 * write the log, open the gate.  Globals of the chunk: mk, storage, test.
 */
#include <stdlib.h>
#include <string.h>

#include "bindings_test.h"
#include "bindings_world.h"

int luaopen_hosttest_bindings(lua_State *L);

static void on_ready(struct task *t)
{
    struct world *w = vm_owner(t->vm);

    list_push(&w->ready, &t->link);
}

static int chunk_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    return lua_gettop(L) - 1;
}

static int chunk_entry(lua_State *L)
{
    const char *source = lua_touserdata(L, 1);

    if (luaL_loadbufferx(L, source, strlen(source), "=chunk", "t") != LUA_OK)
        return lua_error(L);
    lua_callk(L, 0, LUA_MULTRET, 0, chunk_done);
    return chunk_done(L, LUA_OK, 0);
}

static int spawned_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)L, (void)status, (void)ctx;
    return 0;
}

static int spawned_entry(lua_State *L)
{
    struct spawned *s = lua_touserdata(L, 1);
    int ref = s->ref;

    free(s);
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    int n = (int)lua_rawlen(L, 2);
    for (int i = 1; i <= n; i++)
        lua_rawgeti(L, 2, i);
    lua_callk(L, n - 1, 0, 0, spawned_done);
    return 0;
}

static void note(void *owner, enum log_level level, struct slice message,
                 struct slice fields)
{
    struct world *w = owner;

    buf_printf(&w->log, "%d ", (int)level);
    buf_add_slice(&w->log, message);
    buf_add_text(&w->log, " {");
    buf_add_slice(&w->log, fields);
    buf_add_text(&w->log, "}\n");
}

static struct task *start(struct world *w, lua_CFunction entry, void *arg)
{
    struct task *t = NULL;

    MUST(w->task_count < 64);
    MUST(task_new(w->vm, entry, arg, on_ready, w, &t) == 0);
    w->tasks[w->task_count++] = t;
    list_push(&w->ready, &t->link);
    return t;
}

/* Commit, write, open the gate, wake who waits for the disk. */
static void end_turn(struct world *w)
{
    struct error err = {0};
    struct list *l = NULL;

    if (vm_death(w->vm) != VM_ALIVE)
        return;
    if (db_is_dirty(w->db)) {
        w->commits++;
        if (db_commit(w->db, &err) != 0)
            vm_kill(w->vm, VM_ABORTED, err.text);
    }
    store_pump(w->store);
    while ((l = list_shift(&w->gate)) != NULL) {
        struct gate_item *item = container_of(l, struct gate_item, link);
        item->release(item->arg, 0);
        free(item);
    }
    while (!list_empty(&w->waiters))
        end_wait(container_of(w->waiters.next, struct waiter, link));
    while ((l = list_shift(&w->spawned)) != NULL)
        start(w, spawned_entry, container_of(l, struct spawned, link));
}

static void end_task(struct world *w, struct task *t, enum task_status status)
{
    if (status == TASK_FAILED) {
        luaL_tolstring(t->L, -1, NULL);
        buf_printf(&w->log, "failed: %s\n", lua_tostring(t->L, -1));
    }
    for (int i = 1; i < w->task_count; i++) {
        if (w->tasks[i] == t)
            w->tasks[i] = w->tasks[--w->task_count];
    }
    task_free(t);
}

/* Run until nothing can go on.  The first task is kept. */
static void run_all(struct world *w)
{
    struct list *l = NULL;

    while (vm_death(w->vm) == VM_ALIVE && (l = list_shift(&w->ready)) != NULL) {
        struct task *t = container_of(l, struct task, link);
        enum task_status status = task_resume(t);

        while (status == TASK_PREEMPTED)
            status = task_resume(t);
        if (t != w->tasks[0] && status >= TASK_DONE)
            end_task(w, t, status);
        end_turn(w);
    }
}

static int give_results(lua_State *L, lua_State *from)
{
    int n = lua_gettop(from);
    int first = L == from ? n + 1 : 1;

    luaL_checkstack(L, n, NULL);
    for (int i = first; i <= n; i++) {
        struct slice s = bind_to_slice(from, i);

        if (s.p != NULL)
            lua_pushlstring(L, s.p, s.n);
        else if (lua_isinteger(from, i))
            lua_pushinteger(L, lua_tointeger(from, i));
        else if (lua_type(from, i) == LUA_TNUMBER)
            lua_pushnumber(L, lua_tonumber(from, i));
        else if (lua_isboolean(from, i))
            lua_pushboolean(L, lua_toboolean(from, i));
        else
            lua_pushnil(L);
    }
    return n;
}

/* nil, message, code of the error value on top of `from`. */
static int give_error(lua_State *L, lua_State *from)
{
    lua_pushnil(L);
    if (lua_type(from, -1) == LUA_TTABLE) {
        lua_getfield(from, -1, "code");
        lua_insert(from, -2);
        lua_getfield(from, -1, "message");
        lua_remove(from, -2);
    } else {
        lua_pushnil(from);
        lua_insert(from, -2);
    }
    lua_pushstring(L, lua_tostring(from, -1));
    lua_pushstring(L, lua_tostring(from, -2));
    return 3;
}

static struct world *check_world(lua_State *L)
{
    return *(struct world **)luaL_checkudata(L, 1, "bindings.world");
}

/* w:run(source) */
static int world_run(lua_State *L)
{
    struct world *w = check_world(L);
    const char *source = luaL_checkstring(L, 2);
    int n = 0;

    while (w->task_count > 0) /* what an earlier chunk left behind */
        task_free(w->tasks[--w->task_count]);
    list_init(&w->ready);
    struct task *t = start(w, chunk_entry, (void *)(uintptr_t)source);
    run_all(w);
    if (vm_death(w->vm) != VM_ALIVE) {
        lua_pushnil(L);
        lua_pushstring(L, vm_death_text(w->vm));
        lua_pushliteral(L, "dead");
        return 3;
    }
    if (t->status == TASK_DONE)
        n = give_results(L, t->L);
    else if (t->status == TASK_FAILED)
        n = give_error(L, t->L);
    else
        lua_pushliteral(L, "waits for ever"), n = 1;
    return n;
}

static int world_gc(lua_State *L)
{
    struct world **at = lua_touserdata(L, 1);
    struct world *w = *at;
    struct list *l = NULL;

    if (w == NULL)
        return 0;
    *at = NULL;
    vm_free(w->vm);
    while ((l = list_shift(&w->gate)) != NULL) {
        struct gate_item *item = container_of(l, struct gate_item, link);
        item->release(item->arg, ERR_RESET);
        free(item);
    }
    while ((l = list_shift(&w->spawned)) != NULL)
        free(container_of(l, struct spawned, link));
    response_drop(w->out);
    body_drop(w->fed);
    db_close(w->db);
    store_detach(w->client);
    store_close(w->store);
    w->disk->ops->free(w->disk);
    buf_fini(&w->log);
    free(w);
    return 0;
}

static int progress(void *arg)
{
    struct world *w = arg;

    return w->vm != NULL && vm_charge_quiet(w->vm, 4000) ? 1 : 0;
}

static void open_store(struct world *w)
{
    struct error err = {0};
    struct store_config config = {.disk = w->disk,
                                  .clock = &w->clock,
                                  .threads = STORE_PUMPED,
                                  .segment_bytes = 1 << 20};
    struct db_config db = {.class_name = "Test",
                           .name = SLICE("one"),
                           .progress = progress,
                           .progress_arg = w};

    int rc = store_open(&config, &w->store, &err);
    if (rc == 0) {
        w->client = store_attach(w->store, NULL, NULL);
        db.client = w->client;
        rc = db_open(&db, &w->db, &err);
    }
    if (rc != 0)
        buf_printf(&w->log, "%s", err.text);
    MUST(rc == 0);
}

/* T.world([seed [, memory_bytes]]) */
static int new_world(lua_State *L)
{
    lua_Integer seed = luaL_optinteger(L, 1, 1);
    lua_Integer memory = luaL_optinteger(L, 2, 64 << 20);
    struct error err = {0};
    struct world **at = lua_newuserdatauv(L, sizeof(struct world *), 0);
    *at = NULL;
    luaL_setmetatable(L, "bindings.world");
    struct world *w = mem_zalloc(sizeof(*w));
    *at = w;

    list_init(&w->ready);
    list_init(&w->gate);
    list_init(&w->waiters);
    list_init(&w->spawned);
    clock_init_virtual(&w->clock, 1700000000000);
    random_init_seeded(&w->random, (uint64_t)seed);
    w->disk = disk_sim_new((uint64_t)seed);
    open_store(w);
    struct vm_config config = {.clock = &w->clock,
                               .random = &w->random,
                               .memory_bytes = (size_t)memory,
                               .cpu_ns = 10000000000u,
                               .slice_ns = 5000000,
                               .owner = w,
                               .log = note};
    MUST(vm_new(&config, &w->vm) == 0);
    MUST(vm_protect(w->vm, open_globals, NULL, &err) == 0);
    return 1;
}

/* T.id_ns(n) -> ids made from names in a row: for the bench */
static int make_ids(lua_State *L)
{
    uint8_t key[ID_KEY_SIZE];
    struct oid id = {{0}};

    id_key("bench", key);
    for (lua_Integer i = luaL_checkinteger(L, 1); i > 0; i--)
        id_from_name(key, (struct slice){(const char *)id.b, 20}, &id);
    lua_pushlstring(L, (const char *)id.b, OID_SIZE);
    return 1;
}

static const luaL_Reg world_methods[] = {
    {"run", world_run},
    {"close", world_gc},
    {"__gc", world_gc},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"world", new_world},
    {"make_ids", make_ids},
    {NULL, NULL},
};

int luaopen_hosttest_bindings(lua_State *L)
{
    bind_metatable(L, "bindings.world", world_methods);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}

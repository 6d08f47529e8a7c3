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

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "base/disk.h"
#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/http.h"
#include "bindings/id.h"
#include "bindings/modules.h"
#include "store/db.h"
#include "store/store.h"
#include "vm/code.h"
#include "vm/task.h"
#include "vm/value.h"
#include "vm/vm.h"

int luaopen_hosttest_bindings(lua_State *L);

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
    struct code *code;
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

const struct value_hooks bind_stored_hooks;
const luaL_Reg bind_storage_more[] = {{NULL, NULL}};

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

void bind_gate(lua_State *L, void (*release)(void *arg, int status), void *arg)
{
    struct world *w = world_of(L);

    if (!db_is_dirty(w->db) && list_empty(&w->gate)) {
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
    *why = bind_what(L, idx);
    return false;
}

void *bind_take_socket(lua_State *L, int idx)
{
    (void)L, (void)idx;
    return NULL;
}

void bind_push_socket(lua_State *L, void *socket)
{
    (void)socket;
    lua_pushnil(L);
}

/* ---- what a chunk finds in `test` ---- */

/* test.request{ method=, url=, target=, headers={{n,v}...}, body=, open= } */
static int test_request(lua_State *L)
{
    struct world *w = world_of(L);
    struct request rq = {.method = SLICE("GET"),
                         .url = SLICE("http://h/"),
                         .target = SLICE("/"),
                         .ip = "10.0.0.1"};
    struct field fields[16];

    if (lua_getfield(L, 1, "method") == LUA_TSTRING)
        rq.method = bind_to_slice(L, -1);
    if (lua_getfield(L, 1, "url") == LUA_TSTRING)
        rq.url = bind_to_slice(L, -1);
    if (lua_getfield(L, 1, "target") == LUA_TSTRING)
        rq.target = bind_to_slice(L, -1);
    if (lua_getfield(L, 1, "headers") == LUA_TTABLE) {
        for (int i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
            lua_rawgeti(L, -1, 1);
            lua_rawgeti(L, -2, 2);
            fields[rq.field_count++] =
                (struct field){bind_to_slice(L, -2), bind_to_slice(L, -1)};
            lua_pop(L, 3);
        }
        lua_pop(L, 1);
    }
    rq.fields = fields;
    lua_getfield(L, 1, "open");
    bool is_open = lua_toboolean(L, -1) != 0;
    if (lua_getfield(L, 1, "body") == LUA_TSTRING) {
        struct slice s = bind_to_slice(L, -1);
        rq.body = body_from(s.p, s.n);
    } else if (is_open) {
        body_drop(w->fed);
        w->fed = body_new(-1);
        rq.body = body_hold(w->fed);
    }
    bind_push_request(L, request_build(&rq));
    return 1;
}

/* test.feed(chunk) -> whether somebody still reads */
static int test_feed(lua_State *L)
{
    struct slice s = bind_check_slice(L, 1);

    lua_pushboolean(L, body_write(world_of(L)->fed, s.p, s.n) == 0);
    return 1;
}

static int test_finish(lua_State *L)
{
    body_end(world_of(L)->fed);
    return 0;
}

static int test_fail(lua_State *L)
{
    body_fail(world_of(L)->fed, ERR_CLOSED);
    return 0;
}

static int test_spawn(lua_State *L)
{
    lua_settop(L, 1);
    bind_spawn_task(L, 0);
    return 0;
}

/* test.respond(value) -> status, reason, "name: value\n..." | nil, what */
static int test_respond(lua_State *L)
{
    struct world *w = world_of(L);
    const char *what = NULL;
    struct buf *b = NULL;

    struct response *rs = bind_to_response(L, 1, &what);
    response_drop(w->out);
    w->out = rs;
    if (rs == NULL) {
        lua_pushnil(L);
        lua_pushstring(L, what);
        return 2;
    }
    b = bind_scratch(L);
    for (uint32_t i = 0; i < rs->field_count; i++) {
        buf_add_slice(b, rs->fields[i].name);
        buf_add_text(b, ": ");
        buf_add_slice(b, rs->fields[i].value);
        buf_add_text(b, "\n");
    }
    lua_pushinteger(L, rs->status);
    bind_push_slice(L, rs->reason);
    bind_push_scratch(L, b);
    return 3;
}

/* test.drain([max]) -> bytes of the response's body that are there, state */
static int test_drain(lua_State *L)
{
    static const char *const names[] = {"open", "ended", "failed"};
    struct body *body = world_of(L)->out->body;
    lua_Integer max = luaL_optinteger(L, 1, 1 << 30);
    struct slice run = {NULL, 0};
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    enum body_state state = body == NULL ? BODY_ENDED : body_peek(body, &run);
    while (run.n != 0 && max > 0) {
        size_t n = run.n < (size_t)max ? run.n : (size_t)max;
        luaL_addlstring(&b, run.p, n);
        body_consume(body, n);
        max -= (lua_Integer)n;
        state = body_peek(body, &run);
    }
    luaL_pushresult(&b);
    lua_pushstring(L, names[state]);
    return 2;
}

static int test_hang_up(lua_State *L)
{
    body_abandon(world_of(L)->out->body);
    return 0;
}

/* test.forward(url | request [, init]) -> Request, as a stub would send it */
static int test_forward(lua_State *L)
{
    lua_settop(L, 2);
    bind_push_request(L, bind_check_request(L, 1, 1));
    return 1;
}

static void nothing(void)
{
}

static void end_wait(struct waiter *one)
{
    list_unlink(&one->link);
    wait_done(&one->wait, 0);
    free(one);
}

/* A wait that ends with the turn. */
static int rested(lua_State *L, int status, lua_KContext ctx)
{
    (void)L, (void)status, (void)ctx;
    nothing();
    return 0;
}

static int test_rest(lua_State *L)
{
    return bind_wait_durable(L, rested);
}

static int test_log(lua_State *L)
{
    struct world *w = world_of(L);

    bind_push_slice(L, buf_slice(&w->log));
    w->log.n = 0;
    return 1;
}

static int test_commits(lua_State *L)
{
    lua_pushinteger(L, world_of(L)->commits);
    return 1;
}

/* test.key(unique), test.id(unique, name) -> hex, test.fits(unique, hex) */
static int test_id(lua_State *L)
{
    uint8_t key[ID_KEY_SIZE];
    struct oid id;
    char hex[OID_HEX + 1];

    id_key(luaL_checkstring(L, 1), key);
    if (lua_isnoneornil(L, 2))
        id_unique(key, &world_of(L)->random, &id);
    else
        id_from_name(key, bind_check_slice(L, 2), &id);
    oid_to_hex(&id, hex);
    lua_pushstring(L, hex);
    return 1;
}

static int test_fits(lua_State *L)
{
    uint8_t key[ID_KEY_SIZE];
    struct slice hex = bind_check_slice(L, 2);
    struct oid id;

    id_key(luaL_checkstring(L, 1), key);
    lua_pushboolean(L, oid_from_hex(hex.p, hex.n, &id) && id_fits(key, &id));
    return 1;
}

static const luaL_Reg test_functions[] = {
    {"request", test_request},
    {"feed", test_feed},
    {"finish", test_finish},
    {"fail", test_fail},
    {"spawn", test_spawn},
    {"respond", test_respond},
    {"drain", test_drain},
    {"hangUp", test_hang_up},
    {"forward", test_forward},
    {"rest", test_rest},
    {"log", test_log},
    {"commits", test_commits},
    {"id", test_id},
    {"fits", test_fits},
    {NULL, NULL},
};

static const luaL_Reg mk_parts[] = {
    {"json", bind_open_json},         {"msgpack", bind_open_msgpack},
    {"base64", bind_open_base64},     {"hex", bind_open_hex},
    {"url", bind_open_url},           {"crypto", bind_open_crypto},
    {"log", bind_open_log},           {"Request", bind_open_request},
    {"Response", bind_open_response}, {"Headers", bind_open_headers},
    {"blob", bind_open_blob},         {NULL, NULL},
};

static int open_globals(lua_State *L)
{
    lua_newtable(L);
    for (const luaL_Reg *part = mk_parts; part->name != NULL; part++) {
        part->func(L);
        lua_setfield(L, -2, part->name);
    }
    bind_push_null(L);
    lua_setfield(L, -2, "null");
    lua_setglobal(L, "mk");
    bind_open_storage(L);
    lua_setglobal(L, "storage");
    luaL_newlib(L, test_functions);
    lua_setglobal(L, "test");
    return 0;
}

/* ---- turns ---- */

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
        if (t != w->tasks[0] && status != TASK_WAITING)
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
    code_drop(w->code);
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
    MUST(code_new("main.lua", &w->code, &err) == 0);
    struct vm_config config = {.clock = &w->clock,
                               .random = &w->random,
                               .code = w->code,
                               .memory_bytes = (size_t)memory,
                               .cpu_ns = 60000000000u,
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

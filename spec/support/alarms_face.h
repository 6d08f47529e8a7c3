/* alarms_face.h - part of hosttest_alarms.c: what the specs call. */
#ifndef SUPPORT_ALARMS_FACE_H
#define SUPPORT_ALARMS_FACE_H

static struct world *check_world(lua_State *L)
{
    return luaL_checkudata(L, 1, WORLD_MT);
}

static int open_store(struct world *w, struct error *err)
{
    struct store_config config = {.disk = w->disk,
                                  .clock = &w->clock,
                                  .segment_bytes = 1 << 16,
                                  .threads = STORE_PUMPED};

    return store_open(&config, &w->store, err);
}

static void open_realm(struct world *w)
{
    struct realm_config config = {.loop = &w->loop,
                                  .clock = &w->clock,
                                  .random = &w->random,
                                  .script = &script,
                                  .host = &host,
                                  .host_arg = w,
                                  .limits = {.idle_ms = 10000,
                                             .mailbox = 4,
                                             .memory_bytes = 1 << 24,
                                             .cpu_ns = 30000000000},
                                  .code = w->code,
                                  .alarms = w->alarms};

    w->client = store_attach(w->store, NULL, NULL);
    config.store = w->client;
    config.alarms.directory = store_directory(w->store);
    realm_init(&w->realm, &config);
}

static lua_Integer field(lua_State *L, int at, const char *name)
{
    lua_getfield(L, at, name);
    lua_Integer value = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return value;
}

/* T.world{ rate =, heap =, seed = } */
static int world_new(lua_State *L)
{
    struct error err;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer seed = field(L, 1, "seed");
    struct world *w = lua_newuserdatauv(L, sizeof(*w), 0);
    memset(w, 0, sizeof(*w));
    w->alarms.rate = (uint64_t)field(L, 1, "rate");
    w->alarms.heap_max = (size_t)field(L, 1, "heap");
    list_init(&w->waiters);
    clock_init_virtual(&w->clock, BEGIN_MS);
    random_init_seeded(&w->random, (uint64_t)seed);
    w->disk = disk_sim_new((uint64_t)seed);
    MUST(code_new(__FILE__, &w->code, NULL) == 0);
    MUST(uv_loop_init(&w->loop) == 0);
    if (open_store(w, &err) != 0)
        return luaL_error(L, "%s", err.text);
    open_realm(w);
    luaL_setmetatable(L, WORLD_MT);
    return 1;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void close_realm(struct world *w)
{
    realm_close(&w->realm, nothing, NULL);
    MUST(w->realm.objects == NULL);
    MUST(w->realm.scheduler.queued == 0 && w->realm.scheduler.under_way == 0);
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

static int world_close(lua_State *L)
{
    struct world *w = check_world(L);

    if (w->is_closed)
        return 0;
    w->is_closed = true;
    close_realm(w);
    MUST(uv_loop_close(&w->loop) == 0);
    store_detach(w->client);
    store_close(w->store);
    w->disk->ops->free(w->disk);
    code_drop(w->code);
    return 0;
}

static int world_gc(lua_State *L)
{
    world_close(L);
    buf_fini(&check_world(L)->log);
    return 0;
}

/* w:crash([downtime]): the power is cut, and is back so much later */
static int world_crash(lua_State *L)
{
    struct world *w = check_world(L);
    lua_Integer downtime = luaL_optinteger(L, 2, 0);
    struct error err;

    store_drop(w->store);
    close_realm(w);
    store_detach(w->client);
    disk_sim_restart(w->disk);
    clock_advance(&w->clock, downtime);
    if (open_store(w, &err) != 0)
        return luaL_error(L, "%s", err.text);
    open_realm(w);
    return 0;
}

/* w:stop([downtime]): the same in good order */
static int world_stop(lua_State *L)
{
    struct world *w = check_world(L);
    struct error err;

    close_realm(w);
    store_detach(w->client);
    store_close(w->store);
    clock_advance(&w->clock, luaL_optinteger(L, 2, 0));
    if (open_store(w, &err) != 0)
        return luaL_error(L, "%s", err.text);
    open_realm(w);
    return 0;
}

static void set_text(lua_State *L, const char *name, char room[PROGRAM])
{
    if (lua_getfield(L, 2, name) != LUA_TNIL)
        snprintf(room, PROGRAM, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
}

static void set_flag(lua_State *L, const char *name, bool *flag)
{
    if (lua_getfield(L, 2, name) != LUA_TNIL)
        *flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
}

/* w:set{ init =, alarm =, no_handler =, cannot_open =, holds_disk =,
 * quiet = } */
static int world_set(lua_State *L)
{
    struct world *w = check_world(L);

    set_text(L, "init", w->init);
    set_text(L, "alarm", w->alarm);
    set_flag(L, "no_handler", &w->has_no_handler);
    set_flag(L, "cannot_open", &w->cannot_open);
    set_flag(L, "holds_disk", &w->holds_disk);
    set_flag(L, "quiet", &w->is_quiet);
    return 0;
}

/* w:log() -> lines since the last call, each with its time */
static int world_log(lua_State *L)
{
    struct world *w = check_world(L);
    size_t from = 0;
    int n = 0;

    lua_newtable(L);
    for (size_t i = 0; i < w->log.n; i++) {
        if (w->log.p[i] != '\n')
            continue;
        lua_pushlstring(L, w->log.p + from, i - from);
        lua_rawseti(L, -2, ++n);
        from = i + 1;
    }
    w->log.n = 0;
    return 1;
}

static void on_done(struct reply *r, struct outcome *o)
{
    struct logged_reply *l = container_of(r, struct logged_reply, reply);

    if (o->kind == OUTCOME_FAILURE)
        NOTE(l->world, "reply %lld: %.*s", (long long)l->number,
             (int)o->failure->message.n, o->failure->message.p);
    else if (!l->world->is_quiet)
        NOTE(l->world, "reply %lld", (long long)l->number);
    free(l);
}

/* Its beginning spreads the ids like hashes. */
static void object_id(const char *name, struct oid *id)
{
    size_t n = strlen(name) < 24 ? strlen(name) : 24;
    uint64_t hash = 14695981039346656037u;

    memset(id, 0, sizeof(*id));
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)name[i]) * 1099511628211u;
    memcpy(id->b, &hash, sizeof(hash));
    memcpy(id->b + sizeof(hash), name, n);
}

/* w:call(object, commands) -> its number */
static int world_call(lua_State *L)
{
    struct world *w = check_world(L);
    struct event *e = event_new(EVENT_CALL);
    struct logged_reply *l = mem_zalloc(sizeof(*l));
    struct oid id;

    object_id(luaL_checkstring(L, 2), &id);
    e->method = mem_dup(lua_tostring(L, 3), lua_rawlen(L, 3));
    l->world = w;
    l->number = ++w->calls;
    l->reply.done = on_done;
    e->reply = &l->reply;
    realm_deliver(&w->realm, realm_class(&w->realm, "T"), &id,
                  (struct slice){0}, e);
    lua_pushinteger(L, l->number);
    return 1;
}

static void settle(struct world *w)
{
    do {
        while (realm_run(&w->realm, 1000000000))
            ;
        if (w->holds_disk)
            return;
        store_pump(w->store);
        realm_poll_store(&w->realm);
    } while (!list_empty(&w->realm.run_queue));
}

/* w:run(): what can be done now */
static int world_run(lua_State *L)
{
    settle(check_world(L));
    return 0;
}

/* w:advance(ms): the clock goes on, timer by timer */
static int world_advance(lua_State *L)
{
    struct world *w = check_world(L);
    uint64_t end =
        w->clock.mono_ns + (uint64_t)luaL_checkinteger(L, 2) * 1000000;

    for (;;) {
        settle(w);
        uint64_t next = timers_next_ns(&w->realm.timers);

        if (next > end)
            break;
        if (next > w->clock.mono_ns)
            clock_advance(&w->clock,
                          (int64_t)((next - w->clock.mono_ns) / 1000000));
        timers_run(&w->realm.timers);
    }
    clock_advance(&w->clock, (int64_t)((end - w->clock.mono_ns) / 1000000));
    return 0;
}

/* w:jump(ms): the wall clock alone is set to so much later */
static int world_jump(lua_State *L)
{
    check_world(L)->clock.wall_ms += luaL_checkinteger(L, 2);
    return 0;
}

/* w:wake(): whoever waits goes on */
static int world_wake(lua_State *L)
{
    struct world *w = check_world(L);
    struct list *link;

    while ((link = list_shift(&w->waiters)) != NULL) {
        struct waiter *one = container_of(link, struct waiter, link);

        wait_done(&one->wait, 0);
        free(one);
    }
    settle(w);
    return 0;
}

static int world_reload(lua_State *L)
{
    struct world *w = check_world(L);

    realm_reload(&w->realm, w->code, (uint64_t)luaL_optinteger(L, 2, 1000));
    return 0;
}

static int world_fail_sync(lua_State *L)
{
    disk_sim_fail_sync(check_world(L)->disk);
    return 0;
}

/* w:crashAfter(n), w:steps(): writes and syncs of the disk */
static int world_crash_after(lua_State *L)
{
    disk_sim_crash_after(check_world(L)->disk, luaL_checkinteger(L, 2));
    return 0;
}

static int world_steps(lua_State *L)
{
    lua_pushinteger(L, disk_sim_steps(check_world(L)->disk));
    return 1;
}

/* w:count() -> objects in memory, entries of the heap, alarms fired so far */
static int world_count(lua_State *L)
{
    struct world *w = check_world(L);

    lua_pushinteger(L, HASH_COUNT(w->realm.objects));
    lua_pushinteger(L, (lua_Integer)w->realm.scheduler.heap.count);
    lua_pushinteger(L, w->fired);
    return 3;
}

static const luaL_Reg world_methods[] = {
    {"set", world_set},
    {"log", world_log},
    {"call", world_call},
    {"run", world_run},
    {"advance", world_advance},
    {"jump", world_jump},
    {"wake", world_wake},
    {"reload", world_reload},
    {"failSync", world_fail_sync},
    {"crashAfter", world_crash_after},
    {"steps", world_steps},
    {"count", world_count},
    {"crash", world_crash},
    {"stop", world_stop},
    {"close", world_close},
    {"__gc", world_gc},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {{"world", world_new}, {NULL, NULL}};

int luaopen_hosttest_alarms(lua_State *L)
{
    luaL_newmetatable(L, WORLD_MT);
    luaL_setfuncs(L, world_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}

#endif

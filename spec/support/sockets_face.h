/* sockets_face.h - part of hosttest_sockets.c: what the specs call. */
#ifndef SUPPORT_SOCKETS_FACE_H
#define SUPPORT_SOCKETS_FACE_H

static struct world *check_world(lua_State *L)
{
    return luaL_checkudata(L, 1, WORLD_MT);
}

static struct slot *check_slot(lua_State *L)
{
    return &check_world(L)->slots[luaL_checkinteger(L, 2)];
}

static struct slice check_text(lua_State *L, int arg)
{
    struct slice s;

    s.p = luaL_optlstring(L, arg, "", &s.n);
    return s;
}

/* T.world{ init =, closing = } */
static int world_new(lua_State *L)
{
    struct world *w = lua_newuserdatauv(L, sizeof(*w), 0);

    memset(w, 0, sizeof(*w));
    for (int i = 0; i < SLOTS; i++)
        w->slots[i] = (struct slot){.world = w, .n = i};
    list_init(&w->waiters);
    clock_init_virtual(&w->clock, 1700000000000);
    w->disk = disk_sim_new(1);
    MUST(store_open(&(struct store_config){.disk = w->disk,
                                           .clock = &w->clock,
                                           .segment_bytes = 1 << 20,
                                           .threads = STORE_PUMPED},
                    &w->store, NULL) == 0);
    w->client = store_attach(w->store, NULL, NULL);
    MUST(uv_loop_init(&w->loop) == 0);
    MUST(code_new(__FILE__, &w->code, NULL) == 0);
    struct realm_config config = {.loop = &w->loop,
                                  .clock = &w->clock,
                                  .random = random_system(),
                                  .store = w->client,
                                  .script = &script,
                                  .host = &host,
                                  .host_arg = w,
                                  .limits = {.idle_ms = 10000,
                                             .mailbox = 4,
                                             .memory_bytes = 1 << 24,
                                             .cpu_ns = 30000000000},
                                  .code = w->code};

    realm_init(&w->realm, &config);
    luaL_setmetatable(L, WORLD_MT);
    return 1;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void lose_peer(struct slot *t, int code, struct slice reason,
                      bool was_clean)
{
    struct socket *peer = t->peer;

    t->peer = NULL;
    socket_on_gone(peer == NULL ? t->socket : peer, code, reason, was_clean);
    socket_drop(peer);
}

static int world_close(lua_State *L)
{
    struct world *w = check_world(L);

    if (w->is_closed)
        return 0;
    w->is_closed = true;
    realm_close(&w->realm, nothing, NULL);
    for (int i = 0; i < SLOTS; i++) {
        if (w->slots[i].peer != NULL)
            lose_peer(&w->slots[i], 1006, (struct slice){0}, false);
        socket_drop(w->slots[i].socket);
    }
    MUST(sockets_left(&w->realm) == 0 && w->realm.sockets == NULL &&
         w->realm.tags == NULL && w->realm.objects == NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
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

/* w:set{ init =, closing =, cannot_open =, quiet = } */
static int world_set(lua_State *L)
{
    struct world *w = check_world(L);

    if (lua_getfield(L, 2, "init") != LUA_TNIL)
        snprintf(w->init, sizeof(w->init), "%s", lua_tostring(L, -1));
    if (lua_getfield(L, 2, "closing") != LUA_TNIL)
        snprintf(w->closing, sizeof(w->closing), "%s", lua_tostring(L, -1));
    lua_getfield(L, 2, "cannot_open");
    w->cannot_open = lua_toboolean(L, -1);
    lua_getfield(L, 2, "quiet");
    w->is_quiet = lua_toboolean(L, -1);
    return 0;
}

/* w:log() -> lines since the last call */
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

static void object_id(const char *name, struct oid *id)
{
    memset(id, 0, sizeof(*id));
    memcpy(id, name, strlen(name) < sizeof(*id) ? strlen(name) : sizeof(*id));
}

static void on_done(struct reply *r, struct outcome *o)
{
    struct logged_reply *l = container_of(r, struct logged_reply, reply);

    if (o->kind == OUTCOME_FAILURE)
        NOTE(l->world, "reply: %.*s", (int)o->failure->message.n,
             o->failure->message.p);
    else
        NOTE(l->world, "reply");
    free(l);
}

/* w:call(object, commands): runs them at w:run */
static int world_call(lua_State *L)
{
    struct world *w = check_world(L);
    struct event *e = event_new(EVENT_CALL);
    struct logged_reply *l = mem_zalloc(sizeof(*l));
    struct oid id;

    object_id(luaL_checkstring(L, 2), &id);
    e->method = mem_dup(lua_tostring(L, 3), lua_rawlen(L, 3));
    l->world = w;
    l->reply.done = on_done;
    e->reply = &l->reply;
    realm_deliver(&w->realm, realm_class(&w->realm, "T"), &id,
                  (struct slice){0}, e);
    return 0;
}

static int world_run(lua_State *L)
{
    while (realm_run(&check_world(L)->realm, 1000000000))
        ;
    return 0;
}

/* w:pump(): what was written becomes durable, or fails after w:failSync() */
static int world_pump(lua_State *L)
{
    struct world *w = check_world(L);

    store_pump(w->store);
    realm_poll_store(&w->realm);
    return 0;
}

static int world_fail_sync(lua_State *L)
{
    disk_sim_fail_sync(check_world(L)->disk);
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
    return 0;
}

static int world_evict(lua_State *L)
{
    realm_evict_idle(&check_world(L)->realm);
    while (realm_run(&check_world(L)->realm, 1000000000))
        ;
    return 0;
}

static int world_reload(lua_State *L)
{
    struct world *w = check_world(L);

    realm_reload(&w->realm, w->code, 1000);
    return 0;
}

static int world_advance(lua_State *L)
{
    clock_advance(&check_world(L)->clock, luaL_checkinteger(L, 2));
    return 0;
}

static int world_go_away(lua_State *L)
{
    sockets_go_away(&check_world(L)->realm);
    return 0;
}

/* w:left() -> sockets with a peer, objects in memory */
static int world_left(lua_State *L)
{
    struct world *w = check_world(L);

    lua_pushinteger(L, (lua_Integer)sockets_left(&w->realm));
    lua_pushinteger(L, HASH_COUNT(w->realm.objects));
    return 2;
}

/* ---- one socket ---- */

/* w:attach(n [, protocol]) -> whether it was; as a connection */
static int attach(lua_State *L, const struct peer_ops *ops)
{
    struct slot *t = check_slot(L);

    t->peer = socket_hold(t->socket);
    int rc = socket_attach(t->socket, ops, t, check_text(L, 3), "none");

    if (rc != 0) {
        t->peer = NULL;
        socket_drop(t->socket);
    }
    lua_pushboolean(L, rc == 0);
    return 1;
}

static int world_attach(lua_State *L)
{
    return attach(L, &connection);
}

/* w:couple(n): the same as the other end of a pair */
static int world_couple(lua_State *L)
{
    return attach(L, &in_script);
}

/* w:message(n, text [, is_binary]) */
static int world_message(lua_State *L)
{
    socket_on_message(check_slot(L)->peer, lua_toboolean(L, 4),
                      check_text(L, 3));
    return 0;
}

/* w:closing(n, code, reason) */
static int world_closing(lua_State *L)
{
    socket_on_closing(check_slot(L)->peer, (int)luaL_checkinteger(L, 3),
                      check_text(L, 4));
    return 0;
}

/* w:gone(n, code, reason, was_clean): also without a peer */
static int world_gone(lua_State *L)
{
    lose_peer(check_slot(L), (int)luaL_checkinteger(L, 3), check_text(L, 4),
              lua_toboolean(L, 5));
    return 0;
}

static int world_error(lua_State *L)
{
    socket_on_error(check_slot(L)->peer, check_text(L, 3));
    return 0;
}

static const char *state_name(const struct socket *s)
{
    static const char *const names[] = {"open", "closing", "closed"};

    return names[s->state];
}

/* w:state(n) -> state, time of the last auto-response, protocol, whether it
 * has more, whether socket_find gives it, whether its object has it */
static int world_state(lua_State *L)
{
    struct world *w = check_world(L);
    const struct socket *s = check_slot(L)->socket;

    lua_pushstring(L, state_name(s));
    lua_pushinteger(L, s->auto_ms);
    lua_pushstring(L, s->protocol);
    lua_pushboolean(L, s->more != NULL);
    lua_pushboolean(L, socket_find(&w->realm, s->number) == s);
    lua_pushboolean(L, s->object != NULL);
    return 6;
}

/* w:tags(n) -> tags, one string */
static int world_tags(lua_State *L)
{
    const struct socket *s = check_slot(L)->socket;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (size_t i = 0; i < socket_tag_count(s); i++) {
        struct slice tag = socket_tag(s, i);

        luaL_addlstring(&b, tag.p, tag.n);
        luaL_addchar(&b, ' ');
        MUST(socket_has_tag(s, tag));
    }
    luaL_pushresult(&b);
    return 1;
}

/* w:drop(n): the script's end is collected */
static int world_drop(lua_State *L)
{
    struct slot *t = check_slot(L);
    struct socket *s = t->socket;

    t->socket = NULL;
    socket_drop(s);
    return 0;
}

/* w:many(object, count, tag) -> how many were accepted, with peers that do
 * nothing; the object must be in memory */
static int world_many(lua_State *L)
{
    struct world *w = check_world(L);
    struct slice tag = check_text(L, 4);
    lua_Integer i;
    struct oid id;
    struct object *o = NULL;

    object_id(luaL_checkstring(L, 2), &id);
    for (o = w->realm.objects; o != NULL && !oid_eq(&o->id, &id);)
        o = o->hh.next;
    MUST(o != NULL);
    for (i = 0; i < luaL_checkinteger(L, 3); i++) {
        struct socket *s = socket_new(o);
        int rc = socket_accept_hibernatable(s, &tag, 1);

        if (rc == 0)
            rc = socket_attach(s, &silent, socket_hold(s), (struct slice){0},
                               "");
        socket_set_attachment(s, SLICE("01234567890123456789012345678901"));
        socket_drop(s);
        if (rc != 0)
            break;
    }
    lua_pushinteger(L, i);
    return 1;
}

/* T.sizes() -> bytes of a socket; of what it has beside while it is rare */
static int sizes(lua_State *L)
{
    lua_pushinteger(L, sizeof(struct socket));
    lua_pushinteger(L, sizeof(struct socket_more));
    return 2;
}

static const luaL_Reg world_methods[] = {{"set", world_set},
                                         {"log", world_log},
                                         {"call", world_call},
                                         {"run", world_run},
                                         {"pump", world_pump},
                                         {"failSync", world_fail_sync},
                                         {"wake", world_wake},
                                         {"evict", world_evict},
                                         {"reload", world_reload},
                                         {"advance", world_advance},
                                         {"goAway", world_go_away},
                                         {"left", world_left},
                                         {"attach", world_attach},
                                         {"couple", world_couple},
                                         {"message", world_message},
                                         {"closing", world_closing},
                                         {"gone", world_gone},
                                         {"error", world_error},
                                         {"state", world_state},
                                         {"tags", world_tags},
                                         {"drop", world_drop},
                                         {"many", world_many},
                                         {"close", world_close},
                                         {"__gc", world_gc},
                                         {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"world", world_new}, {"sizes", sizes}, {NULL, NULL}};

int luaopen_hosttest_sockets(lua_State *L)
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

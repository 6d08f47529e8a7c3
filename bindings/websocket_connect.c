/*
 * websocket_connect.c - mk.WebSocket: connections to servers elsewhere.
 *
 *   mk.WebSocket() --gate--> host_ops.connect --done--> the task goes on
 *
 * A dial is shared by its task and by its flight; whichever ends last frees
 * it, so that a caller may vanish.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/header_fields.h"
#include "bindings/header_text.h"
#include "bindings/url.h"
#include "bindings/websocket.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

/* Where things are on the stack. */
enum { AT_URL = 1, AT_OPTIONS = 2, AT_SELF = 3 };

struct dial {
    int refs;
    struct realm *realm;
    struct socket *socket;   /* held */
    struct request *request; /* until it leaves */
    struct connect connect;
    struct gate_item gate;
    struct wait wait;
    struct error failure; /* code 0: none */
};

static void dial_drop(struct dial *d)
{
    if (--d->refs != 0)
        return;
    request_drop(d->request);
    socket_drop(d->socket);
    free(d);
}

static void drop_operation(void *operation)
{
    dial_drop(operation);
}

/* ---- the flight ---- */

static void land(struct dial *d, const struct error *failure)
{
    if (failure != NULL)
        d->failure = *failure;
    wait_done(&d->wait, 0);
    dial_drop(d);
}

static void on_connected(struct connect *c, const struct error *failure)
{
    land(container_of(c, struct dial, connect), failure);
}

/* The request leaves its object, or its turn came to nothing. */
static void on_release(struct gate_item *item, const struct error *failure)
{
    struct dial *d = container_of(item, struct dial, gate);
    const struct realm_config *config = &d->realm->config;

    if (failure != NULL) {
        land(d, failure);
        return;
    }
    d->connect = (struct connect){d->request, on_connected};
    d->request = NULL;
    config->host->connect(config->host_arg, d->socket, &d->connect);
}

/* The flight goes on without its caller. */
static void on_cancel(struct wait *w)
{
    (void)w;
}

static void describe(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "a WebSocket to be connected");
}

/* Send `rq` (taken over) in the name of task `t`; `s` gets the peer. */
static void begin(struct task *t, struct socket *s, struct request *rq)
{
    struct object *o = vm_owner(t->vm);
    struct dial *d = mem_zalloc(sizeof(*d));

    d->refs = 2;
    d->realm = o->realm;
    d->socket = socket_hold(s);
    d->request = rq;
    d->gate.release = on_release;
    list_init(&d->gate.link);
    if (t->operation != NULL)
        t->drop(t->operation);
    t->operation = d;
    t->drop = drop_operation;
    d->wait.describe = describe;
    wait_begin(&d->wait, t, on_cancel);
    object_send(o, &d->gate);
}

/* ---- back in the caller ---- */

static int connect_failed(lua_State *L, struct lsocket *u, struct task *t)
{
    struct dial *d = t->operation;
    struct error failure = d->failure;

    t->operation = NULL;
    dial_drop(d);
    socket_drop(u->socket);
    u->socket = NULL;
    return bind_raise_error(
        L, failure.code == ERR_TIMEOUT ? "timeout" : "network", &failure);
}

static int connect_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    struct dial *d = t->operation;
    struct lsocket *u = lua_touserdata(L, AT_SELF);

    (void)status;
    (void)ctx;
    if (d->failure.code != 0)
        return connect_failed(L, u, t);
    websocket_pin(L, AT_SELF);
    socket_accept_plain(u->socket);
    websocket_on_ready(u->socket);
    t->operation = NULL;
    dial_drop(d);
    lua_settop(L, AT_SELF);
    return 1;
}

/* ---- the request ---- */

static int bad_scheme(lua_State *L, struct slice scheme)
{
    return bind_raise(L, NULL,
                      "invalid url: expected ws:// or wss://, got %.*s://",
                      (int)(scheme.n < 32 ? scheme.n : 32), scheme.p);
}

/* Push the http or https url that the one at AT_URL stands for; its path
 * begins at `*target`. */
static struct slice push_url(lua_State *L, size_t *target)
{
    struct slice text = bind_check_slice(L, AT_URL);
    struct error err = {0};
    struct url u;

    if (url_split(text, &u, &err) != 0)
        bind_raise_error(L, NULL, &err);
    bool is_secure = slice_eq_nocase(u.scheme, SLICE("wss"));
    struct buf *b = bind_scratch(L);
    if (is_secure || slice_eq_nocase(u.scheme, SLICE("ws")))
        buf_add_text(b, is_secure ? "https" : "http");
    else if (slice_eq_nocase(u.scheme, SLICE("http")) ||
             slice_eq_nocase(u.scheme, SLICE("https")))
        buf_add_slice(b, u.scheme);
    else
        bad_scheme(L, u.scheme);
    buf_add(b, text.p + u.scheme.n, text.n - u.scheme.n);
    bind_push_scratch(L, b);
    b = bind_scratch(L);
    if (url_normal(bind_to_slice(L, -1), b, target, &err) != 0)
        bind_raise_error(L, NULL, &err);
    bind_push_scratch(L, b);
    return bind_to_slice(L, -1);
}

static struct slice check_protocol(lua_State *L, int idx)
{
    struct slice s = bind_to_slice(L, idx);

    if (s.p == NULL)
        bind_raise(L, NULL, "a WebSocket protocol must be a string, got %s",
                   bind_what(L, idx));
    if (!header_is_token(s))
        bind_raise(L, NULL, "'%.*s' is not a valid WebSocket protocol",
                   (int)(s.n < 100 ? s.n : 100), s.p);
    return s;
}

/* The array at `list` has the string at `idx` before `i`. */
static bool occurs(lua_State *L, int list, lua_Integer i, int idx)
{
    bool does = false;

    for (lua_Integer k = 1; k < i && !does; k++) {
        lua_rawgeti(L, list, k);
        does = lua_rawequal(L, -1, idx) != 0;
        lua_pop(L, 1);
    }
    return does;
}

enum { PROTOCOLS_MAX = 100 };

/* Push the strings of the array at `list`, joined by ", ". */
static void join_protocols(lua_State *L, int list)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, list);

    if (n > PROTOCOLS_MAX)
        bind_raise(L, NULL, "more than %d WebSocket protocols", PROTOCOLS_MAX);
    lua_pushliteral(L, "");
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            lua_pushliteral(L, ", ");
        lua_rawgeti(L, list, i);
        struct slice s = check_protocol(L, -1);
        if (occurs(L, list, i, lua_gettop(L)))
            bind_raise(L, NULL, "the WebSocket protocol '%.*s' is given twice",
                       (int)(s.n < 100 ? s.n : 100), s.p);
        lua_concat(L, i > 1 ? 3 : 2);
    }
}

/* Push options.protocols as the value of a field; empty without any. */
static struct slice push_protocols(lua_State *L)
{
    int type = lua_isnil(L, AT_OPTIONS)
                   ? (lua_pushnil(L), LUA_TNIL)
                   : lua_getfield(L, AT_OPTIONS, "protocols");

    if (type == LUA_TNIL)
        return (struct slice){NULL, 0};
    if (type == LUA_TTABLE)
        join_protocols(L, lua_gettop(L));
    else
        check_protocol(L, -1);
    return bind_to_slice(L, -1);
}

/* The handshake's own fields are not the script's. */
static void check_fields(lua_State *L, const struct field *f, uint32_t count)
{
    static const struct slice own[] = {{"connection", 10},
                                       {"upgrade", 7},
                                       {"content-length", 14},
                                       {"transfer-encoding", 17}};

    for (uint32_t i = 0; i < count; i++) {
        bool is_own = f[i].name.n >= 14 &&
                      slice_eq_nocase((struct slice){f[i].name.p, 14},
                                      SLICE("sec-websocket-"));

        for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
            is_own |= slice_eq_nocase(f[i].name, own[k]);
        if (is_own)
            bind_raise(
                L, NULL, "the header '%.*s' of a WebSocket cannot be set%s",
                (int)(f[i].name.n < 100 ? f[i].name.n : 100), f[i].name.p,
                slice_eq_nocase(f[i].name, SLICE("sec-websocket-protocol"))
                    ? ": use protocols"
                    : "");
    }
}

/* The request of the handshake, owned; it must go on without a raise.  Leaves
 * what it was made of on the stack. */
static struct request *make_request(lua_State *L)
{
    struct request head = {.method = SLICE("GET")};
    struct few_fields few;
    size_t target = 0;

    head.url = push_url(L, &target);
    head.target = (struct slice){head.url.p + target, head.url.n - target};
    struct slice protocols = push_protocols(L);
    int headers_at = 0;
    if (!lua_isnil(L, AT_OPTIONS) &&
        lua_getfield(L, AT_OPTIONS, "headers") != LUA_TNIL)
        headers_at = lua_gettop(L);
    const struct field *fields = headers_read(
        L, headers_at, (struct slice){NULL, 0}, &few, &head.field_count);
    check_fields(L, fields, head.field_count);
    head.fields =
        lua_newuserdatauv(L, (head.field_count + 1) * sizeof(struct field), 0);
    memcpy(head.fields, fields, head.field_count * sizeof(struct field));
    if (protocols.n != 0)
        head.fields[head.field_count++] =
            (struct field){SLICE("Sec-WebSocket-Protocol"), protocols};
    return request_build(&head);
}

/* A socket for what goes out to `url`, of http or https. */
static struct socket *new_socket(struct object *o, struct slice url)
{
    const size_t http = strlen("http");
    struct socket *s = socket_new(o);
    struct buf text = {0};

    buf_add_text(&text, "ws");
    buf_add(&text, url.p + http, url.n - http);
    socket_set_url(s, buf_slice(&text));
    buf_fini(&text);
    return s;
}

/*
 * mk.WebSocket(url [, { protocols=, headers= }]) -> WebSocket
 *
 * Connect to a server: ws:// or wss:// (http:// and https:// as well),
 * `protocols` a string or an array of them.  Waits; the connection is begun
 * after what the object wrote before is on disk.  The WebSocket is accepted
 * already, a plain one.  Raises what failed.
 */
static int websocket_connect(lua_State *L)
{
    static const char *const known[] = {"protocols", "headers", NULL};

    lua_settop(L, 2);
    bind_check_slice(L, AT_URL);
    if (lua_istable(L, AT_OPTIONS))
        bind_check_options(L, AT_OPTIONS, "WebSocket", known);
    else if (!lua_isnil(L, AT_OPTIONS))
        return bind_arg_error(L, AT_OPTIONS, "a table expected, got %s",
                              bind_what(L, AT_OPTIONS));
    struct task *t = task_check(L);
    luaL_checkstack(L, 24, NULL);
    struct lsocket *u = websocket_new(L, WEBSOCKET_FULL);
    struct request *rq = make_request(L);
    u->socket = new_socket(vm_owner(t->vm), rq->url);
    begin(t, u->socket, rq);
    lua_settop(L, AT_SELF);
    return lua_yieldk(L, 0, 0, connect_k);
}

int bind_open_websocket(lua_State *L)
{
    lua_pushcfunction(L, websocket_connect);
    return 1;
}

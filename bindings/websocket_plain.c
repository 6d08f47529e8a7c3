/*
 * websocket_plain.c - plain sockets: accept, listeners, receive.
 *
 *   receive: receiver (the task's operation, socket->script) --socket_ready-->
 *   the task goes on and takes what is in the socket's inbox
 */
#include <stdlib.h>

#include "base/mem.h"
#include "bindings/bind.h"
#include "bindings/websocket.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

enum { CODE_LOST = 1006 };

/* ---- listeners ---- */

static int event_kind(const char *name)
{
    static const char *const names[] = {[SOCKET_MESSAGE] = "message",
                                        [SOCKET_CLOSE] = "close",
                                        [SOCKET_ERROR] = "error"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

/* Push the table of the userdata at `idx`; false, and nothing is pushed, if it
 * has none. */
static bool push_table(lua_State *L, int idx)
{
    if (lua_getiuservalue(L, idx, 1) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    return false;
}

bool websocket_has_listeners(lua_State *L, int idx)
{
    bool has_any = false;

    if (!push_table(L, idx))
        return false;
    for (int i = 1; i <= 3; i++) {
        has_any |= lua_rawgeti(L, -1, i) != LUA_TNIL;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return has_any;
}

void websocket_forget_listeners(lua_State *L, int idx)
{
    if (!push_table(L, idx))
        return;
    for (int i = 1; i <= 3; i++) {
        lua_pushnil(L);
        lua_rawseti(L, -2, i);
    }
    lua_pop(L, 1);
}

/* Add the function at 3 to the listeners of the userdata at 1. */
static void add_listener(lua_State *L, int kind)
{
    if (!push_table(L, 1)) {
        lua_createtable(L, 3, 0);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    if (lua_rawgeti(L, -1, kind + 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, kind + 1);
    }
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void check_may_listen(lua_State *L, const struct lsocket *u)
{
    const struct socket *s = u->socket;

    if (websocket_is_handed_over(u))
        bind_raise(L, NULL,
                   "Can't listen to a WebSocket that was already used in a "
                   "response.");
    if (s == NULL)
        return;
    if (s->mode == SOCKET_HIBERNATABLE)
        bind_raise(L, NULL,
                   "a hibernatable WebSocket has no listeners: its events go "
                   "to webSocketMessage, webSocketClose and webSocketError");
    if (s->script != NULL)
        bind_raise(L, NULL,
                   "a receive() waits for the messages of this WebSocket "
                   "already");
}

/*
 * ws:addEventListener("message", function(message, isBinary) ... end)
 * ws:addEventListener("close", function(code, reason, wasClean) ... end)
 * ws:addEventListener("error", function(err) ... end)
 *
 * Of a plain socket, before or after accept(); those of one event are called
 * in order.  What came before is delivered then.  Errors in them are logged.
 */
int websocket_listen(lua_State *L)
{
    struct lsocket *u = websocket_check(L, 1);
    struct slice name = bind_check_slice(L, 2);
    int kind = event_kind(name.p);

    if (kind < 0)
        return bind_raise(L, NULL,
                          "no WebSocket event '%.*s': 'message', 'close' or "
                          "'error' expected",
                          (int)(name.n < 50 ? name.n : 50), name.p);
    if (!lua_isfunction(L, 3))
        return bind_arg_error(L, 3, "a function expected, got %s",
                              bind_what(L, 3));
    check_may_listen(L, u);
    add_listener(L, kind);
    if (u->socket == NULL || u->socket->mode != SOCKET_QUEUED)
        return 0;
    if (u->socket->object != NULL)
        websocket_pin(L, 1); /* its close may wait still */
    socket_listen(u->socket);
    return 0;
}

/* ---- accept ---- */

/*
 * ws:accept()
 *
 * Make it a plain socket, which keeps the object awake until it is over.  A
 * second time: nothing.
 */
int websocket_accept(lua_State *L)
{
    struct lsocket *u = websocket_check(L, 1);

    if (websocket_is_handed_over(u))
        return bind_raise(L, NULL,
                          "Can't accept() WebSocket that was already used in "
                          "a response.");
    if (websocket_is_accepted(u) && u->socket->mode == SOCKET_HIBERNATABLE)
        return bind_raise(
            L, NULL, "Can't accept() WebSocket after enabling hibernation.");
    if (websocket_is_accepted(u))
        return 0;
    bool is_listened = websocket_has_listeners(L, 1);
    struct socket *s = websocket_socket(L, u);
    websocket_pin(L, 1);
    socket_accept_plain(s);
    if (is_listened)
        socket_listen(s);
    websocket_settle(u);
    websocket_on_ready(s);
    return 0;
}

/* ---- receive ---- */

/* A task that waits for what comes: its operation. */
struct receiver {
    struct wait wait;
    struct socket *socket;    /* held */
    struct socket_news *news; /* owned; while it is pushed */
};

static void drop_receiver(void *operation)
{
    struct receiver *r = operation;

    r->socket->script = NULL;
    socket_drop(r->socket);
    socket_news_free(r->news);
    free(r);
}

/* It goes with its task. */
static void on_receive_cancel(struct wait *w)
{
    (void)w;
}

void websocket_on_ready(struct socket *s)
{
    struct receiver *r = s->script;

    if (r != NULL)
        wait_done(&r->wait, 0);
    /* Nobody needs to find its userdata again. */
    if (s->is_over && s->mode == SOCKET_QUEUED && s->object != NULL &&
        s->object->vm != NULL)
        websocket_unpin(vm_lua(s->object->vm), s);
}

/* Push nil and the two values of the table on top, which it replaces. */
static int push_close(lua_State *L)
{
    lua_pushnil(L);
    lua_rawgeti(L, -2, 1);
    lua_rawgeti(L, -3, 2);
    return 3;
}

/* Keep how the userdata at 1 was closed, and push that. */
static int close_with(lua_State *L, int code, struct slice reason)
{
    if (!push_table(L, 1)) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    lua_createtable(L, 2, 0);
    lua_pushinteger(L, code);
    lua_rawseti(L, -2, 1);
    bind_push_slice(L, reason);
    lua_rawseti(L, -2, 2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "close");
    return push_close(L);
}

/* Push what receive() returns of the last that came, `n`; NULL: the socket is
 * over. */
static int push_news(lua_State *L, const struct socket_news *n)
{
    if (n != NULL && n->kind == SOCKET_CLOSE)
        return close_with(L, n->code, n->bytes);
    if (n != NULL) {
        bind_push_slice(L, n->bytes);
        lua_pushboolean(L, n->is_binary);
        return 2;
    }
    if (push_table(L, 1) && lua_getfield(L, -1, "close") == LUA_TTABLE)
        return push_close(L);
    return close_with(L, CODE_LOST, (struct slice){NULL, 0});
}

/* The next that came but for an error: its close follows and says why as
 * well. */
static struct socket_news *take_news(struct socket *s)
{
    struct socket_news *n = socket_receive(s);

    while (n != NULL && n->kind == SOCKET_ERROR) {
        socket_news_free(n);
        n = socket_receive(s);
    }
    return n;
}

static int receive_k(lua_State *L, int status, lua_KContext ctx);

static void describe(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "a message on a WebSocket");
}

static int wait_for_news(lua_State *L, struct task *t, struct receiver *r)
{
    r->wait.describe = describe;
    wait_begin(&r->wait, t, on_receive_cancel);
    if (r->socket->unread_n != 0 || r->socket->is_over)
        wait_done(&r->wait, 0);
    return lua_yieldk(L, 0, 0, receive_k);
}

static int receive_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    struct receiver *r = t->operation;

    (void)status;
    (void)ctx;
    r->news = take_news(r->socket);
    if (r->news == NULL && !r->socket->is_over)
        return wait_for_news(L, t, r);
    int count = push_news(L, r->news);
    t->operation = NULL;
    drop_receiver(r);
    return count;
}

static void check_may_receive(lua_State *L, const struct lsocket *u)
{
    if (!websocket_is_accepted(u))
        bind_raise(L, NULL,
                   "You must call accept() on this WebSocket before receiving "
                   "messages.");
    if (u->socket->mode == SOCKET_HIBERNATABLE)
        bind_raise(L, NULL,
                   "a hibernatable WebSocket cannot receive(): its messages "
                   "go to webSocketMessage");
    if (u->socket->mode == SOCKET_LISTENED)
        bind_raise(L, NULL,
                   "a WebSocket with listeners cannot receive(): its messages "
                   "go to them");
    if (u->socket->script != NULL)
        bind_raise(L, NULL,
                   "another receive() waits for the messages of this "
                   "WebSocket");
}

/*
 * ws:receive() -> message, isBinary; or nil, code, reason once it is closed
 *
 * The next message of a plain socket without listeners; one task at a time.
 * Waits.
 */
int websocket_receive(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);

    lua_settop(L, 1);
    struct task *t = task_check(L);
    if (t->operation != NULL) { /* left over where reading it raised */
        t->drop(t->operation);
        t->operation = NULL;
    }
    check_may_receive(L, u);
    struct receiver *r = mem_zalloc(sizeof(*r));
    r->socket = socket_hold(u->socket);
    r->socket->script = r;
    t->operation = r;
    t->drop = drop_receiver;
    return wait_for_news(L, t, r);
}

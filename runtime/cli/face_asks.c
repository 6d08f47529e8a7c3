/* face_asks.c - what scripts ask of the test: answers to mk.fetch and
 * mk.WebSocket, calls of its functions. */
#include "bindings/bind.h"
#include "cli/face_inside.h"
#include "host/world_ask.h"
#include "host/world_socket.h"
#include "object/event.h"

static struct world_ask *find(lua_State *L)
{
    return world_ask_find(face_check_world(L, 1),
                          (uint64_t)luaL_checkinteger(L, 2));
}

static int push_call(lua_State *L, const struct world_ask *a)
{
    struct event *e = a->event;

    lua_pushinteger(L, (lua_Integer)e->target);
    lua_pushstring(L, e->method);
    face_push_values(L, buf_slice(&e->args), e->arg_count, &e->targets);
    return 2 + (int)e->arg_count;
}

/* core.ask(world) -> number, "fetch" or "socket", request | number, "call",
 * number of the function, method, arguments ... | nothing: nobody asks */
static int ask(lua_State *L)
{
    static const char *const names[] = {[WORLD_ASK_FETCH] = "fetch",
                                        [WORLD_ASK_SOCKET] = "socket",
                                        [WORLD_ASK_CALL] = "call"};
    struct world_ask *a = world_ask_next(face_check_world(L, 1));

    if (a == NULL)
        return 0;
    lua_pushinteger(L, (lua_Integer)a->number);
    lua_pushstring(L, names[a->kind]);
    if (a->kind == WORLD_ASK_CALL)
        return 2 + push_call(L, a);
    face_push_request(L, a->request);
    return 3;
}

/* core.answer(world, number, delay, status, reason, headers, body): to a
 * fetch; nothing if whoever asked is gone */
static int answer(lua_State *L)
{
    lua_Integer delay = luaL_checkinteger(L, 3);
    struct response *rs = face_check_answer(L, 4);
    struct world_ask *a = find(L);

    if (a == NULL || a->kind != WORLD_ASK_FETCH)
        response_drop(rs);
    else
        world_ask_answer(a, rs, delay);
    return 0;
}

/* core.accept(world, number, protocol or nil) -> socket | nil: whoever asked
 * is gone */
static int accept_socket(lua_State *L)
{
    struct slice protocol = {0};

    if (!lua_isnoneornil(L, 3))
        protocol = bind_check_slice(L, 3);
    struct world_ask *a = find(L);
    struct world_socket **at = face_new_socket(L);

    if (a != NULL && a->kind == WORLD_ASK_SOCKET)
        *at = world_ask_connect(a, protocol);
    return *at != NULL ? 1 : 0;
}

/* core.refuse(world, number, text): a fetch or a socket cannot be had */
static int refuse(lua_State *L)
{
    const char *text = luaL_checkstring(L, 3);
    struct world_ask *a = find(L);

    if (a != NULL && a->kind != WORLD_ASK_CALL)
        world_ask_fail(a, text);
    return 0;
}

/* core.giveBack(world, number, true, values ... | false, text): what a
 * function of the test came to */
static int give_back(lua_State *L)
{
    bool is_well = lua_toboolean(L, 3) != 0;
    const char *text = is_well ? "" : luaL_checkstring(L, 4);
    struct world_ask *a = find(L);
    struct error err;

    if (a == NULL || a->kind != WORLD_ASK_CALL)
        return 0;
    struct outcome *o = &a->event->outcome;
    if (is_well && face_add_values(L, 4, o, &err) != 0) {
        outcome_fini(o);
        is_well = false;
        text = err.text;
    }
    if (!is_well)
        outcome_fail(o, NULL, "%s", text);
    world_ask_return(a);
    return 0;
}

const luaL_Reg face_asks[] = {
    {"ask", ask},       {"answer", answer},      {"accept", accept_socket},
    {"refuse", refuse}, {"giveBack", give_back}, {NULL, NULL},
};

/* face_calls.c - calls to objects and to functions by reference, and what they
 * come to. */
#include "base/mem.h"
#include "bindings/bind.h"
#include "bindings/class.h"
#include "cli/face_inside.h"

#define CALL_MT "moonkeep.test.call"

struct lcall {
    struct world_call *call; /* NULL once it was taken */
};

static int call_gc(lua_State *L)
{
    struct lcall *u = lua_touserdata(L, 1);
    struct world_call *c = u->call;

    u->call = NULL;
    if (c != NULL)
        world_call_drop(c);
    return 0;
}

struct world_call **face_new_call(lua_State *L)
{
    struct lcall *u = face_new(L, CALL_MT, call_gc, sizeof(*u), 1);

    return &u->call;
}

static struct lcall *check_call(lua_State *L, int arg)
{
    struct lcall *u = luaL_checkudata(L, arg, CALL_MT);

    luaL_argcheck(L, u->call != NULL, arg, "its outcome was taken");
    return u;
}

struct response *face_check_answered(lua_State *L, int arg)
{
    struct world_call *c = check_call(L, arg)->call;

    luaL_argcheck(L, c->outcome.kind == OUTCOME_RESPONSE, arg,
                  "it has no response");
    return c->outcome.response;
}

const bool *face_check_over(lua_State *L, int arg)
{
    return &check_call(L, arg)->call->is_over;
}

/* ---- begun ---- */

static struct event *new_event(const char *method)
{
    struct event *e = event_new(EVENT_CALL);

    e->method = mem_dup(method, strlen(method));
    return e;
}

/* core.call(world, stub, method, ...) -> call */
static int call(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    const struct face_address *to = face_check_address(L, 2);
    const char *method = luaL_checkstring(L, 3);
    struct world_call **at = face_new_call(L);

    lua_insert(L, 4);
    struct event *e = new_event(method);
    face_pack_arguments(L, 5, e);
    *at = world_call(w, to->text, &to->oid, face_name_of(to), e);
    lua_pushvalue(L, 4);
    return 1;
}

/* core.callRef(world, ref, method, ...) -> call; "" for a function */
static int call_ref(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    struct target *to = face_check_ref(L, 2);
    const char *method = luaL_checkstring(L, 3);
    struct world_call **at = face_new_call(L);

    lua_insert(L, 4);
    struct event *e = new_event(method);
    face_pack_arguments(L, 5, e);
    *at = world_call_target(w, to, e);
    lua_pushvalue(L, 4);
    return 1;
}

/* core.fetch(world, stub or nil, method, url, headers, body) -> call: an HTTP
 * request to the object, or through the router */
static int fetch(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    const struct face_address *to =
        lua_isnil(L, 2) ? NULL : face_check_address(L, 2);
    struct world_call **at = face_new_call(L);

    lua_insert(L, 3);
    struct request *rq = face_check_request(L, 4, NULL, 0);
    if (to == NULL) {
        *at = world_fetch(w, rq);
    } else {
        struct event *e = event_new(EVENT_FETCH);

        e->request = rq;
        *at = world_call(w, to->text, &to->oid, face_name_of(to), e);
    }
    lua_pushvalue(L, 3);
    return 1;
}

/* core.isReserved(method) -> whether it is the name of a handler */
static int is_reserved(lua_State *L)
{
    lua_pushboolean(L, class_is_handler(luaL_checkstring(L, 1)));
    return 1;
}

/* ---- over ---- */

/* core.isOver(call) -> boolean */
static int is_over(lua_State *L)
{
    lua_pushboolean(L, *face_check_over(L, 1));
    return 1;
}

static void set_text(lua_State *L, const char *key, struct slice text)
{
    if (text.n == 0)
        return;
    bind_push_slice(L, text);
    lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool value)
{
    if (!value)
        return;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, key);
}

/* With the fields of a raised table, if it was one; the metatable is that of
 * an error. */
static void push_raised(lua_State *L, const struct failure *f)
{
    bind_push_error(L, f->code, buf_slice(&f->message));
    if (f->table.n == 0)
        return;
    face_push_values(L, buf_slice(&f->table), 1, NULL);
    lua_getmetatable(L, -2);
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
    set_text(L, "message", buf_slice(&f->message));
}

void face_push_failure(lua_State *L, const struct failure *f)
{
    push_raised(L, f);
    set_flag(L, "remote", !f->is_local);
    set_flag(L, "retryable", f->retryable);
    set_text(L, "stack", buf_slice(&f->stack));
    set_text(L, "objectId", slice_of(f->object_id));
}

/* core.failed(call) -> whether what it came to is an error */
static int failed(lua_State *L)
{
    const struct world_call *c = check_call(L, 1)->call;

    lua_pushboolean(L, c->outcome.kind == OUTCOME_FAILURE);
    return 1;
}

/* core.error(message, code or nil) -> an error as the runtime raises it */
static int error_new(lua_State *L)
{
    struct slice message = bind_check_slice(L, 1);

    bind_push_error(L, luaL_optstring(L, 2, NULL), message);
    return 1;
}

/* core.outcome(world, call) -> true, what it returned ... | false, an error.
 * The call is over, and gone then. */
static int outcome(lua_State *L)
{
    struct lcall *u = check_call(L, 2);
    struct outcome *o = &u->call->outcome;
    int top = lua_gettop(L);

    luaL_argcheck(L, u->call->is_over, 2, "it is not over");
    lua_pushboolean(L, o->kind != OUTCOME_FAILURE);
    if (o->kind == OUTCOME_FAILURE) {
        face_push_failure(L, o->failure);
    } else if (o->kind == OUTCOME_RESPONSE) {
        world_call_part(u->call);
        face_push_response(L, &o->response);
    } else {
        face_push_values(L, buf_slice(&o->values), o->count, &o->targets);
    }
    world_call_part(u->call);
    world_call_drop(u->call);
    u->call = NULL;
    return lua_gettop(L) - top;
}

const luaL_Reg face_calls[] = {
    {"call", call},      {"callRef", call_ref},
    {"fetch", fetch},    {"isReserved", is_reserved},
    {"isOver", is_over}, {"outcome", outcome},
    {"failed", failed},  {"error", error_new},
    {NULL, NULL},
};

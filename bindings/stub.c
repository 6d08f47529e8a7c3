/* stub.c - stubs: userdata with an object's address, whose every field is a
 * method of that object. */
#include <string.h>

#include "bindings/bind.h"
#include "bindings/call.h"
#include "bindings/class.h"
#include "bindings/http.h"
#include "bindings/names.h"
#include "bindings/state.h"
#include "object/object.h"
#include "vm/task.h"

/* ---- stub:method(...) ---- */

static const struct bind_class stub_class;

const struct address *bind_to_stub(lua_State *L, int idx)
{
    return bind_test(L, idx, &stub_class);
}

static const struct address *check_stub(lua_State *L, const char *method)
{
    const struct address *a = bind_to_stub(L, 1);

    if (a == NULL)
        bind_raise(L, NULL,
                   "a stub's method is called with a colon: stub:%s(...), "
                   "got %s as the stub",
                   method, bind_what(L, 1));
    return a;
}

/*
 * stub:anyName(...) -> what the method returns
 *
 * Call the public method of that name.  Arguments and results are copied
 * (value.h), 32 MiB at most.  Waits.  Raises what the callee raised, and
 * errors of the runtime with their code.
 */
static int stub_call(lua_State *L)
{
    const char *method = lua_tostring(L, lua_upvalueindex(1));
    const struct address *to = check_stub(L, method);
    int top = lua_gettop(L);
    struct task *t = task_check(L);
    struct event *e = call_event(method);

    call_pack(L, top, e);
    return call_object(L, t, to, e);
}

/* stub:alarm() and the like. */
static int stub_reserved(lua_State *L)
{
    return class_raise_reserved(L, lua_tostring(L, lua_upvalueindex(1)));
}

/*
 * stub:fetch(request), stub:fetch(url [, init]) -> Response
 *
 * An HTTP request to the object.  A url that begins with "/" is one of
 * http://object.  Waits.  Raises as any call.
 */
static int stub_fetch(lua_State *L)
{
    const struct address *to = check_stub(L, "fetch");

    lua_settop(L, 3);
    struct task *t = task_check(L);
    struct request *rq = bind_check_request(L, 2, 1);
    struct event *e = event_new(EVENT_FETCH);

    e->request = rq;
    return call_object(L, t, to, e);
}

/* ---- fields of a stub ---- */

/* stub.id -> the object's id. */
static int stub_id(lua_State *L)
{
    const struct address *a = bind_check(L, 1, &stub_class);

    bind_push_id(L, a->cls, &a->oid, (struct slice){a->name, a->name_n});
    return 1;
}

/* stub.name -> the name it was made from, or nil. */
static int stub_name(lua_State *L)
{
    const struct address *a = bind_check(L, 1, &stub_class);

    if (a->name_n == 0)
        return 0;
    lua_pushlstring(L, a->name, a->name_n);
    return 1;
}

/* Push the function that calls the method named at index 2; made once for
 * each name and state. */
static int push_method(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    struct state *s = state_of(bind_object(L));

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, class_is_handler(name) ? stub_reserved : stub_call, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    return 1;
}

/* stub[name] */
static int stub_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    struct slice name = bind_to_slice(L, 2);

    if (slice_eq(name, SLICE("fetch"))) {
        lua_pushcfunction(L, stub_fetch);
        return 1;
    }
    if (slice_eq(name, SLICE("id")))
        return stub_id(L);
    if (slice_eq(name, SLICE("name")))
        return stub_name(L);
    return push_method(L);
}

static const luaL_Reg stub_methods[] = {{"__index", stub_index}, {NULL, NULL}};
static const struct bind_class stub_class = {
    .name = "stub", .methods = stub_methods, .key = BIND_KEY_STUB};

void bind_push_stub(lua_State *L, const struct object_class *cls,
                    const struct oid *oid, struct slice name)
{
    bind_new_address(L, &stub_class, cls, oid, name);
}

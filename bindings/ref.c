#include "bindings/ref.h"

#include "bindings/bind.h"
#include "bindings/call.h"
#include "bindings/export.h"
#include "bindings/names.h"
#include "object/object.h"
#include "object/target.h"
#include "vm/task.h"
#include "vm/vm.h"

/* The collector sees a few dozen bytes where another object may be kept awake:
 * a reference counts as this part of the state, so that it runs after so many
 * at the latest, and TARGETS_MAX is not reached by garbage. */
enum { GARBAGE_MAX = 1024 };

struct ref {
    struct target *target; /* a reference to it; NULL: released */
};

/* Address: the registry key of method name -> function that calls it. */
static const char methods_key;

static const struct bind_class ref_class;

/* ---- calls ---- */

static struct target *check(lua_State *L, const char *method)
{
    const struct ref *u = bind_test(L, 1, &ref_class);

    if (u == NULL)
        bind_raise(L, NULL,
                   "a target's method is called with a colon: ref:%s(...), "
                   "got %s as the reference",
                   method, bind_what(L, 1));
    if (u->target == NULL)
        bind_raise(L, NULL, "the reference was released");
    return u->target;
}

static int call(lua_State *L, struct target *t, const char *method)
{
    int top = lua_gettop(L);
    struct task *task = task_check(L);
    struct event *e = call_event(method);

    call_pack(L, top, e);
    return call_target(L, task, t, e);
}

/*
 * ref:anyName(...) -> what the method returns
 *
 * Call that method of the table, where it lives.  As with a stub's methods:
 * arguments and results are copied, waits, raises what the method raised; with
 * code "reset" when the object that it is part of was reset or evicted.
 */
static int ref_method(lua_State *L)
{
    const char *method = lua_tostring(L, lua_upvalueindex(1));

    return call(L, check(L, method), method);
}

/* ref(...) -> what the function returns.  As ref:anyName(...). */
static int ref_call(lua_State *L)
{
    struct target *t = check(L, "method");

    if (!t->is_function)
        return bind_raise(L, NULL,
                          "a target is called by its methods: ref:method(...)");
    return call(L, t, "");
}

/* ---- life ---- */

/* ref:release(); also __gc and __close.  The reference cannot be used any
 * more; releasing it twice is allowed. */
static int ref_release(lua_State *L)
{
    struct ref *u = bind_check(L, 1, &ref_class);
    struct target *t = u->target;

    if (t == NULL)
        return 0;
    u->target = NULL;
    bind_object(L)->held--;
    target_drop(t);
    return 0;
}

static void charge(lua_State *L)
{
    size_t kb = vm_memory(vm_of(L)) / GARBAGE_MAX / 1024;

    if (kb != 0)
        lua_gc(L, LUA_GCSTEP, (int)kb);
}

static void push_ref(lua_State *L, struct targets *from, uint32_t place)
{
    charge(L);
    struct ref *u = bind_new(L, &ref_class, sizeof(*u), 0);

    u->target = targets_take(from, place);
    bind_object(L)->held++;
}

/* ---- what a reference shows ---- */

/* Push the function that calls the method named at index 2; made once for each
 * name and state. */
static int push_method(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, ref_method, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
    return 1;
}

/* ref[name] */
static int ref_index(lua_State *L)
{
    const struct ref *u = bind_check(L, 1, &ref_class);

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    if (slice_eq(bind_to_slice(L, 2), SLICE("release"))) {
        lua_pushcfunction(L, ref_release);
        return 1;
    }
    if (u->target != NULL && u->target->is_function)
        return 0;
    return push_method(L);
}

/* ref == other -> boolean: both mean the same function or table. */
static int ref_equals(lua_State *L)
{
    const struct ref *a = bind_test(L, 1, &ref_class);
    const struct ref *b = bind_test(L, 2, &ref_class);

    lua_pushboolean(L, a != NULL && b != NULL && a->target == b->target);
    return 1;
}

/* tostring(ref): what it is and, in hex, which object's. */
static int ref_tostring(lua_State *L)
{
    const struct ref *u = bind_check(L, 1, &ref_class);
    const struct target *t = u->target;
    char hex[OID_HEX + 1] = "a router";

    if (t == NULL) {
        lua_pushliteral(L, "released reference");
        return 1;
    }
    if (t->has_oid)
        oid_to_hex(&t->oid, hex);
    lua_pushfstring(L, "%s of %s", t->is_function ? "function" : "target", hex);
    return 1;
}

static const luaL_Reg ref_methods[] = {
    {"__index", ref_index}, {"__call", ref_call},
    {"__gc", ref_release},  {"__close", ref_release},
    {"__eq", ref_equals},   {"__tostring", ref_tostring},
    {NULL, NULL},
};

static const struct bind_class ref_class = {.name = "reference",
                                            .methods = ref_methods};

/* ---- as values ---- */

int ref_pack(lua_State *L, int idx, struct buf *out, struct targets *to)
{
    const struct ref *u = bind_test(L, idx, &ref_class);

    if (u == NULL)
        return 0;
    if (u->target == NULL) {
        buf_add_text(out, "a released reference cannot be sent");
        return ERR_INVALID;
    }
    names_pack_place(out, targets_add(to, target_hold(u->target)));
    return EXT_REF;
}

/* The value is this state's own: the reference has come home. */
static bool push_own(lua_State *L, struct targets *from, uint32_t place)
{
    const struct realm *r = bind_object(L)->realm;
    const struct target *t = targets_at(from, place);

    if (t->host != r->config.host_arg || target_find(r, t->number) == NULL ||
        t->object != bind_object(L))
        return false;
    return export_push(L, t->number);
}

int ref_unpack(lua_State *L, struct slice in, struct targets *from)
{
    uint32_t place;

    if (from == NULL || !names_unpack_place(in, &place) ||
        targets_at(from, place) == NULL)
        return ERR_CORRUPT;
    if (!push_own(L, from, place))
        push_ref(L, from, place);
    return 0;
}

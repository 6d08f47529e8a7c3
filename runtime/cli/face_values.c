/* face_values.c - values on their way to and from a world, functions by
 * reference among them. */
#include <stdio.h>

#include "bindings/bind.h"
#include "bindings/names.h"
#include "cli/face_inside.h"
#include "cli/face_order.h"
#include "host/world_target.h"
#include "object/realm.h"

#define REF_MT "moonkeep.test.reference"

enum { SENT_MAX = 32 * 1024 * 1024, STORED_MAX = 2097152 };

struct lref {
    struct world_ref ref;
};

/* ---- references ---- */

static int ref_gc(lua_State *L)
{
    world_ref_release(lua_touserdata(L, 1));
    return 0;
}

struct target *face_check_ref(lua_State *L, int arg)
{
    struct lref *u = luaL_checkudata(L, arg, REF_MT);

    if (u->ref.target == NULL)
        bind_raise(L, NULL, "the reference was released");
    return u->ref.target;
}

/* core.setReference(Reference): the metatable of references. */
static int set_reference(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushcfunction(L, ref_gc);
    lua_setfield(L, 1, "__gc");
    lua_setfield(L, LUA_REGISTRYINDEX, REF_MT);
    return 0;
}

/* core.release(ref) */
static int release(lua_State *L)
{
    world_ref_release(luaL_checkudata(L, 1, REF_MT));
    return 0;
}

/* Functions of the test by their numbers: the world's user value. */
static void push_functions(lua_State *L)
{
    if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, 1);
}

/* core.function(world, number) -> the test's function or table of that number
 */
static int function_of(lua_State *L)
{
    face_check_world(L, 1);
    push_functions(L);
    lua_rawgeti(L, -1, luaL_checkinteger(L, 2));
    return 1;
}

/* core.forget(world): functions that nobody refers to any more go. */
static int forget(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    uint64_t number;

    push_functions(L);
    while ((number = world_target_lost(w)) != 0) {
        lua_pushnil(L);
        lua_rawseti(L, -2, (lua_Integer)number);
    }
    return 0;
}

/* ---- encoding ---- */

/* What the hooks need. */
struct baggage {
    struct world *world;
    struct targets *targets; /* NULL: nothing goes by reference */
};

static int pack_reference(lua_State *L, int idx, struct buf *out,
                          const struct baggage *b)
{
    const struct lref *u = luaL_testudata(L, idx, REF_MT);

    if (u == NULL)
        return 0;
    if (u->ref.target == NULL) {
        buf_add_text(out, "a released reference cannot be sent");
        return ERR_INVALID;
    }
    names_pack_place(out, targets_add(b->targets, target_hold(u->ref.target)));
    return EXT_REF;
}

static int pack_function(lua_State *L, int idx, struct buf *out,
                         const struct baggage *b)
{
    bool is_function = lua_isfunction(L, idx);

    if (!is_function && !face_is_target(L, idx))
        return 0;
    struct target *t = world_target_new(b->world, is_function);
    if (t == NULL) {
        buf_add_text(out, "too many functions are held by reference");
        return ERR_INVALID;
    }
    lua_pushvalue(L, idx);
    push_functions(L);
    lua_insert(L, -2);
    lua_rawseti(L, -2, (lua_Integer)t->number);
    lua_pop(L, 1);
    names_pack_place(out, targets_add(b->targets, t));
    return EXT_REF;
}

static int pack(lua_State *L, int idx, struct buf *out, void *arg)
{
    const struct baggage *b = arg;
    int ext = 0;
    const struct face_address *a = face_to_address(L, idx, &ext);

    if (a == NULL) {
        ext = b->targets == NULL ? 0 : pack_reference(L, idx, out, b);
        return ext != 0 || b->targets == NULL ? ext
                                              : pack_function(L, idx, out, b);
    }
    buf_add_byte(out, (int)a->class_n);
    buf_add(out, a->text, a->class_n);
    buf_add(out, a->oid.b, OID_SIZE);
    buf_add_slice(out, face_name_of(a));
    return ext;
}

int face_encode(lua_State *L, int idx, const struct value_hooks *hooks,
                size_t max, struct buf *out, struct error *err)
{
    struct buf plain = {0};
    int rc = value_encode(L, idx, hooks, max, &plain, err);

    if (rc == 0)
        face_order(buf_slice(&plain), out);
    buf_fini(&plain);
    return rc;
}

void face_pack_arguments(lua_State *L, int from, struct event *e)
{
    struct baggage b = {face_check_world(L, 1), &e->targets};
    char root[32];
    struct value_hooks hooks = {
        .pack = pack, .arg = &b, .verb = "sent", .root = root};
    int top = lua_gettop(L);
    struct error err;

    for (int i = from; i <= top; i++) {
        snprintf(root, sizeof(root), "argument %d", i - from + 1);
        int rc =
            face_encode(L, i, &hooks, SENT_MAX - e->args.n, &e->args, &err);

        if (rc != 0) {
            event_free(e);
            bind_raise_error(L, rc == ERR_TOO_BIG ? "too_large" : NULL, &err);
        }
        e->arg_count++;
    }
}

int face_add_values(lua_State *L, int from, struct outcome *o,
                    struct error *err)
{
    struct baggage b = {face_check_world(L, 1), &o->targets};
    char root[32];
    struct value_hooks hooks = {
        .pack = pack, .arg = &b, .verb = "sent", .root = root};
    int top = lua_gettop(L);

    for (int i = from; i <= top; i++) {
        snprintf(root, sizeof(root), "result %d", i - from + 1);
        int rc =
            face_encode(L, i, &hooks, SENT_MAX - o->values.n, &o->values, err);

        if (rc != 0)
            return rc;
        o->count++;
    }
    o->kind = OUTCOME_VALUES;
    return 0;
}

int face_add_stored(lua_State *L, int idx, struct buf *out, struct error *err)
{
    struct baggage b = {face_check_world(L, 1), NULL};
    const struct value_hooks hooks = {
        .pack = pack, .arg = &b, .verb = "stored", .root = "value"};

    return face_encode(L, idx, &hooks, STORED_MAX, out, err);
}

/* ---- decoding ---- */

/* ref(...), ref:method(...): Lua does that. */
static void push_reference(lua_State *L, struct world *w, struct target *t)
{
    struct lref *u = face_new(L, REF_MT, ref_gc, sizeof(*u), 1);

    world_ref_init(w, &u->ref, t);
}

static int unpack_reference(lua_State *L, struct slice in,
                            const struct baggage *b)
{
    uint32_t place;
    const struct target *t = NULL;

    if (b->targets != NULL && names_unpack_place(in, &place))
        t = targets_at(b->targets, place);
    if (t == NULL)
        return ERR_CORRUPT;
    uint64_t number = world_target_number(b->world, t);
    if (number == 0) {
        push_reference(L, b->world, targets_take(b->targets, place));
        return 0;
    }
    push_functions(L);
    lua_rawgeti(L, -1, (lua_Integer)number);
    lua_remove(L, -2);
    return 0;
}

static int unpack(lua_State *L, int ext, struct slice in, void *arg)
{
    const struct baggage *b = arg;
    struct oid oid;

    if (ext == EXT_REF)
        return unpack_reference(L, in, b);
    if ((ext != EXT_ID && ext != EXT_STUB) || in.n < 1 + OID_SIZE)
        return ERR_CORRUPT;
    size_t n = (unsigned char)in.p[0];
    size_t head = 1 + n + OID_SIZE;

    if (in.n < head)
        return ERR_CORRUPT;
    memcpy(oid.b, in.p + 1 + n, OID_SIZE);
    face_push_address(L, ext, (struct slice){in.p + 1, n}, &oid,
                      (struct slice){in.p + head, in.n - head});
    return 0;
}

void face_push_values(lua_State *L, struct slice in, uint32_t count,
                      struct targets *targets)
{
    struct baggage b = {face_check_world(L, 1), targets};
    const struct value_hooks hooks = {.unpack = unpack, .arg = &b};
    struct error err;
    size_t used;

    luaL_checkstack(L, (int)count + 12, "too many values");
    for (uint32_t i = 0; i < count; i++) {
        if (value_decode(L, in, &hooks, &used, &err) != 0)
            bind_raise_error(L, NULL, &err);
        in.p += used;
        in.n -= used;
    }
}

void face_push_stored(lua_State *L, struct slice in)
{
    face_push_values(L, in, 1, NULL);
}

/* core.null() -> mk.null */
static int null(lua_State *L)
{
    bind_push_null(L);
    return 1;
}

const luaL_Reg face_values[] = {
    {"setReference", set_reference},
    {"release", release},
    {"function", function_of},
    {"forget", forget},
    {"null", null},
    {NULL, NULL},
};

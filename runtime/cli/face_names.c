/* face_names.c - ids and stubs in the test's state. */
#include "bindings/bind.h"
#include "bindings/id.h"
#include "bindings/names.h"
#include "cli/face_inside.h"

/* Registry keys of the metatables that Lua has made (core.setup). */
static const char ids_key, stubs_key, targets_key;

static bool has_metatable(lua_State *L, int idx, const void *key)
{
    if (lua_getmetatable(L, idx) == 0)
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    bool is_same = lua_rawequal(L, -1, -2) != 0;

    lua_pop(L, 2);
    return is_same;
}

bool face_is_target(lua_State *L, int idx)
{
    return lua_istable(L, idx) && has_metatable(L, idx, &targets_key);
}

const struct face_address *face_to_address(lua_State *L, int idx, int *ext)
{
    if (lua_type(L, idx) != LUA_TUSERDATA)
        return NULL;
    *ext = has_metatable(L, idx, &ids_key)     ? EXT_ID
           : has_metatable(L, idx, &stubs_key) ? EXT_STUB
                                               : 0;
    return *ext == 0 ? NULL : lua_touserdata(L, idx);
}

const struct face_address *face_check_address(lua_State *L, int arg)
{
    int ext;
    const struct face_address *a = face_to_address(L, arg, &ext);

    if (a == NULL)
        bind_arg_error(L, arg, "an id or a stub expected, got %s",
                       bind_what(L, arg));
    return a;
}

struct slice face_name_of(const struct face_address *a)
{
    return (struct slice){a->text + a->class_n + 1, a->name_n};
}

/* A stub has the world at index 1 as its user value. */
void face_push_address(lua_State *L, int ext, struct slice class_name,
                       const struct oid *oid, struct slice name)
{
    struct face_address *a =
        lua_newuserdatauv(L, sizeof(*a) + class_name.n + 1 + name.n, 1);

    a->oid = *oid;
    a->class_n = class_name.n;
    a->name_n = name.n;
    memcpy(a->text, class_name.p, class_name.n);
    a->text[class_name.n] = '\0';
    if (name.n != 0)
        memcpy(a->text + class_name.n + 1, name.p, name.n);
    if (ext == EXT_STUB) {
        lua_pushvalue(L, 1);
        lua_setiuservalue(L, -2, 1);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, ext == EXT_STUB ? &stubs_key : &ids_key);
    lua_setmetatable(L, -2);
}

/* core.setup(Id, Stub, Target): the metatables of ids and stubs, and of tables
 * that are sent by reference. */
static int setup(lua_State *L)
{
    lua_settop(L, 3);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &targets_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &stubs_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &ids_key);
    return 0;
}

/* core.idFromName(world, class, name) -> id */
static int id_from(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    struct slice class_name = bind_check_slice(L, 2);
    struct slice name = bind_check_slice(L, 3);
    struct oid oid;

    id_from_name(world_class_key(w, class_name.p), name, &oid);
    face_push_address(L, EXT_ID, class_name, &oid, name);
    return 1;
}

/* core.uniqueId(world, class) -> id */
static int id_new(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    struct slice class_name = bind_check_slice(L, 2);
    struct oid oid;

    id_unique(world_class_key(w, class_name.p), world_random(w), &oid);
    face_push_address(L, EXT_ID, class_name, &oid, (struct slice){0});
    return 1;
}

/* core.idFromString(world, class, hex) -> id | nil, why */
static int id_parse(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    struct slice class_name = bind_check_slice(L, 2);
    struct slice hex = bind_check_slice(L, 3);
    const char *why = NULL;
    struct oid oid;

    if (!oid_from_hex(hex.p, hex.n, &oid))
        why = "Invalid Durable Object ID: must be 64 hex digits";
    else if (!id_fits(world_class_key(w, class_name.p), &oid))
        why = "Durable Object ID is not valid for this namespace.";
    if (why == NULL) {
        face_push_address(L, EXT_ID, class_name, &oid, (struct slice){0});
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* core.stub(world, id) -> stub */
static int stub_new(lua_State *L)
{
    const struct face_address *a = face_check_address(L, 2);

    face_check_world(L, 1);
    face_push_address(L, EXT_STUB, (struct slice){a->text, a->class_n}, &a->oid,
                      face_name_of(a));
    return 1;
}

/* core.idOf(stub) -> id */
static int id_of(lua_State *L)
{
    const struct face_address *a = face_check_address(L, 1);

    face_push_address(L, EXT_ID, (struct slice){a->text, a->class_n}, &a->oid,
                      face_name_of(a));
    return 1;
}

/* core.parts(id or stub) -> class, hex, name or nil */
static int parts(lua_State *L)
{
    const struct face_address *a = face_check_address(L, 1);
    char hex[OID_HEX + 1];

    oid_to_hex(&a->oid, hex);
    lua_pushlstring(L, a->text, a->class_n);
    lua_pushlstring(L, hex, OID_HEX);
    if (a->name_n == 0)
        return 2;
    bind_push_slice(L, face_name_of(a));
    return 3;
}

const luaL_Reg face_names[] = {
    {"setup", setup},     {"idFromName", id_from},
    {"uniqueId", id_new}, {"idFromString", id_parse},
    {"stub", stub_new},   {"idOf", id_of},
    {"parts", parts},     {NULL, NULL},
};

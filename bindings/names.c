#include "bindings/names.h"

#include <string.h>

#include "bindings/bind.h"
#include "bindings/export.h"
#include "bindings/id.h"
#include "bindings/name_ids.h"
#include "bindings/ref.h"
#include "object/object.h"

/* User value 1: stubs by names, see cached_stub. */
struct namespace
{
    struct object_class *cls;
    uint32_t slots; /* of that table; a power of 2 */
};

/* ---- ids ---- */

static const struct bind_class id_class;

const struct address *bind_to_id(lua_State *L, int idx)
{
    return bind_test(L, idx, &id_class);
}

static const struct address *check_id(lua_State *L, int arg)
{
    return bind_check(L, arg, &id_class);
}

struct address *bind_new_address(lua_State *L, const struct bind_class *kind,
                                 const struct object_class *cls,
                                 const struct oid *oid, struct slice name)
{
    struct address *a = bind_new(L, kind, sizeof(*a) + name.n, 0);

    a->cls = cls;
    a->oid = *oid;
    a->name_n = name.n;
    if (name.n != 0)
        memcpy(a->name, name.p, name.n);
    return a;
}

/* id:toString(), tostring(id) -> the id's 64 hex digits. */
static int id_to_string(lua_State *L)
{
    char hex[OID_HEX + 1];

    oid_to_hex(&check_id(L, 1)->oid, hex);
    lua_pushlstring(L, hex, OID_HEX);
    return 1;
}

/* id:equals(other), id == other -> boolean: both name the same object. */
static int id_equals(lua_State *L)
{
    const struct address *a = check_id(L, 1);
    const struct address *b = bind_to_id(L, 2);

    lua_pushboolean(L, b != NULL && oid_eq(&a->oid, &b->oid));
    return 1;
}

/* id.name -> the name that the id was made from, or nil. */
static int id_name(lua_State *L)
{
    const struct address *a = check_id(L, 1);

    if (a->name_n == 0)
        return 0;
    lua_pushlstring(L, a->name, a->name_n);
    return 1;
}

static const luaL_Reg id_methods[] = {
    {"toString", id_to_string},   {"equals", id_equals}, {"__eq", id_equals},
    {"__tostring", id_to_string}, {NULL, NULL},
};

static const luaL_Reg id_fields[] = {{"name", id_name}, {NULL, NULL}};

static const struct bind_class id_class = {
    .name = "DurableObjectId", .methods = id_methods, .fields = id_fields};

void bind_push_id(lua_State *L, const struct object_class *cls,
                  const struct oid *oid, struct slice name)
{
    bind_new_address(L, &id_class, cls, oid, name);
}

/* ---- namespaces ---- */

static const struct bind_class namespace_class;

struct object_class *bind_check_namespace(lua_State *L)
{
    struct namespace *ns = bind_check(L, 1, &namespace_class);

    return ns->cls;
}

static struct slice check_name(lua_State *L, int arg)
{
    struct slice name = bind_to_slice(L, arg);

    if (name.p == NULL)
        luaL_argerror(L, arg,
                      lua_pushfstring(L, "a name (a string) expected, got %s",
                                      bind_what(L, arg)));
    if (name.n < 1 || name.n > OBJECT_NAME_MAX)
        luaL_argerror(
            L, arg,
            lua_pushfstring(L, "a name of 1 to %d bytes expected, got %I bytes",
                            OBJECT_NAME_MAX, (LUAI_UACINT)name.n));
    return name;
}

/* env.C:idFromName(name) -> id.  `name`: 1 to 1,024 bytes, any bytes.  Raises
 * on anything else. */
static int ns_id_from_name(lua_State *L)
{
    struct object_class *c = bind_check_namespace(L);
    struct slice name = check_name(L, 2);
    struct oid oid;

    name_id(c, name, &oid);
    bind_push_id(L, c, &oid, name);
    return 1;
}

/* env.C:newUniqueId() -> a fresh random id without a name. */
static int ns_new_unique_id(lua_State *L)
{
    const struct object_class *c = bind_check_namespace(L);
    struct object *o = bind_object(L);
    struct oid oid;

    id_unique(c->key, o->realm->config.random, &oid);
    bind_push_id(L, c, &oid, (struct slice){0});
    return 1;
}

/* env.C:idFromString(hex) -> the id with those 64 hex digits.  Raises when they
 * are not 64 hex digits, or no id of this class. */
static int ns_id_from_string(lua_State *L)
{
    const struct object_class *c = bind_check_namespace(L);
    struct slice hex = bind_to_slice(L, 2);
    struct oid oid;

    if (lua_type(L, 2) != LUA_TSTRING || !oid_from_hex(hex.p, hex.n, &oid))
        return bind_raise(L, NULL,
                          "Invalid Durable Object ID: must be 64 hex digits");
    if (!id_fits(c->key, &oid))
        return bind_raise(L, NULL,
                          "Durable Object ID is not valid for this namespace.");
    bind_push_id(L, c, &oid, (struct slice){0});
    return 1;
}

/* env.C:get(id) -> a stub for the object; wakes nothing.  Raises when `id` is
 * of another class. */
static int ns_get(lua_State *L)
{
    const struct object_class *c = bind_check_namespace(L);
    const struct address *a = check_id(L, 2);

    if (a->cls != c)
        return bind_raise(L, NULL,
                          "Durable Object ID is not valid for this namespace.");
    bind_push_stub(L, c, &a->oid, (struct slice){a->name, a->name_n});
    return 1;
}

enum { ROUTER_STUBS = 4096, OBJECT_STUBS = 16 };

/* Push the table of stubs: a stub never changes, so all who ask for a name may
 * share one. */
static void push_stubs(lua_State *L)
{
    if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE)
        return;
    struct namespace *ns = lua_touserdata(L, 1);

    ns->slots = bind_object(L)->cls == NULL ? ROUTER_STUBS : OBJECT_STUBS;
    lua_createtable(L, (int)ns->slots, 0);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, 1);
}

/* env.C:getByName(name) -> a stub, as get(idFromName(name)). */
static int ns_get_by_name(lua_State *L)
{
    struct namespace *ns = bind_check(L, 1, &namespace_class);
    struct slice name = check_name(L, 2);
    struct oid oid;

    push_stubs(L);
    lua_Integer slot = 1 + (name_hash(name) & (ns->slots - 1));
    lua_rawgeti(L, -1, slot);
    const struct address *a = bind_to_stub(L, -1);
    if (a != NULL && slice_eq((struct slice){a->name, a->name_n}, name))
        return 1;
    name_id(ns->cls, name, &oid);
    bind_push_stub(L, ns->cls, &oid, name);
    if (name.n <= NAME_IDS_LONGEST) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, -4, slot);
    }
    return 1;
}

static const luaL_Reg namespace_methods[] = {
    {"idFromName", ns_id_from_name},
    {"newUniqueId", ns_new_unique_id},
    {"idFromString", ns_id_from_string},
    {"get", ns_get},
    {"getByName", ns_get_by_name},
    {"list", bind_names_list},
    {NULL, NULL},
};

static const struct bind_class namespace_class = {
    .name = "DurableObjectNamespace", .methods = namespace_methods};

void bind_push_namespace(lua_State *L, const char *name)
{
    struct namespace *ns = bind_new(L, &namespace_class, sizeof(*ns), 1);

    ns->cls = realm_class(bind_object(L)->realm, name);
}

void bind_prepare_names(lua_State *L)
{
    bind_push_id(L, NULL, &(struct oid){{0}}, (struct slice){0});
    bind_new(L, &namespace_class, sizeof(struct namespace), 0);
    lua_pop(L, 2);
}

/* ---- as values ---- */

/* Class name length, class name, id, object name. */
static void pack_address(const struct address *a, struct buf *out)
{
    size_t n = strlen(a->cls->name);

    buf_add_byte(out, (int)n);
    buf_add(out, a->cls->name, n);
    buf_add(out, a->oid.b, OID_SIZE);
    buf_add(out, a->name, a->name_n);
}

void names_pack_place(struct buf *out, uint32_t place)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_byte(out, (int)(place >> shift & 0xff));
}

bool names_unpack_place(struct slice in, uint32_t *place)
{
    *place = 0;
    for (size_t i = 0; i < in.n; i++)
        *place = *place << 8 | (unsigned char)in.p[i];
    return in.n == 4;
}

static int pack_ref(lua_State *L, int idx, struct buf *out, struct targets *to)
{
    int ext = ref_pack(L, idx, out, to);

    return ext != 0 ? ext : export_pack(L, idx, out, to);
}

static int pack(lua_State *L, int idx, struct buf *out, void *arg)
{
    const struct address *a = bind_to_id(L, idx);
    int ext = EXT_ID;

    if (a == NULL) {
        a = bind_to_stub(L, idx);
        ext = EXT_STUB;
    }
    if (a == NULL)
        return arg == NULL ? 0 : pack_ref(L, idx, out, arg);
    pack_address(a, out);
    return ext;
}

static int unpack(lua_State *L, int ext, struct slice in, void *arg)
{
    char class_name[256];
    struct oid oid;

    if (ext == EXT_REF)
        return ref_unpack(L, in, arg);
    if ((ext != EXT_ID && ext != EXT_STUB) || in.n < 1 + OID_SIZE)
        return ERR_CORRUPT;
    size_t n = (unsigned char)in.p[0];

    if (in.n < 1 + n + OID_SIZE)
        return ERR_CORRUPT;
    memcpy(class_name, in.p + 1, n);
    class_name[n] = '\0';
    memcpy(oid.b, in.p + 1 + n, OID_SIZE);
    struct slice name = {in.p + 1 + n + OID_SIZE, in.n - 1 - n - OID_SIZE};
    const struct object_class *c =
        realm_class(bind_object(L)->realm, class_name);

    if (ext == EXT_ID)
        bind_push_id(L, c, &oid, name);
    else
        bind_push_stub(L, c, &oid, name);
    return 0;
}

const struct value_hooks bind_stored_hooks = {
    .pack = pack, .unpack = unpack, .verb = "stored", .root = "value"};
const struct value_hooks bind_sent_hooks = {
    .pack = pack, .unpack = unpack, .verb = "sent", .root = "value"};

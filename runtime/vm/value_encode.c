#include "vm/value.h"

#include <lua.h>

#include "vm/value_put.h"
#include "vm/valuepath.h"

struct encoder {
    lua_State *L;
    const struct value_hooks *hooks;
    struct buf *out;
    size_t end; /* out->n may not pass this */
    size_t max;
    struct error *err;
};

static int encode(struct encoder *e, int idx, const struct valuepath *path);

static int refuse_size(struct encoder *e)
{
    return error_set(e->err, ERR_TOO_BIG, "%s: larger than %zu bytes",
                     e->hooks->root, e->max);
}

static int refuse(struct encoder *e, const struct valuepath *path,
                  const char *what)
{
    char where[VALUEPATH_MAX];

    valuepath_text(e->L, e->hooks->root, path, where);
    return error_set(e->err, ERR_INVALID, "%s: %s cannot be %s", where, what,
                     e->hooks->verb);
}

static int refuse_as(struct encoder *e, const struct valuepath *path, int code,
                     struct slice why)
{
    char where[VALUEPATH_MAX];

    valuepath_text(e->L, e->hooks->root, path, where);
    return error_set(e->err, code, "%s: %.*s", where, (int)why.n, why.p);
}

/* All heads and scalars: the limit is looked at once they are written, so that
 * the common case has no arithmetic before it. */
static int check_size(struct encoder *e)
{
    return e->out->n > e->end ? refuse_size(e) : 0;
}

static int encode_number(struct encoder *e, int idx)
{
    if (lua_isinteger(e->L, idx))
        value_put_integer(e->out, lua_tointeger(e->L, idx));
    else
        value_put_float(e->out, lua_tonumber(e->L, idx));
    return check_size(e);
}

static int encode_string(struct encoder *e, int idx)
{
    size_t n;
    const char *p = lua_tolstring(e->L, idx, &n); /* is a string: no copy */

    if (e->out->n > e->end || n > e->end - e->out->n || n > UINT32_MAX)
        return refuse_size(e);
    value_put_string(e->out, (struct slice){p, n});
    return check_size(e);
}

/* Write the ext head for what follows position `at` in `out`. */
static int close_ext(struct encoder *e, size_t at, int type)
{
    size_t n = e->out->n - at;
    char head[6];
    size_t size = n <= UINT8_MAX ? 3 : n <= UINT16_MAX ? 4 : 6;

    if (e->out->n > e->end || n > UINT32_MAX)
        return refuse_size(e);
    if (n == 1 || n == 2 || n == 4 || n == 8 || n == 16) {
        size = 2;
        head[0] = (char)(n == 1   ? 0xd4
                         : n == 2 ? 0xd5
                         : n == 4 ? 0xd6
                         : n == 8 ? 0xd7
                                  : 0xd8);
    } else {
        head[0] = (char)(size == 3 ? 0xc7 : size == 4 ? 0xc8 : 0xc9);
        value_put_be(head + 1, n, (int)size - 2);
    }
    head[size - 1] = (char)type;
    buf_room(e->out, size);
    memmove(e->out->p + at + size, e->out->p + at, n);
    memcpy(e->out->p + at, head, size);
    e->out->n += size;
    return check_size(e);
}

static int encode_null(struct encoder *e)
{
    static const char null[3] = {(char)0xc7, 0, VALUE_EXT_NULL};

    if (e->hooks->null_is_nil)
        buf_add_byte(e->out, (char)0xc0);
    else
        buf_add(e->out, null, sizeof(null));
    return check_size(e);
}

/* Ask the hooks.  Returns 1 when they took the value, 0, or ERR_*. */
static int try_pack(struct encoder *e, int idx, const struct valuepath *path)
{
    size_t at = e->out->n;

    if (e->hooks->pack == NULL)
        return 0;
    int type = e->hooks->pack(e->L, idx, e->out, e->hooks->arg);
    if (type < 0)
        return refuse_as(e, path, type,
                         (struct slice){e->out->p + at, e->out->n - at});
    if (type == 0) {
        e->out->n = at;
        return 0;
    }
    int rc = close_ext(e, at, type);
    return rc != 0 ? rc : 1;
}

static int encode_opaque(struct encoder *e, int idx,
                         const struct valuepath *path)
{
    int type = lua_type(e->L, idx);

    if (type == LUA_TLIGHTUSERDATA && lua_touserdata(e->L, idx) == NULL)
        return encode_null(e);
    if (type == LUA_TUSERDATA || type == LUA_TFUNCTION) {
        int rc = try_pack(e, idx, path);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    switch (type) {
    case LUA_TFUNCTION:
        return refuse(e, path, "a function");
    case LUA_TTHREAD:
        return refuse(e, path, "a thread");
    case LUA_TNIL:
    case LUA_TNONE:
        return refuse(e, path, "nil");
    default:
        return refuse(e, path, "a userdata");
    }
}

/* Whether the keys of the table at `idx` are exactly 1..n, n > 0. */
static bool is_array(lua_State *L, int idx, lua_Unsigned n)
{
    lua_Unsigned count = 0;

    if (n == 0)
        return false;
    lua_pushnil(L);
    while (lua_next(L, idx) != 0) {
        lua_pop(L, 1);
        if (!lua_isinteger(L, -1) ||
            (lua_Unsigned)lua_tointeger(L, -1) - 1 >= n) {
            lua_pop(L, 1);
            return false;
        }
        count++;
    }
    return count == n; /* n keys within 1..n, all different */
}

static int put_array_head(struct encoder *e, lua_Unsigned n)
{
    if (n > UINT32_MAX || n > e->end)
        return refuse_size(e);
    value_put_array(e->out, (uint32_t)n);
    return 0;
}

/* Long arrays of strings and numbers need no pass that looks at the keys first:
 * 1..n come in this order but for odd cases.  Returns 1 when that was all of
 * the table, 0 with `out` as before when it is not so simple, or ERR_*. */
static int try_flat_array(struct encoder *e, int idx, lua_Unsigned n)
{
    lua_State *L = e->L;
    size_t at = e->out->n;
    lua_Unsigned count = 0;
    int rc = n == 0 ? 0 : put_array_head(e, n);

    if (n == 0 || rc != 0)
        return rc;
    lua_pushnil(L);
    while (rc == 0 && lua_next(L, idx) != 0) {
        int type = lua_type(L, -1);
        bool is_next = lua_isinteger(L, -2) &&
                       (lua_Unsigned)lua_tointeger(L, -2) == ++count;

        if (is_next && type == LUA_TSTRING)
            rc = encode_string(e, -1);
        else if (is_next && type == LUA_TNUMBER)
            rc = encode_number(e, -1);
        else {
            lua_pop(L, 2);
            e->out->n = at;
            return 0;
        }
        lua_pop(L, 1);
    }
    if (rc != 0)
        lua_pop(L, 1);
    return rc != 0 ? rc : 1;
}

static int encode_array(struct encoder *e, int idx, lua_Unsigned n,
                        struct valuepath *path)
{
    int head = put_array_head(e, n);

    if (head != 0)
        return head;
    for (lua_Unsigned i = 1; i <= n; i++) {
        path->index = (lua_Integer)i;
        lua_rawgeti(e->L, idx, (lua_Integer)i);
        int rc = encode(e, lua_gettop(e->L), path);
        lua_pop(e->L, 1);
        if (rc != 0)
            return rc;
    }
    return check_size(e);
}

/* The head of a map is written when its members have been counted on the way:
 * one byte is kept free for it, which is enough below 16 members. */
static int close_map(struct encoder *e, size_t at, size_t count)
{
    size_t size = count < 16 ? 1 : count <= UINT16_MAX ? 3 : 5;
    size_t n = e->out->n - at - 1;

    if (count > UINT32_MAX)
        return refuse_size(e);
    buf_room(e->out, size);
    char *p = e->out->p + at;
    if (size > 1)
        memmove(p + size, p + 1, n);
    p[0] = (char)(size == 1 ? 0x80 | (int)count : size == 3 ? 0xde : 0xdf);
    value_put_be(p + 1, count, (int)size - 1);
    e->out->n += size - 1;
    return check_size(e);
}

static int encode_key(struct encoder *e, int idx, const struct valuepath *path)
{
    lua_State *L = e->L;

    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        return encode_string(e, idx);
    case LUA_TNUMBER:
        return encode_number(e, idx);
    case LUA_TBOOLEAN:
        buf_add_byte(e->out, lua_toboolean(L, idx) ? 0xc3 : 0xc2);
        return check_size(e);
    case LUA_TTABLE:
        return refuse(e, path, "a table as a key");
    case LUA_TFUNCTION:
        return refuse(e, path, "a function as a key");
    case LUA_TTHREAD:
        return refuse(e, path, "a thread as a key");
    default:
        return refuse(e, path, "a userdata as a key");
    }
}

static int encode_map(struct encoder *e, int idx, struct valuepath *path)
{
    lua_State *L = e->L;
    size_t at = e->out->n;
    size_t count = 0;

    buf_add_byte(e->out, 0x80);
    lua_pushnil(L);
    while (lua_next(L, idx) != 0) {
        int value = lua_gettop(L);
        int rc = encode_key(e, value - 1, path->parent);
        path->key = value - 1;
        if (rc == 0)
            rc = encode(e, value, path);
        path->key = 0;
        if (rc != 0) {
            lua_pop(L, 2);
            return rc;
        }
        count++;
        lua_pop(L, 1);
    }
    return close_map(e, at, count);
}

static bool is_on_path(const struct valuepath *path, const void *table)
{
    for (; path != NULL; path = path->parent)
        if (path->table == table)
            return true;
    return false;
}

static int encode_table(struct encoder *e, int idx,
                        const struct valuepath *parent)
{
    lua_State *L = e->L;
    struct valuepath path = {.parent = parent,
                             .table = lua_topointer(L, idx),
                             .depth = parent == NULL ? 1 : parent->depth + 1};

    if (lua_getmetatable(L, idx)) {
        lua_pop(L, 1);
        int rc = try_pack(e, idx, parent);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    if (is_on_path(parent, path.table))
        return refuse(e, parent, "a cycle");
    if (path.depth > VALUE_DEPTH_MAX)
        return refuse_as(e, parent, ERR_INVALID,
                         SLICE("more than 64 levels deep"));
    if (!lua_checkstack(L, 4 + LUA_MINSTACK))
        return error_set(e->err, ERR_NOMEM, "%s: out of memory",
                         e->hooks->root);
    lua_Unsigned n = lua_rawlen(L, idx);
    int flat = try_flat_array(e, idx, n);

    if (flat != 0)
        return flat < 0 ? flat : 0;
    return is_array(L, idx, n) ? encode_array(e, idx, n, &path)
                               : encode_map(e, idx, &path);
}

static int encode(struct encoder *e, int idx, const struct valuepath *path)
{
    switch (lua_type(e->L, idx)) {
    case LUA_TNUMBER:
        return encode_number(e, idx);
    case LUA_TSTRING:
        return encode_string(e, idx);
    case LUA_TBOOLEAN:
        buf_add_byte(e->out, lua_toboolean(e->L, idx) ? 0xc3 : 0xc2);
        return check_size(e);
    case LUA_TTABLE:
        return encode_table(e, idx, path);
    case LUA_TNIL:
        buf_add_byte(e->out, 0xc0); /* raw tables hold none: the top */
        return check_size(e);
    default:
        return encode_opaque(e, idx, path);
    }
}

int value_encode(lua_State *L, int idx, const struct value_hooks *hooks,
                 size_t max, struct buf *out, struct error *err)
{
    static const struct value_hooks plain = {.verb = "stored", .root = "value"};
    size_t before = out->n;
    struct encoder e = {
        .L = L,
        .hooks = hooks != NULL ? hooks : &plain,
        .out = out,
        .end = max > SIZE_MAX - before ? SIZE_MAX : before + max,
        .max = max,
        .err = err,
    };

    int rc = encode(&e, lua_absindex(L, idx), NULL);
    if (rc != 0)
        out->n = before;
    return rc;
}

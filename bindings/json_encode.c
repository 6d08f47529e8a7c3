#include "bindings/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bindings/bind.h"

/* A table that is being written, and the key or index it has got to. */
struct frame {
    const struct frame *up;
    const void *table;
    struct slice key; /* p == NULL: `index` */
    lua_Integer index;
};

struct encoder {
    lua_State *L;
    struct buf *out;
    struct error *err;
    const struct frame *top;
    size_t max;
    enum json_mode mode;
    int depth;
};

static int put_value(struct encoder *e, int idx);

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '_' || (i > 0 && c >= '0' && c <= '9');

        if (!letter)
            return false;
    }
    return s.n != 0;
}

/* Write how to reach `f` to out[0..size); returns the bytes used. */
static size_t put_path(const struct frame *f, char *out, size_t size)
{
    int n = 0;

    if (f == NULL)
        return (size_t)snprintf(out, size, "value");
    size_t at = put_path(f->up, out, size);
    if (at + 80 > size)
        return at; /* deep below: the beginning of the path is enough */
    if (f->key.p == NULL)
        n = snprintf(out + at, size - at, "[%lld]", (long long)f->index);
    else if (is_name(f->key) && f->key.n < 64)
        n = snprintf(out + at, size - at, ".%.*s", (int)f->key.n, f->key.p);
    else
        n = snprintf(out + at, size - at, "[\"%.*s\"]",
                     (int)(f->key.n < 64 ? f->key.n : 64), f->key.p);
    return at + (size_t)n;
}

static int fail(const struct encoder *e, const char *text)
{
    char path[512];

    put_path(e->top, path, sizeof(path));
    return error_set(e->err, ERR_INVALID, "%s: %s", path, text);
}

/* The value is not JSON's: its name as a string, or an error. */
static int odd(struct encoder *e, const char *name, const char *text)
{
    if (e->mode == JSON_STRICT)
        return fail(e, text);
    buf_add_byte(e->out, '"');
    buf_add_text(e->out, name);
    buf_add_byte(e->out, '"');
    return 0;
}

static void shortest(struct buf *out, double x)
{
    char text[40];
    int n = 0;

    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    buf_add(out, text, (size_t)n);
    if (strpbrk(text, ".e") == NULL)
        buf_add_text(out, ".0");
}

void json_add_number(struct buf *out, double x)
{
    if (x == floor(x) && fabs(x) < 1e15 && (x != 0 || !signbit(x)))
        buf_printf(out, "%lld.0", (long long)x);
    else
        shortest(out, x);
}

static void put_integer(struct buf *out, lua_Integer value)
{
    char text[24];
    char *at = text + sizeof(text);
    lua_Unsigned left =
        value < 0 ? 0 - (lua_Unsigned)value : (lua_Unsigned)value;

    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (value < 0)
        *--at = '-';
    buf_add(out, at, (size_t)(text + sizeof(text) - at));
}

static int put_number(struct encoder *e, int idx)
{
    if (lua_isinteger(e->L, idx)) {
        put_integer(e->out, lua_tointeger(e->L, idx));
        return 0;
    }
    double x = lua_tonumber(e->L, idx);
    if (isnan(x))
        return odd(e, "nan", "a float that is not a number cannot be encoded");
    if (isinf(x))
        return odd(e, x > 0 ? "inf" : "-inf",
                   "an infinite float cannot be encoded");
    json_add_number(e->out, x);
    return 0;
}

static int put_string(struct encoder *e, struct slice s)
{
    char text[80];
    size_t at = 0;

    if (json_add_string(e->out, s, e->mode, &at) == 0)
        return 0;
    snprintf(text, sizeof(text),
             "a string with invalid UTF-8 at byte offset %zu", at);
    return fail(e, text);
}

/* Whether the keys of the table at the top of the stack are exactly 1..n, all
 * of them strings, or neither. */
enum shape { SHAPE_EMPTY, SHAPE_ARRAY, SHAPE_OBJECT, SHAPE_MIXED };

static enum shape shape_of(lua_State *L, lua_Unsigned n)
{
    lua_Unsigned items = 0;
    lua_Unsigned names = 0;
    lua_Unsigned others = 0;

    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING)
            names++;
        else if (lua_isinteger(L, -1) &&
                 (lua_Unsigned)lua_tointeger(L, -1) - 1 < n)
            items++;
        else
            others++;
        /* A mixed table is known as such at once. */
        if (others != 0 || (items != 0 && names != 0)) {
            lua_pop(L, 1);
            return SHAPE_MIXED;
        }
    }
    if (names != 0)
        return SHAPE_OBJECT;
    if (items != n)
        return SHAPE_MIXED;
    return n == 0 ? SHAPE_EMPTY : SHAPE_ARRAY;
}

static int put_items(struct encoder *e, struct frame *f, lua_Unsigned n)
{
    e->top = f; /* errors name the item */
    buf_add_byte(e->out, '[');
    for (lua_Unsigned i = 1; i <= n; i++) {
        f->index = (lua_Integer)i;
        if (i > 1)
            buf_add_byte(e->out, ',');
        lua_rawgeti(e->L, -1, (lua_Integer)i);
        int rc = put_value(e, lua_gettop(e->L));
        lua_pop(e->L, 1);
        if (rc != 0)
            return rc;
    }
    buf_add_byte(e->out, ']');
    return 0;
}

/* A key that is no string, in a log line. */
static void put_odd_key(struct encoder *e, int idx)
{
    buf_add_byte(e->out, '"');
    if (lua_isinteger(e->L, idx))
        put_integer(e->out, lua_tointeger(e->L, idx));
    else if (lua_type(e->L, idx) == LUA_TNUMBER)
        buf_printf(e->out, "%.14g", lua_tonumber(e->L, idx));
    else if (lua_type(e->L, idx) == LUA_TBOOLEAN)
        buf_add_text(e->out, lua_toboolean(e->L, idx) ? "true" : "false");
    else
        buf_add_text(e->out, lua_typename(e->L, lua_type(e->L, idx)));
    buf_add_byte(e->out, '"');
}

static int put_member(struct encoder *e, struct frame *f)
{
    int value = lua_gettop(e->L);
    int rc = 0;

    f->key = bind_to_slice(e->L, value - 1);
    if (f->key.p == NULL)
        put_odd_key(e, value - 1);
    else
        rc = put_string(e, f->key);
    buf_add_byte(e->out, ':');
    return rc != 0 ? rc : put_value(e, value);
}

static int put_members(struct encoder *e, struct frame *f)
{
    size_t start = e->out->n;

    e->top = f; /* errors name the member */
    lua_pushnil(e->L);
    while (lua_next(e->L, -2) != 0) {
        buf_add_byte(e->out, e->out->n == start ? '{' : ',');
        int rc = put_member(e, f);
        lua_pop(e->L, 1);
        if (rc != 0) {
            lua_pop(e->L, 1);
            return rc;
        }
    }
    if (e->out->n == start)
        buf_add_byte(e->out, '{');
    buf_add_byte(e->out, '}');
    return 0;
}

static int put_shape(struct encoder *e, struct frame *f)
{
    lua_Unsigned n = lua_rawlen(e->L, -1);
    enum shape shape = shape_of(e->L, n);

    if (shape == SHAPE_ARRAY ||
        (shape == SHAPE_EMPTY && json_is_array(e->L, -1)))
        return put_items(e, f, n);
    if (e->mode == JSON_LENIENT)
        return put_members(e, f);
    if (shape == SHAPE_MIXED)
        return fail(e, "a table whose keys are neither exactly 1..n nor all "
                       "strings cannot be encoded");
    if (shape == SHAPE_OBJECT && json_is_array(e->L, -1))
        return fail(e, "a table marked as an array has keys that are strings");
    return put_members(e, f);
}

/* Too deep: say whether it is a cycle, and where that closes. */
static int fail_depth(struct encoder *e, const void *table)
{
    const struct frame *first = NULL; /* the outermost that is `table` */
    const struct frame *again = NULL; /* the next one inside it */

    if (e->mode == JSON_LENIENT)
        return odd(e, "...", "");
    for (const struct frame *f = e->top; f != NULL; f = f->up) {
        if (f->table != table)
            continue;
        again = first;
        first = f;
    }
    if (first == NULL)
        return fail(e, "tables nested more than 1000 deep cannot be encoded");
    e->top = again != NULL ? again->up : e->top;
    return fail(e, "a table that contains itself cannot be encoded");
}

static int put_table(struct encoder *e, int idx)
{
    struct frame f = {.up = e->top, .table = lua_topointer(e->L, idx)};
    int limit = e->mode == JSON_STRICT ? JSON_DEPTH_MAX : 32;

    if (e->depth >= limit || !lua_checkstack(e->L, 8))
        return fail_depth(e, f.table);
    lua_pushvalue(e->L, idx);
    e->depth++;
    int rc = put_shape(e, &f);
    e->depth--;
    e->top = f.up;
    lua_pop(e->L, 1);
    return rc;
}

static int put_value(struct encoder *e, int idx)
{
    if (e->out->n > e->max)
        return error_set(e->err, ERR_TOO_BIG,
                         "the text would be larger than %zu bytes", e->max);
    switch (lua_type(e->L, idx)) {
    case LUA_TNIL:
        buf_add_text(e->out, "null");
        return 0;
    case LUA_TBOOLEAN:
        buf_add_text(e->out, lua_toboolean(e->L, idx) ? "true" : "false");
        return 0;
    case LUA_TNUMBER:
        return put_number(e, idx);
    case LUA_TSTRING:
        return put_string(e, bind_to_slice(e->L, idx));
    case LUA_TTABLE:
        return put_table(e, idx);
    case LUA_TFUNCTION:
        return odd(e, "function", "a function cannot be encoded");
    case LUA_TTHREAD:
        return odd(e, "coroutine", "a coroutine cannot be encoded");
    default:
        break;
    }
    if (!bind_is_null(e->L, idx))
        return odd(e, "userdata", "a userdata cannot be encoded");
    buf_add_text(e->out, "null");
    return 0;
}

int json_encode(lua_State *L, int idx, enum json_mode mode, size_t max,
                struct buf *out, struct error *err)
{
    struct encoder e = {
        .L = L, .out = out, .err = err, .max = max, .mode = mode};
    int top = lua_gettop(L);
    size_t before = out->n;

    if (!lua_checkstack(L, 8))
        return error_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    int rc = put_value(&e, lua_absindex(L, idx));
    lua_settop(L, top);
    if (rc != 0)
        out->n = before;
    return rc;
}

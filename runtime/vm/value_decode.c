#include "vm/value.h"

#include <lua.h>

struct decoder {
    lua_State *L;
    const struct value_hooks *hooks;
    const unsigned char *begin, *at, *end;
    size_t slots; /* table elements that may still be announced */
    int depth;
    struct error *err;
};

static int decode(struct decoder *d);

static int corrupt(struct decoder *d, const char *what)
{
    return error_set(d->err, ERR_CORRUPT,
                     "damaged value: %s at byte offset %zu", what,
                     (size_t)(d->at - d->begin));
}

static size_t left(const struct decoder *d)
{
    return (size_t)(d->end - d->at);
}

/* Read `bytes` (1, 2, 4, 8) as a number; false at the end of the input. */
static bool read_be(struct decoder *d, int bytes, uint64_t *out)
{
    uint64_t v = 0;

    if (left(d) < (size_t)bytes)
        return false;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | d->at[i];
    d->at += bytes;
    *out = v;
    return true;
}

static int cut_off(struct decoder *d)
{
    return corrupt(d, "the input ends inside of it");
}

static int decode_unsigned(struct decoder *d, int bytes)
{
    uint64_t v;

    if (!read_be(d, bytes, &v))
        return cut_off(d);
    if (v > INT64_MAX)
        return corrupt(d, "an integer above 2^63 - 1");
    lua_pushinteger(d->L, (lua_Integer)v);
    return 0;
}

static int decode_signed(struct decoder *d, int bytes)
{
    uint64_t v;

    if (!read_be(d, bytes, &v))
        return cut_off(d);
    int shift = 64 - 8 * bytes;
    lua_pushinteger(d->L, (lua_Integer)(v << shift) >> shift);
    return 0;
}

static int decode_double(struct decoder *d)
{
    uint64_t bits;
    double v;

    if (!read_be(d, 8, &bits))
        return cut_off(d);
    memcpy(&v, &bits, sizeof(v));
    lua_pushnumber(d->L, v);
    return 0;
}

static int decode_single(struct decoder *d)
{
    uint64_t bits;
    float v;

    if (!read_be(d, 4, &bits))
        return cut_off(d);
    uint32_t bits32 = (uint32_t)bits;
    memcpy(&v, &bits32, sizeof(v));
    lua_pushnumber(d->L, (lua_Number)v);
    return 0;
}

static int decode_string(struct decoder *d, size_t n)
{
    if (n > left(d))
        return corrupt(d, "a string longer than the input");
    lua_pushlstring(d->L, (const char *)d->at, n);
    d->at += n;
    return 0;
}

static int decode_long_string(struct decoder *d, int bytes)
{
    uint64_t n;

    return read_be(d, bytes, &n) ? decode_string(d, (size_t)n) : cut_off(d);
}

static int decode_ext(struct decoder *d, size_t n)
{
    uint64_t type;

    if (!read_be(d, 1, &type))
        return cut_off(d);
    if (n > left(d))
        return corrupt(d, "an extension longer than the input");
    struct slice payload = {(const char *)d->at, n};
    if (type == VALUE_EXT_NULL && n == 0) {
        lua_pushlightuserdata(d->L, NULL);
        return 0;
    }
    if (type < VALUE_EXT_USER || type > INT8_MAX || d->hooks == NULL ||
        d->hooks->unpack == NULL)
        return corrupt(d, "an extension of unknown type");
    if (d->hooks->unpack(d->L, (int)type, payload, d->hooks->arg) != 0)
        return corrupt(d, "an extension with damaged contents");
    d->at += n;
    return 0;
}

static int decode_long_ext(struct decoder *d, int bytes)
{
    uint64_t n;

    return read_be(d, bytes, &n) ? decode_ext(d, (size_t)n) : cut_off(d);
}

/* Each element takes a byte of its own, so that the elements announced by all
 * tables together are no more than there are bytes: memory stays in proportion
 * to the input whatever it claims. */
static int enter_table(struct decoder *d, uint64_t slots)
{
    if (d->depth == VALUE_DEPTH_MAX)
        return corrupt(d, "too many levels");
    if (slots > d->slots || slots > left(d))
        return corrupt(d, "a table longer than the input");
    if (!lua_checkstack(d->L, LUA_MINSTACK))
        return error_set(d->err, ERR_NOMEM, "out of memory");
    d->slots -= (size_t)slots;
    d->depth++;
    return 0;
}

/* Nil has no place in a table; what others write there becomes mk.null. */
static int decode_member(struct decoder *d)
{
    if (d->at < d->end && *d->at == 0xc0) {
        d->at++;
        lua_pushlightuserdata(d->L, NULL);
        return 0;
    }
    return decode(d);
}

static int decode_array(struct decoder *d, uint64_t n)
{
    int rc = enter_table(d, n);

    if (rc != 0)
        return rc;
    lua_createtable(d->L, n > INT32_MAX ? INT32_MAX : (int)n, 0);
    for (uint64_t i = 1; i <= n; i++) {
        rc = decode_member(d);
        if (rc != 0)
            return rc;
        lua_rawseti(d->L, -2, (lua_Integer)i);
    }
    d->depth--;
    return 0;
}

static int decode_key(struct decoder *d)
{
    unsigned tag = d->at < d->end ? *d->at : 0;
    lua_State *L = d->L;

    if ((tag >= 0x80 && tag <= 0x9f) || tag == 0xc0 ||
        (tag >= 0xc7 && tag <= 0xc9) || (tag >= 0xd4 && tag <= 0xd8) ||
        tag >= 0xdc) {
        if (tag < 0xe0)
            return corrupt(d, "a key that is no string, number or boolean");
    }
    int rc = decode(d);
    if (rc == 0 && lua_type(L, -1) == LUA_TNUMBER &&
        !lua_rawequal(L, -1, -1)) /* NaN */
        return corrupt(d, "a key that is not a number (NaN)");
    return rc;
}

static int decode_map(struct decoder *d, uint64_t n)
{
    int rc = enter_table(d, 2 * n);

    if (rc != 0)
        return rc;
    lua_createtable(d->L, 0, n > INT32_MAX ? INT32_MAX : (int)n);
    for (uint64_t i = 0; i < n; i++) {
        rc = decode_key(d);
        if (rc == 0)
            rc = decode_member(d);
        if (rc != 0)
            return rc;
        lua_rawset(d->L, -3);
    }
    d->depth--;
    return 0;
}

static int decode_long_table(struct decoder *d, int bytes,
                             int (*table)(struct decoder *d, uint64_t n))
{
    uint64_t n;

    return read_be(d, bytes, &n) ? table(d, n) : cut_off(d);
}

/* Tags 0xc0..0xdf. */
static int decode_tagged(struct decoder *d, unsigned tag)
{
    switch (tag) {
    case 0xc0:
        lua_pushnil(d->L);
        return 0;
    case 0xc2:
    case 0xc3:
        lua_pushboolean(d->L, tag == 0xc3);
        return 0;
    case 0xc4: /* bin 8, 16, 32: bytes, as all strings */
    case 0xc5:
    case 0xc6:
        return decode_long_string(d, 1 << (tag - 0xc4));
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return decode_long_ext(d, 1 << (tag - 0xc7));
    case 0xca:
        return decode_single(d);
    case 0xcb:
        return decode_double(d);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return decode_unsigned(d, 1 << (tag - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return decode_signed(d, 1 << (tag - 0xd0));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return decode_ext(d, (size_t)1 << (tag - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return decode_long_string(d, 1 << (tag - 0xd9));
    case 0xdc:
    case 0xdd:
        return decode_long_table(d, 2 << (tag - 0xdc), decode_array);
    case 0xde:
    case 0xdf:
        return decode_long_table(d, 2 << (tag - 0xde), decode_map);
    default: /* 0xc1 */
        d->at--;
        return corrupt(d, "a tag that means nothing");
    }
}

static int decode(struct decoder *d)
{
    if (d->at == d->end)
        return cut_off(d);
    unsigned tag = *d->at++;
    if (tag < 0x80 || tag >= 0xe0) {
        lua_pushinteger(d->L, tag < 0x80 ? (int)tag : (int)tag - 0x100);
        return 0;
    }
    if (tag >= 0xc0)
        return decode_tagged(d, tag);
    if (tag >= 0xa0)
        return decode_string(d, tag & 0x1f);
    return tag >= 0x90 ? decode_array(d, tag & 0x0f)
                       : decode_map(d, tag & 0x0f);
}

int value_decode(lua_State *L, struct slice in, const struct value_hooks *hooks,
                 size_t *used, struct error *err)
{
    static const unsigned char nothing[1];
    const unsigned char *begin = in.n == 0 ? nothing : (const void *)in.p;
    int top = lua_gettop(L);
    struct decoder d = {
        .L = L,
        .hooks = hooks,
        .begin = begin,
        .at = begin,
        .end = begin + in.n,
        .slots = in.n,
        .err = err,
    };

    *used = 0;
    int rc = lua_checkstack(L, LUA_MINSTACK)
                 ? decode(&d)
                 : error_set(err, ERR_NOMEM, "out of memory");
    if (rc != 0) {
        lua_settop(L, top);
        return rc;
    }
    *used = (size_t)(d.at - d.begin);
    return 0;
}

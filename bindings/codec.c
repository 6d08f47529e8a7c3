/* mk.msgpack, mk.base64, mk.hex. */
#include <stdint.h>

#include "base/text.h"
#include "bindings/bind.h"
#include "bindings/modules.h"
#include "vm/value.h"
#include "vm/vm.h"

enum { MSGPACK_MAX = 32 * 1024 * 1024 }; /* bytes of a value, as of a call */

static int no_pack(lua_State *L, int idx, struct buf *out, void *arg)
{
    (void)L, (void)idx, (void)out, (void)arg;
    return 0;
}

static int no_unpack(lua_State *L, int ext, struct slice payload, void *arg)
{
    (void)L, (void)ext, (void)payload, (void)arg;
    return ERR_CORRUPT;
}

static const struct value_hooks plain = {.pack = no_pack,
                                         .unpack = no_unpack,
                                         .null_is_nil = true,
                                         .verb = "encoded",
                                         .root = "value"};

/* mk.msgpack.encode(value) -> string of at most 32 MiB.  Raises the path to
 * what cannot be encoded; "too_large" past the limit.  nil and mk.null are
 * MessagePack's nil. */
static int msgpack_encode(lua_State *L)
{
    struct error err = {0};
    size_t max = bind_memory_limit(L);

    luaL_checkany(L, 1);
    if (max > MSGPACK_MAX)
        max = MSGPACK_MAX;
    struct buf *out = bind_scratch(L);
    int rc = value_encode(L, 1, &plain, max, out, &err);
    /* A small value may stand for many bytes: a table that occurs often. */
    vm_charge(L, rc == ERR_TOO_BIG ? max : out->n);
    if (rc != 0)
        return bind_raise_error(L, rc == ERR_TOO_BIG ? "too_large" : NULL,
                                &err);
    bind_push_scratch(L, out);
    return 1;
}

/* mk.msgpack.decode(bytes) -> value.  Raises the byte offset of what is not
 * MessagePack, and of bytes after the value.  Its nil is mk.null. */
static int msgpack_decode(lua_State *L)
{
    struct slice in = bind_check_slice(L, 1);
    struct error err = {0};
    size_t used = 0;

    vm_charge(L, in.n / 4);
    if (value_decode(L, in, &plain, &used, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    if (used != in.n)
        return bind_raise(L, NULL,
                          "invalid MessagePack: expected the end of the bytes "
                          "at byte offset %zu",
                          used);
    if (lua_isnil(L, -1))
        lua_pushlightuserdata(L, NULL);
    return 1;
}

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* mk.base64.encode(bytes) -> string (RFC 4648, section 4: with padding). */
static int base64_encode(lua_State *L)
{
    struct slice in = bind_check_slice(L, 1);
    const uint8_t *p = (const uint8_t *)in.p;
    luaL_Buffer b;

    vm_charge(L, in.n / 4);
    char *out = luaL_buffinitsize(L, &b, (in.n + 2) / 3 * 4);
    size_t at = 0;
    for (size_t i = 0; i < in.n; i += 3) {
        size_t left = in.n - i;
        uint32_t word = (uint32_t)p[i] << 16;

        if (left > 1)
            word |= (uint32_t)p[i + 1] << 8;
        if (left > 2)
            word |= p[i + 2];
        out[at++] = digits64[word >> 18];
        out[at++] = digits64[word >> 12 & 63];
        out[at++] = left > 1 ? digits64[word >> 6 & 63] : '=';
        out[at++] = left > 2 ? digits64[word & 63] : '=';
    }
    luaL_pushresultsize(&b, at);
    return 1;
}

static int value64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int bad_base64(lua_State *L, const char *text, size_t at)
{
    return bind_raise(L, NULL, "invalid base64: %s at byte offset %zu", text,
                      at);
}

/* mk.base64.decode(text) -> bytes.  The padding must be there.  Raises with
 * the byte offset. */
static int base64_decode(lua_State *L)
{
    struct slice in = bind_check_slice(L, 1);
    luaL_Buffer b;
    uint32_t word = 0;
    size_t at = 0;
    size_t n = in.n;

    vm_charge(L, in.n / 4);
    while (n > 0 && in.n - n < 2 && in.p[n - 1] == '=')
        n--;
    char *out = luaL_buffinitsize(L, &b, n / 4 * 3 + 3);
    for (size_t i = 0; i < n; i++) {
        int value = value64(in.p[i]);

        if (value < 0)
            return bad_base64(L, "a byte that is no base64 digit", i);
        word = word << 6 | (uint32_t)value;
        if (i % 4 == 0)
            continue;
        unsigned spare = (unsigned)(6 - 2 * (i % 4));
        out[at++] = (char)(word >> spare);
        if (i == n - 1 && (word & ((1u << spare) - 1)) != 0)
            return bad_base64(L, "a digit with unused bits set", i);
    }
    if (in.n % 4 != 0 || n % 4 == 1)
        return bad_base64(L, "expected a multiple of 4 digits, got the end",
                          in.n);
    luaL_pushresultsize(&b, at);
    return 1;
}

/* mk.hex.encode(bytes) -> lower-case digits. */
static int hex_encode(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    struct slice in = bind_check_slice(L, 1);
    luaL_Buffer b;

    vm_charge(L, in.n / 4);
    char *out = luaL_buffinitsize(L, &b, in.n * 2);
    for (size_t i = 0; i < in.n; i++) {
        out[2 * i] = digits[(uint8_t)in.p[i] >> 4];
        out[2 * i + 1] = digits[(uint8_t)in.p[i] & 15];
    }
    luaL_pushresultsize(&b, in.n * 2);
    return 1;
}

/* mk.hex.decode(digits of either case) -> bytes.  Raises with the byte
 * offset. */
static int hex_decode(lua_State *L)
{
    struct slice in = bind_check_slice(L, 1);
    luaL_Buffer b;

    vm_charge(L, in.n / 4);
    char *out = luaL_buffinitsize(L, &b, in.n / 2 + 1);
    for (size_t i = 0; i < in.n; i++) {
        int value = text_hex_digit(in.p[i]);

        if (value < 0)
            return bind_raise(L, NULL,
                              "invalid hex: a byte that is no hex digit at "
                              "byte offset %zu",
                              i);
        out[i / 2] = (char)(i % 2 == 0 ? value << 4 : (out[i / 2] | value));
    }
    if (in.n % 2 != 0)
        return bind_raise(L, NULL,
                          "invalid hex: expected an even number of digits, "
                          "got the end at byte offset %zu",
                          in.n);
    luaL_pushresultsize(&b, in.n / 2);
    return 1;
}

static const luaL_Reg msgpack_functions[] = {
    {"encode", msgpack_encode},
    {"decode", msgpack_decode},
    {NULL, NULL},
};

static const luaL_Reg base64_functions[] = {
    {"encode", base64_encode},
    {"decode", base64_decode},
    {NULL, NULL},
};

static const luaL_Reg hex_functions[] = {
    {"encode", hex_encode},
    {"decode", hex_decode},
    {NULL, NULL},
};

int bind_open_msgpack(lua_State *L)
{
    luaL_newlib(L, msgpack_functions);
    return 1;
}

int bind_open_base64(lua_State *L)
{
    luaL_newlib(L, base64_functions);
    return 1;
}

int bind_open_hex(lua_State *L)
{
    luaL_newlib(L, hex_functions);
    return 1;
}

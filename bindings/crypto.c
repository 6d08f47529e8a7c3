/* mk.crypto. */
#include <openssl/crypto.h>

#include "bindings/bind.h"
#include "bindings/hash.h"
#include "bindings/modules.h"
#include "vm/vm.h"

enum { RANDOM_MAX = 65536 };

static struct random *random_of(lua_State *L)
{
    vm_outside(L);
    struct random *r = vm_config(vm_of(L))->random;

    return r != NULL ? r : random_system();
}

/* mk.crypto.randomUUID() -> "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx" (RFC 9562,
 * version 4). */
static int random_uuid(lua_State *L)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    char text[36];
    size_t at = 0;

    random_bytes(random_of(L), bytes, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[bytes[i] >> 4];
        text[at++] = digits[bytes[i] & 15];
    }
    lua_pushlstring(L, text, sizeof(text));
    return 1;
}

/* mk.crypto.randomBytes(n) -> n random bytes, 0 to 65,536. */
static int random_some(lua_State *L)
{
    int is_integer = 0;
    lua_Integer n = lua_tointegerx(L, 1, &is_integer);
    luaL_Buffer b;

    if (!is_integer || n < 0 || n > RANDOM_MAX)
        return bind_arg_error(L, 1, "an integer from 0 to %d expected",
                              RANDOM_MAX);
    char *out = luaL_buffinitsize(L, &b, (size_t)n);
    random_bytes(random_of(L), out, (size_t)n);
    luaL_pushresultsize(&b, (size_t)n);
    return 1;
}

static const struct hash *check_hash(lua_State *L)
{
    struct slice name = bind_check_slice(L, 1);
    const struct hash *h = hash_find(name);

    if (h == NULL)
        bind_arg_error(L, 1,
                       "SHA-256, SHA-384, SHA-512 or SHA-1 expected, got "
                       "'%.*s'",
                       (int)(name.n < 64 ? name.n : 64), name.p);
    return h;
}

/* mk.crypto.digest(algorithm, bytes) -> raw digest. */
static int digest(lua_State *L)
{
    const struct hash *h = check_hash(L);
    struct slice s = bind_check_slice(L, 2);
    uint8_t out[HASH_MAX];

    vm_charge(L, s.n / 4);
    size_t n = hash_digest(h, s, out);
    lua_pushlstring(L, (const char *)out, n);
    return 1;
}

/* mk.crypto.hmac(algorithm, key, bytes) -> raw HMAC (RFC 2104). */
static int hmac(lua_State *L)
{
    const struct hash *h = check_hash(L);
    struct slice key = bind_check_slice(L, 2);
    struct slice s = bind_check_slice(L, 3);
    uint8_t out[HASH_MAX];

    vm_charge(L, (key.n + s.n) / 4);
    size_t n = hash_hmac(h, key, s, out);
    lua_pushlstring(L, (const char *)out, n);
    return 1;
}

/* mk.crypto.timingSafeEqual(a, b) -> boolean; the time it takes depends on the
 * lengths only. */
static int timing_safe_equal(lua_State *L)
{
    struct slice a = bind_check_slice(L, 1);
    struct slice b = bind_check_slice(L, 2);

    vm_charge(L, a.n / 4);
    lua_pushboolean(L, a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0);
    return 1;
}

static const luaL_Reg functions[] = {
    {"randomUUID", random_uuid},
    {"randomBytes", random_some},
    {"digest", digest},
    {"hmac", hmac},
    {"timingSafeEqual", timing_safe_equal},
    {NULL, NULL},
};

int bind_open_crypto(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}

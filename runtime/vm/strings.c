#include "vm/strings.h"

#include <lauxlib.h>
#include <limits.h>
#include <lua.h>

#include "vm/lib.h"
#include "vm/vm.h"

/* Bytes that a plain copy moves in the time of one step. */
enum { COPY = 16 };

/* string.len(s) -> bytes. */
static int string_len(lua_State *L)
{
    size_t n;

    luaL_checklstring(L, 1, &n);
    lua_pushinteger(L, (lua_Integer)n);
    return 1;
}

/* Number of bytes up to and with the last one, for a one-based or negative
 * `end` at `arg` (optional, default `def`). */
static size_t end_of(lua_State *L, int arg, lua_Integer def, size_t len)
{
    lua_Integer at = luaL_optinteger(L, arg, def);

    if (at > (lua_Integer)len)
        return len;
    if (at >= 0)
        return (size_t)at;
    return at < -(lua_Integer)len ? 0 : len + 1 - (size_t)-at;
}

/* string.sub(s, i [, j]) -> s[i..j]. */
static int string_sub(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);

    luaL_checkinteger(L, 2);
    size_t begin = strings_init(L, 2, n);
    size_t end = end_of(L, 3, -1, n);
    if (begin >= end) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (end - begin > 1024)
        vm_charge(L, (end - begin) / COPY);
    lua_pushlstring(L, s + begin, end - begin);
    return 1;
}

/* Push the string at 1 with the letters from `first` to `first` + 25 in the
 * other case. */
static int change_case(lua_State *L, char first)
{
    size_t n;
    luaL_Buffer b;
    const char *s = luaL_checklstring(L, 1, &n);

    vm_charge(L, n / COPY);
    char *p = luaL_buffinitsize(L, &b, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool is_letter = (unsigned char)(c - first) < 26;
        p[i] = (char)(c ^ (is_letter << 5));
    }
    luaL_pushresultsize(&b, n);
    return 1;
}

/* string.lower(s) -> s with small ASCII letters. */
static int string_lower(lua_State *L)
{
    return change_case(L, 'A');
}

/* string.upper(s) -> s with capital ASCII letters. */
static int string_upper(lua_State *L)
{
    return change_case(L, 'a');
}

/* string.reverse(s) -> its bytes from the last to the first. */
static int string_reverse(lua_State *L)
{
    size_t n;
    luaL_Buffer b;
    const char *s = luaL_checklstring(L, 1, &n);

    vm_charge(L, n / 4);
    char *p = luaL_buffinitsize(L, &b, n);
    for (size_t i = 0; i < n; i++)
        p[i] = s[n - 1 - i];
    luaL_pushresultsize(&b, n);
    return 1;
}

static char *add_bytes(char *to, const char *p, size_t n)
{
    if (n == 1)
        *to = *p;
    else
        memcpy(to, p, n);
    return to + n;
}

/* string.rep(s, n [, sep]) -> n times s, with sep between. */
static int string_rep(lua_State *L)
{
    size_t len, sep_len;
    luaL_Buffer b;
    const char *s = luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    const char *sep = luaL_optlstring(L, 3, "", &sep_len);

    if (n <= 0 || len + sep_len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (len + sep_len > (size_t)(INT_MAX / n))
        return luaL_error(L, "resulting string too large");
    size_t total = (size_t)n * len + (size_t)(n - 1) * sep_len;
    vm_charge(L, (uint64_t)n + total / COPY);
    char *p = luaL_buffinitsize(L, &b, total);
    while (n-- > 1) {
        p = add_bytes(p, s, len);
        if (sep_len > 0)
            p = add_bytes(p, sep, sep_len);
    }
    add_bytes(p, s, len);
    luaL_pushresultsize(&b, total);
    return 1;
}

/* string.byte(s [, i [, j]]) -> codes of the bytes s[i..j]. */
static int string_byte(lua_State *L)
{
    size_t n;
    const char *s = luaL_checklstring(L, 1, &n);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    size_t begin = strings_init(L, 2, n);
    size_t end = end_of(L, 3, first, n);

    if (begin >= end)
        return 0;
    if (end - begin >= INT_MAX)
        return luaL_error(L, "string slice too long");
    int count = (int)(end - begin);
    luaL_checkstack(L, count, "string slice too long");
    vm_charge(L, (uint64_t)count);
    for (int i = 0; i < count; i++)
        lua_pushinteger(L, (unsigned char)s[begin + (size_t)i]);
    return count;
}

/* string.char(...) -> the bytes with these codes. */
static int string_char(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_Buffer b;
    char *p = luaL_buffinitsize(L, &b, (size_t)n);

    for (int i = 1; i <= n; i++) {
        lua_Unsigned c = (lua_Unsigned)luaL_checkinteger(L, i);
        luaL_argcheck(L, c <= UCHAR_MAX, i, "value out of range");
        p[i - 1] = (char)c;
    }
    luaL_pushresultsize(&b, (size_t)n);
    return 1;
}

/* Without a function: linear in what they are given, as in stock Lua. */
const luaL_Reg vm_string_lib[] = {
    {"byte", string_byte},
    {"char", string_char},
    {"find", strings_find},
    {"format", NULL},
    {"gmatch", strings_gmatch},
    {"gsub", strings_gsub},
    {"len", string_len},
    {"lower", string_lower},
    {"match", strings_match},
    {"pack", NULL},
    {"packsize", NULL},
    {"rep", string_rep},
    {"reverse", string_reverse},
    {"sub", string_sub},
    {"unpack", NULL},
    {"upper", string_upper},
    {NULL, NULL},
};

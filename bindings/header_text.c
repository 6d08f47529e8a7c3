#include "bindings/header_text.h"

#include "bindings/bind.h"

bool header_is_token(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return s.n != 0;
}

struct slice header_check_name(lua_State *L, int idx)
{
    struct slice name = bind_to_slice(L, idx);

    if (name.p == NULL)
        bind_raise(L, NULL, "a header name must be a string, got %s",
                   bind_what(L, idx));
    if (!header_is_token(name))
        bind_raise(L, NULL, "'%.*s' is not a valid header name",
                   (int)(name.n < 100 ? name.n : 100), name.p);
    return name;
}

struct slice header_check_value(lua_State *L, struct slice name, int idx)
{
    struct slice value = bind_to_slice(L, idx);
    int width = (int)(name.n < 100 ? name.n : 100);

    if (value.p == NULL)
        bind_raise(L, NULL,
                   "the value of header '%.*s' must be a string, got "
                   "%s",
                   width, name.p, bind_what(L, idx));
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0')
            bind_raise(L, NULL,
                       "the value of header '%.*s' contains CR, LF or NUL at "
                       "byte offset %zu",
                       width, name.p, i);
    }
    return slice_trim(value);
}

void header_push_lower(lua_State *L, struct slice s)
{
    luaL_Buffer b;
    char *out = luaL_buffinitsize(L, &b, s.n);

    for (size_t i = 0; i < s.n; i++)
        out[i] =
            (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    luaL_pushresultsize(&b, s.n);
}

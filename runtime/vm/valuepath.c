#include "vm/valuepath.h"

#include <ctype.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Filled from the end, as the innermost link is what one looks for first. */
struct tail {
    char bytes[VALUEPATH_MAX];
    size_t at; /* where the text begins */
};

enum { PIECE_MAX = 4 * VALUEPATH_KEY_MAX + 16 };

static bool prepend(struct tail *t, const char *text, size_t n)
{
    if (n > t->at)
        return false;
    t->at -= n;
    memcpy(t->bytes + t->at, text, n);
    return true;
}

static bool is_identifier(const char *p, size_t n)
{
    if (n == 0 || n > VALUEPATH_KEY_MAX || isdigit((unsigned char)p[0]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)p[i]) && p[i] != '_')
            return false;
    return true;
}

/* The key as a Lua string in brackets. */
static size_t quote(char *to, const char *p, size_t n)
{
    size_t shown = n > VALUEPATH_KEY_MAX ? VALUEPATH_KEY_MAX : n;
    size_t at = 0;

    to[at++] = '[';
    to[at++] = '"';
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '"' || c == '\\')
            to[at++] = '\\';
        if (iscntrl(c))
            at += (size_t)snprintf(to + at, 5, "\\%03u", c);
        else
            to[at++] = (char)c;
    }
    return at + (size_t)snprintf(to + at, 6, "%s\"]", n > shown ? "..." : "");
}

static size_t key_text(lua_State *L, int key, char *to)
{
    size_t n;

    switch (lua_type(L, key)) {
    case LUA_TBOOLEAN:
        return (size_t)snprintf(to, PIECE_MAX, "[%s]",
                                lua_toboolean(L, key) ? "true" : "false");
    case LUA_TNUMBER:
        if (lua_isinteger(L, key))
            return (size_t)snprintf(to, PIECE_MAX, "[%lld]",
                                    (long long)lua_tointeger(L, key));
        return (size_t)snprintf(to, PIECE_MAX, "[%.14g]", lua_tonumber(L, key));
    default:
        break;
    }
    const char *p = lua_tolstring(L, key, &n); /* is a string: no copy */
    if (!is_identifier(p, n))
        return quote(to, p, n);
    to[0] = '.';
    memcpy(to + 1, p, n);
    return n + 1;
}

static size_t link_text(lua_State *L, const struct valuepath *link, char *to)
{
    if (link->key != 0)
        return key_text(L, link->key, to);
    return (size_t)snprintf(to, PIECE_MAX, "[%lld]", link->index);
}

void valuepath_text(lua_State *L, const char *root,
                    const struct valuepath *path, char out[VALUEPATH_MAX])
{
    static const char cut[] = "...";
    char piece[PIECE_MAX];
    struct tail t = {.at = VALUEPATH_MAX - 1};
    size_t n = strnlen(root, VALUEPATH_MAX / 4);

    t.bytes[t.at] = '\0';
    for (; path != NULL; path = path->parent) {
        size_t size = link_text(L, path, piece);
        if (t.at < size + n + sizeof(cut)) {
            prepend(&t, cut, sizeof(cut) - 1);
            break;
        }
        prepend(&t, piece, size);
    }
    prepend(&t, root, n);
    memcpy(out, t.bytes + t.at, VALUEPATH_MAX - t.at);
}

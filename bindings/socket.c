/*
 * socket.c - the ends of WebSockets among the values of a script.  No value of
 * this runtime is one yet, so a Response cannot carry any.
 */
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/http.h"

bool bind_is_socket(lua_State *L, int idx, const char **why)
{
    *why = bind_what(L, idx);
    return false;
}

struct ticket *bind_take_socket(lua_State *L, int idx)
{
    const char *why;

    /* Asked only of what bind_is_socket has let through. */
    MUST(bind_is_socket(L, idx, &why));
    return NULL;
}

void bind_push_socket(lua_State *L, struct ticket *socket)
{
    MUST(socket == NULL);
    lua_pushnil(L);
}

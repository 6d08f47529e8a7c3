/* default_route.h - /<Class>/<name>/<rest>, for scripts without `fetch`. */
#ifndef BINDINGS_DEFAULT_ROUTE_H
#define BINDINGS_DEFAULT_ROUTE_H

#include <lua.h>

/* fetch(request, env) -> Response or nil, as API.md, section 1 says.  Waits. */
int bind_default_route(lua_State *L);

#endif

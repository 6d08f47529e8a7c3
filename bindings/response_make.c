/* mk.Response: responses that a script makes. */
#include "bindings/bind.h"
#include "bindings/header_fields.h"
#include "bindings/http.h"
#include "bindings/json.h"
#include "bindings/modules.h"
#include "bindings/response.h"

static const struct slice text_type = {"text/plain;charset=UTF-8", 24};
static const struct slice json_type = {"application/json", 16};

/* The table `init` at index 3 (or nil there) has been looked through. */
struct init {
    int status;
    struct slice reason; /* on the stack */
    int headers_at;      /* where init.headers is; 0: none */
    bool has_socket;
};

static bool has_null_body(int code)
{
    return code == 101 || code == 204 || code == 205 || code == 304;
}

static int check_status(lua_State *L, bool has_socket)
{
    int is_integer = 0;
    int type = lua_getfield(L, 3, "status");
    lua_Integer code = lua_tointegerx(L, -1, &is_integer);

    if (type == LUA_TNIL)
        return has_socket ? 101 : 200;
    if (type != LUA_TNUMBER || !is_integer)
        bind_raise(L, NULL,
                   "the status of a response must be an integer, got "
                   "%s",
                   bind_what(L, -1));
    if (code == 101 && !has_socket)
        bind_raise(L, NULL, "a response with status 101 needs a webSocket");
    if (code != 101 && (code < 200 || code > 599))
        bind_raise(L, NULL,
                   "Responses may only be constructed with status "
                   "codes in the range 200 to 599, inclusive.");
    if (code != 101 && has_socket)
        bind_raise(L, NULL,
                   "Responses with a WebSocket must have status code "
                   "101.");
    return (int)code;
}

static void check_socket(lua_State *L, struct init *init)
{
    const char *why = "nil";

    if (lua_getfield(L, 3, "webSocket") == LUA_TNIL)
        return;
    if (!bind_is_socket(L, -1, &why))
        bind_raise(L, NULL, "%s", why);
    init->has_socket = true;
}

static void check_reason(lua_State *L, struct init *init)
{
    if (lua_getfield(L, 3, "statusText") == LUA_TNIL)
        return;
    init->reason = bind_to_slice(L, -1);
    if (init->reason.p == NULL)
        bind_raise(L, NULL, "statusText must be a string, got %s",
                   bind_what(L, -1));
    for (size_t i = 0; i < init->reason.n; i++) {
        unsigned char c = (unsigned char)init->reason.p[i];

        if (c != '\t' && (c < 0x20 || c == 0x7f))
            bind_raise(L, NULL,
                       "statusText contains a control character at "
                       "byte offset %zu",
                       i);
    }
}

static const char *const init_keys[] = {"status", "statusText", "headers",
                                        "webSocket", NULL};

/* Index 2: body, 3: init.  Leaves what `init` points to on the stack. */
static void check_init(lua_State *L, struct init *init)
{
    *init = (struct init){.status = 200};
    if (lua_isnoneornil(L, 3))
        return;
    if (lua_type(L, 3) != LUA_TTABLE)
        bind_raise(L, NULL, "the init of a response must be a table, got %s",
                   bind_what(L, 3));
    luaL_checkstack(L, 16, NULL);
    bind_check_options(L, 3, "Response", init_keys);
    check_socket(L, init);
    init->status = check_status(L, init->has_socket);
    check_reason(L, init);
    if (lua_getfield(L, 3, "headers") != LUA_TNIL)
        init->headers_at = lua_gettop(L);
}

/* Push a Response with the body at 2 (nil, string, function) and `init`. */
static int make(lua_State *L, struct init *init, struct slice type)
{
    struct few_fields few;
    bool has_body = !lua_isnil(L, 2);
    struct response head = {.status = init->status, .reason = init->reason};

    if (has_body && has_null_body(init->status))
        return bind_raise(L, NULL,
                          "Response with null body status (101, 204, "
                          "205, or 304) cannot have a body.");
    head.fields =
        headers_read(L, init->headers_at, type, &few, &head.field_count);
    response_new(L, &head);
    if (has_body) {
        lua_pushvalue(L, 2);
        lua_setiuservalue(L, -2, VALUE_BODY);
    }
    if (init->has_socket) {
        lua_getfield(L, 3, "webSocket");
        lua_setiuservalue(L, -2, VALUE_SOCKET);
    }
    return 1;
}

/*
 * mk.Response(body [, { status=, statusText=, headers=, webSocket= }])
 *
 * body: nil, a string (text/plain;charset=UTF-8 unless headers say otherwise),
 * or a function(write) that streams.
 */
static int new (lua_State *L)
{
    struct slice no_type = {NULL, 0};
    struct init init;

    lua_settop(L, 3); /* the table mk.Response itself is at 1 */
    int kind = lua_type(L, 2);
    if (kind == LUA_TTABLE)
        return bind_raise(L, NULL,
                          "the body of a response must be nil, a string "
                          "or a function, got a table: for JSON there "
                          "is mk.Response.json");
    if (kind != LUA_TNIL && kind != LUA_TSTRING && kind != LUA_TFUNCTION)
        return bind_raise(L, NULL,
                          "the body of a response must be nil, a string "
                          "or a function, got %s",
                          bind_what(L, 2));
    check_init(L, &init);
    return make(L, &init, kind == LUA_TSTRING ? text_type : no_type);
}

/* mk.Response.json(value [, init]) -> Response with the value as JSON and
 * application/json. */
static int new_json(lua_State *L)
{
    struct init init;

    luaL_checkany(L, 1);
    lua_settop(L, 2);
    lua_insert(L, 1); /* init, value */
    json_push_text(L, 2);
    lua_replace(L, 2);
    lua_pushvalue(L, 1); /* nil | init, body, init: as in new */
    check_init(L, &init);
    return make(L, &init, json_type);
}

/* mk.Response.redirect(url [, status]) -> Response with Location; 302 or 301,
 * 303, 307, 308. */
static int new_redirect(lua_State *L)
{
    struct slice no_type = {NULL, 0};
    struct init init = {.status = 302, .headers_at = 1};
    int is_integer = 1;

    bind_check_slice(L, 1);
    lua_settop(L, 2);
    lua_Integer code =
        lua_isnil(L, 2) ? 302 : lua_tointegerx(L, 2, &is_integer);
    if (!is_integer)
        return bind_arg_error(L, 2, "an integer expected, got %s",
                              bind_what(L, 2));
    if (code != 301 && code != 302 && code != 303 && code != 307 && code != 308)
        return bind_raise(L, NULL, "%lld is not a redirect status code.",
                          (long long)code);
    init.status = (int)code;
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "location");
    lua_replace(L, 1);
    lua_pushnil(L);
    lua_replace(L, 2); /* no body */
    return make(L, &init, no_type);
}

static const luaL_Reg functions[] = {
    {"json", new_json},
    {"redirect", new_redirect},
    {NULL, NULL},
};

int bind_open_response(lua_State *L)
{
    luaL_newlib(L, functions);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, new);
    lua_setfield(L, -2, "__call");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    return 1;
}

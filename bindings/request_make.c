/* Requests that a script makes. */
#include <string.h>

#include "bindings/bind.h"
#include "bindings/header_fields.h"
#include "bindings/header_text.h"
#include "bindings/headers.h"
#include "bindings/request.h"
#include "bindings/url.h"

static bool is_bodiless(struct slice name)
{
    return slice_eq(name, SLICE("GET")) || slice_eq(name, SLICE("HEAD"));
}

/* init.method at the top of the stack, as it goes over the wire. */
static struct slice check_method(lua_State *L)
{
    static const char *const standard[] = {"GET",     "HEAD",  "POST",  "PUT",
                                           "OPTIONS", "PATCH", "DELETE"};
    struct slice name = bind_to_slice(L, -1);

    if (name.p == NULL)
        bind_raise(L, NULL, "the method of a request must be a string, got %s",
                   bind_what(L, -1));
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        if (slice_eq_nocase(name, slice_of(standard[i])))
            return slice_of(standard[i]);
    }
    if (!header_is_token(name) || slice_eq_nocase(name, SLICE("CONNECT")) ||
        slice_eq_nocase(name, SLICE("TRACE")))
        bind_raise(L, NULL, "'%.*s' is not a method that a request can have",
                   (int)(name.n < 50 ? name.n : 50), name.p);
    return name;
}

/* What a new request is made from; what the slices point to is on the
 * stack. */
struct plan {
    struct lrequest *from; /* the Request that gives what init does not, or
                              NULL; and the url, without one of its own */
    int from_at, init_at, self_at;
    struct slice method;
    bool has_body; /* of its own; it is user value 1 already */
    bool has_text; /* the same, and it is a string */
};

/* Push init[name], nil without init. */
static int push_init(lua_State *L, const struct plan *plan, const char *name)
{
    if (lua_type(L, plan->init_at) != LUA_TTABLE) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    return lua_getfield(L, plan->init_at, name);
}

static void plan_body(lua_State *L, struct plan *plan)
{
    int type = push_init(L, plan, "body");

    if (type != LUA_TNIL && type != LUA_TSTRING && type != LUA_TFUNCTION)
        bind_raise(L, NULL,
                   "the body of a request must be a string or a function, got "
                   "%s",
                   bind_what(L, -1));
    plan->has_text = type == LUA_TSTRING;
    plan->has_body = type != LUA_TNIL;
    bool inherits = type == LUA_TNIL && plan->from != NULL &&
                    plan->from->content.body != NULL;
    if (plan->has_body) {
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, plan->self_at, VALUE_BODY);
    } else if (plan->from != NULL) {
        inherits |= lua_getiuservalue(L, plan->from_at, VALUE_BODY) != LUA_TNIL;
    }
    if ((plan->has_body || inherits) && is_bodiless(plan->method))
        bind_raise(L, NULL, "a %.*s request cannot have a body",
                   (int)plan->method.n, plan->method.p);
}

/* The fields of the new request. */
static struct field *plan_headers(lua_State *L, const struct plan *plan,
                                  struct few_fields *few, uint32_t *count)
{
    static const struct slice text_type = {"text/plain;charset=UTF-8", 24};
    struct slice type = {NULL, 0};
    int at = 0;

    if (push_init(L, plan, "headers") != LUA_TNIL) {
        at = lua_gettop(L);
    } else if (plan->from != NULL) {
        if (lua_getiuservalue(L, plan->from_at, VALUE_HEADERS) == LUA_TNIL)
            headers_push_view(L, plan->from_at, plan->from->rq->fields,
                              plan->from->rq->field_count, HEADERS_FROZEN);
        at = lua_gettop(L);
    }
    return headers_read(L, at, plan->has_text ? text_type : type, few, count);
}

static void build(lua_State *L, struct plan *plan, struct slice whole,
                  size_t target)
{
    struct lrequest *u = lua_touserdata(L, plan->self_at);
    struct request head = {.method = plan->method, .url = whole};
    struct few_fields few;

    head.fields = plan_headers(L, plan, &few, &head.field_count);
    if (plan->from != NULL)
        memcpy(head.ip, plan->from->rq->ip, sizeof(head.ip));
    if (plan->from != NULL && whole.p == NULL) {
        head.url = plan->from->rq->url;
        head.target = plan->from->rq->target;
    } else {
        head.target = (struct slice){whole.p + target, whole.n - target};
    }
    u->rq = request_build(&head);
}

/* The body of the Request it is made from moves to the new one. */
static void inherit_body(lua_State *L, const struct plan *plan)
{
    struct lrequest *u = lua_touserdata(L, plan->self_at);
    struct content *from = &plan->from->content;

    if (plan->has_body)
        return;
    if (content_is_used(from))
        bind_raise(L, NULL, "body already used");
    lua_getiuservalue(L, plan->from_at, VALUE_BODY);
    from->is_used = from->body != NULL || !lua_isnil(L, -1);
    lua_setiuservalue(L, plan->self_at, VALUE_BODY);
    u->content.body = from->body;
    from->body = NULL;
}

static const char *const init_keys[] = {"method", "headers", "body", NULL};

/* The two arguments at `idx`: (url | Request [, init]) or (url, Request). */
static struct plan check_arguments(lua_State *L, int idx)
{
    struct plan plan = {.from_at = idx, .init_at = idx + 1};
    bool has_url = lua_type(L, idx) == LUA_TSTRING;

    if (has_url && request_test(L, idx + 1) != NULL)
        plan.from_at = idx + 1;
    plan.from = request_test(L, plan.from_at);
    if (!has_url && plan.from == NULL)
        bind_arg_error(L, idx, "a url or a Request expected, got %s",
                       bind_what(L, idx));
    if (!lua_isnoneornil(L, idx + 1) && lua_type(L, idx + 1) != LUA_TTABLE &&
        plan.from_at == idx)
        bind_arg_error(L, idx + 1, "a table expected, got %s",
                       bind_what(L, idx + 1));
    return plan;
}

/* Push the url at `idx` as a request may have it; its path begins at
 * `*target`. */
static struct slice push_url(lua_State *L, int idx, bool relative,
                             size_t *target)
{
    struct slice text = bind_to_slice(L, idx);
    struct buf *b = bind_scratch(L);
    struct error err = {0};

    if (!relative && text.n != 0 && text.p[0] == '/')
        bind_raise(L, NULL,
                   "invalid url: expected http:// or https://, got a path");
    if (url_normal(text, b, target, &err) != 0)
        bind_raise_error(L, NULL, &err);
    bind_push_scratch(L, b);
    return bind_to_slice(L, -1);
}

void request_make(lua_State *L, int idx, bool relative)
{
    struct slice whole = {NULL, 0};
    size_t target = 0;

    luaL_checkstack(L, 24, NULL);
    struct plan plan = check_arguments(L, idx);
    if (relative && lua_istable(L, plan.init_at)) /* mk.fetch knows more keys */
        bind_check_options(L, plan.init_at, "Request", init_keys);
    struct lrequest *u = request_new(L);
    u->is_own = true;
    plan.self_at = lua_gettop(L);
    plan.method = plan.from != NULL ? plan.from->rq->method : SLICE("GET");
    if (push_init(L, &plan, "method") != LUA_TNIL)
        plan.method = check_method(L);
    plan_body(L, &plan);
    if (lua_type(L, idx) == LUA_TSTRING)
        whole = push_url(L, idx, relative, &target);
    build(L, &plan, whole, target);
    if (plan.from != NULL)
        inherit_body(L, &plan);
    lua_settop(L, plan.self_at);
}

#include "bindings/reader.h"

#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/unread.h"
#include "vm/task.h"

enum { CHUNK_MAX = 64 * 1024 };

struct reader {
    struct wait wait;
    struct body *body; /* owned; NULL: nothing (more) to read */
    struct buf bytes;  /* gathered */
    size_t max;
    int error;       /* why it is not whole */
    bool is_pumping; /* the writer's answer comes back here */
};

/* Let go of the body; unread bytes are not wanted any more. */
static void detach(struct reader *r)
{
    struct body *b = r->body;

    if (b == NULL)
        return;
    r->body = NULL;
    body_on_readable(b, NULL, NULL);
    body_abandon(b);
    body_drop(b);
}

static int reader_gc(lua_State *L)
{
    struct reader *r = lua_touserdata(L, 1);

    detach(r);
    buf_fini(&r->bytes);
    return 0;
}

static const luaL_Reg reader_methods[] = {
    {"__gc", reader_gc},
    {"__close", reader_gc},
    {NULL, NULL},
};

static const struct bind_class reader_class = {.name = "body",
                                               .methods = reader_methods};

struct reader *reader_push(lua_State *L)
{
    return bind_new(L, &reader_class, sizeof(struct reader), 0);
}

void reader_attach(struct reader *r, struct body *b)
{
    r->body = b;
}

static void cancel(struct wait *w)
{
    struct reader *r = container_of(w, struct reader, wait);

    if (r->body != NULL)
        body_on_readable(r->body, NULL, NULL);
}

/* Take what is there.  Returns whether that was the last of it. */
static bool pump(struct reader *r)
{
    struct slice run = {NULL, 0};
    enum body_state state = body_peek(r->body, &run);

    r->is_pumping = true;
    while (run.n != 0 && r->error == 0) {
        if (run.n > r->max - r->bytes.n) {
            r->error = ERR_TOO_BIG;
            break;
        }
        buf_add_slice(&r->bytes, run);
        body_consume(r->body, run.n);
        state = body_peek(r->body, &run);
    }
    r->is_pumping = false;
    if (state == BODY_FAILED && r->error == 0)
        r->error = body_error(r->body);
    return r->error != 0 || state != BODY_OPEN;
}

static void on_gather(struct body *b, void *arg)
{
    struct reader *r = arg;

    (void)b;
    if (r->is_pumping || !pump(r))
        return;
    detach(r);
    wait_done(&r->wait, r->error);
}

static void describe(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "the rest of a body");
}

void reader_gather(struct reader *r, struct task *t, size_t max)
{
    r->max = max;
    r->wait.describe = describe;
    wait_begin(&r->wait, t, cancel);
    if (r->body == NULL) {
        wait_done(&r->wait, 0);
        return;
    }
    int64_t length = body_length(r->body);
    if (length > 0 && (uint64_t)length < max)
        buf_room(&r->bytes, (size_t)length + 1);
    body_on_readable(r->body, on_gather, r);
    on_gather(r->body, r);
}

static bool is_of_network(int error)
{
    return error == ERR_CLOSED || error == ERR_IO || error == ERR_PROTO;
}

static int failed(lua_State *L, int error)
{
    if (error == ERR_TOO_BIG)
        return bind_raise(L, "too_large",
                          "the body is larger than the memory of the object");
    if (error == ERR_LIMIT)
        return bind_raise(L, "too_large",
                          "the body was read elsewhere meanwhile; this clone "
                          "of it keeps %d bytes at most, and all that the "
                          "object has not read %d",
                          BODY_LAG_MAX, UNREAD_MAX);
    const char *code = error == ERR_TIMEOUT   ? "timeout"
                       : is_of_network(error) ? "network"
                                              : NULL;
    return bind_raise(L, code, "the body ended early: %s",
                      error == ERR_TIMEOUT   ? "no more of it came in time"
                      : is_of_network(error) ? "the connection was lost"
                      : error == ERR_LUA     ? "its writer failed"
                                             : err_text(error));
}

struct slice reader_text(lua_State *L, struct reader *r)
{
    if (r->error != 0)
        failed(L, r->error);
    *buf_room(&r->bytes, 1) = '\0';
    return buf_slice(&r->bytes);
}

void reader_clear(struct reader *r)
{
    buf_fini(&r->bytes);
}

static void on_chunk(struct body *b, void *arg)
{
    struct reader *r = arg;

    body_on_readable(b, NULL, NULL);
    wait_done(&r->wait, 0);
}

/* Wait until there is a chunk, the end or a failure. */
static int wait_chunk(lua_State *L, struct reader *r, lua_KFunction k)
{
    struct slice run = {NULL, 0};

    if (r->wait.task != NULL)
        return bind_raise(L, NULL, "another task is reading this body");
    r->wait.describe = describe;
    wait_begin(&r->wait, task_check(L), cancel);
    if (r->body == NULL || body_peek(r->body, &run) != BODY_OPEN || run.n != 0)
        wait_done(&r->wait, 0);
    else
        body_on_readable(r->body, on_chunk, r);
    return lua_yieldk(L, 0, 0, k);
}

static int chunk_ready(lua_State *L, int status, lua_KContext ctx)
{
    struct reader *r = lua_touserdata(L, lua_upvalueindex(1));
    struct slice run = {NULL, 0};

    (void)status, (void)ctx;
    if (r->body == NULL)
        return 0;
    enum body_state state = body_peek(r->body, &run);
    if (run.n == 0 && state == BODY_OPEN)
        return wait_chunk(L, r, chunk_ready);
    if (run.n == 0) {
        int error = body_error(r->body);

        detach(r);
        return state == BODY_FAILED ? failed(L, error) : 0;
    }
    run.n = run.n < CHUNK_MAX ? run.n : CHUNK_MAX;
    bind_push_slice(L, run);
    body_consume(r->body, run.n);
    return 1;
}

/* iterator() -> the next bytes, or nil at the end.  Waits. */
static int next_chunk(lua_State *L)
{
    return wait_chunk(L, lua_touserdata(L, lua_upvalueindex(1)), chunk_ready);
}

int reader_push_chunks(lua_State *L)
{
    int at = lua_gettop(L);

    luaL_checkstack(L, 5, NULL);
    lua_pushvalue(L, at);
    lua_pushcclosure(L, next_chunk, 1);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, at);
    return 4;
}

/*
 * The body of a Response that a function writes.
 *
 *   fn --write--> piece --gate--> body --> reader
 *
 * A piece enters the body when everything the object wrote before it is on
 * disk; where it is already, a chunk is copied straight into the body.  The
 * stream lives as long as its userdata or a piece on its way.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/content.h"
#include "bindings/trace.h"
#include "vm/task.h"
#include "vm/vm.h"

struct stream {
    int refs;
    struct body *body;
    size_t held;      /* bytes of pieces on their way */
    bool is_over;     /* no more writes: ended, failed, or about to */
    struct wait wait; /* of the task in write() */
};

struct writer {
    struct stream *stream; /* NULL before it is made */
};

struct piece {
    struct stream *stream; /* one reference */
    bool is_end;
    int error; /* with is_end: 0 or ERR_* */
    struct buf bytes;
};

static void stream_drop(struct stream *s)
{
    if (--s->refs != 0)
        return;
    body_on_writable(s->body, NULL, NULL);
    body_fail(s->body, ERR_RESET); /* when nobody ended it */
    body_drop(s->body);
    free(s);
}

static bool may_go_on(const struct stream *s)
{
    return body_is_abandoned(s->body) ||
           (!body_is_full(s->body) && s->held < BODY_HIGH_WATER);
}

static void on_writable(struct body *b, void *arg)
{
    struct stream *s = arg;

    (void)b;
    if (may_go_on(s))
        wait_done(&s->wait, 0);
}

/* The gate's call: what the piece stands on is on disk, or never will be. */
static void release(void *arg, int status)
{
    struct piece *piece = arg;
    struct stream *s = piece->stream;

    s->held -= piece->bytes.n;
    if (status != 0 || piece->error != 0)
        body_fail(s->body, status != 0 ? status : piece->error);
    else if (piece->is_end)
        body_end(s->body);
    else if (!body_is_over(s->body))
        body_give(s->body, &piece->bytes);
    buf_fini(&piece->bytes);
    free(piece);
    on_writable(s->body, s);
    stream_drop(s);
}

static void send(lua_State *L, struct stream *s, struct slice bytes,
                 bool is_end, int error)
{
    struct piece *piece = mem_alloc(sizeof(*piece));

    *piece = (struct piece){.stream = s, .is_end = is_end, .error = error};
    if (bytes.n != 0) {
        piece->bytes = (struct buf){mem_alloc(bytes.n), bytes.n, bytes.n};
        memcpy(piece->bytes.p, bytes.p, bytes.n);
    }
    s->refs++;
    s->held += bytes.n;
    s->is_over = is_end;
    bind_gate(L, release, piece);
}

static void send_chunk(lua_State *L, struct stream *s, struct slice chunk)
{
    if (bind_gate_is_open(L))
        body_write(s->body, chunk.p, chunk.n);
    else
        send(L, s, chunk, false, 0);
}

static int writer_gc(lua_State *L)
{
    struct writer *w = lua_touserdata(L, 1);

    if (w->stream != NULL)
        stream_drop(w->stream);
    w->stream = NULL;
    return 0;
}

static const luaL_Reg writer_methods[] = {
    {"__gc", writer_gc},
    {NULL, NULL},
};

static const struct bind_class writer_class = {.name = "stream",
                                               .methods = writer_methods};

static void cancel(struct wait *w)
{
    (void)w; /* the stream goes on, nobody waits for it */
}

static int written(lua_State *L, int status, lua_KContext ctx)
{
    const struct writer *w = lua_touserdata(L, lua_upvalueindex(1));

    (void)status, (void)ctx;
    if (body_is_abandoned(w->stream->body))
        return bind_raise(L, "closed", "the client is gone");
    return 0;
}

static void describe(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "the reader of a body that it writes");
}

/* write(chunk): add bytes to the body; waits, while the reader is slow longer.
 * Raises "the client is gone" when nobody reads any more. */
static int write_chunk(lua_State *L)
{
    struct slice chunk = bind_check_slice(L, 1);
    struct writer *w = lua_touserdata(L, lua_upvalueindex(1));
    struct stream *s = w->stream;

    if (s->is_over)
        return bind_raise(L, NULL, "the body has ended");
    if (body_is_abandoned(s->body))
        return bind_raise(L, "closed", "the client is gone");
    if (s->wait.task != NULL)
        return bind_raise(L, NULL, "another task is writing this body");
    struct task *t = task_check(L);
    s->wait.describe = describe;
    wait_begin(&s->wait, t, cancel);
    send_chunk(L, s, chunk);
    if (may_go_on(s))
        wait_done(&s->wait, 0);
    return lua_yieldk(L, 0, 0, written);
}

static bool is_about_client(lua_State *L)
{
    if (lua_type(L, -1) != LUA_TTABLE)
        return false;
    lua_pushliteral(L, "code");
    lua_rawget(L, -2);
    bool is = lua_type(L, -1) == LUA_TSTRING &&
              strcmp(lua_tostring(L, -1), "closed") == 0;
    lua_pop(L, 1);
    return is;
}

/* Stack: writer, a handler, and on top the error when there was one. */
static int ended(lua_State *L, int status, lua_KContext ctx)
{
    const struct writer *w = lua_touserdata(L, 1);
    bool is_ok = status == LUA_OK || status == LUA_YIELD;

    (void)ctx;
    if (vm_death(vm_of(L)) != VM_ALIVE)
        return vm_die(L);
    if (!w->stream->is_over)
        send(L, w->stream, (struct slice){NULL, 0}, true, is_ok ? 0 : ERR_LUA);
    /* A client that left is not worth a line in the log. */
    if (is_ok || (body_is_abandoned(w->stream->body) && is_about_client(L)))
        return 0;
    return lua_error(L);
}

/* The task: (fn, writer). */
static int run(lua_State *L)
{
    lua_settop(L, 2);
    lua_insert(L, 1); /* writer, fn */
    lua_pushcfunction(L, trace_keep);
    lua_insert(L, 2);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, write_chunk, 1);
    int status = lua_pcallk(L, 1, 0, 2, 0, ended);
    return ended(L, status, 0);
}

struct body *stream_start(lua_State *L, int idx)
{
    luaL_checkstack(L, 8, NULL);
    idx = lua_absindex(L, idx);
    struct writer *w = bind_new(L, &writer_class, sizeof(*w), 0);
    struct stream *s = mem_zalloc(sizeof(*s));
    s->refs = 1;
    s->body = body_new(-1);
    body_on_writable(s->body, on_writable, s);
    w->stream = s;
    lua_pushcfunction(L, run);
    lua_pushvalue(L, idx);
    lua_pushvalue(L, -3);
    bind_spawn_task(L, 2);
    lua_pop(L, 1); /* the task has the writer */
    return body_hold(s->body);
}

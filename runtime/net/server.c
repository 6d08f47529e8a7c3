#include "net/server.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/shared.h"

enum {
    HANDLES = 2, /* listener and timer */
    LINGER_MS = 2000,
};

typedef void (*done_cb)(void *arg);

struct server {
    struct shared shared;
    struct listener listener;
    uint32_t limit;                 /* of connections */
    uint32_t (*others)(void *user); /* NULL: none */
    uint32_t handles;               /* of our own that are not yet closed */
    bool is_listening;
    bool is_closing;
    done_cb drained; /* NULL: nobody asked, or it was called */
    void *drained_arg;
    done_cb closed;
    void *closed_arg;
};

static bool on_accept(struct listener *l)
{
    struct server *s = container_of(l, struct server, listener);

    uint32_t others = s->others == NULL ? 0 : s->others(s->shared.handler.user);

    if (s->shared.count + others >= s->limit)
        return false;
    conn_open(&s->shared, (uv_stream_t *)&l->tcp);
    return true;
}

static void free_shared(struct shared *s)
{
    buf_fini(&s->authority);
    buf_fini(&s->url);
    buf_fini(&s->out);
    free(s->head);
    free(s->read_buffer);
}

/* Tell who waits that the last connection, or the last handle, is gone. */
static void check_done(struct server *s)
{
    done_cb drained = s->drained;

    if (s->shared.count != 0 || s->is_listening || s->handles == HANDLES)
        return;
    s->drained = NULL;
    if (drained != NULL)
        drained(s->drained_arg); /* may close the server, which takes longer */
    if (!s->is_closing || s->handles != 0)
        return;
    done_cb closed = s->closed;
    void *arg = s->closed_arg;

    free_shared(&s->shared);
    free(s);
    closed(arg);
}

static void on_conn_closed(struct shared *shared)
{
    struct server *s = container_of(shared, struct server, shared);

    if (s->is_listening)
        listener_resume(&s->listener);
    else
        check_done(s);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct server *s = container_of(handle, struct server, listener.tcp);

    s->handles--;
    check_done(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct server *s =
        container_of(handle, struct server, shared.deadlines.timer);

    s->handles--;
    check_done(s);
}

static void init_shared(struct shared *s, const struct server_config *config)
{
    const uint64_t ms[DEADLINE_KINDS] = {
        [DEADLINE_HEAD] = config->header_ms,
        [DEADLINE_IDLE] = config->keepalive_ms,
        [DEADLINE_LINGER] = LINGER_MS,
    };

    s->loop = config->loop;
    s->handler = config->handler;
    s->clock = config->clock;
    s->body_bytes = config->body_bytes;
    s->head = mem_alloc(sizeof(*s->head));
    s->read_buffer = mem_alloc(SHARED_READ_SIZE);
    s->on_conn_closed = on_conn_closed;
    list_init(&s->conns);
    deadlines_init(&s->deadlines, config->loop, ms, conn_on_deadline);
}

int server_open(const struct server_config *config, struct server **out,
                struct error *err)
{
    struct server *s = mem_zalloc(sizeof(*s));

    *out = NULL;
    s->listener.logger = config->logger;
    s->listener.accept = on_accept;
    int rc = listener_open(&s->listener, config->loop, config->address, err);

    if (rc != 0) {
        free(s);
        return rc;
    }
    init_shared(&s->shared, config);
    listener_name(&s->listener, &s->shared.authority);
    s->limit = config->connections;
    s->others = config->others;
    s->handles = HANDLES;
    s->is_listening = true;
    *out = s;
    return 0;
}

int server_port(const struct server *s)
{
    return listener_port(&s->listener);
}

uint32_t server_connections(const struct server *s)
{
    return s->shared.count;
}

bool server_is_full(const struct server *s)
{
    return s->is_listening && s->listener.is_held;
}

void server_resume(struct server *s)
{
    if (s->is_listening)
        listener_resume(&s->listener);
}

static void stop_listening(struct server *s)
{
    if (!s->is_listening)
        return;
    s->is_listening = false;
    uv_close((uv_handle_t *)&s->listener.tcp, on_listener_closed);
}

/* Members leave the list when their handle is closed, never at once. */
static struct conn *conn_at(struct list *member)
{
    return container_of(member, struct conn, member);
}

void server_drain(struct server *s, void (*drained)(void *arg), void *arg)
{
    MUST(!s->shared.is_draining && !s->is_closing);
    s->drained = drained;
    s->drained_arg = arg;
    s->shared.is_draining = true;
    stop_listening(s);
    for (struct list *m = s->shared.conns.next; m != &s->shared.conns;
         m = m->next)
        conn_run(conn_at(m));
}

void server_close(struct server *s, void (*closed)(void *arg), void *arg)
{
    MUST(!s->is_closing);
    s->closed = closed;
    s->closed_arg = arg;
    s->is_closing = true;
    stop_listening(s);
    deadlines_close(&s->shared.deadlines, on_timer_closed);
    for (struct list *m = s->shared.conns.next; m != &s->shared.conns;
         m = m->next)
        conn_close(conn_at(m), CONN_END_QUIET);
}

#include "net/conn.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/conn_step.h"
#include "net/incoming.h"
#include "net/outgoing.h"

int conn_socket(const struct conn *c)
{
    uv_os_fd_t fd = -1;

    uv_fileno((const uv_handle_t *)&c->tcp, &fd);
    return fd;
}

void conn_end_exchange(struct conn *c, int err)
{
    struct exchange *x = c->exchange;
    const struct net_handler *handler = &c->shared->handler;

    c->exchange = NULL;
    if (x == NULL)
        return;
    if (x->is_delivered)
        handler->gone(handler->user, x);
    incoming_cut(x, err);
    outgoing_drop(x);
    request_drop(x->handshake);
    free(x);
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = container_of(handle, struct conn, tcp);
    struct shared *s = c->shared;

    list_unlink(&c->member);
    buf_fini(&c->stash);
    free(c);
    s->count--;
    s->on_conn_closed(s);
}

void conn_close(struct conn *c, enum conn_end end)
{
    uv_handle_t *handle = (uv_handle_t *)&c->tcp;

    if (c->state == CONN_CLOSING)
        return;
    conn_state_move(&c->state, CONN_CLOSING);
    deadline_set(&c->shared->deadlines, &c->deadline, DEADLINE_NONE);
    if (end != CONN_END_HARD || uv_tcp_close_reset(&c->tcp, on_closed) != 0)
        uv_close(handle, on_closed);
    conn_end_exchange(c, ERR_CLOSED);
}

/* What is unread moves from the common buffer, or to the front of our own. */
static void keep_unread(struct conn *c)
{
    if (c->in.n == 0) {
        buf_fini(&c->stash);
        c->in = (struct slice){0};
        return;
    }
    if (c->stash.n != 0)
        buf_shift(&c->stash, (size_t)(c->in.p - c->stash.p));
    else
        buf_add_slice(&c->stash, c->in);
    c->in = buf_slice(&c->stash);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    struct conn *c = container_of(handle, struct conn, tcp);

    (void)size;
    *out = uv_buf_init(c->shared->read_buffer, SHARED_READ_SIZE);
}

/* What the server reads is in the common buffer until conn_run returns. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *part)
{
    struct conn *c = container_of(stream, struct conn, tcp);

    if (n == 0)
        return;
    if (n < 0 && n != UV_EOF) {
        conn_close(c, CONN_END_QUIET);
        return;
    }
    if (n < 0) {
        c->peer_ended = true;
    } else if (c->in.n == 0) {
        c->in = (struct slice){part->base, (size_t)n};
    } else {
        buf_add(&c->stash, part->base, (size_t)n);
        c->in = buf_slice(&c->stash);
    }
    c->is_active = true;
    conn_run(c);
}

static void set_reading(struct conn *c)
{
    bool is_wanted = incoming_is_wanted(c);

    if (is_wanted == c->is_reading)
        return;
    c->is_reading = is_wanted;
    if (!is_wanted)
        uv_read_stop((uv_stream_t *)&c->tcp);
    else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        conn_close(c, CONN_END_QUIET);
}

static enum deadline_kind choose_deadline(const struct conn *c)
{
    switch (c->state) {
    case CONN_READ_HEAD:
        return c->is_fresh || c->in.n != 0 ? DEADLINE_HEAD : DEADLINE_IDLE;
    case CONN_READ_BODY:
        return c->is_reading ? DEADLINE_IDLE : DEADLINE_NONE;
    case CONN_HANDLE:
        return c->peer_ended ? DEADLINE_IDLE : DEADLINE_NONE;
    case CONN_WRITE:
        return c->pending != NULL || c->peer_ended ||
                       (c->is_reading && !http_body_is_done(&c->exchange->in))
                   ? DEADLINE_IDLE
                   : DEADLINE_NONE;
    case CONN_DRAIN:
        return DEADLINE_IDLE;
    case CONN_LINGER:
        return DEADLINE_LINGER;
    case CONN_CLOSING:
    case CONN_STATE_COUNT:
        break;
    }
    return DEADLINE_NONE;
}

/* Only idleness starts anew with each sign of life. */
static void set_deadline(struct conn *c)
{
    enum deadline_kind kind = choose_deadline(c);

    if (kind != c->deadline.kind || (kind == DEADLINE_IDLE && c->is_active))
        deadline_set(&c->shared->deadlines, &c->deadline, kind);
    c->is_active = false;
}

void conn_run(struct conn *c)
{
    if (c->is_running || c->state == CONN_CLOSING)
        return;
    c->is_running = true;
    while (conn_step(c))
        ;
    c->is_running = false;
    if (c->state == CONN_CLOSING)
        return; /* on_closed frees what is left */
    keep_unread(c);
    set_reading(c);
    if (c->state != CONN_CLOSING)
        set_deadline(c);
}

/* The peer has acknowledged something since the last look. */
static bool has_progress(struct conn *c)
{
    struct exchange *x = c->exchange;
    int unsent = 0;

    if (c->state != CONN_WRITE || c->pending == NULL ||
        ioctl(conn_socket(c), SIOCOUTQ, &unsent) != 0)
        return false;
    bool is_less = x->unsent == 0 || unsent < x->unsent;

    x->unsent = unsent;
    return is_less;
}

void conn_on_deadline(struct deadline *d, enum deadline_kind kind)
{
    struct conn *c = container_of(d, struct conn, deadline);
    bool has_half_head = c->state == CONN_READ_HEAD && c->in.n != 0;

    if (kind == DEADLINE_IDLE && has_progress(c)) {
        deadline_set(&c->shared->deadlines, d, kind);
    } else if (has_half_head || c->state == CONN_READ_BODY) {
        incoming_refuse(c, 408, ERR_TIMEOUT);
        conn_run(c);
    } else {
        conn_close(c, c->state == CONN_WRITE ? CONN_END_HARD : CONN_END_QUIET);
    }
}

/* The peer's address as text; an IPv4 address in IPv6 form as IPv4. */
static void name_peer(struct conn *c)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_storage peer;
    int n = sizeof(peer);

    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&peer, &n) != 0)
        return;
    if (peer.ss_family != AF_INET6) {
        uv_ip4_name((struct sockaddr_in *)&peer, c->ip, sizeof(c->ip));
        return;
    }
    const uint8_t *b = ((struct sockaddr_in6 *)&peer)->sin6_addr.s6_addr;
    bool is_mapped = memcmp(b, mapped, sizeof(mapped)) == 0;

    uv_inet_ntop(is_mapped ? AF_INET : AF_INET6,
                 is_mapped ? b + sizeof(mapped) : b, c->ip, sizeof(c->ip));
}

void conn_open(struct shared *s, uv_stream_t *listener)
{
    struct conn *c = mem_zalloc(sizeof(*c));

    c->shared = s;
    c->is_fresh = true;
    deadline_init(&c->deadline);
    list_init(&c->member);
    list_push(&s->conns, &c->member);
    s->count++;
    uv_tcp_init(s->loop, &c->tcp);
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0) {
        conn_close(c, CONN_END_QUIET);
        return;
    }
    name_peer(c);
    conn_run(c);
}

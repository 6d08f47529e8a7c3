#include "host/world_socket.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/sockets.h"
#include "host/tickets.h"
#include "host/worker.h"
#include "host/world_inside.h"
#include "object/socket.h"
#include "wire/ws_handshake.h"

enum { NO_CODE = 1005, TRY_AGAIN_LATER = 1013 };

struct waiting {
    struct list link;
    struct packet *packet; /* owned */
};

/* ---- queues ---- */

static void push(struct list *to, struct packet *p)
{
    struct waiting *wait = mem_alloc(sizeof(*wait));

    wait->packet = p;
    list_init(&wait->link);
    list_push(to, &wait->link);
}

static struct packet *shift(struct list *from)
{
    struct list *link = list_shift(from);

    if (link == NULL)
        return NULL;
    struct waiting *wait = container_of(link, struct waiting, link);
    struct packet *p = wait->packet;

    free(wait);
    return p;
}

static void drop_all(struct list *list)
{
    struct packet *p;

    while ((p = shift(list)) != NULL)
        packet_drop(p);
}

/* ---- the end ---- */

static void free_if_done(struct world_socket *s)
{
    if (!s->is_dropped || s->socket != NULL)
        return;
    drop_all(&s->in);
    drop_all(&s->out);
    buf_fini(&s->close_reason);
    buf_fini(&s->protocol);
    free(s);
}

static void set_closed(struct world_socket *s, int code, struct slice reason,
                       bool was_clean)
{
    if (s->state == WORLD_SOCKET_CLOSED)
        return;
    s->state = WORLD_SOCKET_CLOSED;
    s->close_code = code;
    s->was_clean = was_clean;
    s->close_reason.n = 0;
    buf_add_slice(&s->close_reason, reason);
}

/* The object's socket has no peer any more.  [may free s] */
static void part(struct world_socket *s, int code, struct slice reason,
                 bool was_clean)
{
    struct socket *socket = s->socket;

    s->socket = NULL;
    s->world = NULL;
    list_unlink(&s->link);
    drop_all(&s->out);
    socket_on_gone(socket, code, reason, was_clean);
    socket_drop(socket);
    free_if_done(s);
}

void world_socket_lose(struct world_socket *s)
{
    set_closed(s, SOCKETS_LOST, (struct slice){0}, false);
    if (s->socket != NULL)
        part(s, SOCKETS_LOST, sockets_lost_text(), false);
}

void world_socket_free(struct world_socket *s)
{
    s->is_dropped = true;
    if (s->socket != NULL)
        world_socket_lose(s);
    else
        free_if_done(s);
}

/* ---- what the object's socket calls ---- */

static size_t most_of(const struct world_socket *s)
{
    return (size_t)s->world->config.limits.socket_buffer_mb << 20;
}

static void peer_send(void *peer, struct packet *p)
{
    struct world_socket *s = peer;

    if (s->is_full || s->owes_answer || s->state == WORLD_SOCKET_CLOSED)
        return;
    bool is_first = list_empty(&s->in);

    push(&s->in, packet_hold(p));
    s->in_bytes += p->n;
    s->is_full = !is_first && s->in_bytes > most_of(s);
}

static void peer_close(void *peer, int code, struct slice reason)
{
    struct world_socket *s = peer;

    if (s->state == WORLD_SOCKET_CLOSING)
        set_closed(s, s->close_code, buf_slice(&s->close_reason), true);
    set_closed(s, code, reason, true);
    s->owes_answer = true;
}

static void peer_cut(void *peer)
{
    struct world_socket *s = peer;
    struct socket *socket = s->socket;

    set_closed(s, SOCKETS_LOST, (struct slice){0}, false);
    s->socket = NULL;
    s->world = NULL;
    list_unlink(&s->link);
    drop_all(&s->out);
    socket_drop(socket);
    free_if_done(s);
}

static void peer_want(void *peer, bool is_wanted)
{
    ((struct world_socket *)peer)->is_wanted = is_wanted;
}

static const struct peer_ops ops = {.send = peer_send,
                                    .close = peer_close,
                                    .cut = peer_cut,
                                    .want = peer_want,
                                    .is_connection = true};

/* ---- the beginning ---- */

uint32_t world_socket_fields(struct slice protocols,
                             struct field out[WORLD_SOCKET_FIELDS])
{
    uint32_t n = 0;

    out[n++] = (struct field){SLICE("Connection"), SLICE("Upgrade")};
    out[n++] = (struct field){SLICE("Upgrade"), SLICE("websocket")};
    out[n++] = (struct field){SLICE("Sec-WebSocket-Version"), SLICE("13")};
    out[n++] = (struct field){SLICE("Sec-WebSocket-Key"),
                              SLICE("bW9vbmtlZXAudGVzdCEhIQ==")};
    if (protocols.n != 0)
        out[n++] = (struct field){SLICE("Sec-WebSocket-Protocol"), protocols};
    return n;
}

struct world_socket *world_socket_meet(struct world *w, struct socket *socket,
                                       struct slice protocol)
{
    struct world_socket *s = mem_zalloc(sizeof(*s));

    s->world = w;
    s->is_wanted = true;
    s->socket = socket_hold(socket);
    list_init(&s->in);
    list_init(&s->out);
    list_init(&s->link);
    list_push(&w->sockets, &s->link);
    buf_add_slice(&s->protocol, protocol);
    if (socket_attach(socket, &ops, s, protocol, "") == 0)
        return s;
    s->is_dropped = true;
    peer_cut(s);
    return NULL;
}

int world_socket_open(struct world *w, const struct request *rq,
                      struct response *rs, struct world_socket **out,
                      struct error *err)
{
    struct ticket *t = rs->socket;
    struct slice protocol;
    uint64_t number;

    *out = NULL;
    if (t == NULL)
        return error_set(err, ERR_INVALID,
                         "the answer has the status %d, not "
                         "101 with a WebSocket",
                         rs->status);
    int rc = ws_handshake_chosen(rq, rs, &protocol, err);
    if (rc != 0)
        return rc;
    rs->socket = NULL;
    tickets_take(t, &number);
    struct socket *socket = sockets_find(world_worker(w), number);

    if (socket != NULL)
        *out = world_socket_meet(w, socket, protocol);
    if (*out == NULL)
        return error_set(err, ERR_INVALID,
                         "the object has ended the WebSocket already");
    return 0;
}

/* ---- what the test calls ---- */

int world_socket_send(struct world_socket *s, bool is_binary,
                      struct slice bytes)
{
    if (s->state != WORLD_SOCKET_OPEN)
        return ERR_CLOSED;
    if (s->is_wanted && list_empty(&s->out))
        socket_on_message(s->socket, is_binary, bytes);
    else
        push(&s->out, packet_new(bytes, is_binary));
    return 0;
}

void world_socket_close(struct world_socket *s, int code, struct slice reason)
{
    if (s->state != WORLD_SOCKET_OPEN)
        return;
    s->state = WORLD_SOCKET_CLOSING;
    s->close_code = code;
    buf_add_slice(&s->close_reason, reason);
    /* Behind what the object does not want yet. */
    if (list_empty(&s->out))
        socket_on_closing(s->socket, code, reason);
}

struct packet *world_socket_receive(struct world_socket *s)
{
    struct packet *p = shift(&s->in);

    if (p != NULL)
        s->in_bytes -= p->n;
    return p;
}

/* ---- between the two ---- */

static void send_waiting(struct world_socket *s)
{
    struct packet *p;

    if (list_empty(&s->out))
        return;
    while (s->is_wanted && (p = shift(&s->out)) != NULL) {
        struct slice bytes = {p->bytes, p->n};

        socket_on_message(s->socket, p->is_binary, bytes);
        packet_drop(p);
    }
    if (list_empty(&s->out) && s->state == WORLD_SOCKET_CLOSING)
        socket_on_closing(s->socket, s->close_code,
                          buf_slice(&s->close_reason));
}

static void fail_full(struct world_socket *s)
{
    const struct slice text = SLICE("the peer does not read: more than "
                                    "limits.socket_buffer_mb waited for it");

    set_closed(s, TRY_AGAIN_LATER, text, false);
    socket_on_error(s->socket, text);
    part(s, TRY_AGAIN_LATER, text, false);
}

/* [may free s] */
static void run(struct world_socket *s)
{
    send_waiting(s);
    if (s->is_full)
        fail_full(s);
    else if (s->owes_answer)
        part(s, s->close_code, buf_slice(&s->close_reason), true);
}

static bool has_work(const struct world_socket *s)
{
    return s->is_full || s->owes_answer ||
           (s->is_wanted && !list_empty(&s->out));
}

void world_sockets_run(struct world *w)
{
    struct list *link = w->sockets.next;

    while (link != &w->sockets) {
        struct world_socket *s = container_of(link, struct world_socket, link);

        link = link->next;
        if (has_work(s))
            run(s);
    }
}

bool world_sockets_wait(const struct world *w)
{
    for (const struct list *link = w->sockets.next; link != &w->sockets;
         link = link->next) {
        if (has_work(container_of(link, struct world_socket, link)))
            return true;
    }
    return false;
}

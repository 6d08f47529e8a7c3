#include "host/sockets.h"

#include <stdlib.h>

#include "base/mem.h"
#include "host/node_parts.h"
#include "host/tickets.h"
#include "net/exchange.h"
#include "net/websocket.h"
#include "net/ws_connect.h"
#include "object/socket.h"

struct slice sockets_lost_text(void)
{
    return SLICE("WebSocket disconnected without sending Close frame.");
}

/* ---- from the connection to the socket ---- */

static void on_message(void *user, bool is_binary, struct slice bytes)
{
    socket_on_message(user, is_binary, bytes);
}

static void on_closing(void *user, int code, struct slice reason)
{
    socket_on_closing(user, code, reason);
}

static void on_failed(void *user, struct slice text)
{
    socket_on_error(user, text);
}

static void on_gone(void *user, int code, struct slice reason, bool was_clean)
{
    struct socket *s = user;

    if (code == SOCKETS_LOST && reason.n == 0)
        reason = sockets_lost_text();
    socket_on_gone(s, code, reason, was_clean);
    socket_drop(s);
}

static const struct websocket_handler handler = {on_message, on_closing,
                                                 on_failed, on_gone};

/* ---- from the socket to the connection ---- */

static void peer_send(void *peer, struct packet *p)
{
    websocket_send(peer, p);
}

static void peer_close(void *peer, int code, struct slice reason)
{
    websocket_close(peer, code, reason);
}

static void peer_cut(void *peer)
{
    struct socket *s = websocket_user(peer);

    websocket_cut(peer);
    socket_drop(s);
}

static void peer_want(void *peer, bool is_wanted)
{
    websocket_want(peer, is_wanted);
}

static const struct peer_ops ops = {.send = peer_send,
                                    .close = peer_close,
                                    .cut = peer_cut,
                                    .want = peer_want,
                                    .is_connection = true};

/* ---- coupling ---- */

struct socket *sockets_find(struct worker *w, uint64_t number)
{
    if (w->realm.is_closing)
        return NULL;
    struct socket *s = socket_find(&w->realm, number);

    return s == NULL || s->ops != NULL ? NULL : s;
}

/* Takes over what is in `seed`.  Returns whether `s` has its peer. */
static bool couple(struct worker *w, struct socket *s, struct ws_seed *seed)
{
    const char *extensions = seed->extensions;
    struct buf protocol = seed->protocol;

    seed->protocol = (struct buf){0};
    struct websocket *peer = websocket_open(w->hub, seed, &handler, s);
    bool is_open = peer != NULL;

    if (is_open) {
        int rc = socket_attach(socket_hold(s), &ops, peer, buf_slice(&protocol),
                               extensions);
        if (rc != 0)
            peer_cut(peer);
        is_open = rc == 0;
    }
    buf_fini(&protocol);
    return is_open;
}

/* ---- connections that were accepted ---- */

static void settle(struct worker *w, uint64_t number, struct ws_seed *seed)
{
    struct socket *s = sockets_find(w, number);

    if (s == NULL)
        ws_seed_fini(seed);
    else if (!couple(w, s, seed))
        socket_on_gone(s, SOCKETS_LOST, sockets_lost_text(), false);
}

static void send_seed(struct worker *w, struct worker *to, uint64_t number,
                      const struct ws_seed *seed)
{
    struct letter *l = letter_new(LETTER_SOCKET, w);

    l->socket = number;
    l->seed = mem_alloc(sizeof(*seed));
    *l->seed = *seed;
    worker_send(to, l);
}

void sockets_upgrade(struct worker *w, struct exchange *x, struct response *rs)
{
    struct ticket *t = rs->socket;
    struct ws_seed seed;
    struct error err;
    uint64_t number;

    rs->socket = NULL; /* ours from here on */
    int rc = exchange_upgrade(x, rs, &seed, &err);
    if (rc == ERR_INVALID)
        logger_write(node_logger(w->node),
                     &(struct log_line){.level = LOG_ERROR,
                                        .message = slice_of(err.text)});
    if (rc != 0) {
        t->drop(t);
        return;
    }
    struct worker *home = tickets_take(t, &number);

    if (home == w)
        settle(w, number, &seed);
    else
        send_seed(w, home, number, &seed);
}

void sockets_receive(struct worker *w, struct letter *l)
{
    settle(w, l->socket, l->seed);
}

/* ---- connections to servers elsewhere ---- */

struct connecting {
    struct worker *worker;
    struct socket *socket; /* held */
    struct connect *connect;
};

/* Takes over what is in `seed`. */
static int take_connection(struct connecting *k, struct ws_seed *seed,
                           struct error *err)
{
    if (k->worker->realm.is_closing || k->socket->is_over) {
        ws_seed_fini(seed);
        return error_set(err, ERR_CANCELED,
                         "the WebSocket was closed before it was connected");
    }
    if (!couple(k->worker, k->socket, seed))
        return error_set(err, ERR_IO,
                         "the connection was lost during the handshake");
    return 0;
}

static void on_connected(void *arg, struct ws_seed *seed,
                         const struct error *err)
{
    struct connecting *k = arg;
    struct connect *c = k->connect;
    struct socket *s = k->socket;
    struct error failure;

    if (err == NULL && take_connection(k, seed, &failure) != 0)
        err = &failure;
    free(k);
    c->done(c, err);
    socket_drop(s);
}

/* Without a limit for calls: a day. */
static uint64_t connect_ms(const struct limits *l)
{
    return l->call_ms == 0 ? 86400000 : (uint64_t)l->call_ms;
}

void sockets_connect(void *host, struct socket *s, struct connect *c)
{
    struct worker *w = host;
    struct connecting *k = mem_alloc(sizeof(*k));
    struct request *rq = c->request;

    *k = (struct connecting){w, socket_hold(s), c};
    c->request = NULL;
    ws_connect_begin(w->outbound, rq, connect_ms(&node_config(w->node)->limits),
                     on_connected, k);
}

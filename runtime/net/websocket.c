#include "net/websocket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/ws_inside.h"

enum { MISSED_MAX = 2 }; /* pings without a sign of life */

static struct slice lost_text(void)
{
    return SLICE("WebSocket disconnected without sending Close frame.");
}

void ws_seed_fini(struct ws_seed *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    buf_fini(&s->unsent);
    buf_fini(&s->unread);
    buf_fini(&s->protocol);
}

/* ---- how it ends ---- */

struct ws_ending *ws_ending_new(int code, struct slice reason)
{
    struct ws_ending *e = mem_zalloc(sizeof(*e));

    e->code = (uint16_t)code;
    e->n =
        (uint8_t)(reason.n < sizeof(e->reason) ? reason.n : sizeof(e->reason));
    if (e->n != 0)
        memcpy(e->reason, reason.p, e->n);
    return e;
}

void ws_end(struct websocket *w, struct ws_ending *ending)
{
    if (!ws_state_allows((enum ws_state)w->state, WS_STATE_OVER)) {
        free(ending);
        return;
    }
    if (ws_is_listening(w))
        ws_read_forget(w);
    else
        free(w->ending);
    w->ending = ending;
    ws_state_move(&w->state, WS_STATE_OVER);
    deadline_set(&w->hub->deadlines, &w->deadline, DEADLINE_CLOSE);
    ws_hub_later(w);
}

void ws_lose(struct websocket *w)
{
    w->is_broken = true;
    if (ws_is_listening(w))
        ws_end(w, ws_ending_new(WS_CODE_LOST, lost_text()));
    else if (w->state == WS_STATE_OVER)
        ws_hub_later(w);
    /* CLOSE_GOT: the peer has said how it ends, the owner has yet to answer. */
}

void ws_fail(struct websocket *w, int code, struct slice text)
{
    struct ws_ending *ending = ws_ending_new(code, text);
    bool has_closed = w->state == WS_STATE_CLOSE_SENT;

    ending->has_failed = true;
    ws_end(w, ending);
    if (!has_closed)
        ws_send_close(w, code, text);
}

void ws_leave(struct websocket *w)
{
    bool is_servers_turn = ws_is_client(w) && w->ending->was_clean;

    if (w->handler != NULL)
        return; /* it is told first */
    if (w->is_broken || (w->peer_ended && w->outbox == NULL)) {
        ws_close_handle(w);
        return;
    }
    if (w->outbox != NULL || w->deadline.kind == DEADLINE_LINGER)
        return;
    if (!is_servers_turn) {
        uv_os_fd_t fd = -1;

        uv_fileno((uv_handle_t *)&w->tcp, &fd);
        shutdown(fd, SHUT_WR);
    }
    deadline_set(&w->hub->deadlines, &w->deadline, DEADLINE_LINGER);
    ws_read_set(w);
}

static void on_closed(uv_handle_t *handle)
{
    struct websocket *w = container_of(handle, struct websocket, tcp);
    struct ws_hub *h = w->hub;

    ws_message_fini(&w->in);
    ws_outbox_free(w->outbox);
    free(w->ending);
    free(w);
    ws_hub_remove(h);
}

void ws_close_handle(struct websocket *w)
{
    if (w->state == WS_STATE_CLOSED)
        return;
    if (ws_is_listening(w)) {
        ws_read_forget(w);
        w->ending = NULL;
    }
    ws_state_move(&w->state, WS_STATE_CLOSED);
    deadline_set(&w->hub->deadlines, &w->deadline, DEADLINE_NONE);
    list_unlink(&w->member);
    uv_close((uv_handle_t *)&w->tcp, on_closed);
}

void ws_tell_gone(struct websocket *w)
{
    const struct websocket_handler *handler = w->handler;
    const struct ws_ending *e = w->ending;

    w->handler = NULL;
    if (handler == NULL)
        return;
    if (e == NULL)
        handler->gone(w->tcp.data, WS_CODE_LOST, lost_text(), false);
    else
        handler->gone(w->tcp.data, e->code, (struct slice){e->reason, e->n},
                      e->was_clean);
}

void ws_attend(struct websocket *w)
{
    if (ws_is_listening(w))
        ws_read_rest(w);
    if (w->state != WS_STATE_OVER)
        return;
    const struct ws_ending *e = w->ending;

    if (w->handler != NULL && e->has_failed)
        w->handler->failed(w->tcp.data, (struct slice){e->reason, e->n});
    if (w->state != WS_STATE_OVER)
        return; /* it was cut */
    ws_tell_gone(w);
    if (w->state == WS_STATE_OVER)
        ws_leave(w);
}

/* ---- time ---- */

static void on_ping_time(struct websocket *w)
{
    /* To a slow one a ping is a long way, behind all that was sent before. */
    if (w->missed != 0 && ws_send_has_progress(w))
        w->missed = 0;
    if (w->missed >= MISSED_MAX) {
        ws_lose(w);
        return;
    }
    if (w->is_reading)
        w->missed++;
    ws_send_ping(w);
    if (w->state == WS_STATE_OPEN)
        deadline_set(&w->hub->deadlines, &w->deadline, DEADLINE_PING);
}

void ws_on_deadline(struct deadline *d, enum deadline_kind kind)
{
    struct websocket *w = container_of(d, struct websocket, deadline);

    if (kind == DEADLINE_PING) {
        on_ping_time(w);
    } else if (w->state == WS_STATE_CLOSE_GOT) {
        websocket_close(w, w->ending->code,
                        (struct slice){w->ending->reason, w->ending->n});
    } else if (w->state == WS_STATE_CLOSE_SENT) {
        ws_lose(w);
    } else {
        w->is_broken = true;
        ws_leave(w);
    }
}

/* ---- for the owner ---- */

static struct websocket *new_websocket(struct ws_hub *h,
                                       const struct ws_seed *seed)
{
    struct websocket *w = mem_zalloc(sizeof(*w));
    size_t limit = h->config.message_bytes;

    w->hub = h;
    w->is_wanted = true;
    w->compresses =
        seed->may_compress && seed->window_bits == WS_DEFLATE_BITS_MAX;
    deadline_init(&w->deadline);
    ws_message_init(&w->in, seed->is_client ? WS_CLIENT : WS_SERVER,
                    seed->may_compress,
                    limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
    uv_tcp_init(h->config.loop, &w->tcp);
    ws_hub_add(h, w);
    return w;
}

/* Take the descriptor and send what is unsent. */
static void begin(struct websocket *w, struct ws_seed *seed)
{
    if (uv_tcp_open(&w->tcp, seed->fd) != 0) {
        w->is_broken = true;
        return;
    }
    seed->fd = -1;
    uv_tcp_nodelay(&w->tcp, 1);
    ws_read_init(w, buf_slice(&seed->unread));
    if (seed->unsent.n != 0)
        ws_send_bytes(w, buf_slice(&seed->unsent), NULL);
}

struct websocket *websocket_open(struct ws_hub *h, struct ws_seed *seed,
                                 const struct websocket_handler *handler,
                                 void *user)
{
    if (h->is_closing || seed->fd < 0) {
        ws_seed_fini(seed);
        return NULL;
    }
    struct websocket *w = new_websocket(h, seed);

    begin(w, seed);
    ws_seed_fini(seed);
    if (w->is_broken) {
        ws_close_handle(w);
        return NULL;
    }
    w->handler = handler;
    w->tcp.data = user;
    if (h->config.ping_ms != 0)
        deadline_set(&h->deadlines, &w->deadline, DEADLINE_PING);
    return w;
}

void websocket_close(struct websocket *w, int code, struct slice reason)
{
    if (w->state == WS_STATE_OPEN) {
        ws_state_move(&w->state, WS_STATE_CLOSE_SENT);
        deadline_set(&w->hub->deadlines, &w->deadline, DEADLINE_CLOSE);
        ws_send_close(w, code, reason);
    } else if (w->state == WS_STATE_CLOSE_GOT) {
        struct ws_ending *ending = w->ending;

        ws_send_close(w, code, reason);
        w->ending = NULL;
        ending->was_clean = !w->is_broken;
        ws_end(w, ending);
    }
}

void websocket_cut(struct websocket *w)
{
    w->handler = NULL;
    ws_close_handle(w);
}

void websocket_want(struct websocket *w, bool is_wanted)
{
    w->is_wanted = is_wanted;
    if (!ws_is_listening(w))
        return;
    if (is_wanted && w->rest != NULL)
        ws_hub_later(w);
    ws_read_set(w);
}

void *websocket_user(const struct websocket *w)
{
    return w->tcp.data;
}

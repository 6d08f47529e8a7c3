/*
 * ws_send.c - from messages to the bytes of a websocket.
 *
 * A packet's frame lies in one piece, its head before its bytes, and is made
 * once for all that it goes to.  What the socket does not take is queued in an
 * outbox, which exists only while there is something in it.
 */
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/ws_inside.h"

_Static_assert(offsetof(struct packet, bytes) ==
                   offsetof(struct packet, room) + PACKET_ROOM,
               "a head lies directly before the bytes");

enum {
    BATCH_MAX = 128, /* packets in one write */
    ITEM_COST = 64,  /* bytes of memory that a small packet takes besides */
    ITEMS_MIN = 8,
};

struct ws_outbox {
    uv_write_t request;
    struct websocket *socket;
    struct packet **items; /* owned array; those in use are held */
    uint32_t first, n, cap;
    uint32_t in_flight;  /* of the items, from the first on */
    size_t skip;         /* bytes of the first one that have left */
    size_t waiting;      /* bytes of those that are not in flight */
    struct packet *pong; /* goes behind what is in flight; NULL: none */
};

/* ---- frames ---- */

static struct slice frame_of(const struct packet *p)
{
    const char *bytes = (const char *)p + offsetof(struct packet, bytes);

    return (struct slice){bytes - p->head_n, p->head_n + p->n};
}

static unsigned first_byte(const struct packet *p)
{
    return WS_FIN | (p->is_binary ? WS_BINARY : WS_TEXT);
}

static void make_head(struct packet *p, unsigned first)
{
    uint8_t head[WS_FRAME_HEAD_MAX];

    p->head_n = (uint8_t)ws_frame_head(head, first, p->n, NULL);
    memcpy(p->room + PACKET_ROOM - p->head_n, head, p->head_n);
}

static void deflate(struct ws_hub *h, struct packet *p)
{
    struct buf *out = ws_hub_scratch(h);

    p->deflated = p;
    if (!ws_deflate_pack(h->deflate, WS_DEFLATE_BITS_MAX,
                         (struct slice){p->bytes, p->n}, out))
        return;
    p->deflated = packet_new(buf_slice(out), p->is_binary);
    make_head(p->deflated, first_byte(p) | WS_COMPRESSED);
}

/* A frame of our own making: nothing comes before its bytes. */
static struct packet *raw_packet(struct slice bytes)
{
    return packet_new(bytes, true);
}

/* ---- the outbox ---- */

static void drop_first(struct ws_outbox *o, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        packet_drop(o->items[o->first + i]);
    o->n -= count;
    o->first = o->n == 0 ? 0 : o->first + count;
}

static void make_room(struct ws_outbox *o)
{
    if (o->first + o->n < o->cap)
        return;
    if (o->first > o->cap / 2) {
        memmove(o->items, o->items + o->first, o->n * sizeof(struct packet *));
        o->first = 0;
        return;
    }
    o->cap = o->cap == 0 ? ITEMS_MIN : 2 * o->cap;
    o->items = mem_realloc(o->items, o->cap * sizeof(struct packet *));
}

void ws_outbox_free(struct ws_outbox *o)
{
    if (o == NULL)
        return;
    drop_first(o, o->n);
    packet_drop(o->pong);
    free(o->items);
    free(o);
}

/* Takes over the reference. */
static void push(struct ws_outbox *o, struct packet *p)
{
    make_room(o);
    o->items[o->first + o->n++] = p;
    o->waiting += frame_of(p).n;
}

static void on_written(uv_write_t *request, int status);

/* Put the next packets in flight; none are. */
static void launch(struct websocket *w)
{
    struct ws_outbox *o = w->outbox;
    uv_buf_t parts[BATCH_MAX];

    if (o->pong != NULL)
        push(o, o->pong);
    o->pong = NULL;
    MUST(o->n != 0);
    o->in_flight = o->n < BATCH_MAX ? o->n : BATCH_MAX;
    for (uint32_t i = 0; i < o->in_flight; i++) {
        struct slice frame = frame_of(o->items[o->first + i]);

        o->waiting -= frame.n;
        parts[i] = (uv_buf_t){(char *)frame.p, frame.n};
    }
    parts[0].base += o->skip;
    parts[0].len -= o->skip;
    o->skip = 0;
    if (uv_write(&o->request, (uv_stream_t *)&w->tcp, parts, o->in_flight,
                 on_written) == 0)
        return;
    o->in_flight = 0;
    ws_lose(w);
}

static void on_written(uv_write_t *request, int status)
{
    struct ws_outbox *o = container_of(request, struct ws_outbox, request);
    struct websocket *w = o->socket;

    if (w->state == WS_STATE_CLOSED)
        return; /* all is freed with the websocket */
    drop_first(o, o->in_flight);
    o->in_flight = 0;
    w->missed = 0;
    if (status != 0) {
        ws_lose(w);
    } else if (o->n != 0 || o->pong != NULL) {
        launch(w);
    } else {
        w->outbox = NULL;
        ws_outbox_free(o);
        if (w->state == WS_STATE_OVER)
            ws_leave(w);
    }
}

/* Keep what is behind the first `sent` bytes. */
static void keep(struct websocket *w, struct slice bytes, size_t sent,
                 struct packet *owner)
{
    struct ws_outbox *o = w->outbox;
    bool is_first = o == NULL;

    if (is_first) {
        o = mem_zalloc(sizeof(*o));
        o->socket = w;
        w->outbox = o;
    }
    if (owner != NULL) {
        o->skip = is_first ? sent : o->skip;
        push(o, packet_hold(owner));
    } else {
        push(o, raw_packet((struct slice){bytes.p + sent, bytes.n - sent}));
    }
    if (is_first)
        launch(w);
}

void ws_send_bytes(struct websocket *w, struct slice bytes,
                   struct packet *owner)
{
    int sent = 0;

    if (w->is_broken)
        return;
    if (w->outbox == NULL) {
        uv_buf_t part = {(char *)bytes.p, bytes.n};

        sent = uv_try_write((uv_stream_t *)&w->tcp, &part, 1);
    }
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        ws_lose(w);
    else if ((size_t)sent != bytes.n)
        keep(w, bytes, (size_t)sent, owner);
}

void ws_send_forget(struct websocket *w)
{
    struct ws_outbox *o = w->outbox;

    if (o == NULL)
        return;
    for (; o->n > o->in_flight; o->n--)
        packet_drop(o->items[o->first + o->n - 1]);
    packet_drop(o->pong);
    o->pong = NULL;
    o->waiting = 0;
}

/* ---- messages ---- */

size_t websocket_unsent(const struct websocket *w)
{
    const uv_stream_t *stream = (const uv_stream_t *)&w->tcp;

    return uv_stream_get_write_queue_size(stream) +
           (w->outbox == NULL ? 0 : w->outbox->waiting);
}

/* `p` does not fit behind what is unsent; alone it always does. */
static bool is_too_much(const struct websocket *w, const struct packet *p)
{
    if (w->outbox == NULL)
        return false;
    return websocket_unsent(w) + (size_t)w->outbox->n * ITEM_COST + p->n >
           w->hub->config.buffer_bytes;
}

static void send_masked(struct websocket *w, const struct packet *p,
                        unsigned first)
{
    struct buf *out = ws_hub_scratch(w->hub);
    struct slice bytes = {p->bytes, p->n};

    ws_frame_put(out, first, bytes, ws_hub_key(w));
    ws_send_bytes(w, buf_slice(out), NULL);
}

static void send_packet(struct websocket *w, struct packet *p)
{
    unsigned first = first_byte(p);

    if (w->compresses && p->deflated == NULL)
        deflate(w->hub, p);
    if (w->compresses && p->deflated != p) {
        p = p->deflated;
        first |= WS_COMPRESSED;
    }
    if (ws_is_client(w)) {
        send_masked(w, p, first);
        return;
    }
    if (p->head_n == 0)
        make_head(p, first);
    ws_send_bytes(w, frame_of(p), p);
}

void websocket_send(struct websocket *w, struct packet *p)
{
    if (w->state != WS_STATE_OPEN && w->state != WS_STATE_CLOSE_GOT)
        return;
    if (!is_too_much(w, p)) {
        send_packet(w, p);
        return;
    }
    ws_send_forget(w);
    ws_fail(w, WS_CODE_TRY_LATER, SLICE("the peer does not read"));
}

/* ---- control frames ---- */

void ws_send_ping(struct websocket *w)
{
    struct buf *out = ws_hub_scratch(w->hub);

    if (w->outbox != NULL)
        return; /* what is on its way asks for a sign of life as well */
    ws_frame_put(out, WS_FIN | WS_PING, (struct slice){0}, ws_hub_key(w));
    ws_send_bytes(w, buf_slice(out), NULL);
}

bool ws_send_has_progress(struct websocket *w)
{
    const uv_stream_t *stream = (const uv_stream_t *)&w->tcp;
    uint32_t before = w->unacked;
    uv_os_fd_t fd = -1;
    int in_socket = 0;

    uv_fileno((const uv_handle_t *)&w->tcp, &fd);
    if (ioctl(fd, SIOCOUTQ, &in_socket) != 0)
        return false;
    w->unacked =
        (uint32_t)in_socket + (uint32_t)uv_stream_get_write_queue_size(stream);
    return w->unacked != 0 && w->unacked < before;
}

void ws_send_pong(struct websocket *w, struct slice payload)
{
    struct buf *out = ws_hub_scratch(w->hub);

    ws_frame_put(out, WS_FIN | WS_PONG, payload, ws_hub_key(w));
    if (w->outbox == NULL) {
        ws_send_bytes(w, buf_slice(out), NULL);
        return;
    }
    packet_drop(w->outbox->pong);
    w->outbox->pong = raw_packet(buf_slice(out));
}

void ws_send_close(struct websocket *w, int code, struct slice reason)
{
    struct buf *out = ws_hub_scratch(w->hub);

    /* Nothing may follow the close frame. */
    if (w->outbox != NULL) {
        packet_drop(w->outbox->pong);
        w->outbox->pong = NULL;
    }
    ws_frame_put_close(out, code, reason, ws_hub_key(w));
    ws_send_bytes(w, buf_slice(out), NULL);
}

/*
 * ws_read.c - from the bytes of a websocket to messages.
 *
 * All websockets of a hub read into one buffer; only what comes while nothing
 * is wanted gets memory of its own, and then no more is read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/ws_inside.h"

struct ws_rest {
    size_t n;
    char bytes[];
};

static struct ws_rest *new_rest(const char *p, size_t n)
{
    struct ws_rest *r = mem_alloc(sizeof(*r) + n);

    r->n = n;
    memcpy(r->bytes, p, n);
    return r;
}

void ws_read_forget(struct websocket *w)
{
    free(w->rest);
    w->rest = NULL;
}

/* The peer's close frame: the end, or the beginning of it. */
static void on_close(struct websocket *w, const struct ws_event *e)
{
    struct ws_ending *ending = ws_ending_new(e->code, e->bytes);

    if (w->state == WS_STATE_CLOSE_SENT) {
        ending->was_clean = true;
        ws_end(w, ending);
        return;
    }
    ws_state_move(&w->state, WS_STATE_CLOSE_GOT);
    w->ending = ending;
    deadline_set(&w->hub->deadlines, &w->deadline, DEADLINE_CLOSE);
    w->handler->closing(w->tcp.data, ending->code,
                        (struct slice){ending->reason, ending->n});
}

static void on_event(struct websocket *w, enum ws_event_kind kind,
                     const struct ws_event *e)
{
    switch (kind) {
    case WS_EVENT_TEXT:
    case WS_EVENT_BINARY:
        w->handler->message(w->tcp.data, kind == WS_EVENT_BINARY, e->bytes);
        break;
    case WS_EVENT_PING:
        if (w->state == WS_STATE_OPEN)
            ws_send_pong(w, e->bytes);
        break;
    case WS_EVENT_CLOSE:
        on_close(w, e);
        break;
    case WS_EVENT_FAIL:
        ws_fail(w, e->code, e->bytes);
        break;
    case WS_EVENT_PONG:
    case WS_EVENT_MORE:
        break;
    }
}

/* What the last message lies in goes now: the next may never come. */
static void forget_event(struct websocket *w, char *p)
{
    struct ws_bytes none = {p, 0};
    struct ws_event e;

    ws_message_next(&w->in, &none, w->hub->deflate, &e);
}

/* Hand up what is in `*in`, as far as it is wanted; the rest stays in it. */
static void parse(struct websocket *w, struct ws_bytes *in)
{
    while (ws_is_listening(w) && w->is_wanted) {
        struct ws_event e;
        enum ws_event_kind kind =
            ws_message_next(&w->in, in, w->hub->deflate, &e);

        if (kind == WS_EVENT_MORE)
            return;
        on_event(w, kind, &e);
    }
    forget_event(w, in->p);
}

static void on_bytes(struct websocket *w, char *p, size_t n)
{
    struct ws_bytes in = {p, n};

    w->missed = 0;
    parse(w, &in);
    if (ws_is_listening(w) && in.n != 0)
        w->rest = new_rest(in.p, in.n);
}

void ws_read_rest(struct websocket *w)
{
    struct ws_rest *rest = w->rest;

    if (rest == NULL || !w->is_wanted)
        return;
    struct ws_bytes in = {rest->bytes, rest->n};

    w->rest = NULL; /* its place is needed if the peer closes in it */
    parse(w, &in);
    if (ws_is_listening(w) && in.n != 0)
        w->rest = new_rest(in.p, in.n);
    free(rest);
    ws_read_set(w);
}

/* The peer closed its side. */
static void on_end(struct websocket *w)
{
    w->peer_ended = true;
    if (ws_is_listening(w))
        ws_lose(w);
    else if (w->state == WS_STATE_OVER)
        ws_leave(w);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    struct websocket *w = container_of(handle, struct websocket, tcp);

    (void)size;
    *out = uv_buf_init(w->hub->read_buffer, WS_HUB_READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *part)
{
    struct websocket *w = container_of(stream, struct websocket, tcp);

    if (n > 0) {
        on_bytes(w, part->base, (size_t)n);
    } else if (n < 0) {
        w->is_broken = w->is_broken || n != UV_EOF;
        on_end(w);
    }
    ws_read_set(w);
}

/* After the peer's close frame the socket is read to see its end. */
static bool is_read_wanted(const struct websocket *w)
{
    if (w->peer_ended || w->state == WS_STATE_CLOSED)
        return false;
    return !ws_is_listening(w) || (w->is_wanted && w->rest == NULL);
}

void ws_read_set(struct websocket *w)
{
    bool is_wanted = is_read_wanted(w);

    if (is_wanted == w->is_reading || w->state == WS_STATE_CLOSED)
        return;
    w->is_reading = is_wanted;
    if (!is_wanted)
        uv_read_stop((uv_stream_t *)&w->tcp);
    else if (uv_read_start((uv_stream_t *)&w->tcp, on_alloc, on_read) != 0)
        ws_lose(w);
}

void ws_read_init(struct websocket *w, struct slice unread)
{
    if (unread.n != 0) {
        w->rest = new_rest(unread.p, unread.n);
        ws_hub_later(w);
    }
    ws_read_set(w);
}

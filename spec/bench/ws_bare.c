/*
 * ws_bare.c - the yardstick of the WebSocket figures: a bare libuv server with
 * the runtime's frame codec, one thread, no Lua, no objects.
 *
 *   ws_bare PORT
 *
 * Answers every handshake and echoes every message.  The text message
 * "broadcast COUNT SIZE" is answered by COUNT frames of SIZE bytes to every
 * connection, one write call for each frame.  What a socket does not take at
 * once is an error: it ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "wire/ws_handshake.h"
#include "wire/ws_message.h"

enum { READ_SIZE = 64 * 1024, HEAD_MAX = 4096 };

struct peer {
    uv_tcp_t tcp;
    struct list link;
    struct ws_message in;
    bool is_open; /* the handshake is done */
};

static struct list peers;
static char read_buffer[READ_SIZE];

static void on_closed(uv_handle_t *handle)
{
    struct peer *p = container_of(handle, struct peer, tcp);

    ws_message_fini(&p->in);
    free(p);
}

static void end(struct peer *p)
{
    if (uv_is_closing((uv_handle_t *)&p->tcp))
        return;
    list_unlink(&p->link);
    uv_close((uv_handle_t *)&p->tcp, on_closed);
}

static void send_bytes(struct peer *p, const char *bytes, size_t n)
{
    uv_buf_t part = uv_buf_init((char *)bytes, (unsigned)n);
    int sent = uv_try_write((uv_stream_t *)&p->tcp, &part, 1);

    if (sent < 0 || (size_t)sent != n) {
        fprintf(stderr, "ws_bare: a socket did not take %zu bytes\n", n);
        exit(1);
    }
}

/* A whole frame in one buffer and one write. */
static void send_frame(struct peer *p, unsigned first, struct slice payload)
{
    static struct buf out;

    out.n = 0;
    ws_frame_put(&out, first, payload, NULL);
    send_bytes(p, out.p, out.n);
}

static void broadcast(struct slice order)
{
    char text[64] = "";
    unsigned count = 0, size = 0;
    struct buf payload = {0}, frame = {0};

    memcpy(text, order.p, order.n < 63 ? order.n : 63);
    MUST(sscanf(text, "broadcast %u %u", &count, &size) == 2);
    for (unsigned i = 0; i < size; i++)
        buf_add_byte(&payload, 'x');
    ws_frame_put(&frame, WS_FIN | WS_TEXT, buf_slice(&payload), NULL);
    while (count-- != 0)
        for (struct list *i = peers.next; i != &peers; i = i->next)
            send_bytes(container_of(i, struct peer, link), frame.p, frame.n);
    buf_fini(&payload);
    buf_fini(&frame);
}

static void on_message(struct peer *p, unsigned opcode, struct slice bytes)
{
    if (bytes.n > 10 && memcmp(bytes.p, "broadcast ", 10) == 0)
        broadcast(bytes);
    else
        send_frame(p, WS_FIN | opcode, bytes);
}

static void read_frames(struct peer *p, char *bytes, size_t n)
{
    struct ws_bytes in = {bytes, n};
    struct ws_event e;

    for (;;) {
        switch (ws_message_next(&p->in, &in, NULL, &e)) {
        case WS_EVENT_TEXT:
            on_message(p, WS_TEXT, e.bytes);
            break;
        case WS_EVENT_BINARY:
            on_message(p, WS_BINARY, e.bytes);
            break;
        case WS_EVENT_CLOSE:
            send_frame(p, WS_FIN | WS_CLOSE, (struct slice){0});
            end(p);
            return;
        case WS_EVENT_PING:
        case WS_EVENT_PONG:
            break;
        case WS_EVENT_FAIL:
            end(p);
            return;
        case WS_EVENT_MORE:
            return;
        }
    }
}

/* The head comes in one piece from the load program. */
static void read_handshake(struct peer *p, char *bytes, size_t n)
{
    static const char field[] = "Sec-WebSocket-Key: ";
    char accept[WS_HANDSHAKE_ACCEPT + 1], answer[HEAD_MAX];

    bytes[n < READ_SIZE ? n : READ_SIZE - 1] = '\0';
    char *key = strstr(bytes, field);
    MUST(key != NULL && strstr(bytes, "\r\n\r\n") != NULL);
    ws_handshake_accept(
        (struct slice){key + sizeof(field) - 1, WS_HANDSHAKE_KEY}, accept);
    int size = snprintf(answer, sizeof(answer),
                        "HTTP/1.1 101 Switching Protocols\r\n"
                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);

    p->is_open = true;
    send_bytes(p, answer, (size_t)size);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    (void)handle;
    (void)size;
    *out = uv_buf_init(read_buffer, READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *part)
{
    struct peer *p = container_of(stream, struct peer, tcp);

    if (n < 0)
        end(p);
    else if (n > 0 && p->is_open)
        read_frames(p, part->base, (size_t)n);
    else if (n > 0)
        read_handshake(p, part->base, (size_t)n);
}

static void on_connection(uv_stream_t *listener, int status)
{
    MUST(status == 0);
    struct peer *p = mem_zalloc(sizeof(*p));

    uv_tcp_init(listener->loop, &p->tcp);
    MUST(uv_accept(listener, (uv_stream_t *)&p->tcp) == 0);
    ws_message_init(&p->in, WS_SERVER, false, WS_MESSAGE_MAX);
    list_push(&peers, &p->link);
    uv_tcp_nodelay(&p->tcp, 1);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    uv_tcp_t listener;

    if (argc != 2) {
        fprintf(stderr, "usage: ws_bare PORT\n");
        return 2;
    }
    list_init(&peers);
    uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address);
    uv_tcp_init(uv_default_loop(), &listener);
    if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0) {
        fprintf(stderr, "ws_bare: cannot listen at port %s\n", argv[1]);
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/*
 * tool_outbound.c - a small program around net/ws_connect.h, driven by the
 * specs.
 *
 *   tool_outbound URL [options]
 *     count=N       so many connections, one after the other
 *     timeout=MS    of each (10000)
 *     cancel=MS     give up what is under way after that
 *     close=MS      close the outbound after that
 *     field=N:V     one more field of the request; may come again
 *     messages=N    send so many, of size=N bytes, and wait for all to come
 *                   back (server: an echo); 0: close at once
 *     raw=N         leave WebSockets aside: read N bytes, none before
 *     wait=MS       have passed, and write write=N bytes meanwhile
 *     other=URL     connect there as well before that
 *
 * Prints a line for each thing that happens; exit code 2 when a handle was
 * forgotten.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/ws_connect.h"

enum { FIELDS_MAX = 16 };

struct program {
    uv_loop_t loop;
    uv_timer_t timer, raw_timer;
    uv_poll_t raw;
    struct outbound *outbound;
    struct ws_hub *hub;
    struct ws_connect *connect;
    struct websocket *socket;
    const char *url, *other;
    struct field fields[FIELDS_MAX];
    uint32_t field_count;
    int64_t count, timeout, cancel, close, messages, size;
    int64_t raw_left, raw_got, wait, write_left;
    int64_t sent, echoed;
    int fd;
    bool is_closing;
};

static void begin(struct program *p);

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void on_closed(void *arg)
{
    (void)arg;
    say("closed");
}

static void finish(struct program *p)
{
    if (p->is_closing)
        return;
    p->is_closing = true;
    uv_close((uv_handle_t *)&p->timer, NULL);
    uv_close((uv_handle_t *)&p->raw_timer, NULL);
    outbound_close(p->outbound, on_closed, p);
    ws_hub_close(p->hub, on_closed, p);
}

static void next(struct program *p)
{
    if (--p->count > 0)
        begin(p);
    else
        finish(p);
}

/* ---- Messages ---- */

static void send_more(struct program *p)
{
    while (p->sent < p->messages && p->sent - p->echoed < 64) {
        struct buf b = {0};

        memset(buf_room(&b, (size_t)p->size), 'x', (size_t)p->size);
        b.n = (size_t)p->size;
        struct packet *m = packet_new(buf_slice(&b), true);

        buf_fini(&b);
        websocket_send(p->socket, m);
        packet_drop(m);
        p->sent++;
    }
    if (p->echoed == p->messages)
        websocket_close(p->socket, 1000, SLICE("done"));
}

static void on_message(void *user, bool is_binary, struct slice bytes)
{
    struct program *p = user;

    MUST(is_binary && bytes.n == (size_t)p->size);
    p->echoed++;
    send_more(p);
}

static void on_closing(void *user, int code, struct slice reason)
{
    struct program *p = user;

    say("closing %d %.*s", code, (int)reason.n, reason.p);
    websocket_close(p->socket, code, reason);
}

static void on_failed(void *user, struct slice text)
{
    (void)user;
    say("failed %.*s", (int)text.n, text.p);
}

static void on_gone(void *user, int code, struct slice reason, bool was_clean)
{
    struct program *p = user;

    say("echoed %lld", (long long)p->echoed);
    say("gone %d %.*s %s", code, (int)reason.n, reason.p,
        was_clean ? "clean" : "unclean");
    p->socket = NULL;
    next(p);
}

static const struct websocket_handler handler = {on_message, on_closing,
                                                 on_failed, on_gone};

/* ---- Bare bytes ---- */

static void on_raw_closed(uv_handle_t *handle)
{
    struct program *p = handle->data;

    close(p->fd);
    say("read %lld", (long long)p->raw_got);
    next(p);
}

static void on_raw(uv_poll_t *poll, int status, int events)
{
    struct program *p = poll->data;
    char bytes[65536];
    ssize_t n = 0;

    (void)status;
    if (events & UV_WRITABLE && p->write_left > 0) {
        size_t some = sizeof(bytes);

        memset(bytes, 'y', sizeof(bytes));
        if ((int64_t)some > p->write_left)
            some = (size_t)p->write_left;
        n = send(p->fd, bytes, some, MSG_NOSIGNAL);
        p->write_left -= n > 0 ? n : 0;
        if (p->write_left == 0)
            say("written");
    }
    n = p->raw_left == 0 ? -1 : recv(p->fd, bytes, sizeof(bytes), 0);
    if (n > 0)
        p->raw_got += n;
    if (n == 0)
        say("end");
    if (n == 0 || (p->raw_got >= p->raw_left && p->write_left == 0)) {
        uv_close((uv_handle_t *)poll, on_raw_closed);
        return;
    }
    uv_poll_start(poll, UV_READABLE | (p->write_left > 0 ? UV_WRITABLE : 0),
                  on_raw);
}

static struct ws_connect *connect_to(struct program *p, const char *url,
                                     void (*done)(void *arg,
                                                  struct ws_seed *seed,
                                                  const struct error *err));

static void start_raw(struct program *p)
{
    say("reading");
    uv_poll_start(&p->raw, UV_READABLE | UV_WRITABLE, on_raw);
}

static void on_other(void *arg, struct ws_seed *seed, const struct error *err)
{
    say("other %s", err == NULL ? "open" : err->text);
    if (seed != NULL)
        ws_seed_fini(seed);
    start_raw(arg);
}

static void on_raw_timer(uv_timer_t *timer)
{
    struct program *p = timer->data;

    if (p->other != NULL)
        connect_to(p, p->other, on_other);
    else
        start_raw(p);
}

static void begin_raw(struct program *p, struct ws_seed *seed)
{
    p->fd = seed->fd;
    seed->fd = -1;
    p->raw_got = (int64_t)seed->unread.n;
    ws_seed_fini(seed);
    uv_poll_init(&p->loop, &p->raw, p->fd);
    p->raw.data = p;
    uv_timer_start(&p->raw_timer, on_raw_timer, (uint64_t)p->wait, 0);
}

/* ---- Connecting ---- */

static void on_done(void *arg, struct ws_seed *seed, const struct error *err)
{
    struct program *p = arg;

    p->connect = NULL;
    if (err != NULL) {
        say("error %s %s", err_name(err->code), err->text);
        next(p);
        return;
    }
    say("open [%.*s] [%s] %d", (int)seed->protocol.n, seed->protocol.p,
        seed->extensions, seed->window_bits);
    if (p->raw_left >= 0) {
        begin_raw(p, seed);
        return;
    }
    p->sent = p->echoed = 0;
    p->socket = websocket_open(p->hub, seed, &handler, p);
    MUST(p->socket != NULL);
    send_more(p);
}

static struct ws_connect *connect_to(struct program *p, const char *url,
                                     void (*done)(void *arg,
                                                  struct ws_seed *seed,
                                                  const struct error *err))
{
    const char *host = strstr(url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    struct request rq = {
        .method = SLICE("GET"),
        .url = slice_of(url),
        .target = slice_of(path == NULL ? "/" : path),
        .fields = p->fields,
        .field_count = p->field_count,
    };

    return ws_connect_begin(p->outbound, request_build(&rq),
                            (uint64_t)p->timeout, done, p);
}

static void begin(struct program *p)
{
    p->connect = connect_to(p, p->url, on_done);
}

static void on_timer(uv_timer_t *timer)
{
    struct program *p = timer->data;

    if (p->cancel > 0 && p->connect != NULL) {
        ws_connect_cancel(p->connect);
        say("canceled");
    }
    finish(p);
}

static struct field field_of(char *text)
{
    char *colon = strchr(text, ':');

    *colon = '\0';
    return (struct field){slice_of(text), slice_of(colon + 1)};
}

static void read_option(struct program *p, char *arg)
{
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"count", &p->count},      {"timeout", &p->timeout},
        {"cancel", &p->cancel},    {"close", &p->close},
        {"size", &p->size},        {"messages", &p->messages},
        {"raw", &p->raw_left},     {"wait", &p->wait},
        {"write", &p->write_left},
    };
    char *value = strchr(arg, '=') + 1;

    value[-1] = '\0';
    if (strcmp(arg, "field") == 0) {
        p->fields[p->field_count++] = field_of(value);
        return;
    }
    if (strcmp(arg, "other") == 0)
        p->other = value;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(arg, numbers[i].name) == 0)
            *numbers[i].value = strtoll(value, NULL, 10);
    }
}

int main(int argc, char **argv)
{
    struct program p = {
        .url = argv[1], .count = 1, .timeout = 10000, .raw_left = -1};
    struct ws_hub_config config = {.loop = &p.loop,
                                   .clock = clock_system(),
                                   .close_ms = 10000,
                                   .buffer_bytes = 64 << 20,
                                   .message_bytes = 64 << 20};

    signal(SIGPIPE, SIG_IGN);
    for (int i = 2; i < argc; i++)
        read_option(&p, argv[i]);
    uv_loop_init(&p.loop);
    uv_timer_init(&p.loop, &p.timer);
    uv_timer_init(&p.loop, &p.raw_timer);
    p.timer.data = p.raw_timer.data = &p;
    p.outbound = outbound_open(&p.loop, random_system());
    p.hub = ws_hub_open(&config);
    if (p.cancel > 0 || p.close > 0)
        uv_timer_start(&p.timer, on_timer, (uint64_t)(p.cancel + p.close), 0);
    begin(&p);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&p.loop) == 0 ? 0 : 2;
}

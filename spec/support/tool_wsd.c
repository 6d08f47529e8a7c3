/*
 * tool_wsd.c - a small program around net/websocket.h, driven by the specs.
 *
 *   tool_wsd [address=127.0.0.1:0] [ping_ms=N] [close_ms=N] [buffer_bytes=N]
 *            [message_bytes=N]
 *
 * Prints "port N" and serves:
 *   /echo          a WebSocket that does what its text messages say (below)
 *   /mute          the same, but the peer's close frame is not answered
 *   /later?ms=N    as /echo, upgraded after N ms
 *   /chat          as /echo, with fields and the sub-protocol "chat"
 *   /refused       an answer with the sub-protocol "other"
 *   /log           what websockets told since the last time, a line for each
 *   /stats         counts: open websockets, connections, file descriptors,
 *                  bytes unsent, size of a struct websocket
 *   /resume        every websocket is wanted again
 *   /dial?port=N   a WebSocket of a client's, to that port of 127.0.0.1
 *
 * Messages; any other is sent back as it came:
 *   close          an empty close frame
 *   close N TEXT   a close frame
 *   cut            no more of it
 *   pause          nothing is wanted until /resume
 *   blink          nothing is wanted, and at once wanted again
 *   flood N SIZE   N messages of SIZE bytes, one after the other
 *   all TEXT       TEXT to every websocket, as one packet
 *   both N TEXT    as close, and then cut
 *   end            the hub is closed
 * SIGTERM sends close frames with 1001 and ends with the last, SIGINT ends.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/exchange.h"
#include "net/server.h"
#include "net/websocket.h"
#include "net/ws_inside.h"

struct program {
    uv_loop_t loop;
    uv_signal_t term, interrupt;
    struct server *server;
    struct ws_hub *hub;
    struct buf log;
    struct list users;
};

struct user {
    struct program *program;
    struct list link;
    struct websocket *socket;
    bool is_mute;
};

/* A request that is upgraded later. */
struct job {
    uv_timer_t timer;
    struct program *program;
    struct exchange *exchange; /* NULL once gone */
};

static struct response *text(const char *s, size_t n)
{
    return response_build(
        &(struct response){.status = 200, .body = body_from(s, n)});
}

static bool is_path(const struct request *rq, const char *path)
{
    size_t n = strlen(path);

    return rq->target.n >= n && memcmp(rq->target.p, path, n) == 0;
}

/* ---- what websockets say ---- */

static void on_closed(void *arg)
{
    (void)arg;
}

static void close_hub(struct program *p)
{
    struct ws_hub *h = p->hub;

    p->hub = NULL;
    if (h != NULL)
        ws_hub_close(h, on_closed, p);
}

static void user_free(struct user *u)
{
    list_unlink(&u->link);
    free(u);
}

static void cut(struct user *u)
{
    websocket_cut(u->socket);
    user_free(u);
}

static void close_as(struct user *u, const char *words)
{
    char *reason = NULL;
    long code = strtol(words, &reason, 10);

    reason += *reason == ' ';
    websocket_close(u->socket, code == 0 ? WS_CODE_NONE : (int)code,
                    slice_of(reason));
}

static void send_all(struct program *p, struct slice bytes)
{
    struct packet *packet = packet_new(bytes, false);

    for (struct list *m = p->users.next; m != &p->users; m = m->next)
        websocket_send(container_of(m, struct user, link)->socket, packet);
    packet_drop(packet);
}

static void flood(struct user *u, const char *words)
{
    char *rest = NULL;
    long n = strtol(words, &rest, 10);
    size_t size = strtoul(rest, NULL, 10);
    char *bytes = mem_alloc(size);

    memset(bytes, 'x', size);
    for (long i = 0; i < n; i++) {
        struct packet *packet = packet_new((struct slice){bytes, size}, true);

        websocket_send(u->socket, packet);
        packet_drop(packet);
    }
    free(bytes);
}

static void echo(struct user *u, bool is_binary, struct slice bytes)
{
    struct packet *packet = packet_new(bytes, is_binary);

    websocket_send(u->socket, packet);
    packet_drop(packet);
}

static bool begins(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static void on_message(void *user, bool is_binary, struct slice bytes)
{
    struct user *u = user;
    char line[256];

    snprintf(line, sizeof(line), "%.*s", (int)bytes.n, bytes.p);
    if (is_binary)
        echo(u, true, bytes);
    else if (begins(line, "close"))
        close_as(u, line + 5);
    else if (begins(line, "both")) {
        close_as(u, line + 4);
        cut(u);
    } else if (begins(line, "cut"))
        cut(u);
    else if (begins(line, "pause"))
        websocket_want(u->socket, false);
    else if (begins(line, "blink")) {
        websocket_want(u->socket, false);
        websocket_want(u->socket, true);
    } else if (begins(line, "flood"))
        flood(u, line + 5);
    else if (begins(line, "all "))
        send_all(u->program, (struct slice){bytes.p + 4, bytes.n - 4});
    else if (begins(line, "end"))
        close_hub(u->program);
    else
        echo(u, false, bytes);
}

static void on_closing(void *user, int code, struct slice reason)
{
    struct user *u = user;

    buf_printf(&u->program->log, "closing %d %.*s\n", code, (int)reason.n,
               reason.p);
    if (!u->is_mute)
        websocket_close(u->socket, code, reason);
}

static void on_failed(void *user, struct slice why)
{
    struct user *u = user;

    buf_printf(&u->program->log, "failed %.*s\n", (int)why.n, why.p);
}

static void on_gone(void *user, int code, struct slice reason, bool was_clean)
{
    struct user *u = user;

    buf_printf(&u->program->log, "gone %d %s %.*s\n", code,
               was_clean ? "clean" : "unclean", (int)reason.n, reason.p);
    user_free(u);
}

static const struct websocket_handler handler = {on_message, on_closing,
                                                 on_failed, on_gone};

/* ---- HTTP ---- */

static void open_user(struct program *p, struct ws_seed *seed, bool is_mute)
{
    struct user *u = mem_zalloc(sizeof(*u));

    buf_printf(&p->log, "open %.*s|%s\n", (int)seed->protocol.n,
               seed->protocol.p, seed->extensions);
    u->program = p;
    u->is_mute = is_mute;
    list_init(&u->link);
    list_push(&p->users, &u->link);
    if (p->hub == NULL)
        ws_seed_fini(seed);
    else
        u->socket = websocket_open(p->hub, seed, &handler, u);
    if (u->socket == NULL)
        user_free(u);
}

static void upgrade(struct program *p, struct exchange *x, struct response *rs,
                    bool is_mute)
{
    struct ws_seed seed;
    struct error err = {0};
    int rc = exchange_upgrade(x, rs, &seed, &err);

    if (rc != 0) {
        buf_printf(&p->log, "%s %s\n", err_name(rc), err.text);
        return;
    }
    open_user(p, &seed, is_mute);
}

static struct response *switching(const char *protocol)
{
    struct field fields[] = {
        {SLICE("X-Room"), SLICE("1")},
        {SLICE("Content-Length"), SLICE("7")},
        {SLICE("Upgrade"), SLICE("h2c")},
        {SLICE("sec-websocket-protocol"), slice_of(protocol)},
    };

    return response_build(
        &(struct response){.status = 101,
                           .field_count = protocol == NULL ? 0 : 4,
                           .fields = fields});
}

static void free_job(uv_handle_t *handle)
{
    free(container_of(handle, struct job, timer));
}

static void on_timer(uv_timer_t *timer)
{
    struct job *j = container_of(timer, struct job, timer);

    if (j->exchange != NULL)
        upgrade(j->program, j->exchange, switching(NULL), false);
    uv_close((uv_handle_t *)timer, free_job);
}

static void later(struct program *p, struct exchange *x,
                  const struct request *rq)
{
    struct job *j = mem_zalloc(sizeof(*j));

    j->program = p;
    j->exchange = x;
    exchange_set_data(x, j);
    uv_timer_init(&p->loop, &j->timer);
    uv_timer_start(&j->timer, on_timer,
                   strtoul(rq->target.p + strlen("/later?ms="), NULL, 10), 0);
}

static int count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static struct response *stats(const struct program *p)
{
    char line[256];
    size_t unsent = 0;

    for (struct list *m = p->users.next; m != &p->users; m = m->next)
        unsent += websocket_unsent(container_of(m, struct user, link)->socket);
    int n = snprintf(line, sizeof(line),
                     "open %u\nconnections %u\nfiles %d\nunsent %zu\nsize %zu"
                     "\n",
                     p->hub == NULL ? 0 : ws_hub_count(p->hub),
                     server_connections(p->server), count_files(), unsent,
                     sizeof(struct websocket));

    return text(line, (size_t)n);
}

/* The handshake is the spec's affair. */
static struct response *dial(struct program *p, const struct request *rq)
{
    struct sockaddr_in to;
    char port[8] = {0};

    snprintf(port, sizeof(port), "%.*s",
             (int)(rq->target.n - strlen("/dial?port=")),
             rq->target.p + strlen("/dial?port="));
    uv_ip4_addr("127.0.0.1", (int)strtol(port, NULL, 10), &to);
    struct ws_seed seed = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                           .is_client = true,
                           .extensions = ""};

    if (connect(seed.fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        ws_seed_fini(&seed);
        return text("failed", 6);
    }
    open_user(p, &seed, false);
    return text("connected", 9);
}

static struct response *take_log(struct program *p)
{
    struct response *rs = text(p->log.p, p->log.n);

    p->log.n = 0;
    return rs;
}

static struct response *resume(struct program *p)
{
    for (struct list *m = p->users.next; m != &p->users; m = m->next)
        websocket_want(container_of(m, struct user, link)->socket, true);
    return text("", 0);
}

static void on_request(void *user, struct exchange *x, struct request *rq)
{
    struct program *p = user;

    if (is_path(rq, "/echo"))
        upgrade(p, x, switching(NULL), false);
    else if (is_path(rq, "/mute"))
        upgrade(p, x, switching(NULL), true);
    else if (is_path(rq, "/chat"))
        upgrade(p, x, switching("chat"), false);
    else if (is_path(rq, "/refused"))
        upgrade(p, x, switching("other"), false);
    else if (is_path(rq, "/later"))
        later(p, x, rq);
    else if (is_path(rq, "/log"))
        exchange_reply(x, take_log(p));
    else if (is_path(rq, "/resume"))
        exchange_reply(x, resume(p));
    else if (is_path(rq, "/dial"))
        exchange_reply(x, dial(p, rq));
    else
        exchange_reply(x, stats(p));
    request_drop(rq);
}

static void on_exchange_gone(void *user, struct exchange *x)
{
    struct job *j = exchange_data(x);

    (void)user;
    if (j != NULL)
        j->exchange = NULL;
}

/* ---- the program ---- */

static void on_server_closed(void *arg)
{
    struct program *p = arg;

    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    close_hub(p);
}

static void on_term(uv_signal_t *signal, int number)
{
    struct program *p = container_of(signal, struct program, term);

    (void)number;
    for (struct list *m = p->users.next; m != &p->users; m = m->next)
        websocket_close(container_of(m, struct user, link)->socket,
                        WS_CODE_GOING_AWAY, SLICE("bye"));
}

static void on_interrupt(uv_signal_t *handle, int number)
{
    struct program *p = container_of(handle, struct program, interrupt);

    (void)number;
    uv_signal_stop(handle);
    server_close(p->server, on_server_closed, p);
}

static const char *option(int argc, char **argv, const char *name,
                          const char *otherwise)
{
    size_t n = strlen(name);

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    }
    return otherwise;
}

static size_t number(int argc, char **argv, const char *name,
                     const char *otherwise)
{
    return strtoul(option(argc, argv, name, otherwise), NULL, 10);
}

static int open_server(struct program *p, int argc, char **argv)
{
    struct error err = {0};
    struct ws_hub_config hub = {
        .loop = &p->loop,
        .clock = clock_system(),
        .ping_ms = number(argc, argv, "ping_ms", "30000"),
        .close_ms = number(argc, argv, "close_ms", "10000"),
        .buffer_bytes = number(argc, argv, "buffer_bytes", "16777216"),
        .message_bytes = number(argc, argv, "message_bytes", "33554432"),
    };
    struct server_config config = {
        .loop = &p->loop,
        .handler = {p, on_request, on_exchange_gone, NULL},
        .clock = clock_system(),
        .address = option(argc, argv, "address", "127.0.0.1:0"),
        .body_bytes = 1024,
        .header_ms = 10000,
        .keepalive_ms = 75000,
        .connections = 100000,
    };
    int rc = server_open(&config, &p->server, &err);

    if (rc == 0)
        p->hub = ws_hub_open(&hub);
    if (rc != 0)
        printf("%s %s\n", err_name(rc), err.text);
    else
        printf("port %d\n", server_port(p->server));
    fflush(stdout);
    return rc;
}

int main(int argc, char **argv)
{
    struct program p = {0};

    signal(SIGPIPE, SIG_IGN);
    list_init(&p.users);
    uv_loop_init(&p.loop);
    uv_signal_init(&p.loop, &p.term);
    uv_signal_start(&p.term, on_term, SIGTERM);
    uv_signal_init(&p.loop, &p.interrupt);
    uv_signal_start(&p.interrupt, on_interrupt, SIGINT);
    if (open_server(&p, argc, argv) != 0)
        return 1;
    uv_run(&p.loop, UV_RUN_DEFAULT);
    buf_fini(&p.log);
    /* Every handle is closed, or something was forgotten. */
    return uv_loop_close(&p.loop) == 0 && list_empty(&p.users) ? 0 : 2;
}
